"""The channels we are to be in, and how far we got with each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from waddlebot.libs.irc.message import build_line
from waddlebot.libs.irc.policy import Outgoing
from waddlebot.libs.irc.settings import Channel, Timing

type RoomPhase = Literal["out", "queued", "asked", "in", "given up"]

_LINE_SIZE_MAX = 510
_COMMAND_SIZE = len("JOIN  ")


@dataclass(slots=True)
class Room:
    """One wanted channel. `due_s` is when to ask (out) or when to stop waiting for an answer (asked)."""

    channel: Channel
    phase: RoomPhase = "out"
    due_s: float = 0.0
    tries: int = 0
    error: str = ""


class Rooms:
    """Joins what is wanted, returns after a kick politely and a bounded number of times, and says what failed."""

    def __init__(self, timing: Timing, rooms_max: int = 0) -> None:
        self._timing = timing
        self._rooms_max = rooms_max
        self._rooms: dict[str, Room] = {}
        self._fold: Callable[[str], str] = str.lower

    @property
    def wanted(self) -> int:
        """How many channels we are to be in."""
        return len(self._rooms)

    @property
    def joined(self) -> tuple[str, ...]:
        """Names of the channels we are in."""
        return tuple(room.channel.name for room in self._rooms.values() if room.phase == "in")

    @property
    def failures(self) -> dict[str, str]:
        """Why we are not in the others, by name; channels that were not tried yet are missing."""
        return {
            room.channel.name: room.error for room in self._rooms.values() if room.error and room.phase != "in"
        }

    def add(self, channel: Channel) -> str:
        """Want a channel; wanting it again asks anew. Returns why it cannot be had, or an empty text."""
        room = self._rooms.get(self._fold(channel.name))
        if room is not None:
            room.channel = channel
            if room.phase in ("out", "given up"):
                room.phase, room.due_s, room.tries = "out", 0.0, 0
            return ""
        if self._rooms_max and len(self._rooms) >= self._rooms_max:
            return f"{channel.name} is not joined: a bot user may be in {self._rooms_max} channels here, and is"
        self._rooms[self._fold(channel.name)] = Room(channel)
        return ""

    def remove(self, name: str) -> bool:
        """Stop wanting a channel; True when we were in it or had asked, so that a PART is due."""
        room = self._rooms.pop(self._fold(name), None)
        return room is not None and room.phase in ("asked", "in")

    def wants(self, name: str) -> bool:
        """Whether we are to be in this channel."""
        return self._fold(name) in self._rooms

    def is_in(self, name: str) -> bool:
        """Whether we are in this channel."""
        room = self._rooms.get(self._fold(name))
        return room is not None and room.phase == "in"

    def use_folding(self, fold: Callable[[str], str]) -> None:
        """Compare names as this server does."""
        self._fold = fold
        self._rooms = {fold(room.channel.name): room for room in self._rooms.values()}

    def leave_all(self) -> None:
        """The connection is gone: every channel is to be asked for again, at once and with all its tries."""
        for room in self._rooms.values():
            room.phase, room.due_s, room.tries = "out", 0.0, 0

    def due_joins(self, now_s: float, joins_max: int) -> Iterator[Outgoing]:
        """JOIN lines for what is to be asked for now, many channels in a line."""
        due = [room for room in self._rooms.values() if room.phase == "out" and room.due_s <= now_s]
        for room in due:
            room.phase = "queued"
        yield from _joins((room.channel for room in due), joins_max)

    def asked(self, names: Iterable[str], now_s: float) -> None:
        """The JOIN for these has left."""
        for name in names:
            room = self._rooms.get(self._fold(name))
            if room is not None and room.phase == "queued":
                room.phase, room.due_s = "asked", now_s + self._timing.join_timeout_s

    def entered(self, name: str) -> None:
        """We are in."""
        room = self._rooms.get(self._fold(name))
        if room is not None:
            room.phase, room.error = "in", ""

    def kept_out(self, name: str, words: str, now_s: float) -> None:
        """We were thrown out or not let in: try again after a pause that grows, and in the end no more."""
        room = self._rooms.get(self._fold(name))
        if room is None:
            return
        room.error = words
        pauses_s = self._timing.rejoin_s
        if room.tries < len(pauses_s):
            room.phase, room.due_s = "out", now_s + pauses_s[room.tries]
        else:
            room.phase, room.error = "given up", f"{words}; given up after {room.tries} tries"
        room.tries += 1

    def ask_now(self, name: str) -> bool:
        """Ask for a channel at the next chance instead of after its pause; False when there is nothing to ask."""
        room = self._rooms.get(self._fold(name))
        if room is None or room.phase not in ("out", "given up"):
            return False
        room.phase, room.due_s = "out", 0.0
        return True

    def expire(self, now_s: float) -> None:
        """Count a JOIN that nobody answered as refused."""
        for room in self._rooms.values():
            if room.phase == "asked" and room.due_s <= now_s:
                name = room.channel.name
                self.kept_out(name, f"{name}: the server did not answer the JOIN: does it exist?", now_s)


def parts(channels: Iterable[str], parts_max: int) -> Iterator[Outgoing]:
    """PART lines for many channels, packed as JOINs are."""
    for names, _ in _packed((Channel(name) for name in channels), parts_max):
        yield Outgoing(build_line("PART", ",".join(names)), "PART")


def _joins(channels: Iterable[Channel], joins_max: int) -> Iterator[Outgoing]:
    # Keys belong to the first channels of a line, so those that have one go first.
    for names, keys in _packed(sorted(channels, key=lambda channel: not channel.key), joins_max):
        params = [",".join(names), ",".join(keys)] if keys else [",".join(names)]
        yield Outgoing(build_line("JOIN", *params), "JOIN", channels=tuple(names))


def _packed(channels: Iterable[Channel], most: int) -> Iterator[tuple[list[str], list[str]]]:
    """Names and keys for as few lines as possible: each at most 512 bytes, of at most ``most`` names if not 0."""
    names: list[str] = []
    keys: list[str] = []
    size = _COMMAND_SIZE
    for channel in channels:
        size_more = len(channel.name.encode()) + len(channel.key.encode()) + 2
        if names and (size + size_more > _LINE_SIZE_MAX or len(names) == most):
            yield names, keys
            names, keys, size = [], [], _COMMAND_SIZE
        names.append(channel.name)
        if channel.key:
            keys.append(channel.key)
        size += size_more
    if names:
        yield names, keys
