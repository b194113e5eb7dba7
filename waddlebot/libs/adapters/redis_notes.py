"""Notes between hosts: small things that every host is told, packed, bounded, and of no harm when told twice."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

import msgspec

from waddlebot.libs.adapters.redis_link import Link
from waddlebot.libs.adapters.redis_streams import FAILURES, Streams
from waddlebot.libs.adapters.tracked_bus import Done, Note, Results

_KEPT_MAX = 10_000
_AT_ONCE_MAX = 500
_ENTRIES_MAX = 10_000
_PAUSE_S = 0.005
_READ_MAX = 200
_LOOK_EVERY_S = 1.0


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    host: str
    notes: list[Done | Results]


class Notes:
    """Sends notes and hears those of other hosts; one's own are heard at once, without Redis.

    While Redis is away notes wait, the newest of them: what they say is in the database as well.
    """

    def __init__(self, streams: Streams, link: Link, host: str, log: logging.Logger) -> None:
        self._streams = streams
        self._link = link
        self._host = host
        self._log = log
        self._waiting: deque[Note] = deque()
        self._wake = asyncio.Event()
        self._rung = asyncio.Event()
        self._last = ""
        self._callbacks: list[Callable[[Note], None]] = []
        self._decoder = msgspec.msgpack.Decoder(_Packed)

    def on_note(self, callback: Callable[[Note], None]) -> None:
        """``callback`` is told of every note of every host from now on."""
        self._callbacks.append(callback)

    def note(self, note: Note) -> None:
        """Tell every host."""
        if len(self._waiting) >= _KEPT_MAX:
            self._waiting.popleft()
        self._waiting.append(note)
        self._wake.set()
        self._hear(note)

    def ring(self) -> None:
        """There is something to hear."""
        self._rung.set()

    async def restore(self) -> None:
        """Find where to go on: a server that lost its data begins anew, maybe with earlier ids."""
        last = await self._streams.last_note()
        if not self._last:
            self._last = last
        elif _place(last) < _place(self._last):
            self._last = "0-0"
        self._wake.set()
        self._rung.set()

    async def send(self) -> None:
        """Send what waits, a packet every few milliseconds; for ever."""
        while True:
            await self._link.up.wait()
            await self._wake.wait()
            try:
                await self.flush()
            except FAILURES as error:
                self._link.lost(error)
            await asyncio.sleep(_PAUSE_S)

    async def flush(self) -> None:
        """Send what waits now. Raises what the streams raise; what was not sent still waits."""
        self._wake.clear()
        while self._waiting:
            notes = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE_MAX))]
            try:
                body = msgspec.msgpack.encode(_Packed(self._host, notes))
                await self._streams.note(body, _ENTRIES_MAX)
            except FAILURES:
                self._waiting.extendleft(reversed(notes))
                raise

    async def listen(self) -> None:
        """Hear what other hosts say; for ever."""
        while True:
            await self._link.up.wait()
            with contextlib.suppress(TimeoutError):  # the bell may have been missed
                await asyncio.wait_for(self._rung.wait(), _LOOK_EVERY_S)
            self._rung.clear()
            try:
                await self._read()
            except FAILURES as error:
                self._link.lost(error)

    async def _read(self) -> None:
        more = True
        while more:
            found = await self._streams.notes_after(self._last, _READ_MAX)
            for id_, body in found:
                self._last = id_
                try:
                    packed = self._decoder.decode(body)
                except msgspec.DecodeError as error:
                    self._log.error("a note of another host cannot be read: %s", error)
                    continue
                if packed.host != self._host:
                    for note in packed.notes:
                        self._hear(note)
            more = len(found) == _READ_MAX

    def _hear(self, note: Note) -> None:
        for callback in self._callbacks:
            try:
                callback(note)
            except Exception:
                self._log.exception("a note was not understood: %s", type(note).__name__)


def _place(id_: str) -> tuple[int, int]:
    """An entry's id as numbers (``milliseconds-sequence``)."""
    ms, _, number = id_.partition("-")
    return int(ms), int(number)
