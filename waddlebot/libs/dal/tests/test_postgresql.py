"""What is PostgreSQL's alone: connections that get lost, transactions that collide."""

import asyncio
import contextlib
import threading
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from waddlebot.libs.dal import Busy, Community, DalError, EffectKey, Invalid, Store, Unavailable
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.tests.sample import SAMPLE, SampleStore
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.stores import migrated, opened_dal, small


def sample(dal: AsyncDAL, effect: EffectKey | None = None) -> SampleStore:
    store = dal.bind(SAMPLE.name, Community("home"), effect=effect)
    assert isinstance(store, SampleStore)
    return store


def query(url: str, statement: str) -> list[Any]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def kill_all(url: str) -> None:
    query(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()",
    )


async def test_lost_connections_are_opened_again(postgresql_url: str) -> None:
    async with opened_dal(postgresql_url, SAMPLE) as dal:
        await asyncio.gather(
            *[sample(dal).add("bob", 1) for _ in range(8)], *[sample(dal).points() for _ in range(8)]
        )
        for number in range(1, 4):
            kill_all(postgresql_url)
            outcomes = await asyncio.gather(*[sample(dal).points() for _ in range(6)])
            assert outcomes == [{"bob": 7 + number}] * 6
            assert await sample(dal).add("bob", 1) == 8 + number


async def test_a_store_that_stands_aside_waits_behind_nobody(postgresql_url: str) -> None:
    class Aside(SampleStore):
        aside = True

    let = threading.Event()

    def hold(store: Store) -> None:
        let.wait(20)

    async with opened_dal(postgresql_url, Owner("quick", Aside, SAMPLE.migrations), SAMPLE) as dal:
        held = [asyncio.ensure_future(sample(dal).change(hold)) for _ in range(20)]
        quick = dal.bind("quick", Community("home"))
        assert isinstance(quick, Aside)
        assert await quick.add("bob", 1) == 1
        assert not any(one.done() for one in held)
        let.set()
        await asyncio.gather(*held)


async def test_a_connection_lost_in_the_middle_has_one_effect(postgresql_url: str) -> None:
    async with opened_dal(postgresql_url, SAMPLE) as dal:
        tries = 0

        def work(store: Store) -> float:
            nonlocal tries
            tries += 1
            store.db.upsert_many("points", [{"account": "bob", "points": 1.0}], add=("points",))
            if tries == 1:
                kill_all(postgresql_url)
            rows = store.db.execute("select points from {points} where {scope}")
            return float(rows[0][0])

        assert await sample(dal, EffectKey("e1", "x")).change(work) == 1
        assert tries == 2
        assert await sample(dal).points() == {"bob": 1}


async def test_nothing_is_left_open_in_a_transaction(postgresql_url: str) -> None:
    async with opened_dal(postgresql_url, SAMPLE) as dal:
        await sample(dal).points()
        await sample(dal).add("bob", 1)
        with pytest.raises(RuntimeError):
            await sample(dal).add_and_fail("bob")
        with pytest.raises(Invalid):
            await sample(dal).run(lambda s: s.db.execute("select nonsense from {points} where {scope}"))
        states = query(
            postgresql_url,
            "select state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        )
        assert {state for (state,) in states} == {"idle"}


async def test_the_scope_ends_with_the_transaction(postgresql_url: str) -> None:
    """A session's setting would leak to the next user of a pooled connection."""
    async with opened_dal(postgresql_url, SAMPLE) as dal:

        def after_rollback(store: Store) -> Any:
            cursor = store.db._session._cursor  # type: ignore[attr-defined]  # looking behind the facade
            cursor.execute("rollback; select coalesce(current_setting('waddlebot.communities', true), '')")
            return cursor.fetchone()[0]

        assert await sample(dal).run(after_rollback) == ""


async def test_a_hidden_error_is_not_taken_for_success(postgresql_url: str) -> None:
    async with opened_dal(postgresql_url, SAMPLE) as dal:

        def hide(store: Store) -> None:
            store.db.upsert_many("points", [{"account": "bob", "points": 1.0}])
            with contextlib.suppress(psycopg2.Error):
                store.db.execute("select nonsense from {points} where {scope}")

        with pytest.raises(Invalid, match="nothing was written"):
            await sample(dal).change(hide)
        assert await sample(dal).points() == {}


async def test_a_statement_that_takes_too_long_is_stopped(postgresql_url: str) -> None:
    migrated(postgresql_url, (SAMPLE,))
    dal = AsyncDAL(postgresql_url, budgets=small(1, 0.1))
    dal.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
    async with dal:
        with pytest.raises(Busy, match="too long"):
            await sample(dal).run(lambda s: s.db.execute("select pg_sleep(20)"))
        assert await sample(dal).points() == {}


async def test_deadlocks_are_resolved_by_running_again(postgresql_url: str) -> None:
    """Bodies that lock rows in opposite orders; `upsert_many` alone never does, for it sorts."""
    async with opened_dal(postgresql_url, SAMPLE) as dal:
        barrier = threading.Barrier(2)
        tries: list[str] = []

        def both(first: str, second: str) -> Any:
            def work(store: Store) -> None:
                tries.append(first)
                store.db.upsert_many("points", [{"account": first, "points": 1.0}], add=("points",))
                if len(tries) <= 2:
                    barrier.wait(timeout=10)
                store.db.upsert_many("points", [{"account": second, "points": 1.0}], add=("points",))

            return work

        await asyncio.gather(sample(dal).change(both("a", "b")), sample(dal).change(both("b", "a")))
        assert len(tries) == 3
        assert await sample(dal).points() == {"a": 2, "b": 2}


async def test_a_server_that_is_gone_is_unavailable(postgresql_url: str) -> None:
    listening = urlsplit(postgresql_url)
    gone = listening._replace(netloc=f"{listening.username}@127.0.0.1:{free_port()}").geturl()
    with pytest.raises(Unavailable, match="cannot connect"):
        await AsyncDAL(gone).open()


async def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg2", None)
    with pytest.raises(DalError, match=r"waddlebot\[postgres\]"):
        upgrade("postgresql://waddlebot@127.0.0.1/waddlebot", ())


async def test_texts_postgresql_cannot_hold_are_refused_in_words(postgresql_url: str) -> None:
    async with opened_dal(postgresql_url, SAMPLE) as dal:
        with pytest.raises(Invalid):
            await sample(dal).add("nul\0", 1)
        with pytest.raises(Invalid):
            await sample(dal).change(lambda s: s.db.execute("select :x || '%'", {"x": "nul\0"}))
        assert await sample(dal).run(lambda s: s.db.execute("select '50%', :x::text", {"x": "%s"})[0]) == (
            "50%",
            "%s",
        )
