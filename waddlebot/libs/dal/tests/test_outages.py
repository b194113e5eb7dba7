"""A primary that restarts, hangs, fails over, fills its disk or takes no writes: told soon, healed by itself."""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from waddlebot.libs.dal import Busy, Community, EffectKey, InDoubt, Store, Unavailable
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.tests.sample import SAMPLE, SampleStore
from waddlebot.libs.testing.databases import HOST_ROLE, PostgreSQLServer, postgresql_running, replica_running
from waddlebot.libs.testing.stores import migrated, opened_dal, small
from waddlebot.libs.testing.waiting import until


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    """A server that this file may stop and freeze."""
    with postgresql_running() as server:
        yield server


@pytest.fixture
def url(server: PostgreSQLServer) -> Iterator[str]:
    name = server.create()
    yield server.url(name)
    server.drop(name)


def sample(dal: AsyncDAL, effect: str = "") -> SampleStore:
    key = EffectKey(effect, "interactive.sample.handler") if effect else None
    store = dal.bind(SAMPLE.name, Community("home"), effect=key)
    assert isinstance(store, SampleStore)
    return store


def dal_of(url: str, timeout_s: float = 15.0) -> AsyncDAL:
    dal = AsyncDAL(url, budgets=small(2, timeout_s))
    dal.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
    return dal


async def answers(dal: AsyncDAL) -> bool:
    with contextlib.suppress(Unavailable):
        await dal.ping()
        return True
    return False


async def test_a_restart_is_waited_for(url: str, server: PostgreSQLServer) -> None:
    """Most take less than our patience, so whoever writes meanwhile does not notice; each effect happens once."""
    async with opened_dal(url, SAMPLE) as dal:
        stop = asyncio.Event()

        async def write(worker: int) -> int:
            number = 0
            while not stop.is_set():
                await sample(dal, f"{worker}-{number}").add("bob", 1)
                number += 1
            return number

        writers = [asyncio.ensure_future(write(worker)) for worker in range(4)]
        await asyncio.to_thread(server.restart)
        await until(lambda: answers(dal))
        assert await sample(dal).add("ann", 1) == 1
        stop.set()
        written = sum(await asyncio.gather(*writers))
        assert written > 0
        assert await sample(dal).points() == {"ann": 1, "bob": written}


