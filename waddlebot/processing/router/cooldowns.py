"""Cooldowns of one partition, in memory: the owner alone counts (ARCHITECTURE §5)."""

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
