"""A backup of either engine is restored into either engine, whole or not at all."""

import gzip
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waddlebot.libs.dal import Community, DalError, Store
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.backup import backup, restore, snapshot, verify
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.tests.sample import SAMPLE, Alias, SampleStore
from waddlebot.libs.testing.databases import PostgreSQLServer, admin_url
from waddlebot.libs.testing.stores import opened_dal

ITEM = ("thing", b"\0\xff'", '{"a":[1,null]}', -(2**63), True)


def insert_items(store: Store) -> None:
    columns = ("label", "data", "info", "big", "lent")
    store.db.insert_many("items", [ITEM, ("bare", None, None, None, None)], columns=columns)


def sample(dal: AsyncDAL, community: str = "home") -> SampleStore:
    store = dal.bind(SAMPLE.name, Community(community), actor="tester")
    assert isinstance(store, SampleStore)
    return store


async def fill(url: str) -> None:
    async with opened_dal(url, SAMPLE) as dal:
        for community in ("home", "away"):
            store = sample(dal, community)
            await store.save(Alias("hi", "!hello", words=("ü", "it's")))
            rows = [{"account": f"u{n}", "points": n / 3} for n in range(2_500)]
            await store.change(lambda s: s.db.insert_many("points", rows))  # noqa: B023  # it runs at once
            await store.change(insert_items)


def content(store: Store) -> list[Any]:
    items = store.db(store.db.items).select(orderby=store.db.items.id)
    return [
        sorted(store.db.execute("select account, points from {points} where {scope}")),
        [(row.id, row.label, row.data, row.info, row.big, row.lent) for row in items],
        store.list(Alias),
    ]


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A second empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.db'}"
        return
    server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


async def test_a_backup_is_restored_into_either_engine(database_url: str, other_url: str, tmp_path: Path) -> None:
    await fill(database_url)
    file = tmp_path / "backup.gz"
    written = backup(database_url, (SAMPLE,), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert restore(admin_url(other_url), (SAMPLE,), file) == written
    async with opened_dal(database_url, SAMPLE) as old, opened_dal(other_url, SAMPLE) as new:
        for community in ("home", "away"):
            assert await sample(new, community).run(content) == await sample(old, community).run(content)
        assert await new.list_changes("home") == await old.list_changes("home")
        assert (await new.config_changes(0))[1] == {"home": 1, "away": 1}
        number = await sample(new).change(lambda s: int(s.db.items.insert(label="next")))
        assert number == 5, "the numbers go on where they were"
        await new.undo("home", (await new.list_changes("home"))[0].version, actor="tester")


async def test_rows_are_replaced_only_when_asked(database_url: str, tmp_path: Path) -> None:
    await fill(database_url)
    file = tmp_path / "backup.gz"
    written = backup(database_url, (SAMPLE,), file)
    async with opened_dal(database_url, SAMPLE) as dal:
        await sample(dal).add("later", 1)
    with pytest.raises(DalError, match="replace"):
        restore(admin_url(database_url), (SAMPLE,), file)
    assert restore(admin_url(database_url), (SAMPLE,), file, replace=True) == written
    async with opened_dal(database_url, SAMPLE) as dal:
        assert "later" not in await sample(dal).points()


def cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def cut_in_a_table(lines: list[bytes]) -> list[bytes]:
    return lines[: len(lines) // 2]


def alter(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"u17"', b'"u18"') for line in lines]


def drop_a_row(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b'"u17"' not in line]


def other_format(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"format":1', b'"format":99'), *lines[1:]]


def no_backup(lines: list[bytes]) -> list[bytes]:
    return [b"hello\n"]


@pytest.mark.parametrize("damage", [cut, cut_in_a_table, alter, drop_a_row, other_format, no_backup])
async def test_a_damaged_backup_touches_nothing(
    sqlite_url: str, tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    await fill(sqlite_url)
    file = tmp_path / "backup.gz"
    backup(sqlite_url, (SAMPLE,), file)
    verify(file)
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(damage(lines))))
    with pytest.raises(DalError):
        restore(sqlite_url, (SAMPLE,), file, replace=True)
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        assert len(await sample(dal).points()) == 2_500


@pytest.mark.parametrize("length", [0, 10, 500])
async def test_a_torn_file_is_told_from_a_backup(sqlite_url: str, tmp_path: Path, length: int) -> None:
    await fill(sqlite_url)
    file = tmp_path / "backup.gz"
    backup(sqlite_url, (SAMPLE,), file)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(DalError):
        verify(file)


def test_a_backup_of_modules_that_are_not_here_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    upgrade(sqlite_url, (SAMPLE,))
    file = tmp_path / "backup.gz"
    backup(sqlite_url, (SAMPLE,), file)
    with pytest.raises(DalError, match=r"interactive\.sample"):
        restore(f"sqlite:///{tmp_path / 'new.db'}", (), file)


async def test_a_snapshot_is_a_database(sqlite_url: str, tmp_path: Path) -> None:
    await fill(sqlite_url)
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        await sample(dal).add("bob", 1)
        snapshot(sqlite_url, tmp_path / "copy.db")
        await sample(dal).add("bob", 1)
    async with opened_dal(f"sqlite:///{tmp_path / 'copy.db'}", SAMPLE) as dal:
        assert (await sample(dal).points())["bob"] == 1


def test_postgresql_has_its_own_snapshots(postgresql_url: str, tmp_path: Path) -> None:
    with pytest.raises(DalError, match="pg_basebackup"):
        snapshot(postgresql_url, tmp_path / "copy.db")
