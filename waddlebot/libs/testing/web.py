"""A web server around single modules: real sockets and a real key store, without a host."""

import contextlib
import dataclasses
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, cast

import aiohttp
import msgspec

from waddlebot.libs.dal import Scope, Store, System
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk.context import ServiceContext, Services
from waddlebot.libs.sdk.contract import Caller
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.fields import from_environment
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.personal import PersonalData
from waddlebot.libs.sdk.ports import CallError, CallScope, Claims, Ports, Send
from waddlebot.libs.testing.claims import LoneClaims
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.libs.web import Gate, Health, HttpModule, KeyRing, KeyStore, Site, WebConfig, WebServer, create_app
from waddlebot.libs.web.health import Check
from waddlebot.libs.web.keys import OWNER


class LoneServices(Services):
    """What a module is lent that stands alone: it keeps what the module announces and sends."""

    def __init__(self, module: Module, config: Any = None, claims: Claims | None = None) -> None:
        self.module = module.name
        self.config = (
            from_environment(module.config, module.name, {}) if config is None and module.config else config
        )
        self.log = logging.getLogger(module.name)
        self.manifests = self.builtin = {module.name: module}
        self.adopted: dict[str, str] = {}
        self.entities: Mapping[str, str] = self.adopted
        self.off: set[str] = set()
        self.announced: list[Event] = []
        self.sent: list[Send] = []
        self.promised: dict[tuple[str, str], Callable[[Any], Awaitable[Any]]] = {}
        """What answers a contract's method, by the names of both."""
        self.entered: Any = None
        self.place = ""
        self._claims: Any = claims or LoneClaims()

    @property
    def claims(self) -> Any:
        """What it shares with replicas: a :class:`LoneClaims` unless the test has others."""
        return self._claims

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def settings(self, community: str) -> Any:
        """No module that stands alone has settings."""
        raise LookupError(f"{self.module} has no settings in {community}")

    def enabled(self, community: str) -> bool:
        """Whether the module is on in a community: unless the test put it into ``off``."""
        return community not in self.off

    def store(self, scope: Scope, actor: str, key: str) -> Store:
        """No module that stands alone has a store."""
        raise LookupError(f"{self.module} has no store for {scope}, {actor}, {key}")

    def caller(self, scope: CallScope) -> Caller:
        """Ask what is ``promised``."""

        async def ask(contract: str, method: str, request: Any, answer: Any) -> Any:
            promised = self.promised.get((contract, method))
            if promised is None:
                raise CallError(f"nobody is there to be asked by {self.module} for {scope}")
            answered = await promised(request)
            assert isinstance(answered, answer)  # noqa: S101  the contract is kept
            return answered

        return ask

    def secret(self, purpose: str) -> bytes:
        """A key for one purpose, the same in every run."""
        return hashlib.sha256(f"{self.module}/{purpose}".encode()).digest()

    def ports(self) -> Ports:
        """No module that stands alone has the host's ports."""
        raise PermissionError(f"{self.module} stands alone")

    def personal(self) -> PersonalData:
        """Nobody holds anything about people."""
        raise PermissionError(f"{self.module} stands alone")

    def keys(self) -> object:
        """No module that stands alone makes keys."""
        raise PermissionError(f"{self.module} stands alone")

    def state(self) -> Any:
        """What the module's ``starts`` yielded."""
        return self.entered

    async def announce(self, events: Sequence[Event]) -> None:
        """Keep the events of known entities."""
        self.announced += [event for event in events if event.entity in self.entities]

    async def send(self, sends: Sequence[Send]) -> None:
        """Keep the replies."""
        self.sent += sends

    async def refresh(self) -> None:
        """There are no other hosts."""

    async def adopt(self, entities: Sequence[str], community: str, actor: str = "") -> None:
        """Bring entities into a community."""
        for entity in entities:
            self.adopted.setdefault(entity, community)


@dataclasses.dataclass(frozen=True, slots=True)
class Served:
    """A running server: where it is, its keys, and what each module was lent."""

    url: str
    keys: KeyRing
    services: Mapping[str, LoneServices]
    site: Site


@contextlib.asynccontextmanager
async def served(
    database_url: str,
    *modules: Module,
    checks: Mapping[str, Check] | None = None,
    config: WebConfig | None = None,
) -> AsyncIterator[Served]:
    """Modules, started and served on a free port, with a key store in the database of that URL."""
    config = dataclasses.replace(config or WebConfig(), port=free_port())
    owner = Owner(OWNER, KeyStore, files("waddlebot.libs.web") / "migrations")
    async with contextlib.AsyncExitStack() as stack:
        dal = await stack.enter_async_context(opened_dal(database_url, owner))

        def open_store() -> KeyStore:
            store = dal.bind(OWNER, System("API keys"))
            return cast(KeyStore, store)

        keys = await stack.enter_async_context(KeyRing(open_store))
        known = {module.name: LoneServices(module) for module in modules}
        for module in modules:
            services = known[module.name]
            if module.starter is not None:
                services.entered = await stack.enter_async_context(module.starter(ServiceContext(services)))
        gate = Gate(
            keys,
            lambda entity: next((s.entities[entity] for s in known.values() if entity in s.entities), ""),
            requests_max=config.requests_max,
            requests_window_s=config.requests_window_s,
        )
        here = [HttpModule(module, known[module.name]) for module in modules]
        site = Site(
            here, gate, Health(checks or {}), config.host_names, "0.0.0", metrics_token=config.metrics_token
        )
        server = await stack.enter_async_context(WebServer(create_app(site), config))
        yield Served(server.url, keys, known, site)


class JsonClient:
    """Talks JSON to a server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(
        self, method: str, path: str, *, key: str | None = None, json: Any = None, **more: Any
    ) -> tuple[int, Any, Any]:
        """Status, decoded body, headers."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["X-API-Key"] = key
        async with self.session.request(method, self.url + path, json=json, headers=headers, **more) as answer:
            raw = await answer.read()
            is_json = answer.content_type == "application/json" and raw
            return answer.status, msgspec.json.decode(raw) if is_json else raw.decode(), answer.headers
