"""Health: alive, and ready. Ready means that an event gets an answer, not that a port is open.

What is wrong while events are answered all the same is said as ``degraded``: a balancer that took such a host away
would silence the bot.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Literal

import msgspec

from waddlebot.libs.sdk.metrics import Measure

CHECK_TIMEOUT_S = 5.0
REMEMBERED_S = 1.0
"""How long an outcome is good: probes must not become load."""

type Check = Callable[[], Awaitable[str]]
"""Returns words for the operator, or raises :class:`CheckFailed` with words on what is wrong and what to do."""

_log = logging.getLogger(__name__)


class CheckFailed(Exception):  # noqa: N818  a finding, not an error of ours
    """What is wrong, in words that may be shown to anybody who can reach the port."""


class Degraded(CheckFailed):
    """It is wrong, and events get their answers nevertheless."""


class Finding(msgspec.Struct, frozen=True):
    """What one check found, and how long it took in milliseconds. ``bears``: events get their answers even so."""

    ok: bool
    detail: str
    took_ms: float
    bears: bool = True


class Readiness(msgspec.Struct, frozen=True):
    """``ready`` where every check passed, ``degraded`` where events are answered although one did not."""

    status: Literal["ready", "degraded", "not ready"]
    checks: dict[str, Finding]

    @property
    def ok(self) -> bool:
        """Whether events get their answers."""
        return self.status != "not ready"


class Health:
    """The host's checks by name, run side by side when somebody asks, at most once a second."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._last: Readiness | None = None
        self._last_at = 0.0
        self._left: Readiness | None = None
        self._asking = asyncio.Lock()

    def measures(self) -> Iterator[Measure]:
        """What was found the last time; asks nothing by itself."""
        for name, finding in self._last.checks.items() if self._last is not None else ():
            yield Measure("waddlebot_ready", "1 where a check of readiness passed.", finding.ok, {"check": name})

    def leave(self) -> None:
        """Nothing more is to be sent here, from now on."""
        self._left = Readiness("not ready", {"stopping": Finding(False, "This process stops.", 0.0, False)})

    async def ready(self) -> Readiness:
        """What all checks found. Never raises."""
        if self._left is not None:
            return self._left
        async with self._asking:
            if self._last is None or time.monotonic() - self._last_at > REMEMBERED_S:
                found = await asyncio.gather(*(self._found(name, check) for name, check in self._checks.items()))
                checks = dict(zip(self._checks, found, strict=True))
                self._last, self._last_at = Readiness(_status_of(found), checks), time.monotonic()
            return self._last

    async def _found(self, name: str, check: Check) -> Finding:
        started_at = time.monotonic()
        ok = bears = False
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                detail = await check()
            ok = bears = True
        except CheckFailed as failed:
            detail, bears = str(failed), isinstance(failed, Degraded)
        except TimeoutError:
            detail = f"No answer within {CHECK_TIMEOUT_S:g} s."
        except Exception:
            # Its words may hold what a stranger should not read.
            _log.exception("the check %s failed", name)
            detail = "It failed; the log says why."
        return Finding(ok, detail, round((time.monotonic() - started_at) * 1000, 1), bears)


def _status_of(found: Collection[Finding]) -> Literal["ready", "degraded", "not ready"]:
    if all(finding.ok for finding in found):
        return "ready"
    return "degraded" if all(finding.bears for finding in found) else "not ready"
