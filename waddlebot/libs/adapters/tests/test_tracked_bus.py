"""Accepted batches on a real Valkey: carried until all have processed them, by who holds their rows."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from waddlebot.libs.adapters import tracked_bus as module
from waddlebot.libs.adapters.redis_bus import RedisBus
from waddlebot.libs.adapters.tests.bus_hosts import EVERY_PARTITION, line
from waddlebot.libs.adapters.tracked_bus import Orphaned, Parked, TrackedBus
from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk.ports import EventBatch
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.waiting import until

BATCH = EventBatch("b1", [line(1, "home")], inboxed=True)


class Tracked:
    """A bus with one group that never ends what it gets; ``held`` is whether the batch's row is this host's."""

    def __init__(self, carrier: RedisBus) -> None:
        self.held = True
        self.got: list[str] = []
        self.groups = ["group"]
        self.absent: list[str] = []
        self.open = asyncio.Event()
        self.bus = TrackedBus(
            carrier, lambda: self.groups, lambda _: True, lambda: self.absent, self._nobody, logging.getLogger(),
            self._holds,
        )  # fmt: skip
        self.bus.subscribe("group", self._hang)

    async def _nobody(self, group: str, batch: EventBatch) -> bool:
        return False

    async def _holds(self, batch_id: str) -> bool:
        return self.held

    async def _hang(self, batch: EventBatch) -> None:
        self.got.append(batch.id)
        await self.open.wait()


@pytest.fixture
async def tracked(valkey_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tracked]:
    monkeypatch.setattr(module, "AGAIN_S", 0.05)
    monkeypatch.setattr("waddlebot.libs.adapters.redis_bus._STOP_S", 0.1)
    carrier = RedisBus(valkey_server.url, "host-a")
    found = Tracked(carrier)
    carrier.own(EVERY_PARTITION)
    await carrier.start()
    yield found
    await carrier.close()


async def test_a_batch_whose_row_went_to_another_host_is_not_carried_again(tracked: Tracked) -> None:
    publishing = asyncio.create_task(tracked.bus.publish(BATCH))
    await until(lambda: tracked.got == ["b1"])
    tracked.held = False
    with pytest.raises(Orphaned) as caught:
        await publishing
    assert not caught.value.replaced


async def test_nobody_waits_for_a_group_that_has_run_nowhere_for_long(
    tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 600.0)
    tracked.groups, tracked.absent = ["group", "elsewhere"], ["elsewhere"]
    publishing = asyncio.create_task(tracked.bus.publish(BATCH))
    await until(lambda: tracked.got == ["b1"])
    assert not publishing.done(), "who is here ends it first"
    tracked.open.set()
    with pytest.raises(Parked, match=r"^elsewhere$"):
        await publishing


async def test_lines_that_a_running_group_did_not_take_are_told_of(tracked: Tracked) -> None:
    tracked.groups = ["group", "elsewhere"]
    tracked.open.set()
    live = EventBatch("l1", [line(1, "home")])
    with pytest.raises(Unavailable, match="nobody took them for elsewhere"):
        await tracked.bus.bypass(0, live)
    assert tracked.got == ["l1"]
    tracked.absent = ["elsewhere"]
    await tracked.bus.bypass(0, EventBatch("l2", [line(2, "home")]))


async def test_a_batch_that_is_begun_anew_here_has_one_carrier(tracked: Tracked) -> None:
    before = asyncio.create_task(tracked.bus.publish(BATCH))
    await until(lambda: tracked.got == ["b1"])
    again = asyncio.create_task(tracked.bus.publish(BATCH))
    with pytest.raises(Orphaned) as caught:
        await before
    assert caught.value.replaced
    again.cancel()
