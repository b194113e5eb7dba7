"""Host: one process running some modules. Composition happens here, by looking up, never by branching."""

import asyncio
import contextlib
import dataclasses
import importlib
import importlib.metadata
import importlib.resources
import logging
import secrets
import socket
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from waddlebot.libs.adapters.delivery_store import OWNER as DELIVERY
from waddlebot.libs.adapters.delivery_store import DeliveryStore
from waddlebot.libs.adapters.grpc_config import GrpcConfig, GrpcConfigError
from waddlebot.libs.adapters.inbox import DurableInbox
from waddlebot.libs.adapters.lease_store import OWNER as COORDINATION
from waddlebot.libs.adapters.lease_store import HostRow, LeaseStore
from waddlebot.libs.adapters.local import LocalEndpoint, WireChecked
from waddlebot.libs.adapters.otlp_config import OtlpConfig
from waddlebot.libs.adapters.outbox import Outbox
from waddlebot.libs.audit import Redactor
from waddlebot.libs.contracts.community import CommunityService
from waddlebot.libs.dal import EffectKey, Scope, Store, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.sdk.context import ServiceContext
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.fields import FieldError, from_environment
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import CallScope, Endpoint, Send
from waddlebot.libs.sdk.tracing import Tracer
from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.keys import OWNER as KEYS
from waddlebot.libs.web.keys import KeyStore
from waddlebot.libs.web.server import bind
from waddlebot.runtime.alone import MemoryCarriage, NoLinks
from waddlebot.runtime.configuration import ConfigurationCache
from waddlebot.runtime.coordination import Coordinator
from waddlebot.runtime.deliverers import Deliverers
from waddlebot.runtime.distribution_metrics import coordination_measures
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.members import Members
from waddlebot.runtime.metrics import LoopLag, metrics_of
from waddlebot.runtime.observing import Observing, Watcher, each_observing, observing_of
from waddlebot.runtime.personal import EveryModule, own_of
from waddlebot.runtime.ports import HostPorts
from waddlebot.runtime.profiles import budgets_of, profile_of
from waddlebot.runtime.readiness import readiness_of
from waddlebot.runtime.registry import Registry
from waddlebot.runtime.secrecy import secrets_of
from waddlebot.runtime.secret import load as load_secret
from waddlebot.runtime.services import HostServices, Shared
from waddlebot.runtime.supervision import Supervisor
from waddlebot.runtime.tracing import traced, tracing
from waddlebot.runtime.upgrade import prepare
from waddlebot.runtime.web import WebFront

if TYPE_CHECKING:
    from waddlebot.runtime.carriage import Carriage
    from waddlebot.runtime.links import Links

_DRAIN_S = 10.0
_ROUTER = "processing.router"
_ADOPT_EVERY_S = 1.0

_COMPANY = {
    False: ("waddlebot.runtime.alone.MemoryCarriage", "waddlebot.runtime.alone.NoLinks"),
    True: ("waddlebot.runtime.carriage.Carriage", "waddlebot.runtime.links.Links"),
}
"""How a host talks to others, by whether there are any: REDIS_URL says so. By name, for these import extras."""


class StartError(Exception):
    """The host cannot start; the text names what is wrong and says what to do."""


class Runner:
    """One module that runs here: its services and its endpoint."""

    def __init__(self, module: Module, services: HostServices, endpoint: Endpoint) -> None:
        self.module = module
        self.services = services
        self.endpoint = endpoint


