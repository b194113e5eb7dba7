"""The host's web server: its modules' routes and doors, API keys, health."""

import asyncio
import contextlib
import importlib.metadata
from typing import TYPE_CHECKING

from waddlebot.libs.web import create_app
from waddlebot.libs.web.gate import Gate
from waddlebot.libs.web.health import Health
from waddlebot.libs.web.operator import PURPOSE, OperatorTokens
from waddlebot.libs.web.ring import KeyRing
from waddlebot.libs.web.server import WebServer
from waddlebot.libs.web.site import HttpModule, Site

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host


class WebFront:
    """Serves the host's modules between :meth:`start` and :meth:`stop`."""

    def __init__(self, host: "Host") -> None:
        self._host = host
        self.keys = KeyRing(host.keys)
        self._exits = contextlib.AsyncExitStack()
        self._server: WebServer | None = None
        self.health = Health(host.readiness)

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
        host.metrics.add(self.health.measures)
        site = Site(
            modules=[HttpModule(runner.module, runner.services) for runner in host.runners.values()],
            doors=host.links.doors(),
            gate=gate,
            health=self.health,
            host_names=web.host_names,
            version=importlib.metadata.version("waddlebot"),
            metrics=host.metrics,
            metrics_token=web.metrics_token,
        )
        server = WebServer(create_app(site), web)
        self._server = await self._exits.enter_async_context(server)

    async def stop(self) -> None:
        """Say so, then take no further requests and finish those that are here."""
        if self._server is not None:
            self.health.leave()
            await asyncio.sleep(self._host.web_config.leave_s)
        self._server = None
        await self._exits.aclose()
