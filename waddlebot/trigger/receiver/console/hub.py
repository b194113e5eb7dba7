"""The window's lines: who said what, kept for those who look now and the last hundred for those who come."""

import asyncio
import contextlib
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from typing import Literal

import msgspec

BACKLOG_MAX = 100
"""Lines that a newcomer sees."""
WAITING_MAX = 500
"""Lines kept for a reader that does not read; then its stream ends, and it asks again from where it was."""
READERS_MAX = 100
BEAT_S = 15.0
"""Pause after which a stream says that it is alive, so that proxies keep it and readers notice its end."""
_KNOWN_MAX = 2_000


class Line(msgspec.Struct, frozen=True):
    """One line. ``speaker`` is the account, empty for the bot; ``to`` and ``to_name`` are whom the bot answers.

    ``private`` lines are for ``to`` and the owner alone. ``at`` is in seconds since the epoch.
    """

    kind: Literal["chat", "bot"]
    at: float
    name: str
    text: str
    speaker: str = ""
    owner: bool = False
    private: bool = False
    to: str = ""
    to_name: str = ""
    action: str = "chat"


type Sees = Callable[[Line], bool]


class Full(Exception):  # noqa: N818  a state, not an error of ours
    """Too many readers look already."""


class Hub:
    """Takes lines, each id once, and streams them as server-sent events.

    The format is of https://html.spec.whatwg.org/multipage/server-sent-events.html; an event's id is
    ``START-NUMBER``, where ``START`` tells one life of the host from another.
    """

    def __init__(self, *, beat_s: float = BEAT_S) -> None:
        self._start = secrets.token_hex(4)
        self._number = 0
        self._beat_s = beat_s
        self._lines: deque[tuple[int, Line, bytes]] = deque(maxlen=BACKLOG_MAX)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._readers: set[_Reader] = set()

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._readers)

    def lines(self) -> list[Line]:
        """The backlog, oldest first."""
        return [line for _, line, _ in self._lines]

    def knows(self, key: str) -> bool:
        """Whether a line of that id is in already."""
        return key in self._known

    def add(self, key: str, line: Line) -> None:
        """Show a line to all who may see it; an id that was there before changes nothing."""
        if key in self._known:
            return
        self._known[key] = None
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        self._number += 1
        chunk = f"id: {self._start}-{self._number}\ndata: ".encode() + msgspec.json.encode(line) + b"\n\n"
        self._lines.append((self._number, line, chunk))
        for reader in self._readers:
            reader.tell(line, chunk)

    def listen(self, after: str, sees: Sees) -> AsyncGenerator[bytes]:
        """The lines after the event id ``after``, then each as it comes, for a reader that ``sees`` some.

        An id of another life, or none, begins with an event ``reset`` and the backlog. Raises :class:`Full`.
        """
        if len(self._readers) >= READERS_MAX:
            raise Full
        return self._stream(after, _Reader(sees))

    async def _stream(self, after: str, reader: "_Reader") -> AsyncGenerator[bytes]:
        # Nothing is held before the first step: a stream that is never read leaves nothing behind.
        start, _, number = after.partition("-")
        again = start == self._start and number.isascii() and number.isdigit()
        seen = int(number) if again else 0
        self._readers.add(reader)
        try:
            backlog = b"".join(chunk for n, line, chunk in self._lines if n > seen and reader.sees(line))
            yield b"retry: 1000\n\n" + (b"" if again else b"event: reset\ndata: {}\n\n") + backlog
            while not reader.lost:
                chunk = b": beat\n\n"
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._beat_s):
                        chunk = await reader.waiting.get()
                yield chunk
        finally:
            self._readers.discard(reader)


class _Reader:
    """One open stream."""

    def __init__(self, sees: Sees) -> None:
        self.sees = sees
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self.lost = False

    def tell(self, line: Line, chunk: bytes) -> None:
        """Hand over a line, unless the reader stopped reading."""
        if self.sees(line):
            try:
                self.waiting.put_nowait(chunk)
            except asyncio.QueueFull:
                self.lost = True
