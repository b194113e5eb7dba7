"""Circuit breaker: who does not answer is left alone for a while, so that nobody waits for them in vain."""

import time
from collections.abc import Callable

FAILURES_MAX = 5
"""Failures in a row after which nobody is asked any more."""
OPEN_S = 30.0
"""How long it stays so; then one question tries."""


class Breaker:
    """Closed while a callee answers; open after failures in a row; half-open, after a while, for one probe.

    (Nygard, Release It!, "Circuit Breaker".) Only silence and garbage are failures: an answer that says no is one.
    """

    __slots__ = ("_clock", "_failures", "_failures_max", "_open_s", "_probing_until", "_until")

    def __init__(
        self,
        failures_max: int = FAILURES_MAX,
        open_s: float = OPEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_max = failures_max
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._until = 0.0
        self._probing_until = 0.0

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if self._failures < self._failures_max:
            return "closed"
        return "open" if self._clock() < self._until else "half-open"

    @property
    def retry_s(self) -> float:
        """Seconds until somebody may try; 0 where they may now."""
        if self._failures < self._failures_max:
            return 0.0
        return max(0.0, max(self._until, self._probing_until) - self._clock())

    def admits(self) -> bool:
        """Whether a question may be asked now. Half-open it says so once: whoever hears it is the probe."""
        if self._failures < self._failures_max:
            return True
        now_s = self._clock()
        if now_s < self._until or now_s < self._probing_until:
            return False
        # A probe that is never heard of again must not keep the door shut for good.
        self._probing_until = now_s + self._open_s
        return True

    def succeeded(self) -> None:
        """An answer came."""
        if self._failures:
            self._failures = 0
            self._probing_until = 0.0

    def forget(self) -> None:
        """Whoever failed is gone, and somebody else is in its place."""
        self._failures = 0
        self._probing_until = 0.0

    def left(self) -> None:
        """The question was not even asked: a probe is still to come."""
        self._probing_until = 0.0

    def failed(self) -> None:
        """None came, or none that could be read."""
        self._failures += 1
        if self._failures >= self._failures_max:
            self._until = self._clock() + self._open_s
            self._probing_until = 0.0
