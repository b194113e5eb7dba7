"""What each module is as a service: its name, ports, variables and public paths, all from its manifest."""

import dataclasses
import importlib.resources
import re
from collections.abc import Iterator, Sequence

from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.fields import FieldInfo
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.web.site import url_of
from waddlebot.runtime.environment import variables

ROUTER = "processing.router"

_SUFFIXES = {"processing": "service", "interactive": "interaction"}
"""Names that users of earlier versions know: ``router-service``, ``ai-interaction``; others end as they begin."""
_OUTWARD = re.compile(r"^\s*(from waddlebot\.libs\.(fetch|irc)|import aiohttp)\b", re.MULTILINE)
"""Imports of those who talk to the internet: to platforms, or to addresses that users gave."""
_NOT_FOR_HOSTS = frozenset({"WIRE_CHECK", "DATABASE_ADMIN_URL"})
"""The first is for tests; the second is for ``waddlebot db upgrade`` alone, and no host may know it."""
_GIVEN = frozenset(
    {
        "HTTP_HOST", "HTTP_PORT", "LOG_DIR", "WADDLEBOT_DATA_DIR", "WADDLEBOT_MODULES",
        "GRPC_HOST", "GRPC_PORT", "GRPC_ADVERTISE", "GRPC_TLS_CERT", "GRPC_TLS_KEY", "GRPC_TLS_CA",
        "GRPC_TLS_NAME",
    }
)  # fmt: skip
"""What the image and the service itself settle."""


@dataclasses.dataclass(frozen=True, slots=True)
class Path:
    """A path that the public may use; ``exact`` or everything below it."""

    path: str
    exact: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """One module in a process of its own.

    ``settings`` and ``secrets`` are the variables that it reads, by name, every host's own among them. ``outward``
    says whether it talks to the internet.
    """

    module: str
    name: str
    summary: str
    http_port: int
    grpc_port: int
    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    outward: bool
    paths: tuple[Path, ...]


def services() -> list[Service]:
    """One for each module of this package; what else is installed here is not ours to describe."""
    manifests = {name: module for name, module in discover().items() if module.package.startswith("waddlebot.")}
    declared = [found for found in variables(manifests) if found[1] not in _NOT_FOR_HOSTS | _GIVEN]
    return [_service(module, declared) for module in manifests.values()]


def settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """What an operator may set that is no secret: whose it is, its name, what it means."""
    manifests = {name: module for name, module in discover().items() if module.package.startswith("waddlebot.")}
    for of, name, info in variables(manifests):
        if not info.field.secret and name not in _NOT_FOR_HOSTS | _GIVEN:
            yield of, name, info


def service_name(module: str) -> str:
    """``processing.router`` → ``router-service``, ``core.identity`` → ``identity-core``."""
    kind, _, name = module.rpartition(".")
    return f"{name}-{_SUFFIXES.get(kind, kind)}".replace("_", "-")


def _service(module: Module, declared: Sequence[tuple[str, str, FieldInfo]]) -> Service:
    own = {name: info for of, name, info in declared if of in ("every host", module.name)}
    return Service(
        module.name,
        service_name(module.name),
        module.summary,
        module.http_port,
        module.grpc_port,
        tuple(name for name, info in own.items() if not info.field.secret),
        tuple(name for name, info in own.items() if info.field.secret),
        _is_outward(module),
        tuple(_paths(module)),
    )


def _is_outward(module: Module) -> bool:
    folder = importlib.resources.files(module.package)
    sources = [file for file in folder.iterdir() if file.name.endswith(".py")]
    return any(_OUTWARD.search(source.read_text(encoding="utf-8")) for source in sources)


def _paths(module: Module) -> Iterator[Path]:
    """Its own part of the API, and its pages; the router answers for the description of the API."""
    if module.name == ROUTER:
        yield Path("/api/docs", exact=True)
        yield Path(url_of(module, "").rpartition("/")[0] + "/openapi.json", exact=True)
    if module.mounts or any(not route.page for route in module.routes):
        yield Path(url_of(module, "/"), exact=False)
    for first in dict.fromkeys(route.path.split("/")[1] for route in module.routes if route.page):
        yield Path(f"/{first}", exact=not first)
