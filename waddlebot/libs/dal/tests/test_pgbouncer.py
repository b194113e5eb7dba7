"""Through a pgbouncer in transaction mode, whose clients share connections, nothing leaks and nothing breaks."""

import asyncio
from collections.abc import Iterator

import pytest

from waddlebot.libs.dal import Batch, Community, EffectKey, Scope, System, Unavailable
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.tests.sample import SAMPLE, Alias, SampleStore
from waddlebot.libs.testing.databases import HOST_ROLE, OWNER_ROLE, PostgreSQLServer
from waddlebot.libs.testing.pgbouncer import PgBouncer
from waddlebot.libs.testing.stores import small
from waddlebot.libs.testing.waiting import until

COMMUNITIES = [f"c{number}" for number in range(12)]


@pytest.fixture
def database(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    name = postgresql_server.create()
    yield name
    postgresql_server.drop(name)


@pytest.fixture
def dal(pgbouncer: PgBouncer, database: str) -> AsyncDAL:
    """More threads than the pgbouncer has server connections; not open yet. The upgrade goes through it too."""
    upgrade(pgbouncer.url(database, OWNER_ROLE), (SAMPLE,), host_role=HOST_ROLE)
    dal = AsyncDAL(pgbouncer.url(database), budgets=small(6), wire_check=True)
    dal.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
    return dal


def sample(dal: AsyncDAL, scope: Scope | str, effect: str = "") -> SampleStore:
    key = EffectKey(effect, "interactive.sample.handler") if effect else None
    store = dal.bind(SAMPLE.name, Community(scope) if isinstance(scope, str) else scope, effect=key)
    assert isinstance(store, SampleStore)
    return store


async def test_units_of_many_scopes_share_connections_and_see_their_own_rows(dal: AsyncDAL) -> None:
    sneaky = "select distinct community from {points} where {scope} or true"

    async def live(community: str) -> None:
        for number in range(10):
            assert await sample(dal, community, f"{community}-{number // 2}").add("bob", 1) == number // 2 + 1
            assert await sample(dal, community).run(lambda s: s.db.execute(sneaky)) == [(community,)]
            with pytest.raises(RuntimeError):
                await sample(dal, community).add_and_fail("bob")
            await sample(dal, community).save(Alias(f"a{number}", "!b"))

    async with dal:
        await asyncio.gather(*[live(community) for community in COMMUNITIES])
        two = Batch(frozenset(COMMUNITIES[:2]))
        assert sorted(await sample(dal, two).run(lambda s: s.db.execute(sneaky))) == [("c0",), ("c1",)]
        assert len(await sample(dal, System("a test")).run(lambda s: s.db.execute(sneaky))) == len(COMMUNITIES)
        assert await dal.config_changes(0) == (120, dict.fromkeys(COMMUNITIES, 10))


async def test_nothing_is_left_in_a_session(
    dal: AsyncDAL, database: str, postgresql_server: PostgreSQLServer
) -> None:
    """What the next client of the same connection finds: no scope, no limits, no locks, nothing prepared."""
    async with dal:
        await asyncio.gather(*[sample(dal, community).add("bob", 1) for community in COMMUNITIES])
        found = "select coalesce(current_setting('waddlebot.communities', true), ''), \
            current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'), \
            (select count(*) from pg_prepared_statements)"

        def after_rollback(store: SampleStore) -> object:
            cursor = store.db._session._cursor  # type: ignore[attr-defined]  # looking behind the facade
            cursor.execute(f"rollback; {found}")
            return cursor.fetchone()

        for _ in range(6):
            assert await sample(dal, "c0").run(after_rollback) == ("", "0", "0", 0)
        held = "select count(*) from pg_locks where locktype = 'advisory'"
        assert postgresql_server.query(held, database) == [(0,)]


async def test_a_pooler_s_own_limits_are_its_own_business(
    dal: AsyncDAL, pgbouncer: PgBouncer, database: str
) -> None:
    """Many threads on few connections: that is what a pgbouncer is for, so nothing is refused at the start."""
    many = AsyncDAL(pgbouncer.url(database), budgets=small(150))
    many.register(SAMPLE.name, SAMPLE.store, SAMPLE.migrations)
    async with many:
        assert await sample(many, "c0").points() == {}


async def test_one_that_is_restarted_is_found_again(dal: AsyncDAL, pgbouncer: PgBouncer) -> None:
    async with dal:
        await asyncio.gather(*[sample(dal, community).add("bob", 1) for community in COMMUNITIES])
        pgbouncer.kill()
        try:
            with pytest.raises(Unavailable):
                await sample(dal, "c0").points()
        finally:
            pgbouncer.start()

        async def is_back() -> bool:
            try:
                await dal.ping()
            except Unavailable:
                return False
            return True

        await until(is_back)
        assert await sample(dal, "c0", "again").add("bob", 1) == 2
