"""Cooldowns of one partition, in memory: the owner alone counts (ARCHITECTURE §5)."""

from collections.abc import Hashable, Iterator

_KEPT_MAX = 200_000


class Cooldowns:
    """Until when something may not be used again: the last 100,000 to 200,000 of them.

    Times are monotonic seconds, handed in by the caller.
    """

    def __init__(self) -> None:
        self._until: dict[Hashable, float] = {}

    def left_s(self, key: Hashable, now: float) -> float:
        """Seconds that are left of ``key``'s cooldown; 0.0 when it is free."""
        until = self._until.get(key)
        return 0.0 if until is None or until <= now else until - now

    def running(self, now: float) -> Iterator[tuple[Hashable, float]]:
        """The cooldowns that are not over, and the seconds left of each; those that were begun last first."""
        for key, until in reversed(self._until.items()):
            if until > now:
                yield key, until - now

    def start(self, key: Hashable, seconds: float, now: float) -> None:
        """Begin a cooldown."""
        if len(self._until) >= _KEPT_MAX:
            running = [(k, until) for k, until in self._until.items() if until > now]
            # At most half stays, or each start would look through all of them in vain.
            self._until = dict(running[-_KEPT_MAX // 2 :])
        self._until[key] = now + seconds
