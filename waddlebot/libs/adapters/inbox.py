"""The durable inbox: accepted means committed, and committed means processed, whatever happens next."""

import asyncio
import contextlib
import itertools
import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from waddlebot.libs.adapters.delivery_store import REMEMBERED_S, DeliveryStore, OpenBatch, batches_of, follow_up
from waddlebot.libs.adapters.membership import Alone, Membership
from waddlebot.libs.adapters.tracked_bus import Orphaned, Parked
from waddlebot.libs.dal import Busy, DalError, InDoubt, Unavailable
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import FOLLOWS, Accepted, Bus, EventBatch, EventResult, Send

TRIES_MAX = 5
OPEN_EVENTS_MAX = 40_000
_COMMUNITY_SHARE = 4
_DONE_EVERY_S = 0.05
_FORGET_EVERY_S = 3_600.0
_RETRY_S = 1.0
_ADOPT_EVERY_S = 1.0


async def _no_matter(before: float) -> None:
    """Nobody needs to know."""


class DurableInbox:
    """The inbox port on the delivery tables, and the loop that processes what a crash left open.

    ``forgotten`` is told, once an hour, of the time before which nothing can be processed again. ``members``
    says which partitions are this host's: what dead hosts left open there it processes. ``tell`` brings results to
    other hosts, where somebody may wait for them.
    """

    def __init__(
        self,
        store: Callable[[], DeliveryStore],
        bus: Bus,
        log: logging.Logger,
        forgotten: Callable[[float], Awaitable[object]] = _no_matter,
        members: Membership | None = None,
        tell: Callable[[str, Sequence[EventResult]], None] | None = None,
    ) -> None:
        self._store = store
        self._tell = tell
        self._bus = bus
        self._log = log
        self._members = members or Alone()
        self._run = secrets.token_hex(6)
        self._numbers = itertools.count()
        self._forgotten = forgotten
        self._open_events = 0
        self._held: Counter[str] = Counter()
        self._done: list[str] = []
        self._parked: list[str] = []
        self._orphans: list[str] = []
        self._known: set[str] = set()  # batches of ours that have a row
        self._stopping = asyncio.Event()
        self._waiting: dict[tuple[str, str], asyncio.Future[EventResult]] = {}
        self._foreign: set[tuple[str, str]] = set()  # those of them that nobody here processes
        self._tasks: set[asyncio.Task[None]] = set()
        self._announced: dict[str, asyncio.Task[None]] = {}  # by batch id, of ours

    @property
    def open_events(self) -> int:
        """How many accepted events of this host are not processed by all yet."""
        return self._open_events

    async def accept(self, source: str, events: Sequence[Event]) -> Accepted:
        """Commit the new ones of ``events`` and start to process them.

        Raises ``Busy`` when too much is open already, ``Unavailable`` when the database is away.
        """
        if not self._room(events) or self._stopping.is_set():
            raise Busy("the inbox is full; try again in a moment")
        batch_id = f"{self._run}-{next(self._numbers)}"
        self._hold(events)
        try:
            batches = await self._store().accept(batch_id, source, list(events), self._members.host)
        except InDoubt:  # nobody would process what was committed as ours, for we do not know of it
            self._orphans += [batch.id for batch in batches_of(batch_id, source, events)]
            raise
        finally:
            self._let_go(events)
        for batch in batches:
            self._expect(batch)
            self._spawn(batch)
        new = {event.id for batch in batches for event in batch.events}
        repeated = tuple(dict.fromkeys(event.id for event in events if event.id not in new))
        return Accepted(tuple(batches), repeated)

    def _room(self, events: Sequence[Event]) -> bool:
        """Whether all of these may be open, too: no community holds more than a quarter."""
        if self._open_events + len(events) > OPEN_EVENTS_MAX:
            return False
        share = OPEN_EVENTS_MAX // _COMMUNITY_SHARE
        return all(self._held[event.community] + len(events) <= share for event in events)

    def _hold(self, events: Sequence[Event]) -> None:
        self._open_events += len(events)
        self._held.update([event.community for event in events])

    def _let_go(self, events: Sequence[Event]) -> None:
        self._open_events -= len(events)
        for event in events:
            self._held[event.community] -= 1
            if not self._held[event.community]:
                del self._held[event.community]

    def _expect(self, batch: EventBatch) -> None:
        self._hold(batch.events)
        self._known.add(batch.id)
        if batch.id.startswith(FOLLOWS):  # of those nobody waits for a result
            return
        loop = asyncio.get_running_loop()
        for event in batch.events:
            self._foreign.discard((batch.source, event.id))
            self._waiting.setdefault((batch.source, event.id), loop.create_future())

    def _spawn(self, batch: EventBatch) -> asyncio.Task[None]:
        task = self._announced[batch.id] = asyncio.get_running_loop().create_task(self._process(batch))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if self._announced.get(batch.id) is task:
                del self._announced[batch.id]

        task.add_done_callback(ended)
        return task

    async def _process(self, batch: EventBatch) -> None:
        """Announce until everybody has processed the batch; effects and results are stored once.

        A batch that cannot be announced keeps its row, and the next start's tries find which event is to blame.
        """
        try:
            await self._bus.publish(batch)
        except Parked as parked:
            self._log.warning("batch %s waits in the database for %s", batch.id, parked)
            self._parked.append(batch.id)
        except Orphaned as orphaned:
            if not orphaned.replaced:
                self._known.discard(batch.id)
        except Exception:
            self._log.exception("batch %s was not processed; the next start tries again", batch.id)
        else:
            self._done.append(batch.id)
            await self._catch_up(batch)
        finally:
            self._let_go(batch.events)

    def orphaned(self, batch_id: str) -> None:
        """Who began this batch died meanwhile: it is to be begun anew, and that is counted."""
        self._orphans.append(batch_id)

    async def _catch_up(self, batch: EventBatch) -> None:
        """Whoever waits here for results that nobody told, which another host stored, gets them from there."""
        waiting = [event.id for event in batch.events if (batch.source, event.id) in self._waiting]
        if waiting and not batch.id.startswith(FOLLOWS):
            with contextlib.suppress(DalError):
                self.resolve(batch.source, [*(await self._store().results(batch.source, waiting)).values()])

    async def answered(
        self,
        batch: EventBatch,
        results: Sequence[EventResult],
        sends: Sequence[Send],
        following: Sequence[Event] = (),
    ) -> list[Send]:
        """Commit a batch's results; whoever waits for them here gets them then. What follows is announced.

        Returns the replies that are queued now: those of an earlier run were queued then, and hold.
        """
        host, doubtful = self._members.host, False

        async def store() -> dict[str, EventResult]:
            nonlocal doubtful
            try:
                return await self._store().answered(batch, list(results), list(sends), list(following), host)
            except InDoubt:
                doubtful = True
                raise

        stored = await self._persist(store)
        ours, follows = [send for send in sends if send.event_id not in stored], follow_up(batch, list(following))
        follow = bool(following and not stored)
        if doubtful and stored:  # by us, perhaps
            queued = await self._persist(lambda: self._store().queued(host, [send.id for send in sends]))
            ours = [send for send in sends if send.id in queued]
            follow = await self._persist(lambda: self._store().holds(host, follows.id))
        told = [stored.get(result.event_id, result) for result in results]
        self.resolve(batch.source, told)
        if self._tell is not None:
            self._tell(batch.source, told)
        if follow:
            self._expect(follows)
            self._spawn(follows)
        return ours

    def resolve(self, source: str, results: Sequence[EventResult]) -> None:
        """Whoever waits for these results here has them now."""
        for result in results:
            self._foreign.discard((source, result.event_id))
            future = self._waiting.pop((source, result.event_id), None)
            if future is not None and not future.done():
                future.set_result(result)

    async def _persist[T](self, write: Callable[[], Awaitable[T]]) -> T:
        """Asking the modules again instead would find cooldowns running, and answer differently."""
        while True:
            try:
                return await write()
            except (Busy, Unavailable) as error:
                if self._stopping.is_set():
                    raise
                self._log.warning("results wait for the database: %s", error)
                await asyncio.sleep(random.uniform(_RETRY_S / 2, _RETRY_S))  # noqa: S311  jitter, no secret

    async def wait(self, source: str, ids: Sequence[str], seconds: float) -> Mapping[str, EventResult]:
        """The results of accepted events, as far as there are any within ``seconds``.

        Those of other hosts, or of an earlier life of this one, are waited for too.
        """
        loop = asyncio.get_running_loop()
        unknown = [id_ for id_ in ids if (source, id_) not in self._waiting]
        if seconds > 0:  # before the database is asked: what is stored meanwhile is told to those who wait
            self._foreign.update((source, id_) for id_ in unknown)
            futures = {id_: self._waiting.setdefault((source, id_), loop.create_future()) for id_ in ids}
        else:
            futures = {}
        foreign = [id_ for id_ in futures if (source, id_) in self._foreign]
        try:
            found = dict(await self._store().results(source, unknown)) if unknown else {}
            self.resolve(source, [*found.values()])  # others may wait for the same
            missing = {future for future in futures.values() if not future.done()}
            if missing:
                await asyncio.wait(missing, timeout=seconds)
            found |= {id_: future.result() for id_, future in futures.items() if future.done()}
            late = [id_ for id_ in foreign if id_ not in found]
            return found | (dict(await self._store().results(source, late)) if late else {})
        finally:
            for key in [(source, id_) for id_ in unknown]:
                if key in self._foreign:  # else it is processed here by now
                    self._foreign.discard(key)
                    self._waiting.pop(key, None)

    async def bury(self, event: Event, reason: str, tries: int) -> None:
        """Move an event to the dead letters, as soon as the database takes it."""
        await self._persist(lambda: self._store().bury(event, reason, tries))

    async def run(self) -> None:
        """Process what was left open and what is replayed, mark batches done, forget old ids, until stopped."""
        async with asyncio.TaskGroup() as tasks:  # what is adopted may take its time, and the others may not wait
            tasks.create_task(self._regularly(self._mark_done, _DONE_EVERY_S))
            tasks.create_task(self._regularly(self.adopt, _ADOPT_EVERY_S))
            tasks.create_task(self._regularly(self._forget, _FORGET_EVERY_S))

    async def _regularly(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        while not self._stopping.is_set():
            pause_s = every_s
            try:
                await work()
            except DalError as error:
                self._log.warning("the inbox waits for the database: %s", error)
                pause_s = max(_RETRY_S, _DONE_EVERY_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _forget(self) -> None:
        await self._forgotten(await self._store().forget(time.time() - REMEMBERED_S))

    async def stop(self) -> None:
        """Take nothing more, finish what is open and mark it done."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10.0)
        await self._mark_done()

    async def _mark_done(self) -> None:
        orphans, self._orphans = self._orphans, []
        if orphans:
            try:
                await self._store().release(orphans)
            except DalError:
                self._orphans = orphans + self._orphans
                raise
            self._known.difference_update(orphans)
            for batch_id in orphans:  # whoever begins it anew announces it; nobody here waits for ours
                if (announced := self._announced.get(batch_id)) is not None:
                    announced.cancel()
        parked, self._parked = self._parked, []
        if parked:
            try:
                await self._store().park(parked)
            except DalError:
                self._parked = parked + self._parked
                raise
            self._known.difference_update(parked)
        done, self._done = self._done, []
        if done:
            try:
                await self._store().done(done)
            except DalError:
                self._done = done + self._done
                raise
            self._known.difference_update(done)

    async def adopt(self, paused: bool = False) -> None:
        """Process what hosts that live no more left open in our partitions, and what an operator replays.

        One batch after the other, those begun least often first: one that kills us is found by its count. There
        is one pause, before the first that was begun more than once: among hundreds one may be a killer, and a
        pause before each would keep the innocent waiting for minutes.
        """
        members = self._members
        if not members.owned:
            return
        gone = await members.gone(await self._store().beginners())
        if not gone:
            return
        for left in await self._store().left_open(list(members.owned), gone):
            if left.batch.id in self._known:
                continue
            if not self._room(left.batch.events):
                return
            if left.tries >= TRIES_MAX and len(left.batch.events) == 1:
                await self._bury_killer(left)
                continue
            if left.tries > 1 and len(left.batch.events) > 1:
                await self._store().split(left.batch.id)
                await self.adopt(paused)
                return
            if await self._begin(left):
                paused = await self._process_again(left, paused)

    async def _process_again(self, left: OpenBatch, paused: bool) -> bool:
        """Process a batch that was begun; whether there was a pause before one by now."""
        pauses = left.tries > 1 and not paused
        if pauses:
            await asyncio.sleep(random.uniform(0.05, 0.05 * 2**left.tries))  # noqa: S311  jitter, no secret
        self._expect(left.batch)
        task = self._spawn(left.batch)
        if left.tries:  # else nobody has begun it, so nobody died of it
            await asyncio.wait((task,))
        return paused or pauses

    async def _begin(self, left: OpenBatch) -> bool:
        """Begin a batch anew, and say in the same commit what is done; False where another host was quicker."""
        done, self._done = self._done, []
        try:
            begun = await self._store().begin_again(left, self._members.host, done)
        except DalError as error:
            self._done = done + self._done
            if isinstance(error, InDoubt):
                self._orphans.append(left.batch.id)
            raise
        self._known.difference_update(done)
        return begun

    async def _bury_killer(self, left: OpenBatch) -> None:
        batch, event = left.batch, left.batch.events[0]
        reason = f"the process ended {left.tries} times while it was handled"
        await self.bury(event, reason, left.tries)
        result = EventResult(event.id, "failed", (), reason)
        await self.answered(batch, [result], [])
        await self._store().done([batch.id])
