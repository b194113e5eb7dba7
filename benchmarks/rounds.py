"""Cases run in turn, round after round (A B C A B C …), so that a slow minute of the machine strikes all alike."""

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import machine

UNITS = ("_s", "_ms", "_us", "_mb", "_ratio")
"""How the name of a figure ends (`lines_per_s`, `p99_ms`); whatever else a case reports is a fact about it."""
RATES = "distributed_eps_"
"""How the names of the distributed bot's events per second begin, which others know by these names."""
TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Case:
    """Something to measure: a command that prints one JSON object of figures and facts as its last line."""

    name: str
    argv: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """All that the rounds of a case brought: for each figure a value a round, and the facts of the last round."""

    figures: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, report: dict[str, Any]) -> None:
        """Take in what one round printed."""
        for name, value in report.items():
            if name.endswith(UNITS) or name.startswith(RATES):
                self.figures.setdefault(name, []).append(float(value))
            else:
                self.facts[name] = value

    def median(self, figure: str) -> float:
        """Return the middle one of a figure's rounds."""
        return statistics.median(self.figures[figure])


class CaseFailedError(Exception):
    """A case ended with an error or printed no JSON; the message holds the end of its output."""


def run_case(case: Case) -> dict[str, Any]:
    """Run a case once in a process of its own and return what it printed. Raises `CaseFailedError`."""
    # Nothing of our own environment may reach a peer's interpreter.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            case.argv,
            cwd=machine.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        report = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise CaseFailedError(f"{case.name} took longer than {TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        raise CaseFailedError(f"{case.name} failed:\n{error.stderr[-2_000:]}") from error
    except (ValueError, IndexError) as error:
        raise CaseFailedError(f"{case.name} printed no JSON:\n{done.stdout[-2_000:]}") from error
    if not isinstance(report, dict):
        raise CaseFailedError(f"{case.name} printed no JSON object: {report!r}")
    return report


def run(
    cases: Sequence[Case], rounds: int, started: Callable[[int, Case], None] = lambda number, case: None
) -> dict[str, Outcome]:
    """Run all cases in turn, `rounds` times; `started` hears of each beginning. Raises `CaseFailedError`."""
    outcomes = {case.name: Outcome() for case in cases}
    for number in range(rounds):
        for case in cases:
            started(number, case)
            outcomes[case.name].add(run_case(case))
    return outcomes


def details(outcomes: dict[str, Outcome]) -> list[dict[str, Any]]:
    """Return every case with its facts, and for each figure median, least, greatest and the rounds."""
    return [{"name": name, **outcome.facts, "figures": _spreads(outcome)} for name, outcome in outcomes.items()]


def _spreads(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {
        figure: {"median": outcome.median(figure), "min": min(values), "max": max(values), "rounds": values}
        for figure, values in outcome.figures.items()
    }


def headlines(own: Iterable[Outcome], peers: Iterable[Outcome]) -> dict[str, Any]:
    """Return the medians of our own figures by name, and under `peers` the best median that each peer reached."""
    result: dict[str, Any] = {}
    for outcome in own:
        for figure in outcome.figures:
            if figure in result:
                raise ValueError(f"two cases report {figure}: rename one")
            result[figure] = outcome.median(figure)
    best: dict[str, float] = {}
    for outcome in peers:
        name = outcome.facts["peer"]
        best[name] = max(best.get(name, 0.0), outcome.median("per_s"))
    return {**result, "peers": best}
