"""Owned partitions on Redis Streams: one reader each, order over a take-over, fences against former holders."""

import asyncio
from typing import Any

import msgspec
import pytest

from waddlebot.libs.adapters.redis_streams import Found
from waddlebot.libs.adapters.tests.bus_hosts import (
    EVERY_PARTITION,
    ROUTER,
    BusHost,
    in_order,
    line,
    missing,
    running,
)
from waddlebot.libs.sdk.ports import FOLLOWS, PARTITIONS, EventBatch, partition_of
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.waiting import until

LINES = range(4_000)
HOME = partition_of("home")
EVEN = {partition: 1 for partition in range(PARTITIONS) if partition % 2 == 0}
ODD = {partition: 1 for partition in range(PARTITIONS) if partition % 2}


@pytest.fixture
def url(valkey_server: RedisServer) -> str:
    return valkey_server.url


async def _hang() -> None:
    await asyncio.Event().wait()


def _partitions(host: BusHost) -> set[int]:
    return {batch.partition for batch in host.batches[ROUTER]}


async def test_each_owner_hears_its_own_partitions(url: str) -> None:
    first, second = BusHost(url, "h1", ROUTER), BusHost(url, "h2", ROUTER)
    async with running(first, second, owned=EVEN):
        second.bus.own(ODD)
        await first.announce(LINES)
        await until(lambda: len(first.heard(ROUTER)) + len(second.heard(ROUTER)) >= len(LINES))
    assert missing(LINES, first.heard(ROUTER) + second.heard(ROUTER)) == []
    assert _partitions(first) <= EVEN.keys()
    assert _partitions(second) <= ODD.keys()


async def test_nothing_is_lost_or_reordered_while_partitions_move(url: str) -> None:
    first, second = BusHost(url, "h1", ROUTER), BusHost(url, "h2", ROUTER)
    told: list[int] = []

    def note(group: str, batch: EventBatch) -> None:
        told.extend(int(event.text) for event in batch.events)

    first.answer = second.answer = note
    async with running(first, second):
        announcing = asyncio.create_task(second.announce(LINES))
        for fence, (giver, taker) in enumerate([(first, second), (second, first)] * 5, 2):
            await until(lambda fence=fence: len(told) >= 300 * (fence - 1))  # type: ignore[misc]  # binds it now
            giver.bus.own({})
            await giver.bus.finished(range(PARTITIONS))
            taker.bus.own(dict.fromkeys(range(PARTITIONS), fence))
        await announcing
        await until(lambda: len(told) >= len(LINES))
    assert missing(LINES, told) == []
    assert in_order(told)


