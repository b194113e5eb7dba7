"""``waddlebot``, also as ``python -m waddlebot``. See :mod:`waddlebot.cli.app`."""

import io
import sys

from waddlebot.cli.app import build
from waddlebot.cli.failures import explained


def main() -> None:
    """Run the command line; ends the process with the command's exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our signs is no reason to fail
    with explained():
        build()(prog_name="waddlebot")


if __name__ == "__main__":
    main()
