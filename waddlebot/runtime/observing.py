"""Observers get their events in batches: what came in a quarter of a second, at once; more when they are busy."""

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Sequence

from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.context import ServiceContext, Services
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.gathering import Crowd, Gathered
from waddlebot.libs.sdk.module import Observer
from waddlebot.libs.sdk.ports import PART, CallScope, EventBatch
from waddlebot.runtime.configuration import ConfigurationCache

EVERY_S = 0.25
BUSY_FACTOR = 3
"""An observer gathers at least this many times as long as it took over the last batch: the more there is to do,
the more of it is done at once, and the less of it there is, for most of chat comes from the same people."""
GATHERING_S_MAX = 2.0
SIZE_MAX = 50_000
"""Things gathered before the observer is called at once, and whoever announces waits for it."""
_KEPT_MAX = 200_000
_COMMUNITY_SHARE = 4
_RETRY_S = 1.0
_BATCH = "batch "  # no source of events begins so, and every other key begins with a source


def whole_of(key: str) -> str:
    """The key of the batch that an observer's batch was split from; empty for any other key."""
    batch, slash, rest = key.partition("/")
    whole, plus, _ = batch.partition(PART)
    return whole + slash + rest if plus and key.startswith(_BATCH) else ""


class Watcher:
    """One observer's handler, called until its database answers."""

    def __init__(
        self, module: str, observer: Observer, services: Services, configuration: ConfigurationCache
    ) -> None:
        self.module = module
        self.observer = observer
        self.name = f"{module}.{observer.handler.__name__}"
        self._services = services
        self._configuration = configuration
        self._log: logging.Logger = services.log

    def context(self, key: str = "") -> ServiceContext[object, object]:
        """What the handler gets for one try."""
        return ServiceContext(self._services, CallScope("", "", key))

    async def watch(self, gathered: Gathered, key: str) -> None:
        """Observe what was gathered where the module is switched on."""
        off = self._configuration.off.get(self.module)
        wanted = gathered.without(off) if off else gathered
        while len(wanted):
            try:
                # A new context for each try: its stores count their steps, and a re-run has to count alike.
                await self.observer.handler(self.context(f"{key}/{self.name}"), wanted)
                return
            except DalError as error:
                self._log.warning("%s waits for the database: %s", self.name, error)
                await asyncio.sleep(random.uniform(_RETRY_S / 2, _RETRY_S))  # noqa: S311  jitter, no secret
            except Exception:
                # An observer that fails must not stop the others nor the batch; its own log says what it missed.
                self._log.exception("%s failed on %d events", self.name, len(wanted))
                return


class Observing:
    """Watchers that gather in the same way: live events merged, inboxed batches alone, each under its own key.

    Live events wait in memory while the database is away, up to a bound; what is dropped then is counted.
    """

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self.name = " ".join(watcher.name for watcher in watchers)
        self.dropped = 0
        self._watchers = watchers
        self._kinds = None if "*" in watchers[0].observer.kinds else frozenset(watchers[0].observer.kinds)
        self._first = watchers[0]
        self._gathered: Gathered = self._new()
        self._held: Counter[str] = Counter()
        self._room = asyncio.Event()
        self._room.set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._watching = False

    def _new(self) -> Gathered:
        return self._first.observer.into(self._first.context())

    def __len__(self) -> int:
        """How much waits to be observed."""
        return len(self._gathered)

    @property
    def idle(self) -> bool:
        """Whether everything that came has been observed."""
        return not (self._watching or len(self))

    def take(self, batch: EventBatch) -> Awaitable[None] | None:
        """Gather a batch's events; of an inboxed one the awaitable ends when they are observed."""
        events = batch.events
        if self._kinds is not None:
            kinds = self._kinds
            events = [event for event in events if event.kind in kinds]
        if not events:
            return None
        if batch.inboxed:
            gathered = self._new()
            gathered.extend(events)
            return self._watch(gathered, f"{_BATCH}{batch.id}") if len(gathered) else None
        kept = self._gathered
        if len(kept) + len(events) > _KEPT_MAX // _COMMUNITY_SHARE:
            events = self._fitting(kept, events)
        kept.extend(events)
        if len(kept) < SIZE_MAX:
            return None
        self._room.clear()
        self.hasten()
        return self._wait_for_room()

    def _fitting(self, kept: Gathered, events: list[Event]) -> list[Event]:
        """Those that may still be kept: no community holds more than a quarter. Counted from a quarter on."""
        held = self._held
        if not held:
            held.update(kept.communities())
        fitting: list[Event] = []
        for event in events:
            room = len(kept) + len(fitting) < _KEPT_MAX
            if room and held[event.community] < _KEPT_MAX // _COMMUNITY_SHARE:
                held[event.community] += 1
                fitting.append(event)
        self.dropped += len(events) - len(fitting)
        return fitting

    async def _wait_for_room(self) -> None:
        await self._room.wait()

    async def run(self) -> None:
        """Observe what is gathered, every quarter of a second or when much is there, until stopped and empty."""
        pause_s = EVERY_S
        while not self._stopping or len(self):
            if not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause_s)
            self._wake.clear()
            self._room.set()
            if len(self):
                gathered, self._gathered = self._gathered, self._new()
                self._held.clear()
                began_s, self._watching = time.monotonic(), True
                await self._watch(gathered, secrets.token_hex(8))
                busy_s, self._watching = time.monotonic() - began_s, False
                pause_s = min(max(EVERY_S, BUSY_FACTOR * busy_s), GATHERING_S_MAX)

    async def _watch(self, gathered: Gathered, key: str) -> None:
        await asyncio.gather(*(watcher.watch(gathered, key) for watcher in self._watchers))

    def hasten(self) -> None:
        """Observe what is gathered now."""
        self._wake.set()

    def stop(self) -> None:
        """Observe what is left, then end."""
        self._stopping = True
        self.hasten()


def observing_of(watchers: Sequence[Watcher]) -> list[Observing]:
    """Those that gather a crowd share it, each other gathers for itself."""
    crowds: dict[tuple[str, ...], list[Watcher]] = {}
    rest: list[list[Watcher]] = []
    for watcher in watchers:
        if watcher.observer.into is Crowd:
            crowds.setdefault(watcher.observer.kinds, []).append(watcher)
        else:
            rest.append([watcher])
    return [Observing(group) for group in (*crowds.values(), *rest)]


def each_observing(watchers: Sequence[Watcher]) -> list[Observing]:
    """Each gathers for itself, because each has its own place in the stream."""
    return [Observing([watcher]) for watcher in watchers]
