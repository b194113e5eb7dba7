"""Schemas are brought up to date once, whole, by one process at a time."""

import asyncio
from pathlib import Path

import pytest

from waddlebot.libs.dal import Column, SchemaError, Store, Table
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.dialect import POSTGRESQL, SQLITE
from waddlebot.libs.dal.migrations import Status, check, migrations, status
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.dal.tests.sample import SAMPLE
from waddlebot.libs.testing.stores import migrated

FIRST = "create table {notes} (id {id}, community {text} not null, body {text} not null);"


class NotesStore(Store):
    tables = (
        Table("notes", (Column("id", "integer"), Column("community", "text"), Column("body", "text")), ("id",)),
    )


def owner(folder: Path, **files: str) -> Owner:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return Owner("core.notes", NotesStore, folder)


def test_the_storage_layer_s_own_tables_are_as_declared(database_url: str) -> None:
    migrated(database_url, (SAMPLE,))
    assert differences(database_url, (SAMPLE,)) == []


def test_an_empty_database_is_upgraded_once(database_url: str, tmp_path: Path) -> None:
    notes = owner(tmp_path / "m", **{"0001_notes": FIRST})
    assert status(database_url, (notes,))[1] == Status("core.notes", 0, 0, 1)
    assert migrated(database_url, (notes,)) == ["system 0001_system", "system 0002_sets", "core.notes 0001_notes"]
    assert migrated(database_url, (notes,)) == []
    assert status(database_url, (notes,))[1] == Status("core.notes", 1, 1, 1)
    check(database_url, (notes,))


async def test_processes_that_upgrade_at_once_do_it_once(database_url: str) -> None:
    outcomes = await asyncio.gather(*[asyncio.to_thread(migrated, database_url, (SAMPLE,)) for _ in range(4)])
    assert sorted(outcomes, key=len) == [
        [],
        [],
        [],
        ["system 0001_system", "system 0002_sets", f"{SAMPLE.name} 0001_sample"],
    ]


def test_a_failed_migration_leaves_the_database_as_it_was(database_url: str, tmp_path: Path) -> None:
    bad = "alter table {notes} add column more {text}; insert into {notes} (nonsense) values (1);"
    notes = owner(tmp_path / "m", **{"0001_notes": FIRST})
    migrated(database_url, (notes,))
    owner(tmp_path / "m", **{"0002_more": bad})
    with pytest.raises(Exception, match="nonsense"):
        migrated(database_url, (notes,))
    assert status(database_url, (notes,))[1].version == 1
    assert differences(database_url, (notes,)) == []


def test_a_migration_may_differ_by_engine(database_url: str, tmp_path: Path) -> None:
    notes = owner(
        tmp_path / "m",
        **{
            "0001_notes.sqlite": FIRST.replace("body {text}", "body text /* ; */"),
            "0001_notes.postgresql": FIRST + "comment on table {notes} is 'it''s; fine';",
        },
    )
    migrated(database_url, (notes,))
    assert differences(database_url, (notes,)) == []


async def test_a_host_refuses_an_older_schema(database_url: str) -> None:
    dal = AsyncDAL(database_url)
    dal.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
    with pytest.raises(SchemaError, match="waddlebot db upgrade"):
        await dal.open()


@pytest.mark.parametrize(("compat", "served"), [("", False), ("-- compat: 1\n", True)])
async def test_a_host_refuses_a_newer_schema_unless_it_is_compatible(
    database_url: str, tmp_path: Path, compat: str, served: bool
) -> None:
    old = owner(tmp_path / "old", **{"0001_notes": FIRST})
    new = owner(
        tmp_path / "new", **{"0001_notes": FIRST, "0002_more": compat + "alter table {notes} add more {text};"}
    )
    migrated(database_url, (new,))
    dal = AsyncDAL(database_url)
    dal.register(old.name, old.store, old.migrations)
    if served:
        await dal.open()
        await dal.close()
    else:
        with pytest.raises(SchemaError, match="waddlebot db upgrade"):
            await dal.open()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["0002_b.sql"], "gaps"),
        (["0001_a.sql", "0003_c.sql"], "gaps"),
        (["0001_a.sql", "0001_b.sql"], "two migrations"),
        (["0001_a.sql", "0001_a.sqlite.sql", "0001_a.postgresql.sql"], "two migrations"),
        (["first.sql"], "NNNN_what.sql"),
        (["0001_a.oracle.sql"], "NNNN_what.sql"),
    ],
)
def test_misnumbered_files_are_named(tmp_path: Path, files: list[str], words: str) -> None:
    for name in files:
        (tmp_path / name).write_text("select 1;")
    for dialect in (SQLITE, POSTGRESQL):
        with pytest.raises(SchemaError, match=words):
            migrations(Owner("core.notes", NotesStore, tmp_path), dialect)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select 1;", "no migration creates the table"),
        ("create table {notes} (id {id}, community {text} not null);", "no migration creates the column 'body'"),
        (FIRST.replace("body {text}", "body {integer}"), "'body' is"),
        (FIRST.replace("body {text} not null", "body {text}"), "'body' may be null in the database"),
        (FIRST.replace("body", "extra {real}, body"), "'extra' is not declared"),
        (FIRST.replace("{id}", "{integer}"), "not unique"),
    ],
)
def test_each_difference_is_found(database_url: str, tmp_path: Path, sql: str, words: str) -> None:
    notes = owner(tmp_path / "m", **{"0001_notes": sql})
    migrated(database_url, (notes,))
    assert any(words in difference for difference in differences(database_url, (notes,)))
