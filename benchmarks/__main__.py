"""`python -m benchmarks`: measure everything, print a table, write `results.json`."""

import json
import pkgutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import cases, machine, rounds
from benchmarks.peers import environment
from benchmarks.rounds import Case, CaseFailedError, Outcome

RESULTS = Path(__file__).with_name("results.json")
PEERS = {  # case name: module, options
    "py-cord": ("pycord",),
    "twitchio": ("twitchio",),
    "errbot": ("errbot",),
    "errbot-threads": ("errbot", "--threads"),
    "nonebot2": ("nonebot2",),
}
PEER_PREFIX = "peers/"
PEER_COMMANDS = (30, 300)


def own_cases(quick: bool) -> list[Case]:
    """Return a case for each module in `benchmarks.cases`."""
    options = ("--json", "--quick") if quick else ("--json",)
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__) if not module.ispkg)
    return [Case(name, (sys.executable, "-m", f"benchmarks.cases.{name}", *options)) for name in names]


def peer_cases(quick: bool) -> list[Case]:
    """Return a case for each peer and number of commands; they need `environment.ensure`."""
    python = (str(environment.interpreter()), "-W", "ignore", "-m")
    seconds = "--seconds=0.2" if quick else "--seconds=2"
    return [
        Case(
            f"{PEER_PREFIX}{name}/{count}",
            (*python, f"benchmarks.peers.{module}", f"--commands={count}", seconds, *options),
        )
        for name, (module, *options) in PEERS.items()
        for count in PEER_COMMANDS
    ]


def table(outcomes: dict[str, Outcome]) -> Table:
    """Return a row for each figure of each case."""
    result = Table("Case", "Figure", title="Benchmarks")
    for title in ("Median", "Least", "Greatest"):
        result.add_column(title, justify="right")
    for name, outcome in outcomes.items():
        for figure, values in outcome.figures.items():
            shown = (outcome.median(figure), min(values), max(values))
            result.add_row(name, figure, *(f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in shown))
    return result


def results_of(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """Return what `results.json` holds: headlines, the machine, and every case in detail."""
    own = [outcome for name, outcome in outcomes.items() if not name.startswith(PEER_PREFIX)]
    peers = [outcome for name, outcome in outcomes.items() if name.startswith(PEER_PREFIX)]
    return {**rounds.headlines(own, peers), "machine": machine.facts(), "cases": rounds.details(outcomes)}


def main(
    round_count: Annotated[int, typer.Option("--rounds", min=1, help="How often each case runs.")] = 3,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run these cases alone (* and ? work); may be repeated. Writes no file."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure less, to try the cases. Writes no file.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="Where to write the results, whatever was run.")] = None,
    list_cases: Annotated[bool, typer.Option("--list", help="Name the cases and stop.")] = False,
) -> None:
    """Measure WaddleBot and its peers side by side; print a table and write results.json."""
    chosen = [
        case
        for case in (*own_cases(quick), *peer_cases(quick))
        if not only or any(fnmatch(case.name, pattern) for pattern in only)
    ]
    if list_cases or not chosen:
        print("\n".join(case.name for case in chosen) or "No case has such a name: see --list.")
        raise typer.Exit(not chosen)
    console = Console()
    try:
        if any(case.name.startswith(PEER_PREFIX) for case in chosen):
            environment.ensure()
        with console.status("", refresh_per_second=1) as status:
            outcomes = rounds.run(
                chosen, round_count, lambda number, case: status.update(f"{number + 1}/{round_count} {case.name}")
            )
    except subprocess.CalledProcessError as error:
        console.print("The peers could not be installed; --only measures other cases without them.", style="red")
        raise typer.Exit(1) from error
    except CaseFailedError as error:
        console.print(str(error), markup=False, style="red")
        raise typer.Exit(1) from error
    console.print(table(outcomes))
    if output or not (only or quick):
        results = results_of(outcomes) | {"rounds": round_count}
        (output or RESULTS).write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
