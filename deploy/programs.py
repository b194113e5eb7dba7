"""Programs that are run here, chosen by us and fed by us."""

import subprocess


def run(*command: object) -> None:
    """Run a program. Raises ``CalledProcessError``."""
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  chosen here


def output(*command: object) -> str:
    """What a program prints. Raises ``CalledProcessError``."""
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  chosen here
    return done.stdout.strip()
