"""The modules there are: Python packages, and programs in other languages that registered and live (P11)."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING

import aiohttp

from waddlebot.libs.adapters.registered_endpoint import CONNECTIONS_MAX, RegisteredEndpoint
from waddlebot.libs.contracts.registration import ManifestError, Registration, check_free, module_of
from waddlebot.libs.contracts.router import RegisteredRequest, RouterService
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import CALL_TOKEN, CallError, CallScope

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host

EVERY_S = 1.0
_ROUTER = "processing.router"


class Manifests(Mapping[str, Module]):
    """All modules by name. What is being looked through stays as it was when that began."""

    def __init__(self, builtin: Mapping[str, Module]) -> None:
        self._now = dict(builtin)

    def put(self, now: dict[str, Module]) -> None:
        """These are the modules from now on."""
        self._now = now

    def __getitem__(self, name: str) -> Module:
        return self._now[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    def items(self) -> ItemsView[str, Module]:
        """As they are now."""
        return self._now.items()

    def values(self) -> ValuesView[Module]:
        """As they are now."""
        return self._now.values()


class Registry:
    """Knows on every host who is registered, within a second or two, and how they are asked."""

    def __init__(self, host: "Host") -> None:
        self._host = host
        self._log = logging.getLogger("runtime.registry")
        self._known: dict[str, tuple[object, Module]] = {}
        self._endpoints: dict[str, RegisteredEndpoint] = {}
        self._listeners: list[Callable[[], None]] = []
        self._session: aiohttp.ClientSession | None = None
        self.manifests = Manifests(host.manifests)

    def when_changed(self, changed: Callable[[], None]) -> None:
        """``changed`` is called after other modules are registered than before."""
        self._listeners.append(changed)

    async def run(self) -> None:
        """Look every second; for ever. While no router can be asked, what was known holds."""
        router = RouterService(self._host.shared.caller(CallScope("")))
        while True:
            with contextlib.suppress(CallError):
                self._take((await router.registered(RegisteredRequest())).modules)
            await asyncio.sleep(EVERY_S)

    async def stop(self) -> None:
        """Disconnect."""
        if self._session is not None:
            await self._session.close()

    def _take(self, registered: tuple[Registration, ...]) -> None:
        living = {one.name: one for one in registered if one.state == "alive"}
        if {name: one.manifest for name, one in living.items()} == {n: was for n, (was, _) in self._known.items()}:
            return
        gone = self._known.keys() - living.keys()
        endpoints, builtin = self._endpoints, self._host.manifests
        for name in gone:
            del self._known[name]
            endpoints[name].gone = True
            self._log.info("the registered module %s is silent, or gone", name)
        for name, one in living.items():
            if name in self._known and self._known[name][0] == one.manifest:
                continue
            try:
                module = module_of(name, one.manifest)
                check_free(module, builtin.values())
            except ManifestError as error:  # it was registered with another version of this host
                self._log.warning("the registered module %s cannot be used: %s", name, error)
                continue
            token = self._host.shared.secret.derive(f"{_ROUTER}/{CALL_TOKEN}{name}").hex()
            endpoint = RegisteredEndpoint(module, one.manifest.http, token, self._connections())
            endpoints[name] = self._host.directory[name] = endpoint
            self._known[name] = (one.manifest, module)
            self._log.info("the module %s is registered at %s", name, one.manifest.http)
        self.manifests.put({**builtin, **{name: module for name, (_, module) in self._known.items()}})
        for listener in self._listeners:
            listener()

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session