async def test_what_is_on_its_way_to_a_former_owner_is_the_next_ones(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = BusHost(url, "h1", ROUTER), BusHost(url, "h2", ROUTER)
    streams, read, held = first.bus._reader._streams, asyncio.Event(), asyncio.Event()
    reading = streams.read

    async def slow(*asked: Any) -> Found:
        found = await reading(*asked)
        if found.entries:
            read.set()
            await held.wait()
        return found

    async with running(first, second):
        monkeypatch.setattr(streams, "read", slow)  # the answer is on the network for long
        await second.announce(range(10))
        await read.wait()
        first.bus.own({})
        await first.bus.finished(range(PARTITIONS))
        second.bus.own(dict.fromkeys(range(PARTITIONS), 2))
        await until(lambda: len(second.heard(ROUTER)) == 10)
        held.set()
        await asyncio.sleep(0.2)
    assert first.heard(ROUTER) == []
    assert missing(range(10), second.heard(ROUTER)) == []


async def test_a_partition_is_let_go_when_what_was_finished_is_acknowledged(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = BusHost(url, "h1", ROUTER)
    streams, asked, held = host.bus._reader._streams, asyncio.Event(), asyncio.Event()
    acknowledging = streams.ack

    async def slow(*finished: Any) -> None:
        asked.set()
        await held.wait()
        await acknowledging(*finished)

    async with running(host):
        monkeypatch.setattr(streams, "ack", slow)  # the answer is on the network for long
        await host.announce(range(10))
        await asked.wait()
        host.bus.own({})
        letting_go = asyncio.create_task(host.bus.finished(range(PARTITIONS)))
        await asyncio.sleep(0.1)
        assert not letting_go.done()
        held.set()
        await letting_go


async def test_a_new_owner_begins_with_what_the_dead_one_had_in_hand(url: str) -> None:
    publisher, dead, heir = BusHost(url, "h1"), BusHost(url, "h2", ROUTER), BusHost(url, "h3", ROUTER)
    dead.answer = lambda group, batch: _hang() if batch.inboxed else None
    async with running(publisher, dead, heir):
        dead.bus.own(EVERY_PARTITION)
        batches = [EventBatch(f"b{n}", [line(n, "home")], inboxed=True) for n in range(300)]
        for batch in batches[:200]:
            await publisher.bus.publish(batch)
        await until(lambda: len(dead.heard(ROUTER)) == 200)
        await dead.bus.quiesce(0)  # its work ends unfinished, as by a kill
        for batch in batches[200:]:
            await publisher.bus.publish(batch)
        heir.bus.own(dict.fromkeys(range(PARTITIONS), 2))
        await until(lambda: len(heir.heard(ROUTER)) == 300)
    assert heir.heard(ROUTER) == list(range(300))
    assert heir.bus.counts["taken"] == 200


async def test_what_the_dead_owner_had_begun_waits_until_it_is_announced_again(url: str) -> None:
    orphans: list[str] = []
    dead, heir = BusHost(url, "h1", ROUTER), BusHost(url, "h2", ROUTER, orphaned=orphans.append)
    dead.answer = lambda group, batch: _hang()
    begun, unread = (EventBatch(f"b{n}", [line(n, "home")], inboxed=True) for n in range(2))
    async with running(dead, heir):
        await dead.bus.publish(begun)
        await until(lambda: dead.heard(ROUTER) == [0])
        await dead.bus.quiesce(0)  # its work ends unfinished, as by a kill
        for batch in (begun, unread):
            await dead.bus.publish(batch)
        heir.bus.own(dict.fromkeys(range(PARTITIONS), 2))
        await until(lambda: heir.heard(ROUTER) == [1])
        assert orphans == ["b0"]
        await heir.bus.publish(begun)
        await until(lambda: heir.heard(ROUTER) == [1, 0])


async def test_a_former_owner_reads_nothing_more_though_it_does_not_know(
    url: str, valkey_server: RedisServer
) -> None:
    former, heir = BusHost(url, "h1", ROUTER), BusHost(url, "h2", ROUTER)
    async with running(former, heir):
        await heir.announce([1], community="home")
        await until(lambda: former.heard(ROUTER) == [1])
        await until(lambda: valkey_server.call("XPENDING", f"wb:{{{HOME:02}}}:events", ROUTER)[0] == 0)
        heir.bus.own({HOME: 2})
        await until(lambda: not heir.bus._reader.groups[ROUTER].taking)
        await heir.announce(range(2, 50), community="home")
        await until(lambda: heir.heard(ROUTER) == list(range(2, 50)))
    assert former.heard(ROUTER) == [1]


async def test_own_returns_when_nothing_of_what_was_given_up_is_in_work(url: str) -> None:
    host = BusHost(url, "h1", ROUTER)
    released = asyncio.Event()

    async def wait() -> None:
        await released.wait()

    host.answer = lambda group, batch: wait()
    async with running(host):
        await host.bus.publish(EventBatch("b1", [line(1, "home")], inboxed=True))
        await until(lambda: host.heard(ROUTER) == [1])
        others = {partition: 1 for partition in range(PARTITIONS) if partition != HOME}
        host.bus.own(others)
        giving_up = asyncio.create_task(host.bus.finished({HOME}))
        done, _ = await asyncio.wait([giving_up], timeout=0.2)
        assert not done
        released.set()
        await giving_up


async def test_late_lines_of_a_former_holder_are_dropped(url: str, caplog: pytest.LogCaptureFixture) -> None:
    claims = {"h1": {"irc:net:#a": 3, "irc:net:#b": 7}, "h2": {"irc:net:#a": 4}}
    first = BusHost(url, "h1", ROUTER, "count", fence_of=lambda entity: claims["h1"].get(entity, 0))
    second = BusHost(url, "h2", fence_of=lambda entity: claims["h2"].get(entity, 0))
    async with running(first, second):
        await first.bus.publish(EventBatch("", [line(1, "home", "#a")]))
        await until(lambda: first.heard(ROUTER) == [1])
        await second.bus.publish(EventBatch("", [line(2, "home", "#a")]))
        await until(lambda: first.heard(ROUTER) == [1, 2])
        # h1 was frozen, and wakes with lines of #a in hand; #b is its own still, and nobody claims #c.
        late = [line(3, "home", "#a"), line(4, "home", "#b"), line(5, "home", "#c")]
        await first.bus.publish(EventBatch("", late))
        await until(lambda: first.heard(ROUTER) == [1, 2, 4, 5])
        # What follows from a line is not late, whoever held its channel once.
        await first.bus.publish(EventBatch(FOLLOWS, [line(6, "home", "#a")]))
        await until(lambda: first.heard(ROUTER) == [1, 2, 4, 5, 6])
        await until(lambda: first.heard("count") == [1, 2, 3, 4, 5, 6])  # observers count what was said
    assert first.bus.counts["late"] == 1
    assert "1 late lines of a former holder dropped (irc:net:#a)" in caplog.text


async def test_the_fence_in_force_counts_before_the_first_line_under_it(url: str) -> None:
    host = BusHost(url, "h1", ROUTER, fence_of=lambda entity: 3, current_fence=lambda entity: 4)
    async with running(host):
        await host.bus.publish(EventBatch("", [line(1, "home", "#a")]))
        await until(lambda: host.bus.counts["late"] == 1)
    assert host.heard(ROUTER) == []


async def test_lines_before_and_after_a_claim_came_back_travel_apart(url: str) -> None:
    fences = {"irc:net:#a": 3}
    host = BusHost(url, "h1", ROUTER, fence_of=lambda entity: fences[entity])
    async with running(host):
        one = host.bus.publish(EventBatch("", [line(1, "home", "#a")]))
        await one
        fences["irc:net:#a"] = 5
        await host.bus.publish(EventBatch("", [line(2, "home", "#a")]))
        await until(lambda: host.heard(ROUTER) == [1, 2])
    assert [batch.fences for batch in host.batches[ROUTER]] == [{"irc:net:#a": 3}, {"irc:net:#a": 5}]


async def test_what_the_publisher_says_of_fences_counts(url: str) -> None:
    host = BusHost(url, "h1", ROUTER, fence_of=lambda entity: 9)
    async with running(host):
        batch = EventBatch("", [line(1, "home", "#a")], fences={"irc:net:#a": 2})
        await host.bus.publish(batch)
        await until(lambda: host.heard(ROUTER) == [1])
    assert host.batches[ROUTER][0].fences == {"irc:net:#a": 2}
    assert msgspec.structs.replace(batch, fences={}).fences == {}


async def test_what_came_another_way_is_not_told_again(url: str) -> None:
    host, other = BusHost(url, "h1", ROUTER, "count"), BusHost(url, "h2")
    async with running(host, other):
        await other.announce([1], community="home")
        await until(lambda: host.heard("count") == host.heard(ROUTER) == [1])
        await host.bus.deliver(host.batches["count"][0])
        assert host.heard("count") == host.heard(ROUTER) == [1]
        await host.bus.deliver(EventBatch("other", [line(2, "home")], partition=HOME), ("count",))
        assert host.heard("count") == [1, 2]
        assert host.heard(ROUTER) == [1]
