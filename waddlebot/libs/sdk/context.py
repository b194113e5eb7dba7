"""Context: all that a handler may touch."""

import hashlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from waddlebot.libs.dal import Community, Scope, Store, System
from waddlebot.libs.sdk.contract import Caller, Contract
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.personal import PersonalData
from waddlebot.libs.sdk.ports import Call, CallScope, Claims, Ports, Send
from waddlebot.libs.sdk.rank import OPERATOR, Rank, Role, admits
from waddlebot.libs.sdk.visitor import Visitor


class Services(Protocol):
    """What the host lends to one module's contexts. ``libs/testing`` has one for unit tests."""

    module: str
    config: Any
    log: logging.Logger
    entities: Mapping[str, str]
    """Every known entity and the community it belongs to."""
    manifests: Mapping[str, Module]
    """Every module there is, as data; of registered ones those that live, so it changes."""
    builtin: Mapping[str, Module]
    """Those of them that are Python packages, which stay the same."""
    place: str
    """Where browsers reach us, without a slash at the end; empty where the operator has not said."""

    @property
    def claims(self) -> Claims:
        """What this module's replicas share."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def settings(self, community: str) -> Any:
        """The module's Settings in a community."""

    def enabled(self, community: str) -> bool:
        """Whether the module is switched on there."""

    def store(self, scope: Scope, actor: str, key: str) -> Store:
        """The module's store for one unit of work."""

    def caller(self, scope: CallScope) -> Caller:
        """How contracts are asked on somebody's behalf."""

    def secret(self, purpose: str) -> bytes:
        """A key of this installation for one purpose; the same on every host, never shown."""

    def ports(self) -> Ports:
        """The host's ports. Raises ``PermissionError`` for modules that are not of the processing kind."""

    def personal(self) -> PersonalData:
        """What every module holds about people. Raises ``PermissionError`` for modules not of the core kind."""

    def keys(self) -> object:
        """The API keys (``libs.web.KeyRing``). Raises ``PermissionError`` for modules not of the core kind."""

    def state(self) -> Any:
        """What the module's ``starts`` yielded."""

    async def announce(self, events: Sequence[Event]) -> None:
        """Hand events to the bus, stamped with their communities; unknown entities are counted and dropped."""

    async def send(self, sends: Sequence[Send]) -> None:
        """Queue replies for delivery. Raises ``Busy`` when the outbox is full."""

    async def refresh(self) -> None:
        """Learn now what other hosts changed: configurations, and who holds what."""

    async def adopt(self, entities: Sequence[str], community: str, actor: str = "") -> None:
        """Bring entities that belong nowhere yet into a community.

        ``actor`` is the API key that says so; without one it is a receiver, which vouches for who speaks there.
        """


class _Base:
    """What every context has."""

    __slots__ = ("_services",)

    _services: Services

    @property
    def config(self) -> Any:
        """The module's Config: what the operator set."""
        return self._services.config

    @property
    def log(self) -> logging.Logger:
        """The module's logger; never for a line per event."""
        return self._services.log

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._services.now()

    def secret(self, purpose: str) -> bytes:
        """A key of this installation for one purpose of this module; the same on every host, never shown."""
        return self._services.secret(purpose)

    def personal(self) -> PersonalData:
        """What every module holds about people. Raises ``PermissionError`` for modules not of the core kind."""
        return self._services.personal()

    @property
    def entities(self) -> Mapping[str, str]:
        """Every known entity and its community; live."""
        return self._services.entities

    @property
    def manifests(self) -> Mapping[str, Module]:
        """Every module there is, as data."""
        return self._services.manifests

    def state[T](self, shape: type[T]) -> T:
        """The module's state. Raises ``TypeError`` where it is of another type."""
        state = self._services.state()
        if not isinstance(state, shape):
            raise TypeError(f"{self._services.module}: the state is {type(state).__name__}, not {shape.__name__}")
        return state


