"""Witness: knows at once that another host's process has ended, where waiting for its silence would take seconds.

When a process ends, its machine closes its connections and refuses new ones to its address. Nothing else looks
like that: who is frozen, overloaded, or behind a cable that was cut leaves connections open or unanswered.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping

import grpc
import grpc.aio

from waddlebot.libs.adapters.lease_store import HostRow
from waddlebot.runtime.coordination import Coordinator

WATCHED_MAX = 2
"""Hosts that each host watches, so that each is watched by as many."""
_PAUSE_S = 0.2
"""Between two tries to connect."""
_CONNECT_S = 3.0
_REFUSED_MIN = 2
"""Refusals in a row, of who was connected before, that prove the end of a process."""
_READY = grpc.ChannelConnectivity.READY


class Witness:
    """Stays connected to the hosts that come next by id, and tells the coordinator of those that end.

    ``open_channel`` makes a channel to HOST:PORT that is not connected yet, or says that there may be none.
    """

    def __init__(self, coordinator: Coordinator, open_channel: Callable[[str], grpc.aio.Channel | None]) -> None:
        self._coordinator = coordinator
        self._open = open_channel
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._log = logging.getLogger("runtime.witness")

    def start(self) -> None:
        """Watch from now on."""
        self._coordinator.when_changed(self._look)
        self._look()

    async def stop(self) -> None:
        """Watch nobody any more."""
        watching, self._watching = self._watching, {}
        for task in watching.values():
            task.cancel()
        await asyncio.gather(*watching.values(), return_exceptions=True)

    def _look(self) -> None:
        """Hosts came or went: the next ones may be others."""
        coordinator = self._coordinator
        watched = next_of(coordinator.host, coordinator.hosts())
        for id_ in self._watching.keys() - watched.keys():
            self._watching.pop(id_).cancel()
        for id_ in watched.keys() - self._watching.keys():
            self._watching[id_] = asyncio.ensure_future(self._watch(watched[id_]))

    async def _watch(self, host: HostRow) -> None:
        """Return once this host's process has ended."""
        channel = self._open(host.grpc)
        if channel is None:
            return
        try:
            while True:
                await _connected(channel)
                await channel.wait_for_state_change(_READY)
                if await _ended(channel, host.grpc):
                    break
        finally:
            await channel.close()
        words = "%s (%s) has ended: its connection closed, and %s refuses"
        self._log.warning(words, host.name, host.id, host.grpc)
        self._coordinator.ended(host.id)


async def _connected(channel: grpc.aio.Channel) -> None:
    """Wait until it is, however long that takes: who has just arrived may not have opened yet."""
    while (state := channel.get_state(try_to_connect=True)) is not _READY:
        await channel.wait_for_state_change(state)


async def _ended(channel: grpc.aio.Channel, address: str) -> bool:
    """Whether nobody listens there any more; or False once it is connected again.

    A process that is ending closes one thing after the other, so it may take a connection last of all.
    """
    refused = 0
    while channel.get_state(try_to_connect=True) is not _READY:
        refused = refused + 1 if await _refuses(address) else 0
        if refused == _REFUSED_MIN:
            return True
        await asyncio.sleep(_PAUSE_S)
    return False


async def _refuses(address: str) -> bool:
    """Whether that is the answer. None is none: whatever is between us may be broken."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            await _knock(address)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


async def _knock(address: str) -> None:
    """Connect to HOST:PORT and leave. Raises ConnectionRefusedError where all that HOST stands for refuse."""
    name, _, port = address.rpartition(":")
    found = await asyncio.get_running_loop().getaddrinfo(name.strip("[]"), int(port), type=socket.SOCK_STREAM)
    for *_, place in found:
        with contextlib.suppress(ConnectionRefusedError):
            _, writer = await asyncio.open_connection(*place[:2])
            writer.close()
            return
    raise ConnectionRefusedError(f"{address} refuses")


def next_of(host: str, hosts: Mapping[str, HostRow]) -> dict[str, HostRow]:
    """Those that come after ``host`` in the ring of ids, of all that have an address."""
    ids = sorted(id_ for id_, row in hosts.items() if row.grpc and id_ != host)
    later = [id_ for id_ in ids if id_ > host]
    ring = later + ids[: len(ids) - len(later)]
    return {id_: hosts[id_] for id_ in ring[:WATCHED_MAX]}
