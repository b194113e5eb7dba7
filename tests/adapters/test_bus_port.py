"""The Bus port: in memory, through the codec, and between hosts over Valkey, told alike and in order."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from waddlebot.libs.adapters.memory_bus import MemoryBus, WireCheckedBus
from waddlebot.libs.adapters.redis_bus import RedisBus
from waddlebot.libs.adapters.tracked_bus import TrackedBus
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import PARTITIONS, Bus, EventBatch, partition_of
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.waiting import until

GROUPS = ("router", "core.sample.count")
LOG = logging.getLogger("test.bus")


class Rig:
    """A bus with a router and an observer, and what each was told."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.told: dict[str, list[str]] = {group: [] for group in GROUPS}
        self.gate: dict[str, Callable[[EventBatch], Awaitable[None] | None]] = {}
        for group in GROUPS:
            bus.subscribe(group, self._subscriber(group), owned=group == "router")

    def _subscriber(self, group: str) -> Callable[[EventBatch], Awaitable[None] | None]:
        def take(batch: EventBatch) -> Awaitable[None] | None:
            self.told[group] += [event.id for event in batch.events]
            gate = self.gate.get(group)
            return gate(batch) if gate is not None else None

        return take

    async def all_heard(self, ids: list[str]) -> None:
        await until(lambda: all(told == ids for told in self.told.values()))


type Opened = Callable[[RedisServer], AbstractAsyncContextManager[Rig]]


@asynccontextmanager
async def memory(server: RedisServer) -> AsyncIterator[Rig]:
    yield Rig(MemoryBus())


@asynccontextmanager
async def checked(server: RedisServer) -> AsyncIterator[Rig]:
    yield Rig(WireCheckedBus())


@asynccontextmanager
async def redis(server: RedisServer) -> AsyncIterator[Rig]:
    async def nobody(group: str, batch: EventBatch) -> bool:
        return False

    async def ours(batch_id: str) -> bool:
        return True

    carrier = RedisBus(server.url, "host-a", log=LOG)
    rig = Rig(TrackedBus(carrier, lambda: GROUPS, lambda partition: True, lambda: (), nobody, LOG, ours))
    carrier.own(dict.fromkeys(range(PARTITIONS), 1))
    await carrier.start()
    await until(lambda: carrier.connected)
    try:
        yield rig
    finally:
        await carrier.close()


ADAPTERS: dict[str, Opened] = {"memory": memory, "checked": checked, "redis": redis}


@pytest.fixture(params=ADAPTERS)
async def rig(request: pytest.FixtureRequest, valkey_server: RedisServer) -> AsyncIterator[Rig]:
    async with ADAPTERS[request.param](valkey_server) as found:
        yield found


def events(*ids: str, community: str = "home") -> list[Event]:
    return [
        Event(1, id_, "chat.message", "irc", "net", "#a", "u1", "ann", "Ann", (), "hi", 1.0, 1.0, community, "irc")
        for id_ in ids
    ]


def inboxed(*ids: str, community: str = "home") -> EventBatch:
    return EventBatch(f"b-{ids[0]}", events(*ids), True, "key:1", partition_of(community))


async def test_everybody_is_told_every_line_in_order(rig: Rig) -> None:
    ids = [f"e{number}" for number in range(50)]
    for number in range(0, 50, 5):
        await rig.bus.publish(EventBatch(f"live-{number}", events(*ids[number : number + 5])))
    await rig.all_heard(ids)


async def test_an_accepted_batch_is_published_when_all_have_processed_it(rig: Rig) -> None:
    gate, done = asyncio.Event(), list[str]()

    async def slowly(batch: EventBatch) -> None:
        await gate.wait()
        done.append(batch.id)

    rig.gate["core.sample.count"] = slowly
    publishing = asyncio.create_task(rig.bus.publish(inboxed("e1", "e2")))
    await rig.all_heard(["e1", "e2"])
    assert not publishing.done()
    gate.set()
    await asyncio.wait_for(publishing, 10)
    assert done == ["b-e1"]


async def test_the_batch_comes_as_it_was_published(rig: Rig) -> None:
    seen: list[EventBatch] = []

    async def look(batch: EventBatch) -> None:
        seen.append(batch)

    rig.gate["router"] = look
    batch = inboxed("e1")
    await asyncio.wait_for(rig.bus.publish(batch), 10)
    assert [(found.id, found.inboxed, found.source, found.partition, found.events) for found in seen] == [
        (batch.id, True, "key:1", batch.partition, batch.events)
    ]


async def test_a_name_subscribes_once(rig: Rig) -> None:
    with pytest.raises(ValueError, match="router has subscribed already"):
        rig.bus.subscribe("router", lambda batch: None)


async def test_lines_of_several_communities_all_arrive(rig: Rig) -> None:
    some = [event for name in ("home", "den", "lab", "pond") for event in events(f"{name}-1", community=name)]
    await rig.bus.publish(EventBatch("mixed", some))
    await until(lambda: all(sorted(told) == sorted(event.id for event in some) for told in rig.told.values()))
