"""``python -m drills [FAMILY …]``: run fault drills and write ``drills/results.json``."""

import argparse
import json
import secrets
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from drills.families import FAMILIES, run

RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    """Run what is asked for; 1 where the books of any family did not balance."""
    parser = argparse.ArgumentParser(prog="drills", description="Real bots, real faults, balanced books.")
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="which; all where none is named")
    parser.add_argument("--list", action="store_true", help="list the families, and do nothing")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each instead of its own number")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="to repeat a run")
    asked = parser.parse_args()
    if asked.list:
        sys.stdout.write("".join(f"{name}\n" for name in FAMILIES))
        return 0
    unknown = [name for name in asked.families if name not in FAMILIES]
    if unknown:
        parser.error(f"no family {', '.join(unknown)}; there are: {', '.join(FAMILIES)}")
    failed = False
    for name in asked.families or FAMILIES:
        result = _result(name, asked.seed, asked.rounds)
        failed |= not result["passed"]
        sys.stdout.write(f"{name}: {json.dumps(result)}\n")
        _keep(name, result)
    return int(failed)


def _result(name: str, seed: int, rounds: int) -> dict[str, Any]:
    made_from = {"commit": _commit(), "seed": seed}
    try:
        return {**made_from, "passed": True, **run(name, seed, rounds)}
    except Exception as error:
        traceback.print_exc()
        return {**made_from, "passed": False, "error": f"{type(error).__name__}: {error}"}


def _keep(name: str, result: dict[str, Any]) -> None:
    """Each family's last run, so that running one does not forget the others."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept = {family: known[family] for family in FAMILIES if family in known} | {name: result}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


def _commit() -> str:
    """The commit that is checked out, with ``+`` where files differ from it, other than the results themselves."""
    differing = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", f":!{RESULTS.name}")
    return _git("rev-parse", "HEAD") + ("+" if differing else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=RESULTS.parent, check=True, capture_output=True, text=True)  # noqa: S603  our own repository
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
