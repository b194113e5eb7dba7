"""Replicas answer reads when they are fresh enough, and nobody waits for one that is not."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from waddlebot.libs.dal import Batch, Community, Invalid, Scope, Store, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.tests.sample import SAMPLE, Alias, SampleStore
from waddlebot.libs.testing.databases import PostgreSQLServer, postgresql_running, replica_running
from waddlebot.libs.testing.stores import migrated, small
from waddlebot.libs.testing.waiting import until

LAG_S_MAX = 2.0
BOTH = Batch(frozenset({"home", "away"}))


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary with a replica, and a database on them."""

    primary: PostgreSQLServer
    replica: PostgreSQLServer
    database: str

    def dal(self, role: str = "waddlebot") -> AsyncDAL:
        url = self.primary.url(self.database)
        dal = AsyncDAL(
            url, replicas=(self.replica.url(self.database, role),), budgets=small(), lag_s_max=LAG_S_MAX
        )
        dal.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
        return dal

    def pause(self) -> None:
        """Let the replica fall behind."""
        self.replica.run("select pg_wal_replay_pause()")

    def resume(self) -> None:
        """Let it catch up."""
        self.replica.run("select pg_wal_replay_resume()")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgreSQLServer, PostgreSQLServer]]:
    with postgresql_running() as primary, replica_running(primary) as replica:
        yield primary, replica


@pytest.fixture
def pair(servers: tuple[PostgreSQLServer, PostgreSQLServer]) -> Iterator[Pair]:
    found = Pair(*servers, servers[0].create())
    migrated(found.primary.url(found.database), (SAMPLE,))
    yield found
    found.resume()
    found.primary.drop(found.database)


@pytest.fixture
async def dal(pair: Pair) -> AsyncIterator[AsyncDAL]:
    """One host, whose replica is in use."""
    async with pair.dal() as dal:
        await until(lambda: on_replica(dal))
        yield dal


def sample(dal: AsyncDAL, scope: Scope | str = "home") -> SampleStore:
    store = dal.bind(SAMPLE.name, Community(scope) if isinstance(scope, str) else scope)
    assert isinstance(store, SampleStore)
    return store


async def on_replica(dal: AsyncDAL, scope: Scope | str = "home") -> bool:
    return bool(await sample(dal, scope).run(lambda s: s.db.execute("select pg_is_in_recovery()")[0][0]))


def problem(dal: AsyncDAL) -> str:
    return dal.states()[1].problem


async def test_a_scope_sees_its_own_writes_and_others_stay_on_the_replica(dal: AsyncDAL, pair: Pair) -> None:
    pair.pause()
    await sample(dal).add("bob", 1)
    assert await sample(dal).points() == {"bob": 1}, "another delivery of the same scope"
    assert await sample(dal, BOTH).points() == {"bob": 1}
    assert not await on_replica(dal, System("a test"))
    assert await on_replica(dal, "away")
    pair.resume()
    await until(lambda: on_replica(dal))
    assert await sample(dal).points() == {"bob": 1}


@pytest.mark.parametrize("scope", [BOTH, System("a test")])
async def test_a_write_for_many_is_seen_by_each(dal: AsyncDAL, pair: Pair, scope: Scope) -> None:
    pair.pause()
    row = {"community": "away", "account": "ann", "points": 1.0}
    await sample(dal, scope).change(lambda s: s.db.insert_many("points", [row]))
    assert await sample(dal, "away").points() == {"ann": 1}


async def test_another_host_s_configuration_is_seen_as_soon_as_it_is_heard_of(dal: AsyncDAL, pair: Pair) -> None:
    async with pair.dal() as other:
        seen, _ = await dal.config_changes(0)
        pair.pause()
        await sample(other).save(Alias("hi", "!hello"))
        assert await sample(dal).aliases() == [], "nothing told this host yet"
        _, versions = await dal.config_changes(seen)
        assert versions == {"home": 1}
        assert await sample(dal).aliases() == [Alias("hi", "!hello")]
        assert await on_replica(dal, "away")


