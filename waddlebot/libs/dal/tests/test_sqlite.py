"""What is SQLite's alone: one file, one writer, commits in groups, and a process that may die at any moment."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from waddlebot.libs.dal import Busy, Community, DalError, Store, Unavailable
from waddlebot.libs.dal.admin import admin, sqlite_path
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.tests.sample import SAMPLE, SampleStore
from waddlebot.libs.testing.stores import opened_dal

# Writes one effect after the other, and says so after each; the parent kills it.
WRITER = """
import asyncio, itertools, sys
from waddlebot.libs.dal import Community, EffectKey
from waddlebot.libs.dal.tests.sample import SAMPLE
from waddlebot.libs.testing.stores import opened_dal

async def main() -> None:
    async with opened_dal(sys.argv[1], SAMPLE) as dal:
        async def write(number: int) -> None:
            key = EffectKey(f"e{number}", "interactive.sample.handler")
            await dal.bind(SAMPLE.name, Community("home"), effect=key).add_quietly(f"u{number}", 1)
            sys.stdout.write(f"{number}\\n")
        for start in itertools.count(int(sys.argv[2]), 20):
            await asyncio.gather(*[write(number) for number in range(start, start + 20)])
            sys.stdout.flush()

asyncio.run(main())
"""


def sample(dal: AsyncDAL, community: str = "home") -> SampleStore:
    store = dal.bind(SAMPLE.name, Community(community))
    assert isinstance(store, SampleStore)
    return store


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(sqlite_url: str) -> None:
    acknowledged: set[int] = set()
    for round_number in range(4):
        start = 10_000 * round_number
        writer = subprocess.Popen(  # noqa: ASYNC220  # the loop has nothing else to do
            [sys.executable, "-c", WRITER, sqlite_url, str(start)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        with writer:
            for line in writer.stdout:
                acknowledged.add(int(line))
                if len(acknowledged) > 150 * (round_number + 1) + 7 * round_number:
                    break
            writer.kill()
            acknowledged.update(
                int(line) for line in writer.stdout.read().splitlines(keepends=True) if line[-1] == "\n"
            )
        assert writer.returncode == -signal.SIGKILL
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        points = await sample(dal).points()
        assert {f"u{number}" for number in acknowledged} <= points.keys()
        assert set(points.values()) == {1.0}
        effects = await sample(dal).run(lambda s: s.db.execute("select count(*) from {_effect}")[0][0])
        assert effects == len(points), "an effect and what remembers it are written together or not at all"


async def test_what_waits_is_committed_in_one_group(sqlite_url: str) -> None:
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        commits = 0

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement == "commit"

        await sample(dal).change(lambda s: s.db._session.connection.set_trace_callback(count))
        await asyncio.gather(*[sample(dal).add_quietly("bob", 1) for _ in range(500)])
        assert (await sample(dal).points())["bob"] == 500
        assert commits < 100


async def test_callers_hear_of_a_write_only_after_its_commit(sqlite_url: str) -> None:
    path = sqlite_path(sqlite_url)
    assert path is not None
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        with contextlib.closing(sqlite3.connect(path)) as outside:
            for number in range(1, 50):
                await sample(dal).add_quietly("bob", 1)
                ((seen,),) = outside.execute("select points from interactive_sample__points")
                assert seen == number


async def test_every_commit_reaches_the_disk(sqlite_url: str) -> None:
    async with opened_dal(sqlite_url, SAMPLE) as dal:

        def settings(store: Store) -> list[str]:
            return [
                str(store.db.execute(f"pragma {name}")[0][0])
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]

        assert await sample(dal).change(settings) == ["wal", "2", "1"]  # 2 is FULL


async def test_another_writer_makes_us_wait_and_then_busy(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waddlebot.libs.dal.sqlite_connection.BUSY_TIMEOUT_S", 0.2)
    path = sqlite_path(sqlite_url)
    assert path is not None
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        await sample(dal).add_quietly("bob", 1)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(Busy):
                await sample(dal).add_quietly("bob", 1)
            assert await sample(dal).points() == {"bob": 1}, "readers read on"
            other.execute("rollback")
        assert await sample(dal).add("bob", 1) == 2


async def test_a_full_disk_fails_the_group_and_not_the_program(sqlite_url: str) -> None:
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        await sample(dal).add_quietly("bob", 1)
        await sample(dal).change(lambda s: s.db._session.connection.execute("pragma max_page_count = 1"))
        big = [{"label": "x" * 100_000} for _ in range(20)]
        calls = [sample(dal).change(lambda s: s.db.insert_many("items", big)) for _ in range(3)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
        await sample(dal).change(lambda s: s.db._session.connection.execute("pragma max_page_count = 1000000"))
        assert await sample(dal).add("bob", 1) == 2


async def test_a_slow_unit_does_not_hold_the_group_for_ever(sqlite_url: str) -> None:
    """After its time a group commits, though more is waiting."""
    async with opened_dal(sqlite_url, SAMPLE) as dal:
        order: list[str] = []
        slow = sample(dal).change(lambda s: time.sleep(0.06))
        rest = [sample(dal).add_quietly("bob", 1) for _ in range(3)]
        for future, name in ((slow, "slow"), (rest[-1], "rest")):
            asyncio.ensure_future(future).add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]  # the default binds it
        await asyncio.gather(slow, *rest)
        assert order[0] == "slow"


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "waddlebot.db"
    path.write_text("this is no database, but long enough to be looked at as one" * 100)
    with pytest.raises(Unavailable, match="cannot"):
        upgrade(f"sqlite:///{path}", ())


def test_a_new_database_is_its_owner_s_alone(tmp_path: Path) -> None:
    with admin(f"sqlite:///{tmp_path / 'deep' / 'folder' / 'waddlebot.db'}"):
        pass
    assert os.stat(tmp_path / "deep" / "folder" / "waddlebot.db").st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/waddlebot.db", Path("/var/lib/waddlebot.db")),
        ("sqlite:///waddlebot.db", Path.cwd() / "waddlebot.db"),
        ("postgresql://u@h/d", None),
        ("postgres://u@h/d", None),
    ],
)
def test_urls(url: str, path: Path | None) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite:///", "sqlite://x.db", "waddlebot.db"])
def test_other_urls_are_refused_in_words(url: str) -> None:
    with pytest.raises(DalError, match="must be"):
        sqlite_path(url)


def test_without_a_url_the_file_is_in_the_user_s_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path: Callable[[str | None], Path | None] = sqlite_path
    found = path(None)
    assert found is not None
    assert found.name == "waddlebot.db"
    assert found.is_relative_to(tmp_path)
