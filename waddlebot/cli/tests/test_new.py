"""A new module passes every check at birth: in a copy of the source, and as a package of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

type Run = Callable[..., subprocess.CompletedProcess[str]]

# Kind, name, with a store. A long name and a short one: neither may fold or unfold a line.
BIRTHS = (
    ("interactive", "greeting", True),
    ("interactive", "a_name_of_the_longest_on", False),
    ("security", "x", False),
    ("core", "a_name_of_the_longest_of", True),
    ("admin", "desk", False),
    ("processing", "sorter", False),
    ("receiver", "a_name_of_the_longest_re", False),
    ("receiver", "r", False),
    ("poller", "a_name_of_the_longest_po", False),
    ("cron", "a_name_of_the_longest_cr", False),
    ("pushing", "a_name_of_the_longest_pu", False),
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with a new module of every kind."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    for kind, name, store in BIRTHS:
        made = called(copy, "waddlebot", "new", "module", kind, name, *(["--store"] if store else []))
        assert made.returncode == 0, made.stderr
    return copy


def called(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment as a module, in a folder whose packages come first."""
    return subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def folders(checkout: Path) -> list[str]:
    """The folders of the new modules."""
    found = [path.parent for _, name, _ in BIRTHS for path in (checkout / "waddlebot").rglob(f"{name}/module.py")]
    assert len(found) == len(BIRTHS)
    return [str(folder) for folder in found]


def passes(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_new_module_passes_ruff_and_mypy(checkout: Path) -> None:
    passes(called(checkout, "ruff", "check", *folders(checkout)))
    passes(called(checkout, "ruff", "format", "--check", *folders(checkout)))
    passes(called(checkout, "mypy", "--follow-imports=silent", *folders(checkout)))


def test_a_new_module_passes_its_own_tests(checkout: Path) -> None:
    passes(called(checkout, "pytest", "-p", "no:cacheprovider", *folders(checkout)))


def test_a_new_module_keeps_the_house_rules(checkout: Path) -> None:
    """Other files may be in motion while somebody works: what counts is what is said of the new ones."""
    told = called(checkout, "pytest", "-p", "no:cacheprovider", "tests/test_tidy.py").stdout
    assert "passed" in told
    assert [name for _, name, _ in BIRTHS if f"/{name}/" in told] == []


def test_a_new_module_keeps_the_import_rules(checkout: Path) -> None:
    lint = "from importlinter.cli import lint_imports; lint_imports(is_debug_mode=False, no_logo=True)"
    told = subprocess.run(
        [sys.executable, "-c", lint], cwd=checkout, capture_output=True, text=True, check=False
    ).stdout
    assert "Modules never import each other KEPT" in told
    assert [name for _, name, _ in BIRTHS if f".{name}." in told] == []


def test_a_new_module_is_there_at_once(checkout: Path) -> None:
    listed = called(checkout, "waddlebot", "modules")
    assert all(name in listed.stdout for _, name, _ in BIRTHS)


def test_nothing_is_overwritten(checkout: Path) -> None:
    again = called(checkout, "waddlebot", "new", "module", "interactive", "greeting")
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("interactive", "Greeting"), "is no module name"),
        (("interactive", "class"), "is no module name"),
        (("interactive", "a.b.c"), "is no module name"),
        (("interactive", "waddlebot.x"), "has no vendor"),
        (("cron", "x", "--store"), "--store is for kinds"),
        (("interactive", "x", "--path", "/"), "is no checkout"),
        (("banana", "x"), "'banana' is not one of"),
    ],
)
def test_what_cannot_be_made_is_told(checkout: Path, arguments: tuple[str, ...], words: str) -> None:
    refused = called(checkout, "waddlebot", "new", "module", *arguments)
    assert refused.returncode == 2
    assert words in refused.stderr


@pytest.mark.parametrize(("kind", "store"), [("interactive", True), ("receiver", False)])
def test_a_package_of_ones_own_passes_and_is_found(tmp_path: Path, kind: str, store: bool) -> None:
    folder = tmp_path / "acme-greeting"
    made = called(tmp_path, "waddlebot", "new", "module", kind, "acme.greeting", *(["--store"] if store else []))
    passes(made)
    passes(called(folder, "ruff", "check", "."))
    passes(called(folder, "ruff", "format", "--check", "."))
    passes(called(folder, "mypy", "--follow-imports=silent", "acme"))
    passes(called(folder, "pytest", "-p", "no:cacheprovider"))
    # What an installer writes of the entry point, so that the package is found as an installed one.
    declared = folder / "acme_greeting-0.1.0.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-greeting\nVersion: 0.1.0\n")
    (declared / "entry_points.txt").write_text(
        "[waddlebot.modules]\nacme.greeting = acme.greeting.module:module\n"
    )
    assert "acme.greeting" in (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert "acme.greeting" in called(folder, "waddlebot", "modules").stdout
