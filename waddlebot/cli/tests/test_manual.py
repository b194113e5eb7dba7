"""The help is a manual: complete, with examples, and there at once."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import waddlebot
from waddlebot.cli.key import RoleName
from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.sdk.rank import Role

COMMANDS = (
    "run", "chat", "modules", "explain", "doctor", "health", "undo", "backup", "restore", "bench",
    "key create", "key list", "key revoke", "db upgrade", "db status", "dlq list", "dlq replay", "dlq drop",
    "new module",
)  # fmt: skip
HEAVY = ("pydal", "quart", "uvicorn", "aiohttp", "jinja2", "rich", "asyncio", "msgspec", "re2", "psycopg2")


def test_the_help_names_every_command_and_exit_code(call: Call, lone_environ: Environ) -> None:
    told = call(lone_environ, "--help")
    assert told.returncode == 0
    for command in {command.split()[0] for command in COMMANDS}:
        assert re.search(rf"^  {command} +\S", told.stdout, re.MULTILINE), command
    for code in ("0", "1", "2", "130"):
        assert re.search(rf"^    {code} +\S", told.stdout, re.MULTILINE), code
    assert not re.search(r"^  [a-z]+ .*\.\.\.$", told.stdout, re.MULTILINE), "a summary is cut off"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "bench"])
def test_every_command_has_a_page(call: Call, lone_environ: Environ, command: str) -> None:
    told = call(lone_environ, *command.split(), "--help")
    assert told.returncode == 0
    assert re.match(rf"Usage: waddlebot {command}\b", told.stdout)
    assert len(told.stdout.splitlines()) > 6


def test_the_help_waits_for_nothing_heavy() -> None:
    """What makes a start slow is imports: none of what commands work with is loaded to describe them."""
    code = (
        f"import sys; from waddlebot.cli.app import build; build(); print(sorted({set(HEAVY)} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_version_is_shown(call: Call, lone_environ: Environ) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+\n", call(lone_environ, "--version").stdout)


@pytest.mark.parametrize(
    "arguments", [(), ("key",), ("runn",), ("key", "create", "x", "--role", "boss"), ("run", "-x")]
)
def test_wrong_usage_ends_with_2(call: Call, lone_environ: Environ, arguments: tuple[str, ...]) -> None:
    told = call(lone_environ, *arguments)
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert told.stderr


def test_the_roles_are_those_there_are() -> None:
    assert set(get_args(RoleName)) == {role.value for role in Role}


def test_bench_passes_its_options_on(call: Call, lone_environ: Environ) -> None:
    told = call(lone_environ, "bench", "--help")
    assert told.returncode == 0
    assert "benchmarks" in told.stdout


def test_bench_without_a_checkout_says_where_it_works(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    shutil.copytree(
        Path(waddlebot.__file__).parent, installed / "waddlebot", ignore=shutil.ignore_patterns("tests")
    )
    told = subprocess.run(
        [sys.executable, "-m", "waddlebot", "bench"], cwd=installed, capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert "clone the source" in told.stderr
