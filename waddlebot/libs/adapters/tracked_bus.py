"""The Bus port over a carrier between hosts: an inboxed batch is published until every group has processed it."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk.ports import CallError, EventBatch, EventResult, Subscriber, partition_of

AGAIN_S = 5.0
"""After this time without an end a batch is carried again (ARCHITECTURE §5), and after twice that, and so on."""
AGAIN_S_MAX = 60.0
PATIENCE_S = 30.0
"""How long a group may run nowhere until nobody waits for it; a host that restarts is back sooner."""
_AWAY_S = 0.5
_RETIRING_S = 0.2
_FINISHED_MAX = 20_000


class Done(msgspec.Struct, frozen=True, tag=True):
    """A group has processed these inboxed batches."""

    group: str
    batch_ids: tuple[str, ...]


class Results(msgspec.Struct, frozen=True, tag=True):
    """What became of accepted events of a source, for whoever waits for it."""

    source: str
    results: tuple[EventResult, ...]


type Note = Done | Results
"""What hosts tell each other beside the events. It may be lost; what matters is in the database."""


class Parked(Exception):  # noqa: N818  what becomes of a batch, no error
    """Some groups run nowhere now: their batch waits in the database until they do."""


class Orphaned(Exception):  # noqa: N818  what becomes of a batch, no error
    """Who began a batch died of it, maybe: it is not this one's to carry any more.

    ``replaced``: this host begins it anew itself.
    """

    def __init__(self, replaced: bool) -> None:
        super().__init__("begun anew here" if replaced else "begun anew elsewhere")
        self.replaced = replaced


class Carrier(Protocol):
    """Carries batches and notes between hosts."""

    @property
    def connected(self) -> bool:
        """Whether it works at the moment."""

    def subscribe(self, name: str, subscriber: Subscriber, *, owned: bool = False) -> None:
        """As the Bus port says."""

    async def publish(self, batch: EventBatch) -> None:
        """Take a batch on its way. Raises ``Unavailable`` for an inboxed one that cannot be carried now."""

    def note(self, note: Note) -> None:
        """Tell all hosts, this one included."""

    def on_note(self, callback: Callable[[Note], None]) -> None:
        """``callback`` hears every note from now on."""

    async def deliver(self, batch: EventBatch, names: Collection[str] | None = None) -> None:
        """Hand a live batch that came another way to subscribers here, once."""


type Direct = Callable[[str, EventBatch], Awaitable[bool]]
"""Hands a batch to a group on another host; whether it was taken and, an inboxed one, processed."""


class TrackedBus:
    """Announces by a carrier, and knows when an accepted batch is processed by all.

    ``groups`` are the names of all subscribers of the installation, wherever they run; ``owns`` says whether a
    partition is this host's; ``absent`` are the groups that no living host has run for long. While the carrier is
    away ``direct`` reaches other hosts, and groups here take their batches at once. ``holds`` says whether a
    batch's row is still this host's, before it is carried again.
    """

    shares = False

    def __init__(
        self,
        carrier: Carrier,
        groups: Callable[[], Collection[str]],
        owns: Callable[[int], bool],
        absent: Callable[[], Collection[str]],
        direct: Direct,
        log: logging.Logger,
        holds: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._carrier = carrier
        self._groups = groups
        self._owns = owns
        self._absent = absent
        self._direct = direct
        self._log = log
        self._holds = holds
        self._here: dict[str, tuple[Subscriber, bool]] = {}
        self._open: dict[str, Open] = {}
        self._retired = False
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._finished: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.results: Callable[[str, Sequence[EventResult]], None] = _nobody_waits
        carrier.on_note(self._noted)

    def subscribe(self, name: str, subscriber: Subscriber, *, owned: bool = False) -> None:
        """As the Bus port says."""
        if name in self._here:
            raise ValueError(f"{name} has subscribed already")
        self._here[name] = subscriber, owned
        self._carrier.subscribe(name, partial(self._take, name), owned=owned)

    async def publish(self, batch: EventBatch) -> None:
        """As the Bus port says: an inboxed batch is carried until every group has processed it.

        Raises :class:`Parked` where only groups are left that run nowhere, :class:`Orphaned` where it was begun
        anew.
        """
        if not batch.inboxed:
            await self._carrier.publish(batch)
            return
        if (before := self._open.get(batch.id)) is not None:
            before.ended.set()
        found = self._open[batch.id] = Open(set(self._groups()))
        again_s = AGAIN_S
        try:
            while found.groups:
                try:
                    await self._carrier.publish(batch)
                    wait_s, again_s = again_s, min(2 * again_s, AGAIN_S_MAX)
                except Unavailable:
                    await self._directly(batch, found)
                    wait_s = _AWAY_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(found.ended.wait(), _RETIRING_S if self._retired else wait_s)
                if found.groups:
                    found.ended.clear()
                if found.groups and self._gives_up(found):
                    raise Parked(", ".join(sorted(found.groups)))
                if found.groups:
                    await self._check(batch, found)
        finally:
            if self._open.get(batch.id) is found:
                del self._open[batch.id]

    async def _check(self, batch: EventBatch, found: "Open") -> None:
        """Whether a batch may be carried again. Raises :class:`Orphaned`."""
        replaced = self._open.get(batch.id) is not found
        if replaced or not await self._holds(batch.id):
            raise Orphaned(replaced)

    def _gives_up(self, found: "Open") -> bool:
        if self._retired:
            return not found.groups & self._here.keys()
        return found.groups <= set(self._absent())

    def retire(self) -> None:
        """This host stops: a batch that only groups elsewhere have still to process waits in the database."""
        self._retired = True
        for found in self._open.values():
            found.ended.set()

    def tell(self, source: str, results: Sequence[EventResult]) -> None:
        """Tell the hosts where somebody may wait for these results."""
        self._carrier.note(Results(source, tuple(results)))

    async def bypass(self, partition: int, batch: EventBatch) -> None:
        """Hand a live batch of one partition to every group without the carrier, which is away.

        Raises ``Unavailable`` where a group that runs somewhere did not take it.
        """
        missed = set[str]()
        for group in self._groups():
            if self._is_here(group, partition):
                await self._carrier.deliver(batch, (group,))
            elif not await self._direct(group, batch):
                missed.add(group)
        if missed := missed.difference(self._absent()):
            raise Unavailable(f"nobody took them for {', '.join(sorted(missed))}")

    async def taken(self, group: str, batch: EventBatch) -> None:
        """Take a batch that another host handed over. Raises ``CallError`` where the group is not at home."""
        if not self._is_here(group, _partition(batch)):
            raise CallError(f"{group} does not take partition {_partition(batch)} here")
        if batch.inboxed:
            await self._once(group, batch)
        else:
            await self._carrier.deliver(batch, (group,))

    def _is_here(self, group: str, partition: int) -> bool:
        subscriber, owned = self._here.get(group, (None, False))
        return subscriber is not None and (not owned or self._owns(partition))

    async def _directly(self, batch: EventBatch, found: "Open") -> None:
        async def reach(group: str) -> None:
            if self._is_here(group, _partition(batch)):
                await self._once(group, batch)
                found.end(group)
            elif await self._direct(group, batch):
                found.end(group)

        outcomes = await asyncio.gather(*(reach(group) for group in list(found.groups)), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                self._log.warning("batch %s was not processed yet: %s", batch.id, outcome)

    # --- what arrives here ---------------------------------------------------------------------------------

    def _take(self, name: str, batch: EventBatch) -> Awaitable[None] | None:
        return self._once(name, batch) if batch.inboxed else self._here[name][0](batch)

    async def _once(self, name: str, batch: EventBatch) -> None:
        """Process an inboxed batch that may be carried here more than once."""
        subscriber, _ = self._here[name]
        key = name, batch.id
        if key not in self._finished:
            running = self._running.get(key)
            if running is None:
                running = self._running[key] = asyncio.create_task(_processed(subscriber, batch))
                running.add_done_callback(lambda _: self._running.pop(key, None))
            await asyncio.shield(running)
            self._finished[key] = None
            if len(self._finished) > _FINISHED_MAX:
                self._finished.popitem(last=False)
        self._carrier.note(Done(name, (batch.id,)))

    def _noted(self, note: Note) -> None:
        match note:
            case Done(group, batch_ids):
                for batch_id in batch_ids:
                    if (found := self._open.get(batch_id)) is not None:
                        found.end(group)
                        if self._gives_up(found):
                            found.ended.set()
            case Results(source, results):
                self.results(source, results)


class Open:
    """A batch that some groups have still to process."""

    __slots__ = ("ended", "groups")

    def __init__(self, groups: set[str]) -> None:
        self.groups = groups
        self.ended = asyncio.Event()

    def end(self, group: str) -> None:
        """One has processed it."""
        self.groups.discard(group)
        if not self.groups:
            self.ended.set()


def _processed(subscriber: Subscriber, batch: EventBatch) -> Coroutine[Any, Any, None]:
    async def process() -> None:
        done = subscriber(batch)
        if done is not None:
            await done

    return process()


def _partition(batch: EventBatch) -> int:
    return batch.partition if batch.partition >= 0 else partition_of(batch.events[0].community)


def _nobody_waits(source: str, results: Sequence[EventResult]) -> None:
    """No inbox is here yet."""
