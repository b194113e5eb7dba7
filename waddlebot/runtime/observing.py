"""Observers get their events in batches: what came in a quarter of a second, at once."""

import asyncio
import contextlib
import logging
import random
import secrets
from collections import Counter
from collections.abc import Awaitable

from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.context import ServiceContext, Services
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.module import Observer
from waddlebot.libs.sdk.ports import PART, CallScope, EventBatch
from waddlebot.runtime.configuration import ConfigurationCache

EVERY_S = 0.25
EVENTS_MAX = 20_000
_KEPT_MAX = 200_000
_COMMUNITY_SHARE = 4
_RETRY_S = 1.0
_BATCH = "batch "  # no source of events begins so, and every other key begins with a source


def whole_of(key: str) -> str:
    """The key of the batch that an observer's batch was split from; empty for any other key."""
    batch, slash, rest = key.partition("/")
    whole, plus, _ = batch.partition(PART)
    return whole + slash + rest if plus and key.startswith(_BATCH) else ""


class Observing:
    """One observer's events: live ones merged, inboxed batches alone, each under a key of its own.

    Live events wait in memory while the database is away, up to a bound; what is dropped then is counted.
    """

    def __init__(
        self, module: str, observer: Observer, services: Services, configuration: ConfigurationCache
    ) -> None:
        self.module = module
        self.name = f"{module}.{observer.handler.__name__}"
        self.dropped = 0
        self._kinds = None if "*" in observer.kinds else frozenset(observer.kinds)
        self._handler = observer.handler
        self._services = services
        self._configuration = configuration
        self._log: logging.Logger = services.log
        self._events: list[Event] = []
        self._held: Counter[str] = Counter()
        self._room = asyncio.Event()
        self._room.set()
        self._full = asyncio.Event()
        self._stopping = False

    def take(self, batch: EventBatch) -> Awaitable[None] | None:
        """Keep a batch's events; of an inboxed one the awaitable ends when they are observed."""
        events = self._wanted(batch.events)
        if batch.inboxed:
            return self._observe(events, f"{_BATCH}{batch.id}/{self.name}") if events else None
        kept = self._events
        if len(kept) + len(events) > _KEPT_MAX // _COMMUNITY_SHARE:
            events = self._fitting(events)
        kept.extend(events)
        if len(kept) < EVENTS_MAX:
            return None
        self._room.clear()
        self._full.set()
        return self._wait_for_room()

    def _fitting(self, events: list[Event]) -> list[Event]:
        """Those that may still be kept: no community holds more than a quarter. Counted from a quarter on."""
        held = self._held
        if not held:
            held.update([event.community for event in self._events])
        fitting: list[Event] = []
        for event in events:
            room = len(self._events) + len(fitting) < _KEPT_MAX
            if room and held[event.community] < _KEPT_MAX // _COMMUNITY_SHARE:
                held[event.community] += 1
                fitting.append(event)
        self.dropped += len(events) - len(fitting)
        return fitting

    async def _wait_for_room(self) -> None:
        await self._room.wait()

    def _wanted(self, events: list[Event]) -> list[Event]:
        if self._kinds is not None:
            kinds = self._kinds
            events = [event for event in events if event.kind in kinds]
        off = self._configuration.off.get(self.module)
        return [event for event in events if event.community not in off] if off else events

    async def run(self) -> None:
        """Observe what is kept, every quarter of a second or when much is there, until stopped and empty."""
        while not self._stopping or self._events:
            if not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), EVERY_S)
            self._full.clear()
            if self._events:
                events, self._events = self._events, []
                self._held.clear()
                self._room.set()
                await self._observe(events, f"{secrets.token_hex(8)}/{self.name}")

    async def _observe(self, events: list[Event], key: str) -> None:
        while True:
            # A new one for each try: its stores count their steps, and a re-run has to count alike.
            context: ServiceContext[object, object] = ServiceContext(self._services, CallScope("", "", key))
            try:
                await self._handler(context, events)
                return
            except DalError as error:
                self._log.warning("%s waits for the database: %s", self.name, error)
                await asyncio.sleep(random.uniform(_RETRY_S / 2, _RETRY_S))  # noqa: S311  jitter, no secret
            except Exception:
                # An observer that fails must not stop the others nor the batch; its own log says what it missed.
                self._log.exception("%s failed on %d events", self.name, len(events))
                return

    def stop(self) -> None:
        """Observe what is left, then end."""
        self._stopping = True
        self._full.set()
