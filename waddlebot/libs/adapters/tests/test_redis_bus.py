"""The bus on Redis Streams while Redis is well: every group gets every entry once, in order, under bounds."""

import asyncio
import contextlib
import dataclasses
import logging
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from waddlebot.libs.adapters.redis_bus import BusAway, Limits
from waddlebot.libs.adapters.tests.bus_hosts import (
    EVERY_PARTITION,
    QUICK,
    ROUTER,
    BusHost,
    in_order,
    line,
    missing,
    running,
)
from waddlebot.libs.adapters.tracked_bus import Done, Note, Results
from waddlebot.libs.sdk.ports import EventBatch, EventResult, partition_of
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.waiting import until

LINES = range(2_000)


def _has_heard(host: BusHost, number: int) -> bool:
    return number in host.heard("count")


@pytest.fixture
def url(valkey_server: RedisServer) -> str:
    return valkey_server.url


async def test_every_group_gets_every_line_once_and_in_order(url: str) -> None:
    first, second = BusHost(url, "h1", ROUTER, "count"), BusHost(url, "h2", "count", "log")
    async with running(first, second):
        await asyncio.gather(first.announce(LINES[::2]), second.announce(LINES[1::2]))
        await until(lambda: first.bus.counts["entries_read"] and len(first.heard(ROUTER)) >= len(LINES))
        await until(lambda: len(first.heard("count")) + len(second.heard("count")) >= len(LINES))
        await until(lambda: len(second.heard("log")) >= len(LINES))
    assert missing(LINES, first.heard(ROUTER)) == []
    assert missing(LINES, first.heard("count") + second.heard("count")) == []
    assert missing(LINES, second.heard("log")) == []
    # Each host announced every other line of a community: the order is that of each publisher.
    assert in_order(n for n in first.heard(ROUTER) if n % 2)
    assert in_order(n for n in first.heard(ROUTER) if not n % 2)


async def test_lines_leave_packed_and_say_their_partition(url: str) -> None:
    host = BusHost(url, "h1", "count")
    async with running(host):
        await host.announce(LINES, community="home")
        await until(lambda: len(host.heard("count")) == len(LINES))
    assert len(host.batches["count"]) < len(LINES) / 10
    assert {batch.partition for batch in host.batches["count"]} == {partition_of("home")}
    assert len({batch.id for batch in host.batches["count"]}) == len(host.batches["count"])


async def test_finished_entries_are_cut(url: str, valkey_server: RedisServer) -> None:
    host = BusHost(url, "h1", ROUTER, "count")
    key = f"wb:{{{partition_of('home'):02}}}:events"
    async with running(host):
        for number in range(200):
            await host.announce([number], community="home")
            await until(partial(_has_heard, host, number))
        await until(lambda: valkey_server.call("XLEN", key) <= 1, timeout_s=30)
        assert host.bus.crowded == set()


async def test_an_inboxed_batch_is_in_its_stream_when_publish_returns(
    url: str, valkey_server: RedisServer
) -> None:
    host = BusHost(url, "h1")
    batch = EventBatch("b1", [line(1, "home"), line(2, "home")], inboxed=True, source="key:1")
    async with running(host):
        await host.bus.publish(batch)
        (entry,) = valkey_server.call("XRANGE", f"wb:{{{partition_of('home'):02}}}:events", "-", "+")
    found = msgspec.msgpack.decode(entry[1][1], type=EventBatch)
    assert found == msgspec.structs.replace(batch, partition=partition_of("home"))


async def test_an_inboxed_batch_of_several_partitions_is_refused(url: str) -> None:
    host = BusHost(url, "h1")
    async with running(host):
        with pytest.raises(ValueError, match="several partitions"):
            await host.bus.publish(EventBatch("b1", [line(1, "home"), line(2, "away")], inboxed=True))


async def test_a_group_that_says_wait_is_told_no_more_until_it_is_done(url: str) -> None:
    released = asyncio.Event()
    host = BusHost(url, "h1", "slow", "quick")

    async def wait() -> None:
        await released.wait()

    host.answer = lambda group, batch: wait() if group == "slow" else None
    async with running(host):
        await host.announce([1], community="home")
        await until(lambda: host.heard("slow") == [1])
        await host.announce(range(2, 50), community="home")
        await until(lambda: len(host.heard("quick")) == 49)
        assert host.heard("slow") == [1]
        released.set()
        await until(lambda: host.heard("slow") == list(range(1, 50)))


