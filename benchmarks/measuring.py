"""What a case's `main` is: options, a core, one line of JSON."""

import argparse
import json
from collections.abc import Callable, Mapping

from benchmarks import machine


def main(measure: Callable[[bool], Mapping[str, float | int | str]]) -> None:
    """Run `measure(quick)` on one core and print what it returns: as JSON with `--json`, else a figure a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="measure less: for trying a case, not for figures")
    parser.add_argument("--core", type=int, default=-1, help="which of the cores to run on; -1 is the last")
    options = parser.parse_args()
    machine.pin(options.core)
    report = dict(measure(options.quick))
    if options.json:
        print(json.dumps(report))
    else:
        print("\n".join(f"{name}: {value}" for name, value in report.items()))