async def test_one_that_lags_is_left_alone_and_comes_back(
    dal: AsyncDAL, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "waddlebot.libs.dal")
    async with pair.dal() as other:
        pair.pause()
        await sample(other).add("bob", 1)
        assert await sample(dal).points() == {}
        await until(lambda: "behind" in problem(dal))
        assert await sample(dal).points() == {"bob": 1}
        assert await sample(dal, "away").points() == {}
    assert "is not used: it is" in caplog.text
    pair.resume()
    await until(lambda: not problem(dal))
    await until(lambda: on_replica(dal))
    assert "is used again" in caplog.text


async def test_an_idle_primary_is_no_lag(dal: AsyncDAL) -> None:
    until_then = time.monotonic() + 1.5 * LAG_S_MAX
    while time.monotonic() < until_then:
        assert await on_replica(dal)
        await asyncio.sleep(0.05)
    lag_s = dal.states()[1].lag_s
    assert lag_s is not None
    assert lag_s < LAG_S_MAX


async def test_one_that_is_gone_is_left_alone_and_comes_back(dal: AsyncDAL, pair: Pair) -> None:
    await sample(dal).add("bob", 1)
    await until(lambda: on_replica(dal))
    pair.replica.stop()
    try:
        outcomes = await asyncio.gather(*[sample(dal).points() for _ in range(50)])
        assert outcomes == [{"bob": 1}] * 50
        await until(lambda: problem(dal))
    finally:
        pair.replica.start()
    await until(lambda: on_replica(dal))


async def test_one_that_hangs_holds_nobody_up_for_long(dal: AsyncDAL, pair: Pair) -> None:
    with pair.replica.frozen():
        async with asyncio.timeout(10):
            assert await asyncio.gather(*[sample(dal).points() for _ in range(20)]) == [{}] * 20
        assert problem(dal)
        assert not await on_replica(dal)
    await until(lambda: on_replica(dal))


async def test_without_any_replica_at_the_start_the_primary_answers(pair: Pair) -> None:
    pair.replica.stop()
    try:
        async with pair.dal() as dal:
            assert await sample(dal).points() == {}
            await until(lambda: problem(dal))
            pair.replica.start()
            await until(lambda: on_replica(dal))
    finally:
        with contextlib.suppress(RuntimeError):
            pair.replica.start()


async def test_a_read_that_writes_is_told_what_to_do_on_a_replica_too(dal: AsyncDAL) -> None:
    with pytest.raises(Invalid, match="@writes"):
        await sample(dal).run(lambda s: s.db.execute("update {points} set points = 0 where {scope}"))


async def test_a_replica_s_role_must_be_bound_by_row_security_as_well(pair: Pair) -> None:
    async with pair.dal(role="postgres") as dal:
        await until(lambda: "BYPASSRLS" in problem(dal))
        assert not await on_replica(dal)


async def test_a_read_that_stands_in_the_way_of_replaying_goes_to_the_primary(dal: AsyncDAL, pair: Pair) -> None:
    """PostgreSQL cancels it on the replica ("conflict with recovery"); whoever asked is not to notice."""
    pair.replica.run("alter system set max_standby_streaming_delay = 0")
    pair.replica.run("select pg_reload_conf()")
    places: list[bool] = []

    def slow(store: Store) -> int:
        places.append(store.db.execute("select pg_is_in_recovery()")[0][0])
        rows = store.db.execute("select count(*), pg_sleep(:s) from {points} where {scope}", {"s": 1.0})
        return int(rows[0][0])

    reading = asyncio.ensure_future(sample(dal).run(slow))
    await until(lambda: places)
    pair.primary.run("truncate interactive_sample.points", pair.database)
    assert await reading == 0
    assert places == [True, False]


async def test_one_that_was_promoted_is_not_read(pair: Pair) -> None:
    with replica_running(pair.primary) as replica:
        async with Pair(pair.primary, replica, pair.database).dal() as dal:
            await until(lambda: on_replica(dal))
            replica.promote()
            await until(lambda: "it takes writes of its own" in problem(dal))
            assert await sample(dal).points() == {}
