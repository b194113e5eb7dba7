"""The bus's way out: events gather by partition while a round is under way, and leave packed in the next."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec
from redis.exceptions import OutOfMemoryError

from waddlebot.libs.adapters.redis_limits import Limits
from waddlebot.libs.adapters.redis_link import Link
from waddlebot.libs.adapters.redis_streams import Streams
from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import FOLLOWS, EventBatch, partition_of

type Fallback = Callable[[int, EventBatch], Awaitable[None]]
"""Brings a live batch of one partition to its subscribers while Redis is away."""

BUFFER_MAX = 20_000
"""Events that wait to leave; whoever announces more waits. No partition holds more than a quarter."""

_SHARE = 4
_EVENTS_MAX = 256
_ROUND_EVENTS_MAX = 8_000
_FULL_PAUSE_S = 0.05
_COMMUNITIES_MAX = 200_000


class BusAway(Unavailable):
    """Redis is away, or a stream is full: an accepted batch was not announced. It is in the database still."""


class _Leaving:
    """What becomes one entry. ``stored`` is of an inboxed batch, whose publisher waits for it."""

    __slots__ = ("batch", "body", "stored")

    def __init__(self, batch: EventBatch, stored: asyncio.Future[None] | None = None) -> None:
        self.batch = batch
        self.body = b""
        self.stored = stored

    def takes(self, events: int, fences: Mapping[str, int]) -> bool:
        """Whether more live events may travel along: an entry has one fence for each entity."""
        batch = self.batch
        return (
            self.stored is None
            and not self.body
            and len(batch.events) + events <= _EVENTS_MAX
            and all(batch.fences.get(entity, fence) == fence for entity, fence in fences.items())
        )


class PublisherHooks(NamedTuple):
    """What the host lends: the fence under which an entity's lines are read here, the way while Redis is away,
    and who is to know of a stream that is full.
    """

    fence_of: Callable[[str], int] | None
    fallback: Fallback | None
    full: Callable[[int], None]


class Publisher:
    """Packs and sends batches. ``lengths`` are those of the streams, as last seen; ``counts`` is of the bus."""

    def __init__(
        self,
        streams: Streams,
        link: Link,
        host: str,
        counts: Counter[str],
        hooks: PublisherHooks,
        log: logging.Logger,
        limits: Limits,
    ) -> None:
        self.lengths: dict[int, int] = {}
        self.touched: set[int] = set()
        self._streams = streams
        self._link = link
        self._host = host
        self._counts = counts
        self._hooks = hooks
        self._log = log
        self._limits = limits
        self._numbers = itertools.count()
        self._queues: dict[int, deque[_Leaving]] = {}
        self._doubtful: list[_Leaving] = []  # may have been stored before the connection broke
        self._told = ""
        self._full: dict[int, float] = {}
        self._held: Counter[int] = Counter()
        self._buffered = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._encoder = msgspec.msgpack.Encoder()
        self._partitions: dict[str, int] = {}

    @property
    def buffered(self) -> int:
        """Events that wait to leave."""
        return self._buffered

    @property
    def away(self) -> bool:
        """Whether Redis has been away for longer than a hiccup."""
        return not self._link.up.is_set() and time.monotonic() - self._link.down_since_s >= self._limits.grace_s

    async def publish(self, batch: EventBatch) -> None:
        """See :meth:`waddlebot.libs.adapters.redis_bus.RedisBus.publish`."""
        if batch.inboxed:
            await self._publish_inboxed(batch)
            return
        parts = {batch.partition: batch.events} if batch.partition >= 0 else self._split(batch.events)
        for partition, events in parts.items():
            # What follows from lines was not read here, so it comes under no claim of this host.
            fences = {} if batch.id.startswith(FOLLOWS) else batch.fences or self._fences(events)
            self._put(partition, events, fences)
        self._wake.set()
        while self._crowded(parts):
            self._room.clear()
            await self._room.wait()

    async def _publish_inboxed(self, batch: EventBatch) -> None:
        partition = batch.partition
        if partition < 0:
            partition, *others = self._split(batch.events)
            if others:
                raise ValueError(f"the inboxed batch {batch.id} has events of several partitions")
            batch = msgspec.structs.replace(batch, partition=partition)
        if self.away:
            raise BusAway(f"Redis is away: {self._link.problem}")
        if partition in self._full:
            raise BusAway(f"the stream of partition {partition} is full")
        leaving = _Leaving(batch, asyncio.get_running_loop().create_future())
        self._queues.setdefault(partition, deque()).append(leaving)
        self._hold(partition, len(batch.events))
        self._wake.set()
        assert leaving.stored is not None  # noqa: S101  it was given above
        await leaving.stored

    def _split(self, events: Iterable[Event]) -> dict[int, list[Event]]:
        known = self._partitions
        if len(known) > _COMMUNITIES_MAX:
            known.clear()
        parts: dict[int, list[Event]] = {}
        for event in events:
            community = event.community
            partition = known.get(community)
            if partition is None:
                partition = known[community] = partition_of(community)
            part = parts.get(partition)
            if part is None:
                parts[partition] = [event]
            else:
                part.append(event)
        return parts

    def _fences(self, events: Iterable[Event]) -> dict[str, int]:
        fence_of = self._hooks.fence_of
        if fence_of is None:
            return {}
        fences = {}
        for place in {(event.platform, event.server, event.channel) for event in events}:
            entity = ":".join(place)
            if fence := fence_of(entity):
                fences[entity] = fence
        return fences

    def _put(self, partition: int, events: list[Event], fences: Mapping[str, int]) -> None:
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = deque()
        if queue and queue[-1].takes(len(events), fences):
            batch = queue[-1].batch
            batch.events.extend(events)
            if fences:
                batch.fences.update(fences)
        else:
            id_ = f"{self._host}-{next(self._numbers)}"
            queue.append(_Leaving(EventBatch(id_, list(events), partition=partition, fences=dict(fences))))
        self._hold(partition, len(events))

    def _hold(self, partition: int, events: int) -> None:
        self._buffered += events
        self._held[partition] += events

    def _let_go(self, leaving: _Leaving) -> None:
        events = len(leaving.batch.events)
        self._buffered -= events
        self._held[leaving.batch.partition] -= events
        self._room.set()

    def _crowded(self, partitions: Iterable[int]) -> bool:
        if self._buffered >= BUFFER_MAX:
            return True
        share = BUFFER_MAX // _SHARE
        return self._buffered >= share and any(self._held[partition] >= share for partition in partitions)

    # --- rounds ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send what comes, one round at a time; for ever."""
        while True:
            await self._wake.wait()
            began_s = time.monotonic()
            if self._link.up.is_set():
                await self._round()
            elif self.away and self._hooks.fallback is not None:
                await self._fall_back(self._hooks.fallback)
            else:
                await self._wait_for_redis()
                continue
            pause_s = began_s + self._limits.linger_s - time.monotonic()
            if pause_s > 0:
                await asyncio.sleep(pause_s)

    async def _wait_for_redis(self) -> None:
        self._fail_inboxed()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._link.up.wait(), self._limits.grace_s / 8)

    def _fail_inboxed(self) -> None:
        """Whoever waits for an inboxed batch has it in the database, and is told not to wait any longer."""
        if not self.away:
            return
        for partition, queue in list(self._queues.items()):
            for leaving in [leaving for leaving in queue if leaving.stored is not None]:
                queue.remove(leaving)
                self._let_go(leaving)
                self._answer(leaving, BusAway(f"Redis is away: {self._link.problem}"))
            if not queue:
                del self._queues[partition]

    @staticmethod
    def _answer(leaving: _Leaving, error: Exception | None) -> None:
        if leaving.stored is None or leaving.stored.done():
            return
        if error is None:
            leaving.stored.set_result(None)
        else:
            leaving.stored.set_exception(error)

    def _next_round(self) -> list[_Leaving]:
        """What leaves now: the first of each partition in turn, so that none waits for another's backlog."""
        now_s = time.monotonic()
        for partition in [p for p, until_s in self._full.items() if until_s <= now_s]:
            del self._full[partition]
        ready = [queue for p, queue in self._queues.items() if p not in self._full]
        chosen: list[_Leaving] = []
        events = 0
        while ready and events < _ROUND_EVENTS_MAX:
            for queue in ready:
                leaving = queue.popleft()
                chosen.append(leaving)
                events += len(leaving.batch.events)
            ready = [queue for queue in ready if queue]
        for partition in [p for p, queue in self._queues.items() if not queue]:
            del self._queues[partition]
        return chosen

    async def _round(self) -> None:
        chosen = [leaving for leaving in self._next_round() if self._packed(leaving)]
        if not self._queues:
            self._wake.clear()
        elif not chosen:
            await asyncio.sleep(_FULL_PAUSE_S)  # all that is left waits for room in its stream
        if not chosen:
            return
        lengths = await self._streams.add([(leaving.batch.partition, leaving.body) for leaving in chosen])
        refused: list[_Leaving] = []
        for leaving, length in zip(chosen, lengths, strict=True):
            if isinstance(length, OutOfMemoryError):
                refused.append(leaving)
            elif isinstance(length, Exception):
                self._in_doubt(leaving, length)
            elif length < 0:
                refused.append(leaving)
            else:
                self._sent(leaving, length)
        self._put_back(refused)

    def _in_doubt(self, leaving: _Leaving, error: Exception) -> None:
        """It was under way when the connection broke."""
        self._link.lost(error)
        if leaving.stored is None:
            self._doubtful.append(leaving)
            self._wake.set()
        else:
            self._let_go(leaving)
            self._answer(leaving, BusAway(f"Redis is away: {self._link.problem}"))

    def _packed(self, leaving: _Leaving) -> bool:
        """Make the bytes of an entry; events that have none are counted, and the others travel."""
        if leaving.body:
            return True
        batch = leaving.batch
        try:
            leaving.body = self._encoder.encode(batch)
        except (TypeError, OverflowError, UnicodeEncodeError):
            fine = [event for event in batch.events if self._travels(event)]
            self._counts["unpackable"] += len(batch.events) - len(fine)
            self._log.error("%d events cannot travel and are dropped", len(batch.events) - len(fine))
            self._let_go(leaving)
            if not fine:
                self._answer(leaving, None)
                return False
            self._hold(batch.partition, len(fine))
            batch.events[:] = fine
            leaving.body = self._encoder.encode(batch)
        return True

    def _travels(self, event: Event) -> bool:
        try:
            self._encoder.encode(event)
        except (TypeError, OverflowError, UnicodeEncodeError):
            return False
        return True

    def _sent(self, leaving: _Leaving, length: int) -> None:
        partition = leaving.batch.partition
        self.lengths[partition] = length
        self.touched.add(partition)
        self._counts["entries_sent"] += 1
        self._counts["events_sent"] += len(leaving.batch.events)
        self._let_go(leaving)
        self._answer(leaving, None)

    def _put_back(self, refused: list[_Leaving]) -> None:
        """Their streams are full: they wait, in order, and so does whoever announces more."""
        for leaving in reversed(refused):
            partition = leaving.batch.partition
            if leaving.stored is not None:
                self._let_go(leaving)
                self._answer(leaving, BusAway(f"the stream of partition {partition} is full"))
            else:
                self._queues.setdefault(partition, deque()).appendleft(leaving)
                self._wake.set()
            self._full[partition] = time.monotonic() + _FULL_PAUSE_S
            self._hooks.full(partition)

    # --- while Redis is away, and after ---------------------------------------------------------------

    async def restore(self) -> None:
        """Send again what was under way when the connection broke, unless it had arrived."""
        self._told = ""
        doubtful = self._doubtful
        by_partition: dict[int, list[_Leaving]] = {}
        for leaving in doubtful:
            by_partition.setdefault(leaving.batch.partition, []).append(leaving)
        arrived: set[int] = set()
        for partition, several in by_partition.items():
            marks = [leaving.batch.id for leaving in several]
            found = await self._streams.has(partition, marks)
            arrived.update(id(leaving) for leaving, there in zip(several, found, strict=True) if there)
        self._doubtful = []
        for leaving in reversed(doubtful):
            if id(leaving) in arrived:
                self._sent(leaving, self.lengths.get(leaving.batch.partition, 0))
            else:
                self._queues.setdefault(leaving.batch.partition, deque()).appendleft(leaving)
        if self._queues:
            self._wake.set()

    async def _fall_back(self, fallback: Fallback) -> None:
        """Bring what waits to its subscribers another way; what may have arrived goes first, to keep the order."""
        self._fail_inboxed()
        doubtful, self._doubtful = self._doubtful, []
        self._counts["doubtful"] += sum(len(leaving.batch.events) for leaving in doubtful)
        self._full.clear()
        by_partition: dict[int, list[_Leaving]] = {}
        for leaving in [*doubtful, *self._next_round()]:
            by_partition.setdefault(leaving.batch.partition, []).append(leaving)
        if not self._queues:
            self._wake.clear()
        await asyncio.gather(*(self._bring(fallback, several) for several in by_partition.values()))

    async def _bring(self, fallback: Fallback, several: list[_Leaving]) -> None:
        for leaving in several:
            batch = leaving.batch
            self._let_go(leaving)
            if leaving.stored is not None:
                self._answer(leaving, BusAway(f"Redis is away: {self._link.problem}"))
                continue
            try:
                await fallback(batch.partition, batch)
                self._counts["events_around"] += len(batch.events)
            except Exception as error:
                self._counts["dropped"] += len(batch.events)
                if str(error) != self._told:  # once for each outage, not for each batch
                    self._told = str(error)
                    self._log.error("events could not go another way: %s", error)

    async def flush(self, timeout_s: float) -> None:
        """Wait until all has left, at most so long; what has not then is counted."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._buffered:
                    self._wake.set()
                    self._room.clear()
                    await self._room.wait()
        if self._buffered:
            self._counts["dropped"] += self._buffered
            self._log.error("%d events could not leave before the end", self._buffered)
