"""How fast we may send. Time is given in, in seconds of a monotonic clock, so that tests need not wait."""

from collections import deque


class TokenBucket:
    """Allows bursts of `burst` and `rate_per_s` in the long run; costs may be fractions."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._at_s = float("-inf")

    def delay_s(self, now_s: float, cost: float = 1.0) -> float:
        """Seconds until `cost` may be taken, 0 for now; a cost above the burst waits for a full bucket."""
        self._refill(now_s)
        return max(0.0, (min(cost, self._burst) - self._tokens) / self._rate_per_s)

    def take(self, now_s: float, cost: float = 1.0) -> None:
        """Spend `cost`, into debt if need be: the debt delays what comes next."""
        self._refill(now_s)
        self._tokens -= cost

    def _refill(self, now_s: float) -> None:
        if now_s > self._at_s:
            self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._rate_per_s)
            self._at_s = now_s


class SlidingWindow:
    """At most `limit` in any `period_s`; a bucket would let nearly twice its burst through one period.

    For platforms that count in fixed windows whose start we do not know, and punish the first excess.
    """

    def __init__(self, limit: int, period_s: float) -> None:
        self.limit = limit
        self._period_s = period_s
        self._taken: deque[float] = deque()

    def delay_s(self, now_s: float, count: int = 1) -> float:
        """Seconds until `count` more may be taken; 0 when they may be now."""
        self._forget(now_s)
        excess = len(self._taken) + min(count, self.limit) - self.limit
        return max(0.0, self._taken[excess - 1] + self._period_s - now_s) if excess > 0 else 0.0

    def take(self, now_s: float, count: int = 1) -> None:
        """Note that `count` were used now."""
        self._forget(now_s)
        self._taken.extend([now_s] * count)

    def _forget(self, now_s: float) -> None:
        while self._taken and self._taken[0] + self._period_s <= now_s:
            self._taken.popleft()
