"""Items that travel together: what is to be said in one frame, and when it leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from waddlebot.libs.grpc_protos.peer_pb2 import Frame, Item

ITEMS_FLUSH = 64
"""So many items leave at once; fewer wait for others as long as FLUSH_S."""
FLUSH_S = 0.001
FRAME_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of one frame, so of one item."""
_ITEMS_MAX = 512
_HELD_MAX = 16_384

type Refuse = Callable[[dict[str, Any], str], None]
"""Is told of an item that cannot leave, and why."""
type Prepare = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


class Outgoing:
    """Collects items, as keyword arguments of ``Item``, and writes them by frames.

    ``prepare`` has the last word on what leaves, ``token`` says which one goes with a frame.
    """

    def __init__(self, refuse: Refuse, prepare: Prepare = list, token: Callable[[], str] = str) -> None:
        self._refuse = refuse
        self._prepare = prepare
        self._token = token
        self._loop = asyncio.get_running_loop()
        self._due = asyncio.Event()
        self._taken = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self.items: list[dict[str, Any]] = []

    def put(self, item: dict[str, Any]) -> None:
        """Let an item leave with others, at most FLUSH_S from now."""
        items = self.items
        items.append(item)
        if len(items) == 1:
            self._timer = self._loop.call_later(FLUSH_S, self._due.set)
        elif len(items) == ITEMS_FLUSH:
            self._due.set()

    async def room(self) -> None:
        """Return at once, unless so much waits to leave that nothing should be added."""
        while len(self.items) >= _HELD_MAX:
            self._taken.clear()
            await self._taken.wait()

    def close(self) -> None:
        """Let :meth:`run` return when all has left."""
        self._closing = True
        self._due.set()

    def take(self) -> list[dict[str, Any]]:
        """All items that have not left; they are no longer here."""
        items, self.items = self.items, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due.clear()
        self._taken.set()
        return items

    async def run(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write until :meth:`close`."""
        while self.items or not self._closing:
            await self._due.wait()
            for raw in frames_of(self._prepare(self.take()), self._refuse, self._token()):
                await write(raw)
            if self._closing:
                self._due.set()


def frames_of(items: Sequence[dict[str, Any]], refuse: Refuse, token: str = "") -> Iterator[bytes]:
    """Items as frames within FRAME_BYTES_MAX, in order. What protobuf has no bytes for is refused by itself."""
    for first in range(0, len(items), _ITEMS_MAX):
        part = items[first : first + _ITEMS_MAX]
        yield from _within(part, refuse, token if first == 0 else "")


def _within(items: Sequence[dict[str, Any]], refuse: Refuse, token: str) -> Iterator[bytes]:
    try:
        raw: bytes = Frame(items=items, token=token).SerializeToString()
        reason = "" if len(raw) <= FRAME_BYTES_MAX else f"{len(raw):,} bytes are too many; ask for less at once"
    except (ValueError, TypeError) as error:
        reason = str(error)
    if not reason:
        yield raw
    elif len(items) == 1:
        refuse(items[0], reason)
    else:
        half = len(items) // 2
        yield from _within(items[:half], refuse, token)
        yield from _within(items[half:], refuse, "")


def items_of(raw: bytes) -> tuple[Sequence[Item], str]:
    """The items of a frame, and the token that came with them. Raises protobuf's ``DecodeError``."""
    frame = Frame.FromString(raw)
    return frame.items, frame.token
