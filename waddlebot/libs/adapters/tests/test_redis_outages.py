"""The bus when Redis is not well: gone, hung, restarted, flushed, failed over, out of memory, closed to us."""

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme

from waddlebot.libs.adapters.redis_bus import BusAway
from waddlebot.libs.adapters.redis_link import ACL
from waddlebot.libs.adapters.tests.bus_hosts import ROUTER, BusHost, line, missing, running
from waddlebot.libs.adapters.tracked_bus import Done, Note
from waddlebot.libs.sdk.ports import EventBatch, partition_of
from waddlebot.libs.testing.redis_servers import NewServer, RedisServer, Watched
from waddlebot.libs.testing.waiting import until

LINES = range(100)
MORE = range(100, 200)


@contextlib.asynccontextmanager
async def two_hosts(url: str) -> AsyncIterator[tuple[BusHost, BusHost]]:
    """Two hosts that have heard the first hundred lines, and are well."""
    first, second = BusHost(url, "h1", ROUTER, "count"), BusHost(url, "h2", "count")
    async with running(first, second):
        await second.announce(LINES)
        await until(lambda: both_heard(first, second, len(LINES)))
        yield first, second


def both_heard(first: BusHost, second: BusHost, number: int) -> bool:
    """Whether so many lines reached each group."""
    return len(first.heard(ROUTER)) >= number and len(first.heard("count")) + len(second.heard("count")) >= number


async def go_on(first: BusHost, second: BusHost) -> None:
    """The bus works again: a hundred more lines reach each group once."""
    await second.announce(MORE)
    await until(lambda: both_heard(first, second, len(LINES) + len(MORE)))
    every = range(len(LINES) + len(MORE))
    assert missing(every, first.heard(ROUTER)) == []
    assert missing(every, first.heard("count") + second.heard("count")) == []


async def test_a_flush_is_healed_without_a_restart(valkey_server: RedisServer) -> None:
    async with two_hosts(valkey_server.url) as (first, second):
        notes: list[Note] = []
        second.bus.on_note(notes.append)
        first.bus.note(Done("count", ("b1",)))
        await until(lambda: len(notes) == 1)
        valkey_server.call("FLUSHALL")
        await go_on(first, second)
        first.bus.note(Done("count", ("b2",)))
        await until(lambda: notes[-1] == Done("count", ("b2",)))


@pytest.mark.parametrize("keeps", ["appendonly no", "appendonly yes"])
async def test_a_restart_is_healed_whatever_it_kept(new_valkey: NewServer, keeps: str) -> None:
    server = new_valkey(keeps)
    async with two_hosts(server.url) as (first, second):
        await asyncio.to_thread(server.restart)
        await go_on(first, second)


async def test_lines_wait_for_a_short_restart_and_go_once(new_valkey: NewServer) -> None:
    server = new_valkey("appendonly yes", "appendfsync always")
    async with two_hosts(server.url) as (first, second):
        announcing = asyncio.create_task(second.announce(MORE))
        for _ in range(3):
            await asyncio.to_thread(server.restart)
        await announcing
        every = range(len(LINES) + len(MORE))
        await until(lambda: both_heard(first, second, len(every)))
        assert missing(every, first.heard(ROUTER)) == []
        assert missing(every, first.heard("count") + second.heard("count")) == []


async def test_a_failover_to_a_replica_that_had_nothing_is_healed(watched: Watched) -> None:
    await until(lambda: watched.sentinel.call("SENTINEL", "REPLICAS", "waddlebot"))
    watched.replica.kill()
    async with two_hosts(watched.url) as (first, second):
        watched.master.kill()
        await asyncio.to_thread(watched.replica.start)
        await until(watched.promoted)
        assert watched.replica.call("DBSIZE") == 0  # the groups are gone, and all lines
        await go_on(first, second)


async def test_a_hung_server_is_away_and_comes_back(valkey_server: RedisServer) -> None:
    async with two_hosts(valkey_server.url) as (first, second):
        valkey_server.suspend()
        await second.bus.publish(EventBatch("", [line(100)]))
        await until(lambda: not second.bus.connected)
        assert "TimeoutError" in second.bus.problem
        valkey_server.resume()
        await until(lambda: second.bus.connected)
        assert second.bus.problem == ""
        await second.announce(MORE[1:])
        await until(lambda: both_heard(first, second, 200))
        assert missing(range(200), first.heard(ROUTER)) == []


