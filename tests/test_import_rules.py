"""The import contracts of pyproject.toml bite: each is broken on purpose in a twin of the package.

The twin has every folder and file of the package by name, and nothing in them, so only the import under test
can break a contract.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = "Layers: entry points, runtime, modules, libs"
INDEPENDENT = "Modules never import each other"
ADAPTERS = "Adapters are chosen by the runtime alone"
TEST_KIT = "Only tests use the test kit"
DRIVERS = "PyDAL and the drivers stay in libs.dal and libs.adapters"
LIBS = "Libs stand on each other in one order"

# File of the twin, what it imports, the contract that this breaks.
VIOLATIONS = (
    ("core/newborn/module.py", "waddlebot.runtime.newborn", LAYERS),
    ("action/interactive/newborn/module.py", "waddlebot.core.other", LAYERS),
    ("libs/sdk/newborn.py", "waddlebot.core.other", LAYERS),
    ("runtime/newborn.py", "waddlebot.__main__", LAYERS),
    ("newborn/thing.py", "waddlebot.libs", LAYERS),
    ("action/interactive/newborn/module.py", "waddlebot.action.interactive.other", INDEPENDENT),
    ("action/interactive/newborn/module.py", "waddlebot.action.pushing.other", INDEPENDENT),
    ("trigger/poller/newborn/module.py", "waddlebot.trigger.receiver.other.store", INDEPENDENT),
    ("core/newborn/store.py", "waddlebot.core.other", INDEPENDENT),
    ("processing/newborn/module.py", "waddlebot.processing.router", INDEPENDENT),
    ("core/newborn/module.py", "waddlebot.libs.adapters.newborn", ADAPTERS),
    ("libs/web/newborn.py", "waddlebot.libs.testing.newborn", TEST_KIT),
    ("core/newborn/module.py", "waddlebot.libs.testing.newborn", TEST_KIT),
    ("core/newborn/store.py", "pydal", DRIVERS),
    ("core/newborn/store.py", "pydal.objects", DRIVERS),
    ("core/newborn/store.py", "sqlite3", DRIVERS),
    ("action/pushing/newborn/module.py", "psycopg2.extras", DRIVERS),
    ("processing/router/newborn.py", "redis.asyncio", DRIVERS),
    ("runtime/newborn.py", "grpc", DRIVERS),
    ("runtime/newborn.py", "opentelemetry.trace", DRIVERS),
    ("core/newborn/module.py", "google.protobuf", DRIVERS),
    ("libs/adapters/newborn.py", "pydal", DRIVERS),
    ("libs/dal/newborn.py", "waddlebot.libs.sdk.newborn", LIBS),
    ("libs/irc/newborn.py", "waddlebot.libs.matching", LIBS),
    ("libs/sdk/newborn.py", "waddlebot.libs.web.newborn", LIBS),
    ("libs/newborn/thing.py", "waddlebot.libs.sdk", LIBS),
)

ALLOWED = (
    ("core/newborn/module.py", "waddlebot.libs.sdk"),
    ("core/newborn/store.py", "waddlebot.libs.dal"),
    ("core/newborn/tests/test_newborn.py", "waddlebot.libs.testing"),
    ("runtime/newborn.py", "waddlebot.libs.adapters.newborn"),
    ("runtime/newborn.py", "waddlebot.core.other"),
    ("libs/testing/newborn.py", "waddlebot.runtime"),
    ("libs/dal/newborn.py", "pydal"),
    ("libs/adapters/newborn.py", "redis"),
    ("libs/adapters/newborn.py", "waddlebot.libs.web.newborn"),
    ("libs/grpc_protos/newborn.py", "google.protobuf"),
    ("libs/sdk/newborn.py", "waddlebot.libs.dal"),
)


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    """An empty twin of the package, in a folder with the real pyproject.toml."""
    for original in (ROOT / "waddlebot").rglob("*.py"):
        write(tmp_path / original.relative_to(ROOT))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def write(path: Path, text: str = "") -> None:
    """Write a file of the twin; every folder but a test folder is a package."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    package = path.parent
    while package.name not in {"", "tests"} and not (package / "pyproject.toml").exists():
        (package / "__init__.py").touch()
        if package.name == "waddlebot":
            break
        package = package.parent


def broken_contracts(twin: Path) -> set[str]:
    """Names of the contracts that lint-imports calls broken."""
    lint = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    command = [sys.executable, "-c", lint, "--no-cache", "--no-logo"]
    run = subprocess.run(command, cwd=twin, capture_output=True, text=True, check=False)
    assert "contracts" in run.stdout.lower(), run.stdout + run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    broken = {" ".join(words[:-1]) for words in lines if words and words[-1] == "BROKEN"}
    assert (run.returncode == 0) == (not broken), run.stdout + run.stderr
    return broken


def add_import(twin: Path, importer: str, imported: str) -> None:
    """Add a file that imports, and whatever of the package it imports."""
    write(twin / "waddlebot" / importer, f"import {imported}\n")
    if imported.startswith("waddlebot."):
        target = twin.joinpath(*imported.split("."))
        if not (target.is_dir() or target.with_suffix(".py").exists()):
            write(target.with_suffix(".py"))


def test_the_twin_breaks_nothing(twin: Path) -> None:
    for importer, imported in ALLOWED:
        add_import(twin, importer, imported)
    assert broken_contracts(twin) == set()


@pytest.mark.parametrize(("importer", "imported", "contract"), VIOLATIONS)
def test_a_violation_breaks_its_contract(twin: Path, importer: str, imported: str, contract: str) -> None:
    add_import(twin, importer, imported)
    assert contract in broken_contracts(twin)
