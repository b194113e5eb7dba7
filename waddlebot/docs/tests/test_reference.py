"""The reference pages: complete, the same each time, and small enough to read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from waddlebot.docs.__main__ import own_manifests, pages, write
from waddlebot.docs.pages import FILE_MAX, MARK, Page, Section, table
from waddlebot.libs.templates.catalogue import VARIABLES
from waddlebot.libs.web.site import url_of
from waddlebot.runtime.environment import Environment, variables
from waddlebot.runtime.host import database

NAMES = {
    "api-reference", "commands", "database-schema", "environment-variables", "events", "modules",
    "template-variables",
}  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Page → its text, with that of its parts."""
    folder = tmp_path_factory.mktemp("reference")
    write(folder)
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.md")):
        name = path.relative_to(folder).parts[0].removesuffix(".md")
        found[name] = found.get(name, "") + path.read_text(encoding="utf-8")
    return found


def test_every_page_is_made(reference: dict[str, str]) -> None:
    assert set(reference) == NAMES
    assert all(MARK in text for text in reference.values())


def test_every_fact_is_told(reference: dict[str, str]) -> None:
    manifests = {module.name: module for module in own_manifests()}
    assert "core.community" in manifests
    for module in manifests.values():
        assert re.search(rf"^## {module.name}$|^# Modules: {module.name}$", reference["modules"], re.MULTILINE)
        for command in module.commands.values():
            assert command.hidden or f"`!{command.name}" in reference["commands"], command.name
        for route in module.routes:
            where = "modules" if route.page else "api-reference"
            path = route.path if route.page else url_of(module, route.path)
            assert f"`{route.method} {path}`" in reference[where]
        for mount in module.mounts:
            assert f"`POST {url_of(module, mount.path)}`" in reference["api-reference"]
    for _, name, info in variables(manifests):
        assert f"| `{name}` |" in reference["environment-variables"]
        assert info.field.help.split("|")[0] in reference["environment-variables"]
    for owner in database(Environment(), manifests).owners:
        for found in owner.tables.values():
            assert f"**{found.name}**" in reference["database-schema"]
            for column in found.columns:
                assert f"| `{column.name}` | {column.type} |" in reference["database-schema"]
    for variable in VARIABLES:
        assert f"| {variable.name} |" in reference["template-variables"]


def test_no_secret_has_a_value_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are made from declarations alone: what is set on the machine that makes them is not in them."""
    for _, name, info in variables({module.name: module for module in own_manifests()}):
        if info.field.secret:
            monkeypatch.setenv(name, "hunter2")
    again = "".join(text for page in pages(own_manifests()) for text in page.files().values())
    assert "hunter2" not in again
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", again), "a date makes a page stale by itself"


def test_every_machine_writes_the_same(tmp_path: Path) -> None:
    """Neither the order of sets, nor what is set in the environment, nor where it is, is on the pages."""
    written = []
    for seed, folder in (("1", "here"), ("2", "there")):
        environ = {"PATH": "", "PYTHONHASHSEED": seed, "HTTP_PORT": seed, "HOME": str(tmp_path / folder)}
        command = [sys.executable, "-m", "waddlebot.docs", str(tmp_path / folder)]
        made = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        assert " pages in " in made.stdout
        written.append({path.name: path.read_bytes() for path in (tmp_path / folder).rglob("*.md")})
    assert written[0] == written[1]


def test_without_a_folder_the_usage_is_told() -> None:
    told = subprocess.run([sys.executable, "-m", "waddlebot.docs"], capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "usage" in told.stderr


def test_a_long_page_becomes_an_index_with_a_file_for_each_section() -> None:
    long = "word " * (FILE_MAX // 10)
    files = Page(
        "long", "Long", "About.", [Section("one", long), Section("two", long), Section("three", "short")]
    ).files()
    assert set(files) == {"long.md", "long/one.md", "long/two.md", "long/three.md"}
    assert "[two](long/two.md)" in files["long.md"]
    assert all(len(text) <= FILE_MAX for text in files.values())
    with pytest.raises(ValueError, match="the section one"):
        Page("long", "Long", "About.", [Section("one", long * 3)]).files()


def test_what_is_no_longer_made_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "commands").mkdir()
    old, mine = tmp_path / "commands" / "gone.md", tmp_path / "mine.md"
    old.write_text(f"# Gone\n\n{MARK}\n", encoding="utf-8")
    mine.write_text("# Written by hand\n", encoding="utf-8")
    write(tmp_path)
    assert not old.exists()
    assert mine.exists()


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("A",), [("x|y\nz",)]) == "| A |\n| -- |\n| x\\|y z |\n"
    assert table(("A",), []) == ""
