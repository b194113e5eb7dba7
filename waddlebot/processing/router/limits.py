"""Cooldowns and sliding-window limits of one partition, in memory: the owner alone counts (ARCHITECTURE §5)."""

from collections.abc import Hashable

_KEPT_MAX = 200_000


class Cooldowns:
    """Until when something may not be used again. Times are monotonic seconds, handed in by the caller."""

    def __init__(self) -> None:
        self._until: dict[Hashable, float] = {}

    def left_s(self, key: Hashable, now: float) -> float:
        """Seconds that are left of ``key``'s cooldown; 0.0 when it is free."""
        until = self._until.get(key)
        return 0.0 if until is None or until <= now else until - now

    def start(self, key: Hashable, seconds: float, now: float) -> None:
        """Begin a cooldown."""
        if len(self._until) >= _KEPT_MAX:
            self._until = {k: until for k, until in self._until.items() if until > now}
        self._until[key] = now + seconds

    def clear(self, key: Hashable) -> None:
        """End a cooldown at once."""
        self._until.pop(key, None)


class SlidingWindow:
    """At most ``limit`` uses in any ``window_s`` seconds per key.

    Two counters a key: the share of the last window that still lies inside the sliding one is counted
    with its weight, which is never off by more than the unevenness within one window (the approximation
    that Cloudflare describes in "Counting things, a lot of different things", 2017).
    """

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self._counts: dict[Hashable, tuple[int, int, int]] = {}

    def take(self, key: Hashable, now: float) -> float:
        """Count one use. Returns 0.0 when it is within the limit, else the seconds until it may be again;
        a refused use is not counted.
        """
        position = now / self.window_s
        window = int(position)
        last, before, within = self._counts.get(key, (window, 0, 0))
        if last != window:
            before, within = (within, 0) if last == window - 1 else (0, 0)
        share = 1.0 - (position - window)
        if before * share + within >= self.limit:
            return self._wait_s(before, within, share)
        if len(self._counts) >= _KEPT_MAX:
            self._counts = {k: kept for k, kept in self._counts.items() if kept[0] >= window - 1}
        self._counts[key] = (window, before, within + 1)
        return 0.0

    def _wait_s(self, before: int, within: int, share: float) -> float:
        if within >= self.limit or not before:
            # The whole of this window counts against the next one until enough of it has slid out.
            return self.window_s * (share + max(0.0, 1.0 - (self.limit - 1) / max(within, 1)))
        return max(0.05, self.window_s * (share - (self.limit - within) / before))