async def test_one_that_is_gone_is_told_at_once_and_missed_no_longer_than_it_is(
    url: str, server: PostgreSQLServer
) -> None:
    async with opened_dal(url, SAMPLE) as dal:
        await sample(dal).add("bob", 1)
        server.stop()
        try:
            outcomes = await asyncio.gather(*[sample(dal).points() for _ in range(200)], return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {Unavailable}
            await until(lambda: dal.states()[0].problem)
            with pytest.raises(Unavailable, match=r"the primary \(127\.0\.0\.1:\d+/test_\w+\) is not available"):
                await sample(dal).add("bob", 1)
        finally:
            server.start()
        await until(lambda: answers(dal))
        assert await sample(dal).add("bob", 1) == 2


async def test_one_that_hangs_is_unavailable_soon_and_used_again_when_it_wakes(
    url: str, server: PostgreSQLServer
) -> None:
    async with opened_dal(url, SAMPLE) as dal:
        await asyncio.gather(*[sample(dal).add("bob", 1) for _ in range(4)])
        with server.frozen():
            async with asyncio.timeout(10):
                for work in (sample(dal).add("bob", 1), sample(dal).points()):
                    with pytest.raises(Unavailable):
                        await work
            started = time.monotonic()
            with pytest.raises(Unavailable):
                await sample(dal).add("bob", 1)
            assert time.monotonic() - started < 1, "who knows that it hangs does not try"
        await until(lambda: answers(dal))
        # What was under way when it froze was told to have failed, and did.
        assert await sample(dal).add("bob", 1) == 5


async def test_closing_does_not_wait_for_one_that_hangs(url: str, server: PostgreSQLServer) -> None:
    migrated(url, (SAMPLE,))
    dal = dal_of(url)
    await dal.open()
    await sample(dal).points()
    with server.frozen():
        reading = asyncio.ensure_future(sample(dal).points())
        async with asyncio.timeout(20):
            await dal.close()
        with pytest.raises(Unavailable):
            await reading


async def test_a_fail_over_is_followed(server: PostgreSQLServer) -> None:
    """The URL names both servers; libpq finds the one that is the primary."""
    with postgresql_running() as first, replica_running(first) as second:
        name = first.create()
        migrated(first.url(name), (SAMPLE,))
        both = first.url(name).replace(f":{first.port}/", f":{first.port},127.0.0.1:{second.port}/")
        async with dal_of(both) as dal:
            assert await sample(dal).add("bob", 1) == 1
            position = first.query("select pg_current_wal_lsn()")[0][0]
            await until(lambda: second.query(f"select pg_last_wal_replay_lsn() >= '{position}'")[0][0])
            first.stop()
            second.promote()
            await until(lambda: answers(dal))
            assert await sample(dal).add("bob", 1) == 2


async def test_a_primary_that_takes_no_writes_is_unavailable_until_it_does(
    url: str, server: PostgreSQLServer
) -> None:
    name = url.rpartition("/")[2]
    async with opened_dal(url, SAMPLE) as dal:
        await sample(dal).add("bob", 1)
        server.run(f'alter database "{name}" set default_transaction_read_only = on')
        server.run(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{HOST_ROLE}'")
        with pytest.raises(Unavailable, match="takes no writes"):
            await sample(dal).add("bob", 1)
        assert await sample(dal).points() == {"bob": 1}
        server.run(f'alter database "{name}" reset default_transaction_read_only')
        assert await sample(dal).add("bob", 1) == 2


@pytest.fixture
def small_disk(server: PostgreSQLServer, tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB, in memory, which the server may write."""
    folder = tmp_path / "disk"
    folder.mkdir()
    for place in (tmp_path, *tmp_path.parents[:3]):
        place.chmod(place.stat().st_mode | 0o011)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "none", folder], check=True)
    if server.account is not None:
        shutil.chown(folder, server.account)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_is_told_and_heals_with_room(server: PostgreSQLServer, small_disk: Path) -> None:
    server.run(f"create tablespace small location '{small_disk}'")
    name = server.create()
    server.run(f'alter database "{name}" set tablespace small')
    try:
        async with opened_dal(server.url(name), SAMPLE) as dal:
            with pytest.raises(Unavailable, match=r"the disk of PostgreSQL is full: nothing was written"):
                await sample(dal).change(fill)
            assert await sample(dal).run(lambda s: s.db(s.db.items).count()) == 0
            await asyncio.to_thread(give_room, small_disk)
            await sample(dal).change(fill)
            assert await sample(dal).run(lambda s: s.db(s.db.items).count()) == 100
    finally:
        server.drop(name)
        server.run("drop tablespace small")


def give_room(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)


def fill(store: Store) -> None:
    """A hundred rows of half a megabyte that PostgreSQL cannot compress."""
    for _ in range(100):
        store.db.execute(
            "insert into {items} (community, label, data) values ({community}, 'big', "
            "(select string_agg(sha512(n::text::bytea), null) from generate_series(1, 8000) n))"
        )


def breaks_once(url: str, server: PostgreSQLServer) -> None:
    """Let the first commit that touches `points` lose its connection. A sequence forgets nothing at a rollback."""
    database = url.rpartition("/")[2]
    for statement in (
        "create sequence public.commits",
        "create function public.break() returns trigger language plpgsql security definer as $$ begin "
        "if nextval('public.commits') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; "
        "return null; end $$",
        "create constraint trigger break after insert on interactive_sample.points "
        "deferrable initially deferred for each row execute function public.break()",
    ):
        server.run(statement, database)


async def test_a_connection_lost_while_it_commits_leaves_a_plain_write_in_doubt(
    url: str, server: PostgreSQLServer
) -> None:
    async with opened_dal(url, SAMPLE) as dal:
        breaks_once(url, server)
        with pytest.raises(InDoubt, match="while it committed"):
            await sample(dal).add("bob", 1)
        assert await sample(dal).points() == {}
        assert await sample(dal).add("bob", 1) == 1


async def test_a_connection_lost_while_it_commits_is_no_matter_with_an_effect_key(
    url: str, server: PostgreSQLServer
) -> None:
    async with opened_dal(url, SAMPLE) as dal:
        breaks_once(url, server)
        assert await sample(dal, "e1").add("bob", 1) == 1
        assert await sample(dal, "e1").add("bob", 1) == 1
        assert await sample(dal).points() == {"bob": 1}


async def test_a_transaction_that_stands_idle_is_ended_and_not_tried_again(url: str) -> None:
    migrated(url, (SAMPLE,))
    async with dal_of(url, timeout_s=0.3) as dal:
        tries = 0

        def dawdle(store: Store) -> Any:
            nonlocal tries
            tries += 1
            store.db.execute("select 1 from {points} where {scope}")
            time.sleep(1)
            return store.db.execute("select 2 from {points} where {scope}")

        with pytest.raises(Busy, match="too long"):
            await sample(dal).run(dawdle)
        assert tries == 1
        assert await sample(dal).points() == {}


async def test_connections_the_server_can_never_give_are_refused_at_the_start(server: PostgreSQLServer) -> None:
    with postgresql_running("-c max_connections=8") as few:
        name = few.create()
        migrated(few.url(name), (SAMPLE,))
        dal = AsyncDAL(few.url(name), budgets=small(8))
        with pytest.raises(
            Unavailable,
            match=r"19 connections .*8 readers, 8 writers.* at most 5 \(max_connections = 8, 3 .*pgbouncer",
        ):
            await dal.open()


async def test_connections_that_others_hold_are_told_of_at_the_start(
    url: str, server: PostgreSQLServer, caplog: pytest.LogCaptureFixture
) -> None:
    migrated(url, (SAMPLE,))
    dal = AsyncDAL(url, budgets=small(48))
    dal.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
    held = [psycopg2.connect(server.url("postgres", "postgres")) for _ in range(110)]
    try:
        async with dal:
            assert await sample(dal).points() == {}
    finally:
        for connection in held:
            connection.close()
    assert "left of max_connections = 200" in caplog.text
