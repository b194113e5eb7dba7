"""Chat that is kept for a while, for back-tests and nukes: packed batches, never a row per line."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import repeat
from typing import Any, Self

import msgspec

from waddlebot.libs.filters.content import emote_count, emotes_of
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event
from waddlebot.libs.sdk.rank import of_platform

KEPT_PER_MINUTE_MAX = 3_000
"""Lines of one community that are kept of a minute: fifty a second. What is more is not kept."""
_TEXT_MAX = 500


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line as it is kept. ``ranks`` are those that the platform said of its writer, as a mask."""

    at: float
    entity: str
    user_id: str
    login: str
    ranks: int
    id: str
    text: str
    emotes: int = 0

    @property
    def account(self) -> str:
        """Who wrote it: ``platform:user_id``."""
        return f"{self.entity.partition(':')[0]}:{self.user_id}"

    def event(self, community: str) -> Event:
        """The line as an event, as far as filters look at it."""
        platform, server, channel = self.entity.split(":", 2)
        native = "emotes=0:" + ",".join(repeat("0-0", self.emotes)) if self.emotes else ""
        return Event(
            EVENT_VERSION, self.id, CHAT_MESSAGE, platform, server, channel, self.user_id, self.login, self.login,
            (), self.text, self.at, self.at, community, "", native,
        )  # fmt: skip


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(list[Line]).decode


def pack(lines: Sequence[Line]) -> bytes:
    """Lines as they are stored."""
    return zlib.compress(_ENCODE(lines), 6)


def unpack(packed: bytes) -> list[Line]:
    """The lines of :func:`pack`."""
    return _DECODE(zlib.decompress(packed))


class Quota:
    """How many lines of each community were kept in the minute that runs."""

    def __init__(self) -> None:
        self._minute = 0
        self._kept: dict[str, int] = {}

    def room(self, community: str, now: float) -> int:
        """How many more lines may be kept."""
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._kept = minute, {}
        return KEPT_PER_MINUTE_MAX - self._kept.get(community, 0)

    def take(self, community: str, now: float) -> bool:
        """One more line is kept; whether there is room for another."""
        self.room(community, now)
        self._kept[community] = kept = self._kept.get(community, 0) + 1
        return kept < KEPT_PER_MINUTE_MAX


class Heard:
    """What was said lately in communities that keep their chat (:class:`waddlebot.libs.sdk.Gathered`)."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self._quota: Quota = ctx.state(Quota)
        self._open: dict[str, list[Line] | None] = {}
        self.lines: dict[str, list[Line]] = {}
        """By community, the oldest first."""

    def extend(self, events: Iterable[Event], /) -> None:
        """Take some more events."""
        opened, now = self._open, self._ctx.now()
        for event in events:
            community = event.community
            kept = opened[community] if community in opened else self._begin(community)
            if kept is None:
                continue
            kept.append(_line(event))
            if not self._quota.take(community, now):
                opened[community] = None

    def _begin(self, community: str) -> list[Line] | None:
        keeps = bool(community) and self._ctx.settings(community).hours > 0
        keeps = keeps and self._quota.room(community, self._ctx.now()) > 0
        found = self._open[community] = self.lines.setdefault(community, []) if keeps else None
        return found

    def communities(self) -> Iterator[str]:
        """The community of each line."""
        for community, lines in self.lines.items():
            yield from repeat(community, len(lines))

    def without(self, communities: Set[str]) -> Self:
        """The same, but for some communities."""
        rest = type(self)(self._ctx)
        rest.lines = {name: lines for name, lines in self.lines.items() if name not in communities}
        return rest

    def __len__(self) -> int:
        return sum(map(len, self.lines.values()))


def packed(heard: Mapping[str, Sequence[Line]]) -> list[tuple[str, float, int, bytes]]:
    """What was heard as rows: community, time of the last line, number of lines, and the lines packed."""
    return [
        (community, max(line.at for line in lines), len(lines), pack(lines))
        for community, lines in sorted(heard.items())
        if lines
    ]


def _line(event: Event) -> Line:
    emotes = emote_count(emotes_of(event.native)) if event.native else 0
    return Line(
        event.received_at, event.entity, event.user_id, event.user_login, of_platform(event.roles), event.id,
        event.text[:_TEXT_MAX], emotes,
    )  # fmt: skip
