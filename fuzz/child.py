"""What runs in a process of its own: `python -m fuzz.child fuzz|distil TARGET SECONDS SCRATCH`."""

import sys
from pathlib import Path

from fuzz import corpora, running


def main(work: str, target: str, seconds: str, scratch: str) -> None:
    """Fuzz, or distil what fuzzing left in `scratch` and print the lines that it reaches."""
    if work == "fuzz":
        running.fuzz(target, int(seconds), Path(scratch))
    reach = corpora.distil(target, [path.read_bytes() for path in Path(scratch).iterdir()])
    for module, run, lines in reach:
        print(f"  {module} {run} of {lines} lines")
    print(f"{100 * sum(part.run for part in reach) / sum(part.lines for part in reach):.0f} %")


if __name__ == "__main__":
    main(*sys.argv[1:])
