"""What the host lends to one module."""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from waddlebot.libs.contracts.community import AdoptRequest, CommunityService
from waddlebot.libs.dal import DalError, EffectKey, Scope, Store
from waddlebot.libs.sdk.context import Services
from waddlebot.libs.sdk.contract import Caller
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.personal import PersonalData
from waddlebot.libs.sdk.ports import (
    Bus,
    CallError,
    CallScope,
    Claims,
    Directory,
    Endpoint,
    EventBatch,
    Ports,
    Send,
)
from waddlebot.runtime.configuration import ConfigurationCache
from waddlebot.runtime.observing import whole_of
from waddlebot.runtime.secret import Secret

type Binder = Callable[[Scope, str, EffectKey | None], Store]


class Shared:
    """What all modules of a host share: the bus, the directory, the configuration, the way out."""

    def __init__(
        self,
        manifests: Mapping[str, Module],
        directory: Directory,
        bus: Bus,
        secret: Secret,
        send: Callable[[Sequence[Send]], None],
    ) -> None:
        self.manifests = manifests
        self.builtin = dict(manifests)
        self.directory = directory
        self.bus = bus
        self.secret = secret
        self.send = send
        self.promised = {contract: m.name for m in manifests.values() for contract, _ in m.promises}
        self.configuration: ConfigurationCache
        self.claims: Callable[[str], Claims]
        self.look: Callable[[], Awaitable[None]]
        self.elsewhere: Callable[[str, str], Endpoint | None]
        self.personal: PersonalData
        self.keys: object = None
        self.place = ""
        self.dropped: Counter[str] = Counter()
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count()

    def caller(self, scope: CallScope) -> Caller:
        """How contracts are asked on somebody's behalf."""

        def ask(contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
            provider = self.promised.get(contract, "")
            endpoint = self.directory.get(provider)
            if scope.at:
                # What runs here is asked here; a module's replicas on other hosts by the host.
                endpoint = self.elsewhere(scope.at, provider) or endpoint
            if endpoint is None:
                raise CallError(f"no host runs a module that promises {contract}")
            return endpoint.call(contract, method, request, scope)

        return ask

    async def refresh(self) -> None:
        """Learn what other hosts changed; as things were known before, while the database is away."""
        with contextlib.suppress(DalError, CallError):
            await asyncio.gather(self.configuration.poll(), self.look())

    async def announce(self, events: Sequence[Event]) -> None:
        """Publish events with their communities; those of unknown entities are counted and dropped."""
        known = [event for event in events if event.community]
        if len(known) < len(events):
            known = [found for event in events if (found := self._placed(event)) is not None]
        if known:
            await self.bus.publish(EventBatch(f"{self._run}-{next(self._numbers)}", known))

    def _placed(self, event: Event) -> Event | None:
        if event.community:
            return event
        community = self.configuration.entities.get(event.entity)
        if community is None:
            self.dropped["unknown entity"] += 1
            return None
        return msgspec.structs.replace(event, community=community)

    async def adopt(self, entities: Sequence[str], community: str, actor: str = "") -> None:
        """Bring entities that belong nowhere yet into a community, and know it at once.

        Without an ``actor`` a receiver asks, which vouches for entities that keys brought in before.
        """
        known, asserted = self.configuration.entities, self.configuration.asserted
        wanted = tuple(e for e in entities if e not in known or (not actor and e in asserted))
        if wanted:
            service = CommunityService(self.caller(CallScope(community, actor)))
            await service.adopt(AdoptRequest(community, wanted))
            await self.configuration.poll()


class HostServices(Services):
    """One module's view of the host."""

    def __init__(
        self, shared: Shared, module: Module, config: Any, bind: Binder | None, ports: Ports | None
    ) -> None:
        self.module = module.name
        self.config = config
        self.place = shared.place
        self._kind = module.kind
        self.log = logging.getLogger(module.name)
        self.manifests = shared.manifests
        self.builtin = shared.builtin
        self.entities = shared.configuration.entities
        self._shared = shared
        self._bind = bind
        self._ports = ports
        self._state: Any = None

    @property
    def claims(self) -> Claims:
        """What this module's replicas share."""
        return self._shared.claims(self.module)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def settings(self, community: str) -> Any:
        """The module's Settings in a community."""
        return self._shared.configuration.settings(self.module, community)

    def enabled(self, community: str) -> bool:
        """Whether the module is switched on there."""
        return self._shared.configuration.enabled(self.module, community)

    def store(self, scope: Scope, actor: str, key: str) -> Store:
        """The module's store for one unit of work."""
        if self._bind is None:
            raise TypeError(f"{self.module} declares no store")
        return self._bind(scope, actor, EffectKey(key, self.module, whole_of(key)) if key else None)

    def caller(self, scope: CallScope) -> Caller:
        """How contracts are asked on somebody's behalf."""
        return self._shared.caller(scope)

    def secret(self, purpose: str) -> bytes:
        """A key for one purpose of this module."""
        return self._shared.secret.derive(f"{self.module}/{purpose}")

    def ports(self) -> Ports:
        """The host's ports, for the processing kind only."""
        if self._ports is None:
            raise PermissionError(f"{self.module} is not of the processing kind: announce, or ask a contract")
        return self._ports

    def personal(self) -> PersonalData:
        """What every module holds about people, for the core kind only."""
        if self._kind != "core":
            raise PermissionError(f"{self.module} is not of the core kind: people ask there for what is held")
        return self._shared.personal

    def keys(self) -> object:
        """The host's API keys, for the core kind only."""
        if self._kind != "core":
            raise PermissionError(f"{self.module} is not of the core kind: people make keys there")
        return self._shared.keys

    def state(self) -> Any:
        """What the module's ``starts`` yielded."""
        return self._state

    def enter(self, state: Any) -> None:
        """Keep what the module's ``starts`` yielded."""
        self._state = state

    async def announce(self, events: Sequence[Event]) -> None:
        """Hand events to the bus."""
        await self._shared.announce(events)

    async def send(self, sends: Sequence[Send]) -> None:
        """Queue replies."""
        self._shared.send(sends)

    async def refresh(self) -> None:
        """Learn now what other hosts changed."""
        await self._shared.refresh()

    async def adopt(self, entities: Sequence[str], community: str, actor: str = "") -> None:
        """Bring entities into a community."""
        await self._shared.adopt(entities, community, actor)
