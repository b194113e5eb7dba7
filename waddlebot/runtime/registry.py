"""The modules there are: Python packages, and programs in other languages that registered and live (P11)."""

import asyncio
import importlib
import logging
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING

from waddlebot.libs.contracts.registration import Manifest, ManifestError, Registration, check_free, module_of
from waddlebot.libs.contracts.router import RegisteredRequest, RouterService
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import CALL_TOKEN, CallError, CallScope

if TYPE_CHECKING:
    from waddlebot.libs.adapters.registered_endpoint import RegisteredEndpoint, RegisteredEndpoints
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
        self._seen: dict[str, Manifest] = {}
        self._modules: dict[str, Module] = {}
        self._endpoints: dict[str, RegisteredEndpoint] = {}
        self._listeners: list[Callable[[], None]] = []
        self._connections: RegisteredEndpoints | None = None
        self._deaf = False
        self.manifests = Manifests(host.manifests)

    def when_changed(self, changed: Callable[[], None]) -> None:
        """``changed`` is called after other modules are registered than before."""
        self._listeners.append(changed)

    async def run(self) -> None:
        """Look every second; for ever. While no router can be asked, what was known holds."""
        router = RouterService(self._host.shared.caller(CallScope("")))
        while True:
            try:
                self._take((await router.registered(RegisteredRequest())).modules)
                self._deaf = False
            except CallError as error:
                if not self._deaf:
                    self._log.warning("registered modules are those known before: %s", error)
                self._deaf = True
            await asyncio.sleep(EVERY_S)

    async def stop(self) -> None:
        """Disconnect."""
        if self._connections is not None:
            await self._connections.close()

    def _take(self, registered: tuple[Registration, ...]) -> None:
        living = {one.name: one.manifest for one in registered if one.state == "alive"}
        before, self._seen = self._seen, living
        if living == before:
            return
        for name in before.keys() - living.keys():
            self._drop(name)
            self._log.info("the registered module %s is silent, or gone", name)
        for name, manifest in living.items():
            if manifest != before.get(name):
                self._put(name, manifest)
        self.manifests.put({**self._host.manifests, **self._modules})
        for listener in self._listeners:
            listener()

    def _put(self, name: str, manifest: Manifest) -> None:
        try:
            module = module_of(name, manifest)
            check_free(module, self._host.manifests.values())
        except ManifestError as error:  # it was registered with another version of this host
            self._log.warning("the registered module %s cannot be used: %s", name, error)
            self._drop(name)
            return
        if self._connections is None:
            # An HTTP client takes long to import, and most installations have no such modules.
            adapter = importlib.import_module("waddlebot.libs.adapters.registered_endpoint")
            self._connections = adapter.RegisteredEndpoints()
        token = self._host.shared.secret.derive(f"{_ROUTER}/{CALL_TOKEN}{name}").hex()
        endpoint = self._connections.make(module, manifest.http, token)
        self._endpoints[name] = self._host.directory[name] = endpoint
        self._modules[name] = module
        self._log.info("the module %s is registered at %s", name, manifest.http)

    def _drop(self, name: str) -> None:
        """It stays in the directory, where it says what became of it."""
        if self._modules.pop(name, None) is not None:
            self._endpoints[name].gone = True
