"""What the router has only in memory, packed by partition for whoever owns it next: sessions, cooldowns, limits.

Nothing of this is marked on the way of a line: what changed is seen by the counters of commands, once a second.
Clocks of hosts differ, so all times are seconds: left of a cooldown, since a session was opened.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, cast

import msgspec

from waddlebot.libs.sdk import EVENT_VERSION, Event
from waddlebot.libs.sdk.ports import partition_of
from waddlebot.processing.router.sessions import Session

if TYPE_CHECKING:
    from waddlebot.processing.router.engine import Router

ITEMS_MAX = 5_000
"""Of each kind, in all partitions that are packed at once; the newest stay. About 1 MB and 5 ms in all."""
LOOKED_AT_MAX = 2 * ITEMS_MAX
"""Of each kind: all lines wait meanwhile, and to look through 50,000 sessions takes 20 ms and more."""
ANSWERS_AHEAD = 1_000
"""A session's former owner may have answered after it was packed: those numbers are not used again."""

type _Key = tuple[str, ...]
"""Begins with the community."""
type _Numbers = Iterator[tuple[_Key, float]]


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """A session, with as much of its event as answers need."""

    id: str
    module: str
    age_s: float
    answers: int
    event_id: str
    kind: str
    platform: str
    server: str
    channel: str
    user_id: str
    user_login: str
    user_name: str
    community: str
    source: str
    occurred_at: float


class _State(msgspec.Struct, array_like=True):
    """One partition. Fields are only appended, each with a default: another host may have another version."""

    sessions: list[_Kept] = []
    cooldowns: list[tuple[_Key, float]] = []
    limits: list[tuple[_Key, float]] = []


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_State).decode


class Checkpoint:
    """Packs and restores a router's partitions (:class:`waddlebot.libs.sdk.ports.Keeper`)."""

    def __init__(self, router: "Router") -> None:
        self._router = router
        self._seen: Counter[tuple[str, str]] = Counter()

    def changed(self, partitions: Collection[int]) -> Mapping[int, bytes]:
        """Those of the partitions in which commands were used since the last time, packed."""
        uses, seen = self._router.uses, self._seen
        touched = set()
        for key in [key for key, times in uses.items() if seen[key] != times]:
            if (partition := partition_of(key[0])) in partitions:
                touched.add(partition)
                seen[key] = uses[key]
        return self._packed(touched) if touched else {}

    def busy(self, partitions: Collection[int]) -> bool:
        """Whether anybody's command there is not done: it may come to have a cooldown, a session, an order."""
        return any(partition_of(community) in partitions for community, _ in self._router.lanes.busy)

    def unsaved(self, partitions: Collection[int]) -> None:
        """What was packed of them last was lost: pack it again the next time."""
        self._seen = Counter({key: n for key, n in self._seen.items() if partition_of(key[0]) not in partitions})

    def restore(self, partition: int, packed: bytes, age_s: float) -> None:
        """Take what the former owner packed ``age_s`` ago. Raises ``msgspec.DecodeError`` for what is no state."""
        state, router, now_s = _DECODE(packed), self._router, time.monotonic()
        for kept in state.sessions:
            router.sessions.put(_session(kept, now_s - age_s))
        for key, left_s in state.cooldowns:
            if left_s - age_s > router.cooldowns.left_s(key, now_s):
                router.cooldowns.start(key, left_s - age_s, now_s)
        router.limits.restore(state.limits, age_s)

    def _packed(self, partitions: Collection[int]) -> dict[int, bytes]:
        router, now_s = self._router, time.monotonic()
        of = _Partitions(partitions)
        most = max(1, ITEMS_MAX // len(partitions))
        states = {partition: _State([], [], []) for partition in partitions}
        for session in islice(router.sessions.newest(), LOOKED_AT_MAX):
            state = states.get(of[session.event.community])
            if state is not None and len(state.sessions) < most:
                state.sessions.append(_kept(session, now_s))
        for key, left_s in islice(cast("_Numbers", router.cooldowns.running(now_s)), LOOKED_AT_MAX):
            state = states.get(of[key[0]])
            if state is not None and len(state.cooldowns) < most:
                state.cooldowns.append((key, left_s))
        for key, times in islice(cast("_Numbers", router.limits.counted()), LOOKED_AT_MAX):
            state = states.get(of[key[0]])
            if state is not None and len(state.limits) < most:
                state.limits.append((key, times))
        for state in states.values():
            state.sessions.reverse()  # as they were opened
        return {partition: _ENCODE(state) for partition, state in states.items()}


class _Partitions(dict[str, int]):
    """The partition of each community, worked out once; -1 of those that are not asked for."""

    def __init__(self, wanted: Iterable[int]) -> None:
        self._wanted = frozenset(wanted)

    def __missing__(self, community: str) -> int:
        partition = partition_of(community)
        self[community] = found = partition if partition in self._wanted else -1
        return found


def _kept(session: Session, now_s: float) -> _Kept:
    event = session.event
    return _Kept(
        session.id, session.module, now_s - session.since, session.answers, event.id, event.kind, event.platform,
        event.server, event.channel, event.user_id, event.user_login, event.user_name, event.community,
        event.source, event.occurred_at,
    )  # fmt: skip


def _session(kept: _Kept, then_s: float) -> Session:
    event = Event(
        EVENT_VERSION, kept.event_id, kept.kind, kept.platform, kept.server, kept.channel, kept.user_id,
        kept.user_login, kept.user_name, (), "", kept.occurred_at, kept.occurred_at, kept.community, kept.source,
    )  # fmt: skip
    return Session(kept.id, event, kept.module, then_s - kept.age_s, kept.answers + ANSWERS_AHEAD)
