"""The bus's way in: every group of this process reads in one step, an entry is decoded once, finished ones are
acknowledged together.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec

from waddlebot.libs.adapters.redis_groups import Fences, Group, Seen
from waddlebot.libs.adapters.redis_link import Link
from waddlebot.libs.adapters.redis_streams import ANYBODY, FAILURES, Entry, Found, Streams
from waddlebot.libs.sdk.ports import PARTITIONS, EventBatch, Subscriber

_PACE_S = 0.002  # many publishers ring, and each reading costs the same
_ACK_EVERY_S = 0.02
_ENTRIES_MAX = 32
_ORPHANS_MAX = 20_000
_BYTES_MAX = 256_000

type Wants = dict[str, Mapping[int, int]]
"""The partitions that each group reads, with the fence under which it does."""
type Owned = Mapping[int, int]
"""The partitions of this host, with the fence of its lease of each."""


class Reader:
    """Reads for the groups of this process.

    ``hosts`` are those that live, whose entries nobody takes; ``counts`` is of the bus.
    """

    def __init__(
        self,
        streams: Streams,
        link: Link,
        host: str,
        counts: Counter[str],
        fences: Fences,
        hosts: Callable[[], Collection[str]],
        log: logging.Logger,
        orphaned: Callable[[str], None] | None = None,
    ) -> None:
        self.groups: dict[str, Group] = {}
        self.orphans: dict[str, None] = {}
        self._streams = streams
        self._link = link
        self._host = host
        self._counts = counts
        self._fences = fences
        self._hosts = hosts
        self._log = log
        self._orphaned = orphaned
        self._owned: Owned = {}
        self._wake = asyncio.Event()
        self._read_at_s = 0.0
        self._stopped = False
        self._seen = Seen()
        self._decoder = msgspec.msgpack.Decoder(EventBatch)
        self._decoded: dict[tuple[int, str], EventBatch | None] = {}
        self._finished: dict[tuple[str, int], list[str]] = {}
        self._to_ack = asyncio.Event()
        self._acking = asyncio.Lock()
        self._settled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def subscribe(self, name: str, subscriber: Subscriber, owned: bool) -> None:
        """Add a group. Raises ``ValueError`` when the name has subscribed."""
        if name in self.groups:
            raise ValueError(f"{name} has subscribed already")
        self.groups[name] = group = Group(name, subscriber, owned, len(self.groups))
        if owned:
            group.taking.update(self._owned)

    def ring(self, partitions: Collection[int]) -> None:
        """There is something new, maybe, in these partitions."""
        for group in self.groups.values():
            group.rung.update(partitions)
        self._wake.set()

    # --- reading -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read what comes; for ever."""
        reading: asyncio.Task[tuple[Found, Wants]] | None = None
        while True:
            await self._link.up.wait()
            try:
                found, wanted = await (reading or self._next())
                reading = None
                if found.entries and not self._stopped and self._link.up.is_set():
                    # Redis looks for more while what came is worked on here.
                    reading = asyncio.get_running_loop().create_task(self._next())
                    await asyncio.sleep(0)
                self._take_in(found, wanted)
            except FAILURES as error:
                reading = None
                self._link.lost(error)

    async def _next(self) -> tuple[Found, Wants]:
        """What is new, as soon as anything is, and what was asked for.

        Raises what the streams raise; all is looked into again then.
        """
        await self._wake.wait()
        await asyncio.sleep(max(self._read_at_s + _PACE_S - time.monotonic(), 0))
        self._read_at_s = time.monotonic()
        self._wake.clear()
        try:
            if self._stopped:
                return Found({}, {}), {}
            await self._take_over()
            wants = self._wants()
            found = await self._streams.read(wants, _ENTRIES_MAX, _BYTES_MAX) if wants else Found({}, {})
            return found, wants
        except FAILURES:
            self.ring(range(PARTITIONS))
            raise

    def _wants(self) -> Wants:
        wants: Wants = {}
        for group in self.groups.values():
            if group.rung and not group.busy:
                wanted = self._may_read(group)
                group.rung.clear()
                if wanted:
                    wants[group.name] = wanted
        return wants

    def _may_read(self, group: Group) -> Mapping[int, int]:
        if not group.owned:
            return dict.fromkeys(group.rung, ANYBODY)
        owned = self._owned
        return {p: owned[p] for p in group.rung if p in owned and p not in group.taking}

    def _take_in(self, found: Found, wanted: Wants) -> None:
        for name, entries in found.entries.items():
            group = self.groups[name]
            read: Counter[int] = Counter()
            for entry in entries:
                read[entry.partition] += 1
                self._hand_on(group, entry, wanted[name][entry.partition])
            group.rung.update(p for p, number in read.items() if number >= _ENTRIES_MAX)
        for name, partitions in found.later.items():
            self.groups[name].rung.update(partitions)
        self._decoded.clear()
        if any(group.rung for group in self.groups.values() if not group.busy):
            self._wake.set()

    def _decode(self, entry: Entry) -> EventBatch | None:
        """The batch of an entry, once for all groups that read it in one step; None for what cannot be read."""
        key = entry.partition, entry.id
        if key in self._decoded:
            return self._decoded[key]
        batch: EventBatch | None = None
        try:
            batch = self._decoder.decode(entry.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._counts["unreadable"] += 1
            self._log.error("entry %s of partition %d cannot be read: %s", entry.id, entry.partition, error)
        self._decoded[key] = batch
        return batch

    def _hand_on(self, group: Group, entry: Entry, fence: int, begun: bool = False) -> None:
        partition, id_ = entry.partition, entry.id
        if group.owned and self._owned.get(partition) != fence:
            return  # given up while it was on its way: the next owner takes it over, be it this host again
        batch = self._decode(entry)
        if id_ in group.in_hand.get(partition, ()):
            return
        if batch is not None and batch.inboxed and group.owned and self._is_orphan(batch.id, begun):
            self._finish(group, partition, id_)
            return
        if batch is None or not self._is_new(group, batch, id_):
            self._finish(group, partition, id_)
            return
        self._counts["entries_read"] += 1
        passed = self._fences.passed(group, batch) if group.owned and batch.fences else batch
        done = self._told(group, passed) if passed is not None else None
        if done is None:
            self._finish(group, partition, id_)
            return
        group.begin(partition, id_, batch)
        task = asyncio.get_running_loop().create_task(self._attend(group, entry, batch, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_orphan(self, batch_id: str, begun: bool) -> bool:
        """Whether a former owner died of this batch, maybe: the database counts how often that happens."""
        if begun and self._orphaned is not None and batch_id not in self.orphans:
            if len(self.orphans) >= _ORPHANS_MAX:
                self.orphans.clear()
            self.orphans[batch_id] = None
            self._orphaned(batch_id)
        return batch_id in self.orphans

    def _is_new(self, group: Group, batch: EventBatch, id_: str) -> bool:
        """Inboxed batches are announced again on purpose, so of those it is the entry that counts."""
        key = f"{batch.id}@{id_}" if batch.inboxed else batch.id
        if self._seen.add(key, group.mask):
            return True
        self._counts["repeated"] += 1
        return False

    def _told(self, group: Group, batch: EventBatch) -> Awaitable[None] | None:
        try:
            return group.subscriber(batch)
        except Exception:
            self._log.exception("%s failed on batch %s", group.name, batch.id)
            return None

    async def _attend(self, group: Group, entry: Entry, batch: EventBatch, done: Awaitable[None]) -> None:
        """Wait until an entry is processed. One that fails is not read again: what was accepted has its row."""
        try:
            await done
        except Exception:
            self._log.exception("%s failed on batch %s", group.name, batch.id)
        except asyncio.CancelledError:
            group.end(entry.partition, entry.id, batch)  # unfinished, so that a replica takes it
            raise
        group.end(entry.partition, entry.id, batch)
        self._finish(group, entry.partition, entry.id)
        self._settled.set()
        if group.rung:
            self._wake.set()

    async def deliver(self, batch: EventBatch, names: Collection[str] | None) -> None:
        """See :meth:`waddlebot.libs.adapters.redis_bus.RedisBus.deliver`."""
        waiting = []
        for group in self.groups.values():
            if (names is None or group.name in names) and self._seen.add(batch.id, group.mask):
                passed = self._fences.passed(group, batch) if group.owned and batch.fences else batch
                done = self._told(group, passed) if passed is not None else None
                if done is not None:
                    waiting.append(done)
        if waiting:
            await asyncio.gather(*waiting)

    # --- finishing ---------------------------------------------------------------------------------

    def _finish(self, group: Group, partition: int, id_: str) -> None:
        key = group.name, partition
        ids = self._finished.get(key)
        if ids is None:
            self._finished[key] = [id_]
        else:
            ids.append(id_)
        self._to_ack.set()

    async def acknowledge(self) -> None:
        """Acknowledge what is finished, many at once; for ever."""
        while True:
            await self._link.up.wait()
            await self._to_ack.wait()
            await asyncio.sleep(_ACK_EVERY_S)
            try:
                await self.flush()
            except FAILURES as error:
                self._link.lost(error)

    async def flush(self) -> None:
        """Acknowledge all that is finished. Raises what the streams raise; it is tried again then."""
        async with self._acking:  # whoever asks next returns when what is under way is acknowledged, too
            self._to_ack.clear()
            finished, self._finished = self._finished, {}
            if not finished:
                return
            try:
                await self._streams.ack(finished)
            except FAILURES:
                for key, ids in finished.items():
                    self._finished[key] = ids + self._finished.get(key, [])
                self._to_ack.set()
                raise

    # --- partitions and what others left -----------------------------------------------------------------

    def own(self, owned: Owned) -> None:
        """See :meth:`waddlebot.libs.adapters.redis_bus.RedisBus.own`."""
        before, self._owned = self._owned, dict(owned)
        gained = {p for p, fence in owned.items() if before.get(p) != fence}
        for group in [group for group in self.groups.values() if group.owned]:
            group.taking = (group.taking | gained) & owned.keys()
            group.rung |= gained
        self._wake.set()

    async def finished(self, partitions: Collection[int]) -> None:
        """See :meth:`waddlebot.libs.adapters.redis_bus.RedisBus.finished`."""
        while any(group.owned and group.works_on(partitions) for group in self.groups.values()):
            self._settled.clear()
            await self._settled.wait()
        if self._link.up.is_set():
            with contextlib.suppress(*FAILURES):  # whoever owns it now finds it done
                await self.flush()

    async def _take_over(self) -> None:
        """What a former owner had read and not finished comes first, in order."""
        for group in self.groups.values():
            for partition in sorted(group.taking):
                fence = self._owned.get(partition)
                if fence is not None and not group.busy:
                    await self._take(group, partition, "*", fence=fence)
                    group.taking.discard(partition)
                    group.rung.add(partition)

    async def _take(
        self, group: Group, partition: int, whose: str, *, fence: int | None = None, idle_ms: int = 0
    ) -> None:
        after, spared = "-", (self._host, *self._hosts())
        while after:
            after, given_up, entries = await self._streams.take(
                group.name, partition, whose, after=after, fence=fence, idle_ms=idle_ms, spared=spared
            )
            if given_up:
                self._counts["given_up"] += given_up
                self._log.error("%d batches ended %s too often and are left out", given_up, group.name)
            for entry in entries:
                self._counts["taken"] += 1
                self._hand_on(group, entry, ANYBODY if fence is None else fence, begun=True)
            self._decoded.clear()

    async def restore(self) -> None:
        """Make the groups, then read what was given to us in an answer that never came."""
        names = list(self.groups)
        if names:
            made = await self._streams.ensure(names)
            self._counts["groups_made"] += made
            for name, partition in await self._streams.unfinished(names, 0):
                if not self.groups[name].owned:
                    await self._take(self.groups[name], partition, "=")
        for group in self.groups.values():
            if group.owned:
                group.taking.update(self._owned)  # and the owners' fences, which a server may have lost
        self.ring(range(PARTITIONS))
        self._to_ack.set()

    async def claim(self, idle_s: float) -> None:
        """Take what hosts left that are gone, after so long. Raises what the streams raise."""
        shared = [group.name for group in self.groups.values() if not group.owned]
        if not shared or self._stopped:
            return
        idle_ms = int(idle_s * 1_000)
        for name, partition in await self._streams.unfinished(shared, idle_ms):
            if not self.groups[name].busy:
                await self._take(self.groups[name], partition, "!", idle_ms=idle_ms)

    async def stop(self, timeout_s: float) -> None:
        """Read nothing more, and finish what is in work, at most so long; the rest is left to replicas."""
        self._stopped = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for group in self.groups.values():
                    await group.idle.wait()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
