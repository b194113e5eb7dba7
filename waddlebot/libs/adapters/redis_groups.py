"""One subscriber of the bus: what it may read, what it has in hand, and whether it is busy."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection

import msgspec

from waddlebot.libs.sdk.ports import PARTITIONS, EventBatch, Subscriber

_IN_HAND_MAX = 20_000
"""Events of a group in work, above which it reads nothing more."""

_SEEN_MAX = 65_536


class Seen:
    """The last batches that were handed on, and to whom: a connection that broke may bring some again."""

    def __init__(self) -> None:
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def add(self, key: str, mask: int) -> bool:
        """Note that the groups of ``mask`` have it; False where one had it before."""
        there = self._new.get(key)
        if there is None:
            there = self._old.get(key, 0)
            if len(self._new) >= _SEEN_MAX:
                self._old, self._new = self._new, {}
        self._new[key] = there | mask
        return not there & mask


class Group:
    """A name that gets every batch once, whichever host reads it.

    ``rung`` are partitions in which there may be something new. ``mask`` is its bit among the groups of this
    process. ``owned``: reads only partitions of this host, ``taking`` are those it has yet to take over.
    """

    def __init__(self, name: str, subscriber: Subscriber, owned: bool, number: int) -> None:
        self.name = name
        self.subscriber = subscriber
        self.owned = owned
        self.mask = 1 << number
        self.rung: set[int] = set(range(PARTITIONS))
        self.taking: set[int] = set()
        self.in_hand: dict[int, set[str]] = {}
        self.events_in_hand = 0
        self.waiting = 0
        self.fences: dict[str, int] = {}
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def busy(self) -> bool:
        """Whether it takes nothing more for now: it said so, or has much in work."""
        return self.waiting > 0 or self.events_in_hand >= _IN_HAND_MAX

    def begin(self, partition: int, id_: str, batch: EventBatch) -> None:
        """An entry is in work."""
        self.in_hand.setdefault(partition, set()).add(id_)
        self.events_in_hand += len(batch.events)
        self.waiting += not batch.inboxed
        self.idle.clear()

    def end(self, partition: int, id_: str, batch: EventBatch) -> None:
        """The entry is not in work any more."""
        self.in_hand[partition].discard(id_)
        if not self.in_hand[partition]:
            del self.in_hand[partition]
        self.events_in_hand -= len(batch.events)
        self.waiting -= not batch.inboxed
        if not self.in_hand:
            self.idle.set()

    def works_on(self, partitions: Collection[int]) -> bool:
        """Whether anything of these partitions is in work."""
        return not self.in_hand.keys().isdisjoint(partitions)


class Fences:
    """Drops lines that a former holder of a claim read: a later fence has been seen, or is in force."""

    def __init__(self, current: Callable[[str], int] | None, counts: Counter[str], log: logging.Logger) -> None:
        self._current = current
        self._counts = counts
        self._log = log

    def passed(self, group: Group, batch: EventBatch) -> EventBatch | None:
        """The batch without late lines; None where nothing is left."""
        late: set[str] = set()
        for entity, fence in batch.fences.items():
            highest = max(group.fences.get(entity, 0), self._current(entity) if self._current else 0)
            if fence < highest:
                late.add(entity)
            else:
                group.fences[entity] = fence
        if not late:
            return batch
        events = [event for event in batch.events if event.entity not in late]
        self._counts["late"] += len(batch.events) - len(events)
        self._log.warning(
            "%d late lines of a former holder dropped (%s)",
            len(batch.events) - len(events),
            ", ".join(sorted(late)),
        )
        return msgspec.structs.replace(batch, events=events) if events else None
