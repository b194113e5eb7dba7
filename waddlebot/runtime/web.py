"""The host's web server: its modules' routes and doors, API keys, health."""

import contextlib
import importlib.metadata
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Call, Event, Result
from waddlebot.libs.web import create_app
from waddlebot.libs.web.gate import Gate
from waddlebot.libs.web.health import CheckFailed, Health
from waddlebot.libs.web.operator import PURPOSE, OperatorTokens
from waddlebot.libs.web.ring import KeyRing
from waddlebot.libs.web.server import WebServer
from waddlebot.libs.web.site import HttpModule, Site

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host

_PROBED = "processing.router"


class WebFront:
    """Serves the host's modules between :meth:`start` and :meth:`stop`."""

    def __init__(self, host: "Host") -> None:
        self._host = host
        self.keys = KeyRing(host.keys)
        self._exits = contextlib.AsyncExitStack()
        self._server: WebServer | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it; empty before the start."""
        return self._server.url if self._server else ""

    async def start(self) -> None:
        """Listen. Raises ``AddressError`` where the address or port cannot be had."""
        host = self._host
        await self._exits.enter_async_context(self.keys)
        web = host.web_config
        entities = host.shared.configuration.entities
        gate = Gate(
            self.keys,
            lambda entity: entities.get(entity, ""),
            requests_max=web.requests_max,
            requests_window_s=web.requests_window_s,
            operator=OperatorTokens(host.shared.secret.derive(PURPOSE)),
        )
        site = Site(
            modules=[HttpModule(runner.module, runner.services) for runner in host.runners.values()],
            gate=gate,
            health=Health({"database": self._database, "events": self._events, "tasks": self._tasks}),
            host_names=web.host_names,
            version=importlib.metadata.version("waddlebot"),
        )
        server = WebServer(create_app(site), web)
        self._server = await self._exits.enter_async_context(server)

    async def stop(self) -> None:
        """Take no further requests, finish those that are here."""
        self._server = None
        await self._exits.aclose()

    async def _database(self) -> str:
        try:
            await self._host.dal.ping()
        except DalError as error:
            raise CheckFailed(f"{error} Events are refused until it is back.") from None
        return "The database answers."

    async def _events(self) -> str:
        """Ready means that an event gets an answer: send one through the pipeline, and see."""
        endpoint = self._host.directory.get(_PROBED)
        if endpoint is None:
            return "No router runs here."
        now = time.time()
        who = secrets.token_hex(8)  # a new one each time: nobody's limits are in the way
        event = Event(
            EVENT_VERSION, who, CHAT_MESSAGE, "health", "probe", "probe", who, who, who, (), "!help", now, now,
            "health-probe",
        )  # fmt: skip
        answer = endpoint.execute(Call(_PROBED, "dynamic:probe", event, "", event.account, 1, "", 0, 5.0))
        result = answer if isinstance(answer, Result) else await answer
        if result.status != "ok" or not result.replies:
            raise CheckFailed(f"A command got no answer: {result.reason or result.status}.")
        return "A command gets its answer."

    async def _tasks(self) -> str:
        errors = self._host.supervisor.errors
        if errors:
            raise CheckFailed(f"These keep failing, the log says why: {', '.join(sorted(errors))}.")
        return f"{len(self._host.runners)} modules are at work."

    async def readiness(self) -> Mapping[str, str]:
        """Each check by name: empty when fine, else what is wrong."""
        found = {}
        for name, check in (("database", self._database), ("events", self._events), ("tasks", self._tasks)):
            try:
                await check()
                found[name] = ""
            except CheckFailed as failed:
                found[name] = str(failed)
        return found