async def test_lines_go_another_way_while_redis_is_away(valkey_server: RedisServer) -> None:
    around: list[tuple[int, EventBatch]] = []

    async def fallback(partition: int, batch: EventBatch) -> None:
        around.append((partition, batch))

    host = BusHost(valkey_server.url, "h1", "count", fallback=fallback)
    async with running(host):
        await host.announce([0], community="home")
        await until(lambda: host.heard("count") == [0])
        valkey_server.kill()
        await host.announce(range(1, 50), community="home")
        await until(lambda: sum(len(batch.events) for _, batch in around) >= 49)
        assert [int(event.text) for _, batch in around for event in batch.events] == list(range(1, 50))
        assert {partition for partition, _ in around} == {partition_of("home")}
        with pytest.raises(BusAway, match="Redis is away"):
            await host.bus.publish(EventBatch("b1", [line(1, "home")], inboxed=True))
        await asyncio.to_thread(valkey_server.start)
        await until(lambda: host.bus.connected)
        await host.announce([50], community="home")
        await until(lambda: host.heard("count") == [0, 50])


async def test_lines_go_on_when_accepted_batches_waited_as_redis_went(valkey_server: RedisServer) -> None:
    around: list[EventBatch] = []

    async def fallback(_: int, batch: EventBatch) -> None:
        around.append(batch)

    host = BusHost(valkey_server.url, "h1", "count", fallback=fallback)
    async with running(host):
        valkey_server.kill()
        await host.announce([0])
        await until(lambda: not host.bus.connected)
        with pytest.raises(BusAway):  # it is the only one of its partition, and waits until Redis counts as away
            await host.bus.publish(EventBatch("b1", [line(1, "home")], inboxed=True))
        await host.announce(range(1, 50))
        await until(lambda: sum(len(batch.events) for batch in around) >= 50)
        assert "has stopped" not in host.bus.problem


async def test_a_way_around_that_fails_is_counted(valkey_server: RedisServer) -> None:
    async def fallback(partition: int, batch: EventBatch) -> None:
        raise ConnectionError("nobody there")

    host = BusHost(valkey_server.url, "h1", fallback=fallback)
    async with running(host):
        valkey_server.kill()
        await host.announce(range(10), community="home")
        await until(lambda: host.bus.counts["dropped"] == 10)


async def test_without_another_way_lines_wait(valkey_server: RedisServer) -> None:
    host = BusHost(valkey_server.url, "h1", "count")
    async with running(host):
        valkey_server.kill()
        await host.announce(range(50))
        inboxed = host.bus.publish(EventBatch("b1", [line(1, "home")], inboxed=True))
        with pytest.raises(BusAway):
            await inboxed
        await asyncio.to_thread(valkey_server.start)
        await until(lambda: len(host.heard("count")) == 50)


async def test_a_host_starts_while_redis_is_away(new_valkey: NewServer) -> None:
    server = new_valkey()
    server.kill()
    host = BusHost(server.url, "h1", "count")
    await host.bus.start()
    await until(lambda: "ConnectionError" in host.bus.problem)
    await host.announce(range(10))
    await asyncio.to_thread(server.start)
    await until(lambda: len(host.heard("count")) == 10)
    await host.bus.close()


async def test_notes_wait_for_redis(valkey_server: RedisServer) -> None:
    first, second = BusHost(valkey_server.url, "h1"), BusHost(valkey_server.url, "h2")
    heard: list[Note] = []
    second.bus.on_note(heard.append)
    async with running(first, second):
        await asyncio.to_thread(valkey_server.kill)
        first.bus.note(Done("count", ("b1",)))
        await until(lambda: not first.bus.connected)
        await asyncio.to_thread(valkey_server.start)
        await until(lambda: heard == [Done("count", ("b1",))])


async def test_a_server_without_memory_slows_the_publisher_down(new_valkey: NewServer) -> None:
    server = new_valkey()
    host = BusHost(server.url, "h1", "count")
    async with running(host):
        server.call("CONFIG", "SET", "maxmemory", 1)
        await host.announce(range(50))
        inboxed = host.bus.publish(EventBatch("b1", [line(1, "home")], inboxed=True))
        with pytest.raises(BusAway, match="is full"):
            await inboxed
        assert host.bus.buffered == 50
        server.call("CONFIG", "SET", "maxmemory", 0)
        await until(lambda: missing(range(50), host.heard("count")) == [])


