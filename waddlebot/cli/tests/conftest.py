"""The program as people call it, on an installation of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.bots import environ_of
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import database
from waddlebot.runtime.upgrade import bring_up

type Environ = Mapping[str, str]
type Call = Callable[..., subprocess.CompletedProcess[str]]

_KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "COVERAGE_PROCESS_START"}


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> Environ:
    """The variables of an installation with an empty database; once on each engine."""
    return environ_of(tmp_path / "data", database_url)


@pytest.fixture
def upgraded(environ: Environ) -> Environ:
    """The same, its schema brought up to date."""
    environment = load(environ)
    bring_up(environment, database(environment, discover()))
    return environ


@pytest.fixture
def lone_environ(tmp_path: Path) -> Environ:
    """The variables of an installation on the file in its data folder."""
    return environ_of(tmp_path / "data")


@pytest.fixture
def call() -> Call:
    """Call ``waddlebot ARGUMENTS``; standard output and standard error come apart."""

    def waddlebot(environ: Environ, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("COV")}
        return subprocess.run(
            [sys.executable, "-m", "waddlebot", *arguments],
            env=kept | dict(environ),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return waddlebot
