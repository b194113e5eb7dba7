"""`python -m benchmarks.pairs COMMIT`: this tree against an earlier commit, in interleaved pairs.

Both run the same case one after the other, again and again, so that a slow minute of the machine strikes both.
Each runs its own code and its own case. Printed, and written to `pairs.json`, are for each figure the ratios of
now to then of all pairs, their median, and the range that holds the true median with 95 % confidence.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import comb
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import machine
from benchmarks.rounds import UNITS

RESULTS = Path(__file__).with_name("pairs.json")
CASES = ("plain_lines", "commands", "rest")


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """The files of a commit, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="waddlebot-pairs-") as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=machine.ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


def figures(tree: Path, case: str, quick: bool) -> dict[str, float]:
    """The rates that a case reports when it is run in a tree."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.cases.{case}", "--json", *(["--quick"] if quick else [])],
        cwd=tree, env=environment | {"PYTHONPATH": str(tree)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {name: float(value) for name, value in report.items() if name.endswith(UNITS) and "_per_s" in name}


def confident(ratios: list[float]) -> tuple[float, float]:
    """The range in which the median lies with at least 95 % confidence, by the order of the values (sign test)."""
    ordered, count = sorted(ratios), len(ratios)
    outside, first = 0.0, 0
    while first < count // 2 and (outside := outside + 2 * comb(count, first) / 2**count) <= 0.05:
        first += 1
    return ordered[max(first - 1, 0)], ordered[-max(first, 1)]


def main(
    commit: Annotated[str, typer.Argument(help="What to compare with.")],
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs.")] = 20,
    case: Annotated[list[str] | None, typer.Option(help="Which cases; may be repeated.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Measure less, to try it. Writes no file.")] = False,
) -> None:
    """Compare the rates of this tree with those of an earlier commit."""
    found: dict[str, list[float]] = {}
    with tree_of(commit) as before, tree_of("HEAD") as now:
        for name in case or CASES:
            for number in range(pairs):
                order = (before, now) if number % 2 else (now, before)
                reports = {tree: figures(tree, name, quick) for tree in order}
                for figure in reports[now].keys() & reports[before].keys():
                    found.setdefault(figure, []).append(reports[now][figure] / reports[before][figure])
    report = {
        figure: {"median": statistics.median(ratios), "confident": confident(ratios), "pairs": ratios}
        for figure, ratios in sorted(found.items())
    }
    for figure, row in report.items():
        low, high = confident(found[figure])
        print(f"{figure}: now is {row['median']:.3f} of then ({low:.3f} to {high:.3f}, {pairs} pairs)")
    if not quick:
        facts = {"then": commit, "machine": machine.facts(), "ratios": report}
        RESULTS.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
