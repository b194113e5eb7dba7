"""Lines waiting to be sent: bounded, fair between targets, paced."""

import asyncio
import math
from collections import deque

from waddlebot.libs.irc.errors import SendError
from waddlebot.libs.irc.policy import Outgoing, SendPolicy

type _Waiting = tuple[Outgoing, asyncio.Future[None] | None]


class SendQueue:
    """First come, first served per target; targets take turns, so a channel at its limit holds up no other."""

    def __init__(self, policy: SendPolicy, lines_max: int = 200) -> None:
        self._policy = policy
        self._lines_max = lines_max
        self._targets: dict[str, deque[_Waiting]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def room_for(self, lines: int) -> bool:
        """Whether so many more lines may wait."""
        return self._size + lines <= self._lines_max

    def push(self, outgoing: Outgoing, sent: asyncio.Future[None] | None = None) -> None:
        """Let a line wait; `sent` is done when it has been handed to the connection, or fails with SendError.

        The bound is kept by whoever asks `room_for` first: a text of several parts is queued whole or not at all.
        """
        self._targets.setdefault(outgoing.target, deque()).append((outgoing, sent))
        self._size += 1

    def pop(self, now_s: float) -> tuple[Outgoing | None, float]:
        """The next line that may be sent, or the seconds until there may be one (infinite when none waits)."""
        soonest_s = math.inf
        for target in list(self._targets):
            self._drop_cancelled(target)
            waiting = self._targets.get(target)
            if not waiting:
                continue
            delay_s = self._policy.delay_s(waiting[0][0], now_s)
            if delay_s <= 0:
                return self._take(target, now_s), 0.0
            soonest_s = min(soonest_s, delay_s)
        return None, soonest_s

    def fail(self, words: str) -> None:
        """Empty the queue; everybody who waits for a line of it gets a SendError."""
        for target in list(self._targets):
            self.drop(target, words)

    def drop(self, target: str, words: str) -> None:
        """Take out what waits for a target; everybody who waits for such a line gets a SendError."""
        waiting = self._targets.pop(target, ())
        self._size -= len(waiting)
        for _, sent in waiting:
            if sent is not None and not sent.done():
                sent.set_exception(SendError(words))

    def _take(self, target: str, now_s: float) -> Outgoing:
        waiting = self._targets.pop(target)
        outgoing, sent = waiting.popleft()
        if waiting:
            self._targets[target] = waiting  # At the end: the other targets come first now.
        self._size -= 1
        self._policy.take(outgoing, now_s)
        if sent is not None and not sent.done():
            sent.set_result(None)
        return outgoing

    def _drop_cancelled(self, target: str) -> None:
        waiting = self._targets[target]
        while waiting and (sent := waiting[0][1]) is not None and sent.cancelled():
            waiting.popleft()
            self._size -= 1
        if not waiting:
            del self._targets[target]
