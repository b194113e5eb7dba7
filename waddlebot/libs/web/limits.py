"""How often somebody may do something."""

import time
from collections import OrderedDict
from collections.abc import Callable

KEYS_MAX = 10_000


class SlidingWindow:
    """At most ``times_max`` per ``window_s`` for each key, as a sliding window of two counters.

    The window before counts by the share of it that still lies inside: two numbers a key instead of a list of
    times, and never more than ``times_max`` in any aligned window. It remembers at most ``keys_max`` keys; the
    ones unheard of for longest go first.
    """

    def __init__(
        self,
        times_max: int,
        window_s: float,
        *,
        keys_max: int = KEYS_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._times_max = times_max
        self._window_s = window_s
        self._keys_max = keys_max
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until ``key`` may go on; 0 when it may now. Counts nothing."""
        _window, elapsed, before, now = self._state(key)
        free = self._times_max - now
        if before * (1 - elapsed) < free:
            return 0.0
        if free <= 0:
            # Not in this window: in the next one, when enough of this one has slid out.
            return self._window_s * (1 - elapsed + max(0.0, 1 - self._times_max / now) if now else 0.0)
        return self._window_s * max(0.0, 1 - free / before - elapsed) + 0.001

    def take(self, key: str) -> float:
        """Count one for ``key``; returns 0, or the seconds to wait, and then counts nothing."""
        wait_s = self.wait_s(key)
        if wait_s == 0:
            window, _, before, now = self._state(key)
            self._counts[key] = (window, before, now + 1)
            self._counts.move_to_end(key)
            if len(self._counts) > self._keys_max:
                self._counts.popitem(last=False)
        return wait_s

    def _state(self, key: str) -> tuple[int, float, int, int]:
        """The number of the window, the share of it gone by, and the counts of the one before and of this one."""
        position = self._clock() / self._window_s
        window = int(position)
        last, before, now = self._counts.get(key, (window, 0, 0))
        if last == window - 1:
            before, now = now, 0
        elif last != window:
            before, now = 0, 0
        return window, position - window, before, now
