"""``waddlebot bench``: measure this machine."""

from pathlib import Path

import typer

import waddlebot
from waddlebot.cli.failures import UNUSABLE, Failure


def bench(context: typer.Context) -> None:
    """Measure this machine (in a checkout of the source).

    The options of python -m benchmarks are passed on: waddlebot bench --help is for those.
    """
    import subprocess
    import sys

    checkout = Path(waddlebot.__file__).resolve().parent.parent
    if not (checkout / "benchmarks" / "__main__.py").exists():
        raise Failure(
            "The benchmarks are not part of the installed package: clone the source and call `make bench` there.",
            UNUSABLE,
        )
    done = subprocess.run([sys.executable, "-m", "benchmarks", *context.args], cwd=checkout, check=False)  # noqa: S603  our own program
    raise typer.Exit(done.returncode)
