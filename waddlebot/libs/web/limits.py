"""How often somebody may do something."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator

KEYS_MAX = 10_000


class SlidingWindow:
    """At most ``times_max`` per ``window_s`` for each key, as a sliding window of two counters.

    The window before counts by the share of it that still lies inside: two numbers a key instead of a list of
    times, and never more than ``times_max`` in any aligned window. It remembers at most ``keys_max`` keys of each
    window; the ones unheard of for longest go first.
    """

    def __init__(
        self,
        times_max: int,
        window_s: float,
        *,
        keys_max: int = KEYS_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.times_max = times_max
        self._window_s = window_s
        self._keys_max = keys_max
        self._clock = clock
        self._window = 0
        self._ends = 0.0
        self._now: dict[Hashable, int] = {}
        self._before: dict[Hashable, int] = {}

    def take(self, key: Hashable, times_max: int | None = None) -> float:
        """Count one for ``key``; returns 0, or the seconds to wait, and then counts nothing.

        ``times_max`` is this key's own limit where it has one.
        """
        if times_max is None:
            times_max = self.times_max
        now_s = self._clock()
        if now_s >= self._ends:
            self._begin(int(now_s / self._window_s))
        keys = self._now
        now, before = keys.get(key, 0), self._before.get(key, 0)
        if now + before >= times_max:
            gone = now_s / self._window_s - self._window
            if before * (1 - gone) >= times_max - now:
                return self._wait_s(before, now, times_max, gone)
        keys[key] = now + 1
        if len(keys) > self._keys_max // 2:
            self._forget(key)
        return 0.0

    def counted(self) -> Iterator[tuple[Hashable, float]]:
        """What each key has taken of the window that ends now."""
        now_s = self._clock()
        if now_s >= self._ends:
            self._begin(int(now_s / self._window_s))
        left = 1 - (now_s / self._window_s - self._window)
        keys, before = self._now, self._before
        for key, times in keys.items():
            yield key, times + before.get(key, 0) * left
        for key, times in before.items():
            if key not in keys:
                yield key, times * left

    def put(self, key: Hashable, times: int) -> None:
        """Count at least so many for ``key`` from now on, which somebody else had counted."""
        now_s = self._clock()
        if now_s >= self._ends:
            self._begin(int(now_s / self._window_s))
        self._now[key] = max(self._now.get(key, 0), times)
        if len(self._now) > self._keys_max // 2:
            self._forget(key)

    def _begin(self, window: int) -> None:
        self._before = self._now if window == self._window + 1 else {}
        self._window, self._now = window, {}
        self._ends = (window + 1) * self._window_s

    def _forget(self, latest: Hashable) -> None:
        # Whom to forget matters only when some will be forgotten; until then a plain dict is twice as fast.
        keys = self._now
        if not isinstance(keys, OrderedDict):
            keys = self._now = OrderedDict(keys)
        keys.move_to_end(latest)
        if len(keys) > self._keys_max:
            keys.popitem(last=False)

    def _wait_s(self, before: int, now: int, times_max: int, gone: float) -> float:
        free = times_max - now
        if free <= 0:
            # Not in this window: in the next one, when enough of this one has slid out.
            return self._window_s * (1 - gone + max(0.0, 1 - times_max / now) if now else 0.0)
        return self._window_s * max(0.0, 1 - free / before - gone) + 0.001
