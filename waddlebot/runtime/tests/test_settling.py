"""Who changes the configuration sees it at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.libs.contracts.community import HOME, CommunityService
from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk import CallScope
from waddlebot.libs.testing.modules import Bench, opened_bench
from waddlebot.runtime import configuration


@pytest.fixture
async def bench(sqlite_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(sqlite_url, community) as opened:
        yield opened


async def test_a_change_returns_when_all_who_watch_live_by_it(bench: Bench) -> None:
    told, living = asyncio.Event(), asyncio.get_running_loop().create_future()

    def watch(changed: Sequence[str]) -> asyncio.Future[None]:
        assert changed == (HOME,)
        told.set()
        return living

    bench.configuration.watch(watch)
    changing = asyncio.create_task(bench.run("prefix ?"))
    await told.wait()
    known = bench.configuration.get(HOME)
    assert known is not None
    assert known.contribution.prefix == "?"
    assert not changing.done()
    living.set_result(None)
    assert (await changing).status == "ok"


async def test_another_poll_does_not_take_a_change_away(bench: Bench) -> None:
    told, living = asyncio.Event(), asyncio.get_running_loop().create_future()

    def watch(changed: Sequence[str]) -> asyncio.Future[None]:
        told.set()
        return living

    bench.configuration.watch(watch)
    changing = asyncio.create_task(bench.run("prefix ?"))
    await told.wait()
    settling = asyncio.create_task(bench.configuration.settle())
    await bench.configuration.poll()
    assert not settling.done()
    living.set_result(None)
    await settling
    await changing


async def test_nobody_waits_long_for_who_does_not_come(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "SETTLE_S_MAX", 0.01)
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    bench.configuration.watch(lambda changed: never)
    assert (await bench.run("prefix ?")).status == "ok"
    assert not never.done()


class Away:
    """The clock of a database that went away after the start."""

    async def config_changes(self, since: int) -> tuple[int, dict[str, int]]:
        raise Unavailable("the database is away")

    def when_configured(self, configured: Callable[[], Awaitable[None]]) -> None:
        """Nothing is changed in it."""


async def test_a_change_that_is_kept_is_no_failure_where_it_cannot_be_read(bench: Bench) -> None:
    service = CommunityService(bench.shared.caller(CallScope("")))
    cache = configuration.ConfigurationCache(Away(), bench.manifests, service, logging.getLogger("test"))
    with pytest.raises(Unavailable):
        await cache.poll()
    await cache.settle()
