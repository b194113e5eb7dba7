"""Witness: watches other hosts, so that the coordinator knows at once of one whose process has ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from waddlebot.libs.adapters.lease_store import HostRow
from waddlebot.runtime.coordination import Coordinator

WATCHED_MAX = 2
"""Hosts that each host watches, so that each is watched by as many."""


class Witness:
    """Watches the hosts that come next by id.

    ``until_ended`` returns once the process that listened at HOST:PORT has ended.
    """

    def __init__(self, coordinator: Coordinator, until_ended: Callable[[str], Awaitable[None]]) -> None:
        self._coordinator = coordinator
        self._until_ended = until_ended
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._stopped = False
        self._log = logging.getLogger("runtime.witness")

    def start(self) -> None:
        """Watch from now on."""
        self._coordinator.when_changed(self._look)
        self._look()

    async def stop(self) -> None:
        """Watch nobody any more, though hosts still come and go."""
        self._stopped = True
        watching, self._watching = self._watching, {}
        for task in watching.values():
            task.cancel()
        await asyncio.gather(*watching.values(), return_exceptions=True)

    def _look(self) -> None:
        """Hosts came or went: the next ones may be others."""
        if self._stopped:
            return
        coordinator = self._coordinator
        watched = next_of(coordinator.host, coordinator.hosts())
        for id_ in self._watching.keys() - watched.keys():
            self._watching.pop(id_).cancel()
        for id_ in watched.keys() - self._watching.keys():
            self._watching[id_] = asyncio.ensure_future(self._watch(watched[id_]))

    async def _watch(self, host: HostRow) -> None:
        await self._until_ended(host.grpc)
        words = "%s (%s) has ended: its connection closed, and %s refuses"
        self._log.warning(words, host.name, host.id, host.grpc)
        self._coordinator.ended(host.id)


def next_of(host: str, hosts: Mapping[str, HostRow]) -> dict[str, HostRow]:
    """Those that come after ``host`` in the ring of ids, of all that have an address."""
    ids = sorted(id_ for id_, row in hosts.items() if row.grpc and id_ != host)
    later = [id_ for id_ in ids if id_ > host]
    ring = later + ids[: len(ids) - len(later)]
    return {id_: hosts[id_] for id_ in ring[:WATCHED_MAX]}
