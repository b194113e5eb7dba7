"""Hosts on one bus for the suites of the Redis adapter: what each group on each of them was told, in order."""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager

from waddlebot.libs.adapters.redis_bus import Limits, RedisBus
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import PARTITIONS, EventBatch
from waddlebot.libs.testing.waiting import until

ROUTER = "router"
COMMUNITIES = [f"community-{number}" for number in range(100)]
QUICK = Limits(grace_s=0.3, claim_after_s=0.5)
EVERY_PARTITION = dict.fromkeys(range(PARTITIONS), 1)


def line(number: int, community: str = "", channel: str = "#room") -> Event:
    """A line whose text is its number; communities take turns unless one is named."""
    where = community or COMMUNITIES[number % len(COMMUNITIES)]
    id_, text = f"e{number}", str(number)
    return Event(
        1, id_, "chat.message", "irc", "net", channel, "u1", "ann", "Ann", (), text, 1.0, 1.0, where, "irc:net"
    )  # fmt: skip


class BusHost:
    """A bus in this process. ``heard`` has the events of each group in order; ``answer`` what groups return."""

    def __init__(self, url: str, name: str, *groups: str, limits: Limits = QUICK, **options: object) -> None:
        self.bus = RedisBus(url, name, limits=limits, **{"log": logging.getLogger(name), **options})  # type: ignore[arg-type]  # a test's own options
        self.batches: dict[str, list[EventBatch]] = {group: [] for group in groups}
        self.answer: Callable[[str, EventBatch], Awaitable[None] | None] = lambda group, batch: None
        for group in groups:
            self.bus.subscribe(group, self._subscriber(group), owned=group == ROUTER)

    def _subscriber(self, group: str) -> Callable[[EventBatch], Awaitable[None] | None]:
        def take(batch: EventBatch) -> Awaitable[None] | None:
            self.batches[group].append(batch)
            return self.answer(group, batch)

        return take

    def heard(self, group: str) -> list[int]:
        """The numbers of the lines a group was told, in order."""
        return [int(event.text) for batch in self.batches[group] for event in batch.events]

    async def announce(self, numbers: Iterable[int], community: str = "") -> None:
        """Publish lines, ten at a time."""
        for some in itertools.batched(numbers, 10, strict=False):
            await self.bus.publish(EventBatch("", [line(number, community) for number in some]))


@asynccontextmanager
async def running(*hosts: BusHost, owned: Mapping[int, int] | None = None) -> AsyncIterator[None]:
    """Start buses, wait until they are connected, and close them in the end. The first one owns partitions."""
    try:
        for number, host in enumerate(hosts):
            host.bus.own((EVERY_PARTITION if owned is None else owned) if number == 0 else {})
            await host.bus.start()
        for host in hosts:
            await until(lambda host=host: host.bus.connected)  # type: ignore[misc]  # the default binds it now
        yield
    finally:
        await asyncio.gather(*(host.bus.close() for host in hosts))


def in_order(numbers: Iterable[int]) -> bool:
    """Whether the lines of each community came in the order in which they were said."""
    last: dict[int, int] = {}
    for number in numbers:
        place = number % len(COMMUNITIES)
        if number <= last.get(place, -1):
            return False
        last[place] = number
    return True


def missing(wanted: Iterable[int], heard: Iterable[int]) -> Collection[int]:
    """What was not heard, and (negative) what was heard too often."""
    counts = Counter(heard)
    counts.subtract(list(wanted))
    return sorted(-number - 1 if times > 0 else number for number, times in counts.items() if times)
