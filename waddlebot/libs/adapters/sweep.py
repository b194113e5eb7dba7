"""One look at all deadlines of a host, many times a second, in place of a timer for each call."""

import asyncio
from collections.abc import Callable

PERIOD_S = 0.05
"""How late a deadline may be noticed."""


class Sweep:
    """Calls ``look(now_s)`` every period for as long as it says that something is under way."""

    __slots__ = ("_handle", "_look", "_loop")

    def __init__(self, look: Callable[[float], bool]) -> None:
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Something is under way from now on."""
        if self._handle is None:
            self._handle = self._loop.call_later(PERIOD_S, self._tick)

    def stop(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        self._handle = None
        if self._look(self._loop.time()):
            self.wake()
