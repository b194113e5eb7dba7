"""The host's web server: its modules' routes and doors, API keys, health."""

import asyncio
import contextlib
import importlib.metadata
from typing import TYPE_CHECKING

from waddlebot.libs.contracts.community import GLOBAL
from waddlebot.libs.contracts.login import ADMIN, Logins, SessionRequest
from waddlebot.libs.sdk.ports import CallScope
from waddlebot.libs.sdk.rank import Rank
from waddlebot.libs.sdk.visitor import Visitor
from waddlebot.libs.web import create_app
from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.gate import Gate, Visits
from waddlebot.libs.web.health import Health
from waddlebot.libs.web.operator import PURPOSE, OperatorTokens
from waddlebot.libs.web.ring import KeyRing
from waddlebot.libs.web.server import WebServer
from waddlebot.libs.web.site import HttpModule, Site

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host
    from waddlebot.runtime.services import Shared


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
            visits=visits_of(host.shared, web),
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
            proxies=web.proxy_networks,
            place=web.public_url.rstrip("/"),
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


def visits_of(shared: "Shared", config: WebConfig) -> Visits:
    """How a host knows who signed in, whichever host keeps the sessions, and what they may do where."""

    async def session(digest: str) -> Visitor | None:
        found = await Logins(shared.caller(CallScope(""))).session(SessionRequest(digest))
        return found.visitors[0] if found.visitors else None

    def ranks(community: str, visitor: Visitor) -> int | None:
        known = shared.configuration.get(community)
        if known is None or community == GLOBAL:
            return None
        if ADMIN in visitor.roles:
            return int(Rank.OWNER)
        mask = int(Rank.VIEWER)
        for account in visitor.accounts:
            mask |= known.contribution.ranks.get(account, 0)
        return mask

    return Visits(session, ranks, config.host_names, secure=config.secure)
