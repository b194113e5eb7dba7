"""`python -m fuzz [TARGET…] --seconds N`: look for bad input, print what was reached, keep what is worth it."""

import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fuzz import corpora, targets

_EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_TAIL_LINES = 40


def main(
    target: Annotated[list[str] | None, typer.Argument(help="Which; all if none is named.")] = None,
    seconds: Annotated[int, typer.Option(help="How long each is fuzzed; 0 only distils and measures.")] = 60,
) -> None:
    """Fuzz the doors one after the other, at the lowest priority. Fails where an input did."""
    unknown = set(target or ()) - set(targets.names())
    if unknown:
        raise typer.BadParameter(
            f"There is no target {', '.join(unknown)}; there are: {', '.join(targets.names())}."
        )
    table = Table("target", "executions", "CPU s", "inputs", "KB", "lines", "finding")
    failed = False
    for name in target or targets.names():
        with tempfile.TemporaryDirectory(prefix="waddlebot-fuzz-") as folder:
            scratch = Path(folder) / "inputs"
            scratch.mkdir()
            before_s = _children_s()
            run = _child("fuzz", name, seconds, scratch) if seconds else None
            cpu_s = _children_s() - before_s
            distilled = _child("distil", name, 0, scratch)
        reach, _, share = distilled.stdout.rstrip().rpartition("\n")
        print(f"{name}\n{reach}", flush=True)
        executions = _EXECUTIONS.search(run.stderr) if run else None
        for child in (run, distilled):
            if child is not None and child.returncode:
                failed = True
                said = [line for line in (child.stderr + child.stdout).splitlines() if not line.startswith("#")]
                print("\n".join(said[-_TAIL_LINES:]), flush=True)
        inputs = corpora.kept(name)
        table.add_row(
            name, executions[1] if executions else "", f"{cpu_s:.0f}", str(len(inputs)),
            f"{sum(map(len, inputs.values())) / 1024:.0f}", share, "yes" if run and run.returncode else "",
        )  # fmt: skip
    Console().print(table)
    sys.exit(failed)


def _child(work: str, target: str, seconds: int, scratch: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own: it imports the door afresh, and libFuzzer ends it."""
    command = [sys.executable, "-m", "fuzz.child", work, target, str(seconds), str(scratch)]
    return subprocess.run(
        command, cwd=corpora.HERE.parent, capture_output=True, text=True, errors="replace", check=False
    )


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    typer.run(main)
