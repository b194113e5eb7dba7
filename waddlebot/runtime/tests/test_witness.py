"""Who watches whom, and what counts as the end of a process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from grpc import aio

from waddlebot.libs.adapters.grpc_wire import channel_to
from waddlebot.libs.adapters.lease_store import HostRow
from waddlebot.libs.adapters.presence import until_ended
from waddlebot.libs.testing.leases import coordinating
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime.coordination import Coordinator, Timing
from waddlebot.runtime.witness import Witness, next_of

NAMES = dict.fromkeys(("a", "b", "c", "d"), 0)
PATIENT = Timing(beat_s=3_600.0, expiry_s=3_600.0, sure_s=3_600.0, poll_s=0.05)
"""Silence alone takes nobody for dead."""


class Door:
    """An address as a process has it: it accepts connections, and when it ends, they end too."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._port = port
        self._inner = free_port()
        self._grpc = aio.server()
        self._server: asyncio.Server | None = None
        self._guests: list[asyncio.StreamWriter] = []
        self.guests = 0

    async def open(self) -> None:
        self._grpc.add_insecure_port(f"127.0.0.1:{self._inner}")
        await self._grpc.start()
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._inner)
        self._guests.append(writer)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._copy(reader, to_writer), self._copy(to_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.guests += b"PRI * HTTP/2.0" in data
            writer.write(data)
        writer.close()

    def cut(self) -> None:
        """All connections end, and others are accepted."""
        for writer in self._guests:
            writer.transport.abort()
        self._guests.clear()
        self.guests = 0

    async def end(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._grpc.stop(None)


@contextlib.asynccontextmanager
async def watched(url: str, opened: bool = True) -> AsyncIterator[tuple[Coordinator, Coordinator, Door]]:
    """One that watches, one that is watched and holds all names, and the latter's door."""
    door = Door(free_port())
    if opened:
        await door.open()
    async with coordinating(url, "two", grpc=door.address, timing=PATIENT) as two:
        two.claims("kind").want(NAMES)
        await until(lambda: two.claims("kind").held.keys() == NAMES.keys())
        async with coordinating(url, "one", grpc="127.0.0.1:1", timing=PATIENT) as one:
            witness = Witness(one, lambda address: until_ended(channel_to(address, None), address))
            witness.start()
            try:
                yield one, two, door
            finally:
                await witness.stop()
                await door.end()


async def test_what_a_process_held_is_free_as_soon_as_it_has_ended(database_url: str) -> None:
    async with watched(database_url) as (one, two, door):
        await until(lambda: door.guests == 1)
        await asyncio.sleep(1.0)  # it takes the connection for one when the answer to its greeting has come
        one.claims("kind").want(dict.fromkeys(NAMES, 1), most=4)
        await until(lambda: len(one.claims("kind").held) == 2)
        await door.end()
        await until(lambda: one.claims("kind").held.keys() == NAMES.keys())
        assert two.host not in one.hosts()


async def test_a_connection_that_broke_is_no_end(database_url: str) -> None:
    async with watched(database_url) as (one, two, door):
        for _ in range(3):
            await until(lambda: door.guests == 1)
            door.cut()
        await until(lambda: door.guests == 1)
        assert two.host in one.hosts()


async def test_who_was_never_connected_is_not_accused(database_url: str) -> None:
    async with watched(database_url, opened=False) as (one, two, door):
        await asyncio.sleep(1.0)  # five refusals
        assert two.host in one.hosts()
        await door.open()  # it was starting
        await until(lambda: door.guests == 1)
        await asyncio.sleep(1.0)  # it takes the connection for one when the answer to its greeting has come
        await door.end()
        await until(lambda: two.host not in one.hosts())


async def test_who_has_stopped_watches_nobody_who_comes_later(database_url: str) -> None:
    asked: list[str] = []

    async def until_ended(address: str) -> None:
        asked.append(address)

    async with coordinating(database_url, "one", grpc="127.0.0.1:1", timing=PATIENT) as one:
        witness = Witness(one, until_ended)
        witness.start()
        await witness.stop()
        async with coordinating(database_url, "two", grpc="127.0.0.1:2", timing=PATIENT) as two:
            await until(lambda: two.host in one.hosts())
    assert asked == []


def test_every_host_is_watched_by_two_others() -> None:
    hosts = {f"host-{n}": HostRow(f"host-{n}", f"name-{n}", f"127.0.0.1:{n}") for n in range(1, 6)}
    hosts["host-0"] = HostRow("host-0", "nobody can reach it")
    assert [*next_of("host-4", hosts)] == ["host-5", "host-1"]
    watched = [id_ for host in hosts if host != "host-0" for id_ in next_of(host, hosts)]
    assert sorted(watched) == sorted(2 * [id_ for id_ in hosts if id_ != "host-0"])
    assert [*next_of("host-1", {"host-1": hosts["host-1"], "host-2": hosts["host-2"]})] == ["host-2"]
