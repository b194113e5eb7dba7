"""What the web server serves: the modules that are here, as their host lends them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from waddlebot.libs.sdk.context import RouteContext
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import CallScope
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.doors import ASGI
from waddlebot.libs.web.gate import Gate
from waddlebot.libs.web.health import Health

API = "/api/v1"


class HttpRunner(Protocol):
    """One module at work, as the host implements it."""

    @property
    def module(self) -> Module:
        """The declaration."""

    @property
    def doors(self) -> Mapping[str, ASGI]:
        """What the factories of ``module.mounts`` made, by their paths below the module's URL."""

    def enabled(self, community: str) -> bool:
        """Whether the module is switched on in a community."""

    def route_context(
        self,
        scope: CallScope,
        *,
        role: Role | None,
        key_name: str,
        path: Mapping[str, str],
        query: Mapping[str, str],
        headers: Mapping[str, str],
        peer: str,
        entity: str,
    ) -> RouteContext[Any, Any]:
        """What a route's handler gets: ``RouteContext(services, scope, …)`` with all of these."""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """All that requests are answered with. ``host_names`` are the names browsers may use."""

    runners: Sequence[HttpRunner]
    gate: Gate
    health: Health
    host_names: frozenset[str]
    version: str


def url_of(module: Module, path: str) -> str:
    """Where something of a module is found."""
    return f"{API}/{module.name}{path}"
