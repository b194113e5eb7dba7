"""A whole bot whose database is a pgbouncer in transaction mode and a replica that may be half a minute behind."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from waddlebot.core.community.store import CommunityStore
from waddlebot.libs.dal import Community
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.databases import PostgreSQLServer, postgresql_running, replica_running
from waddlebot.libs.testing.pgbouncer import PgBouncer, pgbouncer_running
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime import environment
from waddlebot.runtime.installation import opened

type Servers = tuple[PostgreSQLServer, PostgreSQLServer, PgBouncer]
MOD = ("moderator",)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """A primary, its replica, and a pgbouncer before the primary."""
    with (
        postgresql_running() as primary,
        replica_running(primary) as replica,
        pgbouncer_running(primary) as between,
    ):
        yield primary, replica, between


@pytest.fixture
def environ(servers: Servers, tmp_path: Path) -> Mapping[str, str]:
    primary, replica, between = servers
    name = primary.create()
    return environ_of(
        tmp_path / "data",
        between.url(name),
        DATABASE_REPLICA_URLS=replica.url(name),
        DATABASE_REPLICA_LAG_S_MAX="30",
    )


async def replica_is_read(bot: HostBot) -> None:
    """Wait until the host reads from its replica."""
    await until(lambda: (lag_s := bot.host.dal.states()[1].lag_s) is not None and lag_s < 2)


@contextlib.contextmanager
def lagging(replica: PostgreSQLServer) -> Iterator[None]:
    """The replica replays nothing for as long as the block runs, which the lag that is allowed does not mind."""
    replica.run("select pg_wal_replay_pause()")
    try:
        yield
    finally:
        replica.run("select pg_wal_replay_resume()")


async def test_a_conversation_sees_what_it_changed(environ: Mapping[str, str], servers: Servers) -> None:
    _, replica, _ = servers
    async with hosted(environ) as bot, joined(bot) as chat:
        await replica_is_read(bot)
        with lagging(replica):
            chat.say("!alias add !hi !help", as_="mod", roles=MOD)
            await chat.hears("…!hi…")
            chat.say("!hi")  # by which ann is known, too
            await chat.hears("…!rank…", within_s=5)
            chat.say("!regulars add ann", as_="mod", roles=MOD)
            await chat.hears("…regular…", within_s=5)
            chat.say("!rank show", as_="ann")
            await chat.hears("ann is: …regular…")


async def test_a_revoked_rank_and_a_disabled_module_hold_though_the_replica_is_behind(
    environ: Mapping[str, str], servers: Servers
) -> None:
    """Another process revokes; the host must hear of it from the primary."""
    _, replica, _ = servers
    async with hosted(environ) as bot:
        configuration = bot.host.shared.configuration

        def ranks() -> Mapping[str, int]:
            known = configuration.get("home")
            return known.contribution.ranks if known else {}

        async with opened(environment.load(environ)) as other:

            def community() -> CommunityStore:
                store = other.dal.bind("core.community", Community("home"), actor="operator")
                assert isinstance(store, CommunityStore)
                return store

            await community().give_rank("irc:ann", "moderator")
            await until(lambda: "irc:ann" in ranks())
            await replica_is_read(bot)
            with lagging(replica):
                await community().take_rank("irc:ann", "moderator")
                await community().switch("core.reputation", False)
                await until(lambda: "irc:ann" not in ranks(), timeout_s=5)
                await until(lambda: not configuration.enabled("core.reputation", "home"), timeout_s=5)
                assert bot.host.dal.states()[1].problem == "", "it was read for all else"
