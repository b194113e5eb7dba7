"""Lanes: the commands of one person in one community run in order, all others at the same time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from waddlebot.libs.sdk import Result
from waddlebot.processing.router.pipeline import Trip

LANE_LENGTH_MAX = 20
GRACE_S = 0.5
"""How long after its deadline a call is ended here: who was asked gives up by itself, and knows better why."""

type Key = tuple[str, str]
type Work = Callable[[], object]
type Returned = Callable[[Trip, Result], None]


class Lanes:
    """Who is being answered, who waits behind whom, and by when an answer is due."""

    def __init__(self) -> None:
        self.busy: dict[Key, deque[Work] | None] = {}
        self._due: dict[asyncio.Future[Result], float] = {}

    @property
    def under_way(self) -> int:
        """How many calls have not been answered yet."""
        return len(self._due)

    def take(self, key: Key) -> bool:
        """Take a lane that is free. ``False``: somebody is in it."""
        if key in self.busy:
            return False
        self.busy[key] = None
        return True

    def enter(self, key: Key, start: Work) -> bool:
        """Start now, or when those before it in its lane are done. ``False``: the lane is full."""
        if not self.take(key):
            return self.wait(key, partial(self.enter, key, start))
        start()
        return True

    def wait(self, key: Key, work: Work) -> bool:
        """Do ``work`` when those before it in a busy lane are done. ``False``: the lane is full."""
        lane = self.busy[key]
        if lane is None:
            lane = self.busy[key] = deque()
        if len(lane) >= LANE_LENGTH_MAX:
            return False
        lane.append(work)
        return True

    def leave(self, key: Key) -> None:
        """What was in the lane is done: on with what waits, until something is in the lane again."""
        waiting = self.busy.pop(key, None)
        while waiting and key not in self.busy:
            waiting.popleft()()
        if waiting:
            waiting.extend(self.busy[key] or ())
            self.busy[key] = waiting

    def watch(self, answer: Awaitable[Result], trip: Trip, due_s: float, returned: Returned) -> None:
        """Wait for an answer until ``due_s`` (monotonic seconds); one sweep looks after all deadlines.

        One that did not come may be asked for again: the key of the call lets its effect happen once.
        """
        future = asyncio.ensure_future(answer)
        self._due[future] = due_s

        def done(future: asyncio.Future[Result]) -> None:
            self._due.pop(future, None)
            if future.cancelled():
                late = f"no answer within {trip.entry.timeout_s:g} s"
                returned(trip, Result("failed", (), late, retry=True))
            elif (error := future.exception()) is not None:
                returned(trip, Result("failed", (), f"{type(error).__name__}: {error}", retry=True))
            else:
                returned(trip, future.result())

        future.add_done_callback(done)

    def sweep(self, now_s: float) -> None:
        """Give up on calls whose time is over."""
        for future in [future for future, due_s in self._due.items() if due_s + GRACE_S < now_s]:
            future.cancel()
