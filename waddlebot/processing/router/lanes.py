"""Lanes: the commands of one person in one community run in order, all others at the same time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from waddlebot.libs.sdk import Result
from waddlebot.processing.router.pipeline import Trip

LANE_LENGTH_MAX = 20

type Start = Callable[[Trip], None]
type Returned = Callable[[Trip, Result], None]


class Lanes:
    """Who is being answered, who waits behind whom, and by when an answer is due."""

    def __init__(self) -> None:
        self._behind: dict[tuple[str, str], deque[Trip] | None] = {}
        self._due: dict[asyncio.Future[Result], float] = {}

    @property
    def under_way(self) -> int:
        """How many calls have not been answered yet."""
        return len(self._due)

    def enter(self, key: tuple[str, str], trip: Trip, start: Start) -> bool:
        """Start the trip now, or when those before it in its lane are done. ``False``: the lane is full."""
        if key not in self._behind:
            self._behind[key] = None
            start(trip)
            return True
        lane = self._behind[key]
        if lane is None:
            lane = self._behind[key] = deque()
        if len(lane) >= LANE_LENGTH_MAX:
            return False
        lane.append(trip)
        return True

    def leave(self, key: tuple[str, str], start: Start) -> None:
        """One trip of the lane is done: start the next."""
        lane = self._behind.get(key)
        if lane:
            start(lane.popleft())
        else:
            self._behind.pop(key, None)

    def watch(self, answer: Awaitable[Result], trip: Trip, due_s: float, returned: Returned) -> None:
        """Wait for an answer until ``due_s`` (monotonic seconds); one sweep looks after all deadlines."""
        future = asyncio.ensure_future(answer)
        self._due[future] = due_s

        def done(future: asyncio.Future[Result]) -> None:
            self._due.pop(future, None)
            if future.cancelled():
                late = f"no answer within {trip.entry.timeout_s:g} s"
                returned(trip, Result("failed", (), late, retry=False))
            elif (error := future.exception()) is not None:
                returned(trip, Result("failed", (), f"{type(error).__name__}: {error}", retry=True))
            else:
                returned(trip, future.result())

        future.add_done_callback(done)

    def sweep(self, now_s: float) -> None:
        """Give up on calls whose time is over."""
        for future in [future for future, due_s in self._due.items() if due_s < now_s]:
            future.cancel()