class Host:
    """Runs modules until it is stopped.

    ``names`` are the modules to run, all configured ones where it is empty. ``environ`` are the variables
    of the modules' Configs. ``redactor`` learns their secrets, before anything can go wrong with them.
    """

    def __init__(
        self,
        environment: Environment,
        environ: Mapping[str, str],
        names: Sequence[str] = (),
        manifests: Mapping[str, Module] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.environment = environment
        self.manifests = discover() if manifests is None else manifests
        self.redactor = redactor or Redactor()
        self.redactor.register(*secrets_of(self.manifests, environ))
        self.log = logging.getLogger("runtime.host")
        self.dal = database(environment, self.manifests)
        self.modules = chosen(self.manifests, names)
        self.configs = configs_of(self.modules, environ)
        self.web_config = from_environment(WebConfig, "http", environ)
        self.grpc_config = callable_at(environ, environment, self.modules)
        self.otlp_config = from_environment(OtlpConfig, "otel", environ)
        self.tracer: Tracer | None = None
        self.runners: dict[str, Runner] = {}
        self.directory: dict[str, Endpoint] = {}
        self.observing: list[Observing] = []
        self.supervisor = Supervisor(self.log)
        self.metrics = metrics_of(self)
        self.readiness = readiness_of(self)
        self._exits = contextlib.AsyncExitStack()
        self.shared: Shared
        self.inbox: DurableInbox
        self.outbox: Outbox
        self.registry: Registry
        self.coordinator: Coordinator
        self.carriage: MemoryCarriage | Carriage
        self.links: NoLinks | Links
        self.web: WebFront

    async def start(self) -> None:
        """Bring everything up, in order; raises :class:`StartError` and leaves nothing running."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        # Before anything is touched: a second start by mistake must not disturb the host that runs.
        bind(self.web_config).close()
        await asyncio.to_thread(prepare, self.environment, self.dal, profile_of(self.environment.database))
        exits = self._exits
        await self.dal.open()
        exits.push_async_callback(self.dal.close)
        self.coordinator = self._coordinated()
        exits.push_async_callback(self.coordinator.close)
        await self.coordinator.start()
        self.metrics.add(coordination_measures(self.coordinator))
        self.tracer = await exits.enter_async_context(tracing(self.otlp_config, self.coordinator.host))
        self._compose()
        exits.push_async_callback(self.links.stop)
        await self.links.start()
        await self.shared.configuration.load()
        exits.push_async_callback(self.carriage.stop)
        await self._enter_states()
        exits.push_async_callback(self.supervisor.stop)
        await self.outbox.adopt()
        exits.push_async_callback(self._drain)
        await self.carriage.start()
        try:
            await self.links.open()
        except GrpcConfigError as error:
            raise StartError(str(error)) from None
        self._supervise()
        exits.push_async_callback(self.web.stop)
        await self.web.start()

    def _compose(self) -> None:
        carriage, links = _COMPANY[bool(self.environment.redis_url)]
        self.carriage = _made(carriage, self)
        secret = load_secret(self.environment.data, self.environment.secret)
        self.registry = Registry(self)
        self._exits.push_async_callback(self.registry.stop)
        self.shared = Shared(self.registry.manifests, self.directory, self.carriage.bus, secret, self._send)
        self.shared.claims = self.coordinator.claims
        self.shared.look = self.coordinator.look
        self.shared.place = self.web_config.public_url.rstrip("/")
        self.shared.personal = EveryModule(self.manifests, self.directory, partial(own_of, self.dal))
        members, log = Members(self.coordinator), logging.getLogger("runtime.inbox")
        bus, tell = self.carriage.bus, self.carriage.tell
        self.inbox = DurableInbox(self.delivery, bus, log, self.dal.forget_effects, members, tell)
        self.shared.configuration = ConfigurationCache(
            self.dal,
            self.manifests,
            CommunityService(self.shared.caller(CallScope(""))),
            logging.getLogger("runtime.configuration"),
        )
        wrap = {0: _as_it_is, 1: self._wire_checked}[self.environment.wire_check]
        for module in self.modules.values():
            ports = HostPorts(self) if module.kind == "processing" else None
            bind = self._binder(module.name) if module.store is not None else None
            services = HostServices(self.shared, module, self.configs.get(module.name), bind, ports)
            endpoint = wrap(LocalEndpoint(module, services, self.redactor.hide))
            endpoint = traced(endpoint, module.name, self.tracer)
            self.runners[module.name] = Runner(module, services, endpoint)
            self.directory[module.name] = endpoint
        self.links = _made(links, self)
        self.shared.elsewhere = self.links.at
        deliverers = Deliverers(self.manifests, self.directory)
        log = logging.getLogger("runtime.outbox")
        # A host alone delivers by its own modules; among others, one that delivers may come at any time.
        platforms = {True: tuple(deliverers), False: deliverers.platforms}[self.carriage.bus.shares]
        self.outbox = Outbox(self.delivery, deliverers, log, members, platforms)
        self.web = WebFront(self)
        self.shared.keys = self.web.keys

    def _coordinated(self) -> Coordinator:
        """This host among those that share its database."""
        environment = self.environment
        version = importlib.metadata.version("waddlebot")
        row = HostRow("", *addresses(self.web_config, self.grpc_config), tuple(self.modules), version)
        return Coordinator(
            partial(leases_of, self.dal),
            row,
            logging.getLogger("runtime.coordination"),
            routes=_ROUTER in self.modules,
            alone=profile_of(environment.database).alone and not environment.redis_url,
        )

    async def _enter_states(self) -> None:
        for runner in self.runners.values():
            if runner.module.starter is not None:
                context: ServiceContext[Any, Any] = ServiceContext(runner.services)
                state = await self._exits.enter_async_context(runner.module.starter(context))
                runner.services.enter(state)
        gather = {True: observing_of, False: each_observing}[self.carriage.bus.shares]
        self.observing = gather(
            [
                Watcher(runner.module.name, observer, runner.services, self.shared.configuration)
                for runner in self.runners.values()
                for observer in runner.module.observers
            ]
        )
        for observing in self.observing:
            self.shared.bus.subscribe(observing.name, observing.take)

    def _supervise(self) -> None:
        supervise = self.supervisor.start
        supervise("coordination", self.coordinator.run)
        supervise("configuration", self.shared.configuration.run)
        supervise("inbox", self.inbox.run)
        supervise("registered modules", self.registry.run)
        lag = LoopLag()
        self.metrics.add(lag.measures)
        self.supervisor.every("loop lag", lag.EVERY_S, lag.look)
        supervise("bus", self.carriage.run)
        for platform in self.outbox.platforms:
            supervise(f"outbox {platform}", partial(self.outbox.run, platform))
        self.supervisor.every("outbox of others", _ADOPT_EVERY_S, self.outbox.adopt)
        for observing in self.observing:
            supervise(f"observer {observing.name}", observing.run)
        for runner in self.runners.values():
            for job in runner.module.jobs:
                self.supervisor.every(
                    f"job {runner.module.name}.{job.name}", job.every_s, _bound(runner, job.handler)
                )
            if runner.module.runner is not None and is_configured(runner.module, runner.services.config):
                supervise(runner.module.name, _bound(runner, runner.module.runner))

    async def stop(self) -> None:
        """Stop what was started, in the order in which nothing is lost: doors, inbox, observers, outbox."""
        await self._exits.aclose()

    async def _drain(self) -> None:
        """Finish what has come in."""
        await self.supervisor.stop([runner.module.name for runner in self.runners.values()])
        self.carriage.retire()
        await self.inbox.stop()
        await self.carriage.quiesce()
        for observing in self.observing:
            observing.stop()
        self.outbox.stop()
        await self.supervisor.drain(_DRAIN_S)
        await self.outbox.settle()

    # --- what the modules' services and ports are made of ---------------------------------------------

    def _send(self, sends: Sequence[Send]) -> None:
        self.outbox.put(sends)

    def delivery(self) -> DeliveryStore:
        """The tables of inbox, outbox and dead letters."""
        return delivery_of(self.dal)

    def keys(self) -> KeyStore:
        """The API keys."""
        return keys_of(self.dal)

    def _binder(self, owner: str) -> Callable[[Scope, str, EffectKey | None], Store]:
        bind = self.dal.bind

        def bound(scope: Scope, actor: str, effect: EffectKey | None) -> Store:
            return bind(owner, scope, actor=actor, effect=effect)

        return bound

    def _wire_checked(self, endpoint: Endpoint) -> Endpoint:
        shapes = {
            (contract, name): (method.request, method.answer)
            for module in self.manifests.values()
            for (contract, name), (method, _) in module.promises.items()
        }
        return WireChecked(endpoint, shapes)


def chosen(manifests: Mapping[str, Module], names: Sequence[str]) -> dict[str, Module]:
    """The modules to run by name. Raises :class:`StartError` for one that does not exist."""
    unknown = [name for name in names if name not in manifests]
    if unknown:
        raise StartError(
            f"There is no module {', '.join(unknown)}. There are: {', '.join(manifests)} (waddlebot modules)."
        )
    return {name: manifests[name] for name in (names or manifests)}


def is_configured(module: Module, config: Any) -> bool:
    """Whether the operator has set what the module's runner needs."""
    return module.enabled is None or module.enabled(config)


def configs_of(modules: Mapping[str, Module], environ: Mapping[str, str]) -> dict[str, Any]:
    """Each module's Config. Raises :class:`StartError` naming all variables that are wrong."""
    configs: dict[str, Any] = {}
    problems = []
    for module in modules.values():
        if module.config is not None:
            try:
                configs[module.name] = from_environment(module.config, module.name, environ)
            except FieldError as error:
                problems.append(str(error))
    if problems:
        raise StartError("\n".join(problems))
    return configs


def database(environment: Environment, manifests: Mapping[str, Module]) -> AsyncDAL:
    """The database with every module's tables, not open yet. Raises :class:`StartError` for a bad URL."""
    try:
        budgets = budgets_of(environment)
    except ValueError as error:
        raise StartError(str(error)) from None
    dal = AsyncDAL(
        environment.database,
        replicas=environment.replicas,
        budgets=budgets,
        lag_s_max=environment.database_replica_lag_s_max,
        wire_check=bool(environment.wire_check),
    )
    dal.register(DELIVERY, DeliveryStore, _migrations("waddlebot.libs.adapters"))
    dal.register(COORDINATION, LeaseStore, _migrations("waddlebot.libs.adapters") / "coordination")
    dal.register(KEYS, KeyStore, _migrations("waddlebot.libs.web"))
    for module in manifests.values():
        if module.store is not None:
            dal.register(module.name, module.store, _migrations(module.package))
    return dal


def delivery_of(dal: AsyncDAL) -> DeliveryStore:
    """The tables of inbox, outbox and dead letters."""
    return cast("DeliveryStore", dal.bind(DELIVERY, System("delivery")))


def leases_of(dal: AsyncDAL) -> LeaseStore:
    """The hosts and what they hold."""
    return cast("LeaseStore", dal.bind(COORDINATION, System("coordination")))


def keys_of(dal: AsyncDAL) -> KeyStore:
    """The API keys of all communities."""
    return cast("KeyStore", dal.bind(KEYS, System("API keys")))


def _migrations(package: str) -> Any:
    return importlib.resources.files(package) / "migrations"


def _made(path: str, host: "Host") -> Any:
    """Raises :class:`StartError` where an extra is not installed, or what is set contradicts itself."""
    module, _, name = path.rpartition(".")
    try:
        made: Callable[[Host], object] = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise StartError(
            f"{error.name} is not installed, which hosts need to talk to others: "
            "pip install 'waddlebot[redis,grpc]', or unset REDIS_URL to run everything in one process."
        ) from error
    try:
        return made(host)
    except ValueError as error:  # of the URL, or of the files and addresses of gRPC
        raise StartError(str(error)) from None


def callable_at(environ: Mapping[str, str], environment: Environment, modules: Mapping[str, Module]) -> GrpcConfig:
    """Where other hosts ask this one: among others, unless the operator says so, at its first module's port.

    Raises :class:`StartError` for a host among others that nobody could ask.
    """
    config = from_environment(GrpcConfig, "grpc", environ)
    if config.port or not environment.redis_url:
        return config
    if "GRPC_PORT" in environ:
        raise StartError(
            "GRPC_PORT is 0, but with REDIS_URL other hosts must reach this one: unset it, or set a port."
        )
    first = modules.get(_ROUTER) or next(iter(modules.values()))
    return dataclasses.replace(config, port=first.grpc_port)


def addresses(web: WebConfig, grpc: GrpcConfig) -> tuple[str, str, str]:
    """A host's name, which no other has on this machine, and where it is asked by gRPC and HTTP."""
    machine = f"{socket.gethostname()}@{uuid.getnode():x}"
    name = f"{machine}:{web.port or secrets.token_hex(4)}"
    if not grpc.port:
        return name, "", ""
    where = grpc.address.rpartition(":")[0]
    return name, grpc.address, f"http://{where}:{web.port}"


def _as_it_is(endpoint: Endpoint) -> Endpoint:
    return endpoint


def _bound(runner: Runner, handler: Callable[..., Any]) -> Callable[[], Coroutine[Any, Any, None]]:
    def call() -> Coroutine[Any, Any, None]:
        context: ServiceContext[Any, Any] = ServiceContext(runner.services)
        started: Coroutine[Any, Any, None] = handler(context)
        return started

    return call
