"""The bus between processes, on Redis Streams: https://redis.io/docs/latest/develop/data-types/streams/.

One stream for each partition; an entry is one packed batch; every subscriber is a consumer group that gets every
entry once, whichever host reads it. Redis carries and is not trusted to keep: what was accepted durably is in the
database, and live lines that were under way when Redis lost its data are lost with it.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from waddlebot.libs.adapters.redis_groups import Fences
from waddlebot.libs.adapters.redis_limits import Limits
from waddlebot.libs.adapters.redis_link import Link
from waddlebot.libs.adapters.redis_notes import Notes
from waddlebot.libs.adapters.redis_publisher import BusAway, Fallback, Publisher, PublisherHooks
from waddlebot.libs.adapters.redis_reader import Reader
from waddlebot.libs.adapters.redis_streams import BROKEN, FAILURES, NOTES, Left, Streams
from waddlebot.libs.adapters.redis_url import close, parse
from waddlebot.libs.adapters.tracked_bus import Note
from waddlebot.libs.sdk.ports import PARTITIONS, EventBatch, Subscriber

__all__ = ["BusAway", "Limits", "RedisBus"]

_LOOK_EVERY_S = 1.0
_TRIM_FROM = 64
_TRIM_ALL_EVERY_S = 10.0
_FORGET_EVERY_S = 600.0
_FORGOTTEN_S = 3_600.0
_STOP_S = 10.0
_ALL = range(PARTITIONS)
_LIMITS = Limits()


def _nobody() -> Collection[str]:
    """No host is known to live."""
    return ()


class RedisBus:
    """The bus of one host.

    ``url`` as :mod:`waddlebot.libs.adapters.redis_url` describes it; raises ``RedisUrlError``. ``host`` is this
    process's id, new at each start. ``hosts`` are the ids of those that live: what another one has read is taken
    from it after 15 s, unless it lives. ``fence_of`` says under which fence this host reads an entity's lines, or
    read them last (0: never); ``current_fence`` which one is in force. ``fallback`` brings live batches to their
    subscribers while Redis is away. ``orphaned`` is told the id of an inboxed batch that a former owner had begun
    and not finished: it is not processed until it is announced again; without ``orphaned``, at once.

    ``absent`` are groups that no living host has run for long: in a stream half full they hold nothing back.

    ``counts`` has, since the start: ``entries_sent``, ``events_sent``, ``entries_read``, ``taken`` (over from
    others), ``late`` (lines of a former holder), ``repeated``, ``unpackable``, ``unreadable``, ``given_up``,
    ``lost`` (times that the connection had to be made anew), ``groups_made``, ``events_around`` (by the fallback),
    ``doubtful`` (by the fallback, and maybe by Redis too), ``dropped`` and ``unread`` (times that a stream was
    cut of what a group which is gone had not read). ``lags`` is by group what it has not finished, in entries.
    """

    shares = False

    def __init__(
        self,
        url: str,
        host: str,
        *,
        log: logging.Logger | None = None,
        hosts: Callable[[], Collection[str]] = _nobody,
        fence_of: Callable[[str], int] | None = None,
        current_fence: Callable[[str], int] | None = None,
        fallback: Fallback | None = None,
        orphaned: Callable[[str], None] | None = None,
        absent: Callable[[], Collection[str]] = _nobody,
        limits: Limits = _LIMITS,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.lags: Mapping[str, int] = {}
        self._host = host
        self._log = log or logging.getLogger("runtime.bus")
        self._url = parse(url)
        self._client = self._url.client()
        self._link = Link(self._client, self._url, self.counts, self._log)
        self._limits = limits
        self._absent = absent
        self._streams = Streams(self._client, self._url, host, limits.length_max)
        hooks = PublisherHooks(fence_of, fallback, self._is_full)
        self._publisher = Publisher(self._streams, self._link, host, self.counts, hooks, self._log, limits)
        fences = Fences(current_fence, self.counts, self._log)
        self._reader = Reader(self._streams, self._link, host, self.counts, fences, hosts, self._log, orphaned)
        self._notes = Notes(self._streams, self._link, host, self._log)
        self._tasks: list[asyncio.Task[None]] = []
        self._fault = ""
        self._trim_all_at_s = self._claim_at_s = 0.0
        self._forget_at_s = time.monotonic() + _FORGET_EVERY_S
        self._crowded: set[int] = set()
        self._trim_now: set[int] = set()
        self._look = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether Redis answers."""
        return self._link.up.is_set()

    @property
    def problem(self) -> str:
        """What is wrong with Redis and what to do; empty while all is well. For readiness and logs: no secrets."""
        return self._fault or self._link.problem

    @property
    def buffered(self) -> int:
        """Events that wait to leave."""
        return self._publisher.buffered

    @property
    def crowded(self) -> Collection[int]:
        """Partitions whose streams are more than half full."""
        return self._crowded

    def subscribe(self, name: str, subscriber: Subscriber, *, owned: bool = False) -> None:
        """``subscriber`` gets every batch that no other host gets for this name; before :meth:`start`.

        Where ``owned``, only of partitions that :meth:`own` names. A batch it returned an awaitable for is read
        again by a replica when this process ends before the awaitable does.
        """
        if self._tasks:
            raise RuntimeError(f"{name} subscribes too late: the bus has started")
        self._reader.subscribe(name, subscriber, owned)

    async def start(self) -> None:
        """Connect and begin to read. Returns at once: while Redis is away, see :attr:`problem`."""
        loop = asyncio.get_running_loop()
        restore = (self._reader.restore, self._publisher.restore, self._notes.restore)
        works = {
            "link": self._link.run(restore),
            "publisher": self._publisher.run(),
            "reader": self._reader.run(),
            "acknowledge": self._reader.acknowledge(),
            "bell": self._listen(),
            "notes out": self._notes.send(),
            "notes in": self._notes.listen(),
            "keeper": self._keep(),
        }
        for name, work in works.items():
            task = loop.create_task(work, name=f"bus {name}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """None of them ends by itself: a fault of ours is to be seen, not to be a bus that stands still."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault = f"{task.get_name()} has stopped: restart this host ({type(error).__name__})"
            self._log.critical("%s has stopped: restart this host", task.get_name(), exc_info=error)

    async def publish(self, batch: EventBatch) -> None:
        """Announce a batch.

        Live events are split by partition and leave with others; returns when they wait in memory, and waits
        itself while too many do. An inboxed batch is of one partition (else ``ValueError``); returns when it is
        in its stream, raises :class:`BusAway` when it cannot be: then the database has it, to be tried again.
        """
        if batch.inboxed:
            self._reader.orphans.pop(batch.id, None)  # its beginning has been counted
        await self._publisher.publish(batch)

    async def deliver(self, batch: EventBatch, names: Collection[str] | None = None) -> None:
        """Hand a batch that came another way to subscribers here, all or those named; not again when Redis has
        it, too. Returns when they have processed it.
        """
        await self._reader.deliver(batch, names)

    def own(self, owned: Mapping[int, int]) -> None:
        """These partitions are ours now, with the fences of their leases, and no others.

        What a former owner of a new one left comes first, in order.
        """
        self._reader.own(owned)

    async def finished(self, partitions: Collection[int]) -> None:
        """Return when nothing of these, which were given up, is in work here: their leases may be released."""
        await self._reader.finished(partitions)

    def note(self, note: Note) -> None:
        """Tell every host, this one too (at once)."""
        self._notes.note(note)

    def on_note(self, callback: Callable[[Note], None]) -> None:
        """``callback`` is told of every note from now on."""
        self._notes.on_note(callback)

    async def quiesce(self, timeout_s: float = _STOP_S) -> None:
        """Read nothing more and finish what is in work; events and notes can still leave."""
        await self._reader.stop(timeout_s)

    async def close(self) -> None:
        """Stop reading, send what waits, leave the groups, disconnect. Harmless when not started."""
        if self._tasks:
            await self._reader.stop(_STOP_S)
            await self._publisher.flush(_STOP_S)
            if self.connected:
                try:
                    await self._notes.flush()
                    await self._reader.flush()
                    await self._streams.forget(int(_FORGOTTEN_S * 1_000), self._host)
                except FAILURES as error:
                    self._log.warning("Redis was left without a word: %s", error)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await close(self._client)

    # --- what goes on besides ----------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Hear the bell that publishers ring; for ever."""
        while True:
            await self._link.up.wait()
            pubsub = self._client.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(self._streams.bell)
                self._reader.ring(_ALL)
                while self.connected:
                    message = await pubsub.get_message(timeout=_LOOK_EVERY_S)
                    if message is not None:
                        self._hear(message["data"].decode())
            except (*FAILURES, *BROKEN) as error:
                self._link.lost(error)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # the library has no types here

    def _hear(self, said: str) -> None:
        if said == NOTES:
            self._notes.ring()
        else:
            self._reader.ring([int(number) for number in said.split(",")])

    def _is_full(self, partition: int) -> None:
        self._trim_now.add(partition)
        self._look.set()

    async def _keep(self) -> None:
        """Once a second ring for what the bell missed, cut what is finished, take what the dead left; for ever."""
        while True:
            await self._link.up.wait()
            try:
                await self._trim()
                await self._look_after(time.monotonic())
            except FAILURES as error:
                self._link.lost(error)
            self._reader.ring(_ALL)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), _LOOK_EVERY_S)
            self._look.clear()

    async def _look_after(self, now_s: float) -> None:
        # Not soon after an outage: who had it is alive, maybe, and only about to connect again.
        if now_s >= max(self._claim_at_s, self._link.up_since_s + self._limits.claim_after_s):
            self._claim_at_s = now_s + self._limits.claim_after_s / 3
            await self._reader.claim(self._limits.claim_after_s)
        if now_s >= self._forget_at_s:
            self._forget_at_s = now_s + _FORGET_EVERY_S
            await self._streams.forget(int(_FORGOTTEN_S * 1_000))

    async def _trim(self) -> None:
        lengths, touched, now_s = self._publisher.lengths, self._publisher.touched, time.monotonic()
        wanted = self._trim_now | {p for p in touched | self._crowded if lengths.get(p, 0) >= _TRIM_FROM}
        if now_s >= self._trim_all_at_s:
            self._trim_all_at_s = now_s + _TRIM_ALL_EVERY_S
            wanted = set(_ALL)
        self._trim_now = set()
        if not wanted:
            return
        left = await self._streams.trim(sorted(wanted), int(self._limits.gone_s * 1_000), self._absent())
        touched.difference_update(wanted)
        for partition, of in left.items():
            lengths[partition] = of.length
            self._watch(partition, of)
        if len(left) == PARTITIONS:
            lags: Counter[str] = Counter()
            for of in left.values():
                lags.update(of.lags)
            self.lags = lags

    def _watch(self, partition: int, left: Left) -> None:
        """Say once that a stream fills up, and who is to blame."""
        for name in left.gone:
            self.counts["unread"] += 1
            self._log.warning("nobody reads %s any more: what partition %d held for it is cut", name, partition)
        if left.length <= self._streams.length_max // 2:
            self._crowded.discard(partition)
        elif partition not in self._crowded:
            if not self._crowded:
                self._log.warning(
                    "the stream of partition %d is more than half full: %s does not keep up",
                    partition,
                    left.slowest,
                )
            self._crowded.add(partition)
