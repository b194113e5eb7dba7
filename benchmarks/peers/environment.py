"""The throw-away environment that the peers run in, made from the locked requirements and kept in the cache.

It may be deleted at any time. Changed requirements or another Python make a new one.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def interpreter() -> Path:
    """Return where the interpreter that has the peers is, or will be once `ensure` has run."""
    recipe = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = user_cache_path("waddlebot") / f"bench-peers-{recipe}"
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def ensure() -> None:
    """Install the peers unless they are there already.

    Raises `subprocess.CalledProcessError` if they cannot be installed, for instance without a network.
    """
    python = interpreter()
    home = python.parent.parent
    complete = home / "complete"
    if complete.exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    for command in _commands(home, python):
        subprocess.run(command, check=True)
    complete.touch()


def _commands(home: Path, python: Path) -> list[list[str]]:
    locked = ["--require-hashes", "--requirement", str(REQUIREMENTS)]
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *locked],
        ]
    return [
        [sys.executable, "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *locked],
    ]
