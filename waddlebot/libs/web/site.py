"""What the web server serves: the modules that are here, as their host lends them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from waddlebot.libs.sdk.context import ServiceContext, Services
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.web.doors import ASGI
from waddlebot.libs.web.gate import Gate
from waddlebot.libs.web.health import Health
from waddlebot.libs.web.metrics import Metrics
from waddlebot.libs.web.sessions import Network

API = "/api/v1"


class HttpModule:
    """One module at work, as the web server sees it: its declaration, what its host lends it, and its doors.

    ``doors`` are what the factories of ``module.mounts`` made, by their paths below the module's URL.
    """

    def __init__(self, module: Module, services: Services) -> None:
        self.module = module
        self.services = services
        context: ServiceContext[Any, Any] = ServiceContext(services)
        self.doors: Mapping[str, ASGI] = {mount.path: mount.factory(context) for mount in module.mounts}


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """All that requests are answered with. ``host_names`` are the names browsers may use.

    ``doors`` are the host's own, by path. ``metrics_token`` opens the metrics, beside the operator's own tokens.
    ``proxies`` are the operator's own, whose word on who asks is taken. ``place`` is
    where browsers reach us, without a slash at the end, where the operator said so.
    """

    modules: Sequence[HttpModule]
    gate: Gate
    health: Health
    host_names: frozenset[str]
    version: str
    metrics: Metrics = dataclasses.field(default_factory=Metrics)
    metrics_token: str = ""
    doors: Mapping[str, ASGI] = dataclasses.field(default_factory=dict)
    proxies: Sequence[Network] = ()
    place: str = ""


def url_of(module: Module, path: str) -> str:
    """Where something of a module is found."""
    return f"{API}/{module.name}{path}"