class Context[S, St](_Base):
    """One command, answer or dynamic command being handled.

    ``S`` is the module's Settings, ``St`` its Store (``None`` where it has none).
    """

    __slots__ = ("_announced", "_asked", "_random", "_store", "_stores", "call", "event")

    def __init__(self, services: Services, call: Call) -> None:
        self._services = services
        self.call = call
        self.event = call.event
        self._store: Any = None
        self._random: random.Random | None = None
        self._asked = 0
        self._announced = 0
        self._stores = 0

    @property
    def community(self) -> str:
        """The community it happens in."""
        return self.event.community

    @property
    def person(self) -> str:
        """Who asks: the person the account belongs to."""
        return self.call.person

    @property
    def settings(self) -> S:
        """The module's Settings in this community."""
        settings: S = self._services.settings(self.event.community)
        return settings

    @property
    def store(self) -> St:
        """The module's store, bound to this community, the acting account and this delivery's key."""
        if self._store is None:
            event = self.event
            self._store = self._services.store(Community(event.community), event.account, self.call.key)
        store: St = self._store
        return store

    def store_in(self, scope: Scope) -> St:
        """The store in another scope, for what belongs to more than this community; each is a step of its own."""
        self._stores += 1
        store: Any = self._services.store(scope, self.event.account, f"{self.call.key}@{self._stores}")
        found: St = store
        return found

    @property
    def random(self) -> random.Random:
        """Chance that a re-run of the same delivery repeats: seeded by a secret and the delivery's key.

        Nobody without the secret can foretell it. Draws that must be verifiable use ``secrets`` in a write.
        """
        if self._random is None:
            seed = hashlib.blake2b(self.call.key.encode(), key=self._services.secret("chance"), digest_size=32)
            self._random = random.Random(seed.digest())  # noqa: S311  the seed is keyed and 256 bits
        return self._random

    @property
    def place(self) -> str:
        """Where browsers reach us, without a slash at the end; empty where the operator has not said."""
        return self._services.place

    def is_at_least(self, rank: Rank) -> bool:
        """Whether who asks has ``rank`` or stands above it."""
        return bool(self.call.ranks & admits(rank))

    def use[C: Contract](self, contract: type[C]) -> C:
        """A contract, asked on behalf of this community, account and delivery."""
        return contract(self._ask)

    def _ask(self, contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
        # Each question has a key of its own: under one key the second debit would be taken for the first, again.
        self._asked += 1
        event = self.event
        scope = CallScope(event.community, event.account, f"{self.call.key}#{self._asked}")
        return self._services.caller(scope)(contract, method, request, answer)

    def render(self, template: str, /, **values: object) -> str:
        """``template`` with each ``{name}`` filled in; values are data, unknown names stay as they are."""
        return render(template, values)

    async def announce(self, kind: str, data: Mapping[str, Any]) -> None:
        """Announce something that followed from this event, in the same entity and by the same account."""
        self._announced += 1
        await self._services.announce([followed(self.event, kind, data, f"{self.call.key}!{self._announced}")])

    async def send(self, sends: Sequence[Send]) -> None:
        """Queue what is said elsewhere because of this event. Raises ``Busy`` when the outbox is full."""
        await self._services.send(sends)


class ServiceContext[S, St](_Base):
    """Work that no single event caused: jobs, runners, contributions, pushes, contract answers.

    ``scope`` is the community asked for in a contract call; elsewhere choose one with :meth:`store_in`.
    """

    __slots__ = ("_store", "_uses", "call_scope")

    def __init__(self, services: Services, call_scope: CallScope | None = None) -> None:
        self._services = services
        self.call_scope = call_scope or CallScope("")
        self._store: Any = None
        self._uses: Counter[str] = Counter()

    @property
    def community(self) -> str:
        """The community on whose behalf a contract is asked; empty elsewhere."""
        return self.call_scope.community

    @property
    def store(self) -> St:
        """The store in the asking community's scope. Raises ``ScopeError`` where there is none."""
        if self._store is None:
            scope = self.call_scope
            self._store = self.store_in(Community(scope.community), actor=scope.actor, key=scope.key)
        store: St = self._store
        return store

    def store_in(self, scope: Scope, *, actor: str = "", key: str = "") -> St:
        """The store in a chosen scope. With a ``key`` what it writes happens once, however often this runs."""
        store: Any = self._services.store(scope, actor, self._numbered(key))
        result: St = store
        return result

    def store_everywhere(self, reason: str, *, key: str = "") -> St:
        """The store over all communities; the reason is logged."""
        return self.store_in(System(reason), key=key)

    def settings(self, community: str) -> S:
        """The module's Settings in a community."""
        settings: S = self._services.settings(community)
        return settings

    def enabled(self, community: str) -> bool:
        """Whether the module is switched on there."""
        return self._services.enabled(community)

    @property
    def services(self) -> Services:
        """What the host lends, for the few modules that hand it on."""
        return self._services

    def use[C: Contract](self, contract: type[C], community: str = "", key: str = "", at: str = "") -> C:
        """A contract, asked for ``community`` or for the one this call came for, ``at`` a host or anywhere."""
        own = self.call_scope

        def ask(contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
            scope = CallScope(community or own.community, own.actor, self._numbered(key or own.key), at)
            return self._services.caller(scope)(contract, method, request, answer)

        return contract(ask)

    def _numbered(self, key: str) -> str:
        """A key for the next store or question: work of one delivery must not be taken for a re-run of itself."""
        if not key:
            return key
        self._uses[key] += 1
        return f"{key}#{self._uses[key]}"

    async def announce(self, events: Sequence[Event]) -> None:
        """Hand events to the bus; events of unknown entities are counted and dropped."""
        await self._services.announce(events)

    async def send(self, sends: Sequence[Send]) -> None:
        """Queue replies that answer no event. Raises ``Busy`` when the outbox is full."""
        await self._services.send(sends)

    async def adopt(self, entities: Sequence[str], community: str = "home") -> None:
        """Bring entities that belong nowhere yet into a community."""
        await self._services.adopt(entities, community)


type BatchContext[S, St] = ServiceContext[S, St]
"""What an observer gets: its store is chosen per batch by :meth:`ServiceContext.store_in`."""


class RouteContext[S, St](ServiceContext[S, St]):
    """One HTTP request. ``role`` and the community come from the API key or session, never from the request.

    ``key_name`` is empty without a key; ``entity`` is what the key is bound to where it is bound to one entity.
    ``peer`` is the address at the other end of the connection, which may be a proxy's; ``address`` the client's,
    as far as the operator's own proxies tell. ``place`` is where browsers reach us, such as
    ``https://bot.example.org``, empty where the operator has not said. ``visitor`` is who signed in, where a
    session asks and no key.
    """

    __slots__ = (
        "_answer_headers", "address", "entity", "headers", "key_name", "path", "peer", "place", "query", "role",
        "visitor",
    )  # fmt: skip

    def __init__(
        self,
        services: Services,
        call_scope: CallScope,
        *,
        role: Role | None,
        key_name: str,
        path: Mapping[str, str],
        query: Mapping[str, str],
        headers: Mapping[str, str],
        peer: str = "",
        entity: str = "",
        address: str = "",
        place: str = "",
        visitor: Visitor | None = None,
    ) -> None:
        super().__init__(services, call_scope)
        self.address = address or peer
        self.place = place
        self.visitor = visitor
        self._answer_headers: list[tuple[str, str]] = []
        self.role = role
        self.key_name = key_name
        self.path = path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.entity = entity

    @property
    def answer_headers(self) -> Sequence[tuple[str, str]]:
        """What the answer's headers have beside the usual ones."""
        return self._answer_headers

    def add_header(self, name: str, value: str) -> None:
        """Put a header, such as a cookie, into the answer; not where the handler raises."""
        self._answer_headers.append((name, value))

    @property
    def is_operator(self) -> bool:
        """Whether the operator asks, at the command line. Without a ``community`` they mean every one."""
        return self.call_scope.actor == OPERATOR


def render(template: str, values: Mapping[str, object]) -> str:
    """The native dialect: ``{name}`` becomes the value, once; an unknown name or a lone brace stays."""
    if "{" not in template:
        return template
    parts = template.split("{")
    out = [parts[0]]
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        if brace and name in values:
            out.append(f"{values[name]}{rest}")
        else:
            out.append("{" + part)
    return "".join(out)


def followed(event: Event, kind: str, data: Mapping[str, Any], key: str) -> Event:
    """An event of ours that follows from ``event``; ``key`` tells it from others that follow from the same."""
    return Event(
        event.version, f"{key}:{kind}", kind, event.platform, event.server, event.channel, event.user_id,
        event.user_login, event.user_name, event.roles, "", event.occurred_at, event.received_at,
        event.community, event.source, "", dict(data),
    )  # fmt: skip
