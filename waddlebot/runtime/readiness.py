"""Readiness: what has to be true of a host so that an event which is announced there gets its answer.

A part of the runtime that can be missing adds its check to ``Host.readiness`` by name; all of them are asked side
by side by ``/health/ready``.
"""

import secrets
import time
from typing import TYPE_CHECKING

from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Call, Event, Result
from waddlebot.libs.web.health import Check, CheckFailed, Degraded

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host

_PROBED = "processing.router"
_PROBE_TIMEOUT_S = 4.0
"""Below that of a check, so that the words are the probe's."""


def readiness_of(host: "Host") -> dict[str, Check]:
    """The checks that every host has."""

    async def database() -> str:
        try:
            await host.dal.ping()
        except DalError as error:
            raise CheckFailed(f"{error} Events are refused until it is back.") from None
        return "The database answers."

    async def events() -> str:
        # Whoever answers for the router, here or on another host: the directory knows.
        endpoint = host.directory.get(_PROBED)
        if endpoint is None:
            return "No router runs here."
        answer = endpoint.execute(probe())
        result = answer if isinstance(answer, Result) else await answer
        if result.status != "ok" or not result.replies:
            raise CheckFailed(f"A command got no answer: {result.reason or result.status}.")
        return "A command gets its answer."

    async def tasks() -> str:
        errors = host.supervisor.errors
        if errors:
            raise Degraded(f"These keep failing, the log says why: {', '.join(sorted(errors))}.")
        return f"{len(host.runners)} modules are at work."

    return {"database": database, "events": events, "tasks": tasks}


def probe() -> Call:
    """Asks a router to take an event of nobody's through its whole pipeline."""
    now = time.time()
    who = secrets.token_hex(8)  # a new one each time: nobody's limits are in the way
    event = Event(
        EVENT_VERSION, who, CHAT_MESSAGE, "health", "probe", "probe", who, who, who, (), "!help", now, now,
        "health-probe",
    )  # fmt: skip
    return Call(_PROBED, "dynamic:probe", event, "", event.account, 1, "", 0, _PROBE_TIMEOUT_S)
