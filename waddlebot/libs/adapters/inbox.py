"""The durable inbox: accepted means committed, and committed means processed, whatever happens next."""

import asyncio
import contextlib
import itertools
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from waddlebot.libs.adapters.delivery_store import REMEMBERED_S, DeliveryStore, OpenBatch
from waddlebot.libs.dal import Busy, DalError
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import Accepted, Bus, EventBatch, EventResult, Send

TRIES_MAX = 5
_OPEN_EVENTS_MAX = 20_000
_DONE_EVERY_S = 0.05
_FORGET_EVERY_S = 3_600.0
_RETRY_S = 1.0
_REPLAY_EVERY_S = 1.0


class DurableInbox:
    """The inbox port on the delivery tables, and the loop that processes what a crash left open."""

    def __init__(self, store: Callable[[], DeliveryStore], bus: Bus, log: logging.Logger) -> None:
        self._store = store
        self._bus = bus
        self._log = log
        self._run = secrets.token_hex(6)
        self._numbers = itertools.count()
        self._open_events = 0
        self._done: list[str] = []
        self._known: set[str] = set()  # batches of ours that have a row
        self._stopping = asyncio.Event()
        self._waiting: dict[tuple[str, str], asyncio.Future[EventResult]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sources: dict[str, str] = {}

    async def accept(self, source: str, events: Sequence[Event]) -> Accepted:
        """Commit the new ones of ``events`` and start to process them.

        Raises ``Busy`` when too much is open already, ``Unavailable`` when the database is away.
        """
        if self._open_events + len(events) > _OPEN_EVENTS_MAX or self._stopping.is_set():
            raise Busy("the inbox is full; try again in a moment")
        batch_id = f"{self._run}-{next(self._numbers)}"
        self._open_events += len(events)
        try:
            new = set(await self._store().accept(batch_id, source, list(events)))
        except BaseException:
            self._open_events -= len(events)
            raise
        fresh = list({event.id: event for event in events if event.id in new}.values())
        self._open_events -= len(events) - len(fresh)
        repeated = tuple({event.id for event in events} - new)
        if not fresh:
            return Accepted(None, repeated)
        batch = EventBatch(batch_id, fresh, inboxed=True)
        self._expect(batch, source)
        self._spawn(batch)
        return Accepted(batch, repeated)

    def _expect(self, batch: EventBatch, source: str) -> None:
        self._known.add(batch.id)
        self._sources[batch.id] = source
        loop = asyncio.get_running_loop()
        for event in batch.events:
            self._waiting.setdefault((source, event.id), loop.create_future())

    def _spawn(self, batch: EventBatch) -> None:
        task = asyncio.get_running_loop().create_task(self._process(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _process(self, batch: EventBatch) -> None:
        """Announce until everybody has processed the batch; effects and results are stored once."""
        while True:
            try:
                await self._bus.publish(batch)
                break
            except DalError as error:
                self._log.warning("batch %s waits for the database: %s", batch.id, error)
                await asyncio.sleep(random.uniform(_RETRY_S / 2, _RETRY_S))  # noqa: S311  jitter, no secret
        self._open_events -= len(batch.events)
        self._done.append(batch.id)

    async def answered(self, batch: EventBatch, results: Sequence[EventResult], sends: Sequence[Send]) -> None:
        """Commit a batch's results; whoever waits for them gets them then."""
        source = self._sources.pop(batch.id, "")
        await self._store().answered(source, list(results), list(sends))
        for result in results:
            future = self._waiting.pop((source, result.event_id), None)
            if future is not None and not future.done():
                future.set_result(result)

    async def wait(self, source: str, ids: Sequence[str], seconds: float) -> Mapping[str, EventResult]:
        """The results of accepted events, as far as there are any within ``seconds``."""
        futures = {id_: f for id_ in ids if (f := self._waiting.get((source, id_))) is not None}
        if futures and seconds > 0:
            await asyncio.wait(futures.values(), timeout=seconds)
        found = {id_: future.result() for id_, future in futures.items() if future.done()}
        rest = [id_ for id_ in ids if id_ not in futures]
        if rest:
            found |= await self._store().results(source, rest)
        return found

    async def bury(self, event: Event, reason: str, tries: int) -> None:
        """Move an event to the dead letters."""
        await self._store().bury(event, reason, tries)

    async def run(self) -> None:
        """Process what was left open and what is replayed, mark batches done, forget old ids, until stopped."""
        await self._resume()
        forget_at = replay_at = time.monotonic()
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _DONE_EVERY_S)
            try:
                await self._mark_done()
                if time.monotonic() >= replay_at:
                    replay_at = time.monotonic() + _REPLAY_EVERY_S
                    await self.replay()
                if time.monotonic() >= forget_at:
                    forget_at = time.monotonic() + _FORGET_EVERY_S
                    await self._store().forget(time.time() - REMEMBERED_S)
            except DalError as error:
                self._log.warning("the inbox waits for the database: %s", error)
                await asyncio.sleep(_RETRY_S)

    async def replay(self) -> None:
        """Look for batches that another process put into the inbox (an operator's replay)."""
        for left in await self._store().replays():
            if left.batch.id not in self._known:
                self._expect(left.batch, left.source)
                self._open_events += len(left.batch.events)
                self._spawn(left.batch)

    async def stop(self) -> None:
        """Take nothing more, finish what is open and mark it done."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10.0)
        await self._mark_done()

    async def _mark_done(self) -> None:
        done, self._done = self._done, []
        if done:
            try:
                await self._store().done(done)
            except DalError:
                self._done = done + self._done
                raise
            self._known.difference_update(done)

    async def _resume(self) -> None:
        """One batch after the other, those begun least often first: one that kills us is found by its count."""
        for left in await self._store().open_batches():
            if left.tries >= TRIES_MAX and len(left.batch.events) == 1:
                await self._bury_killer(left)
                continue
            if left.tries and len(left.batch.events) > 1:
                await self._store().split(left.batch.id)
                await self._resume()
                return
            await self._store().begin_again(left.batch.id)
            if left.tries:
                await asyncio.sleep(random.uniform(0.05, 0.1 * 2**left.tries))  # noqa: S311  jitter, no secret
            self._expect(left.batch, left.source)
            self._open_events += len(left.batch.events)
            await self._process(left.batch)

    async def _bury_killer(self, left: OpenBatch) -> None:
        event = left.batch.events[0]
        reason = f"the process ended {left.tries} times while it was handled"
        await self.bury(event, reason, left.tries)
        result = EventResult(event.id, "failed", (), reason)
        await self._store().answered(left.source, [result], [])
        await self._store().done([left.batch.id])
