"""How commands work on the installation: with its database open, and in its audit log."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator

from waddlebot.libs import audit
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.rank import OPERATOR
from waddlebot.runtime.environment import Environment, load
from waddlebot.runtime.installation import Installation, opened
from waddlebot.runtime.secrecy import secrets_of

ACTOR = OPERATOR
"""Who acts, where a change says so."""
_LOG = "operator"
"""The commands' own log file: two processes may not rotate one."""


@contextlib.contextmanager
def audited(environment: Environment) -> Iterator[None]:
    """Log to the installation's folder; only warnings reach the terminal."""
    with audit.setup(environment.logs, environment.log_level, name=_LOG, console_level="WARNING") as log:
        log.redactor.register(*secrets_of(discover(), os.environ))
        yield


def on_installation[T](task: Callable[[Installation], Awaitable[T]]) -> T:
    """Run ``task`` with the database open, and return what it returns."""
    environment = load()

    async def run() -> T:
        async with opened(environment) as installation:
            return await task(installation)

    with audited(environment):
        return asyncio.run(run())


def note(action: str, community: str, **details: str) -> None:
    """Put what an operator did into the audit log."""
    audit.event(audit.Category.AUDIT, "cli", community, ACTOR, action, "OK", **details)


def when(at: float) -> str:
    """A time for people, in the machine's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