async def test_whoever_announces_waits_before_anything_unread_is_cut(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waddlebot.libs.adapters.redis_publisher.BUFFER_MAX", 400)
    limits = dataclasses.replace(QUICK, length_max=8)
    released = asyncio.Event()
    first, second = BusHost(url, "h1", limits=limits), BusHost(url, "h2", "slow", limits=limits)

    async def wait() -> None:
        await released.wait()

    second.answer = lambda group, batch: wait()
    async with running(first, second):
        announcing = asyncio.create_task(first.announce(range(20_000), community="home"))
        await until(lambda: first.bus.crowded)
        await until(lambda: first.bus.buffered >= 100)
        assert not announcing.done()
        with pytest.raises(BusAway, match="is full"):
            await first.bus.publish(EventBatch("b1", [line(0, "home")], inboxed=True))
        released.set()
        await announcing
        await until(lambda: len(second.heard("slow")) >= 20_000)
    assert second.heard("slow") == list(range(20_000))
    assert "slow does not keep up" in caplog.text


@pytest.mark.parametrize(("gone_s", "absent"), [(0.2, ()), (600.0, ("gone",))])
async def test_a_group_that_nobody_reads_any_more_holds_back_nothing(
    url: str, valkey_server: RedisServer, caplog: pytest.LogCaptureFixture, gone_s: float, absent: tuple[str, ...]
) -> None:
    limits = dataclasses.replace(QUICK, length_max=8, gone_s=gone_s)
    for number in range(64):
        stream = f"wb:{{{number:02}}}:events"
        valkey_server.call("XGROUP", "CREATE", stream, "gone", "0", "MKSTREAM")
        valkey_server.call("XGROUP", "CREATECONSUMER", stream, "gone", "h0")
    host = BusHost(url, "h1", "count", limits=limits, absent=lambda: absent)
    async with running(host):
        for number in range(40):
            await host.announce([number], community="home")
            await until(partial(_has_heard, host, number))
    assert host.heard("count") == list(range(40))
    assert host.bus.counts["unread"] > 0
    assert "nobody reads gone any more" in caplog.text


async def test_what_a_killed_reader_had_not_finished_goes_to_a_replica(url: str, tmp_path: Path) -> None:
    publisher, replica = BusHost(url, "h1"), BusHost(url, "h3", "count")
    async with running(publisher):
        with _reader(url, tmp_path) as process:
            await publisher.announce(range(10), community="home")
            assert process.stdout is not None
            told = int(await asyncio.to_thread(process.stdout.readline))  # it has them, and will not finish
        async with running(replica):
            await until(lambda: missing(range(10), replica.heard("count")) == [])
            await publisher.announce(range(10, 20), community="home")
            await until(lambda: missing(range(20), replica.heard("count")) == [])
    assert told > 0
    assert replica.bus.counts["taken"] > 0


@contextlib.contextmanager
def _reader(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that reads for the group ``count``, says how much it got, never finishes, and is killed."""
    program = folder / "reader.py"
    program.write_text(
        """
import asyncio, sys
from waddlebot.libs.adapters.redis_bus import RedisBus

async def main():
    bus = RedisBus(sys.argv[1], "h2")

    def take(batch):
        print(len(batch.events), flush=True)
        return asyncio.Event().wait()

    bus.subscribe("count", take)
    await bus.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""
    )
    process = subprocess.Popen([sys.executable, str(program), url], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_what_a_live_reader_works_on_stays_its_own(url: str) -> None:
    alive = ["h2"]
    released = asyncio.Event()
    reader, replica = BusHost(url, "h2", "count"), BusHost(url, "h3", "count", hosts=lambda: alive)

    async def wait() -> None:
        await released.wait()

    reader.answer = lambda group, batch: wait()
    async with running(reader):
        await reader.announce([1], community="home")
        await until(lambda: reader.heard("count") == [1])
        async with running(replica):
            await replica.announce([2], community="home")
            await until(lambda: replica.heard("count") == [2])
            looked = asyncio.get_running_loop().time() + 3 * QUICK.claim_after_s + 1
            await until(lambda: asyncio.get_running_loop().time() > looked)
            assert replica.heard("count") == [2]
            alive.clear()  # its row has lapsed
            await until(lambda: replica.heard("count") == [2, 1])
            released.set()


async def test_what_ends_its_readers_is_left_out_at_last(
    url: str, valkey_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    host = BusHost(url, "h1", "count")
    key = f"wb:{{{partition_of('home'):02}}}:events"
    async with running(host):
        await host.announce([1], community="home")
        await until(lambda: host.heard("count") == [1])
        await until(lambda: valkey_server.call("XPENDING", key, "count")[0] == 0)
        (entry,) = valkey_server.call("XRANGE", key, "-", "+")
        # As if five readers had taken it, one after the other, and ended.
        valkey_server.call("XCLAIM", key, "count", "dead", 0, entry[0], "IDLE", 60_000, "RETRYCOUNT", 5, "FORCE")
        await until(lambda: host.bus.counts["given_up"] == 1)
        assert valkey_server.call("XPENDING", key, "count")[0] == 0
    assert host.heard("count") == [1]
    assert "ended count too often" in caplog.text


async def test_events_that_cannot_travel_keep_nobody_waiting(url: str) -> None:
    host = BusHost(url, "h1", "count")
    bad = msgspec.structs.replace(line(2, "home"), data={"what": object()})
    async with running(host):
        await host.bus.publish(EventBatch("", [line(1, "home"), bad, line(3, "home")]))
        await until(lambda: host.heard("count") == [1, 3])
        await host.bus.publish(EventBatch("b1", [bad], inboxed=True))
    assert host.bus.counts["unpackable"] == 2


async def test_an_entry_that_nobody_can_read_is_passed_over(url: str, valkey_server: RedisServer) -> None:
    host = BusHost(url, "h1", "count")
    async with running(host):
        valkey_server.call("XADD", f"wb:{{{partition_of('home'):02}}}:events", "*", "b", b"\xc1")
        await host.announce([1], community="home")
        await until(lambda: host.heard("count") == [1])
    assert host.bus.counts["unreadable"] == 1


async def test_a_subscriber_that_fails_does_not_stop_the_bus(url: str, caplog: pytest.LogCaptureFixture) -> None:
    host = BusHost(url, "h1", "at once", "later")

    async def fail() -> None:
        raise ArithmeticError("later")

    def answer(group: str, batch: EventBatch) -> asyncio.Future[None] | None:
        if group == "at once":
            raise ArithmeticError("at once")
        return asyncio.ensure_future(fail())

    host.answer = answer
    async with running(host):
        await host.announce([1], community="home")
        await host.announce([2], community="home")
        await until(lambda: host.heard("at once") == host.heard("later") == [1, 2])
    assert "at once failed on batch" in caplog.text
    assert "later failed on batch" in caplog.text


async def test_a_name_subscribes_once_and_in_time(url: str) -> None:
    host = BusHost(url, "h1", "count")
    with pytest.raises(ValueError, match="has subscribed already"):
        host.bus.subscribe("count", lambda batch: None)
    async with running(host):
        with pytest.raises(RuntimeError, match="too late"):
            host.bus.subscribe("log", lambda batch: None)


async def test_notes_arrive_at_all_hosts_once(url: str) -> None:
    hosts = [BusHost(url, f"h{number}") for number in range(3)]
    notes: list[list[Note]] = [[], [], []]
    for host, heard in zip(hosts, notes, strict=True):
        host.bus.on_note(heard.append)
    done = Done("count", ("b1", "b2"))
    results = Results("key:1", (EventResult("e1", "answered"),))
    async with running(*hosts):
        hosts[0].bus.note(done)
        assert notes == [[done], [], []]  # at home at once
        hosts[1].bus.note(results)
        await until(lambda: all(len(heard) == 2 for heard in notes))
        for number in range(2_000):
            hosts[2].bus.note(Done("count", (f"b{number}",)))
        await until(lambda: all(len(heard) == 2_002 for heard in notes))
    assert all(done in heard and results in heard for heard in notes)
    assert notes[0][2:] == notes[1][2:] == notes[2][2:]


async def test_a_note_that_nobody_understands_is_no_obstacle(url: str, valkey_server: RedisServer) -> None:
    host = BusHost(url, "h1")
    heard: list[Note] = []

    def hear(note: Note) -> None:
        heard.append(note)
        raise ArithmeticError

    host.bus.on_note(hear)
    async with running(host, other := BusHost(url, "h2")):
        valkey_server.call("XADD", "wb:notes", "*", "b", b"\xc1")
        other.bus.note(Done("count", ("b1",)))
        other.bus.note(Done("count", ("b2",)))
        await until(lambda: len(heard) == 2)


async def test_prefixes_keep_installations_apart(url: str) -> None:
    one, two = BusHost(f"{url}?prefix=one", "h1", "count"), BusHost(f"{url}?prefix=two", "h2", "count")
    async with running(one), running(two):
        await one.announce([1])
        await two.announce([2])
        await until(lambda: one.heard("count") == [1] and two.heard("count") == [2])


async def test_leaving_lets_everything_out_and_leaves_no_consumer(url: str, valkey_server: RedisServer) -> None:
    leaving, staying = BusHost(url, "h1", "count"), BusHost(url, "h2", "count")
    async with running(staying):
        async with running(leaving):
            await leaving.bus.quiesce()
            await leaving.announce(LINES)
        await until(lambda: missing(LINES, leaving.heard("count") + staying.heard("count")) == [])
        consumers = valkey_server.call("XINFO", "CONSUMERS", f"wb:{{{partition_of('home'):02}}}:events", "count")
    assert {consumer[1] for consumer in consumers} <= {b"h2"}


@pytest.mark.parametrize("limits", [Limits()])
async def test_ownership_before_the_start_counts(url: str, limits: Limits) -> None:
    host = BusHost(url, "h1", ROUTER, limits=limits)
    async with running(host, owned=EVERY_PARTITION):
        await host.announce(range(100))
        await until(lambda: missing(range(100), host.heard(ROUTER)) == [])


async def test_a_bus_that_never_started_closes(url: str) -> None:
    host = BusHost(url, "h1", log=logging.getLogger("never"))
    await host.bus.close()
    assert not host.bus.connected