async def test_two_processes_and_a_restart_between_them(new_valkey: NewServer, tmp_path: Path) -> None:
    server = new_valkey()
    program = tmp_path / "publisher.py"
    program.write_text(_PUBLISHER)
    host = BusHost(server.url, "h1", ROUTER, "count")
    async with running(host):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), server.url, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        for number in range(1, 4):
            process.stdin.write(b"100\n")
            await until(lambda number=number: len(host.heard("count")) >= 100 * number)  # type: ignore[misc]  # binds it now
            await asyncio.to_thread(server.restart)
        process.stdin.close()
        await process.wait()
    assert missing(range(300), host.heard("count")) == []
    assert missing(range(300), host.heard(ROUTER)) == []


_PUBLISHER = """
import asyncio, sys
from waddlebot.libs.adapters.tests.bus_hosts import BusHost

async def main():
    host, said = BusHost(sys.argv[1], "h2"), 0
    await host.bus.start()
    while wanted := await asyncio.to_thread(sys.stdin.readline):
        await host.announce(range(said, said + int(wanted)))
        said += int(wanted)
    await host.bus.close()

asyncio.run(main())
"""


async def test_a_cluster_carries_all_partitions_and_survives_a_restart(redis_cluster: list[RedisServer]) -> None:
    nodes = ",".join(f"127.0.0.1:{node.port}" for node in redis_cluster)
    async with two_hosts(f"redis+cluster://{nodes}") as (first, second):
        heard: list[Note] = []
        second.bus.on_note(heard.append)
        first.bus.note(Done("count", ("b1",)))
        await until(lambda: heard == [Done("count", ("b1",))])
        assert all(node.call("DBSIZE") > 0 for node in redis_cluster)
        for node in redis_cluster:
            node.call("FLUSHALL")
        await go_on(first, second)


SECRET = "canary-9f2c"


async def test_an_acl_user_needs_no_more_than_we_say(
    new_valkey: NewServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = new_valkey(f"user waddlebot on >{SECRET} {ACL}")
    with caplog.at_level(logging.DEBUG):
        async with two_hosts(server.url.replace("//", f"//waddlebot:{SECRET}@")) as (first, second):
            await go_on(first, second)
            first.bus.note(Done("count", ("b1",)))
            server.call("FLUSHALL")
            await until(lambda: server.call("XLEN", "wb:notes") == 0)
        assert first.bus.problem == second.bus.problem == ""
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("user", "words"),
    [
        (f"user waddlebot on >other {ACL}", "check user and password"),
        (f"user waddlebot on >{SECRET} ~other:* +@all", "the ACL user needs ~wb:*"),
    ],
)
async def test_a_user_who_may_not_is_told_what_to_do(
    new_valkey: NewServer, caplog: pytest.LogCaptureFixture, user: str, words: str
) -> None:
    server = new_valkey(user)
    host = BusHost(server.url.replace("//", f"//waddlebot:{SECRET}@"), "h1", "count")
    with caplog.at_level(logging.DEBUG):
        await host.bus.start()
        await until(lambda: words in host.bus.problem)
        await until(lambda: "is away" in caplog.text)
        await host.bus.close()
    assert SECRET not in caplog.text + host.bus.problem


async def test_tls_proves_who_the_server_is(new_redis: NewServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    ca, cert, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(ca)
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    server = new_redis(f"tls-cert-file {cert}", f"tls-key-file {key}", f"tls-ca-cert-file {ca}")
    port = server.port + 1 if server.port < 32_767 else server.port - 1
    server.call("CONFIG", "SET", "tls-port", port)
    url = f"rediss://127.0.0.1:{port}"
    async with two_hosts(f"{url}?ca={ca}&cert={cert}&key={key}") as (first, second):
        await go_on(first, second)
    stranger = BusHost(url, "h3", "count")  # which does not know the authority
    await stranger.bus.start()
    await until(lambda: "CERTIFICATE_VERIFY_FAILED" in stranger.bus.problem)
    await stranger.bus.close()


async def test_a_fault_of_ours_is_seen(valkey_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    host = BusHost(valkey_server.url, "h1", "count")
    async with running(host):
        broken: Callable[..., object] = lambda found: 1 / 0  # noqa: E731  a fault in one place
        monkeypatch.setattr(host.bus._reader, "_take_in", broken)
        await host.announce([1])
        await until(lambda: "bus reader has stopped" in host.bus.problem)
