"""Modules on a real database in this process, without router, doors and schedules.

A test calls the handler it is about, as the host would, and sets the clock itself.
"""

import contextlib
import importlib.resources
import itertools
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from waddlebot.libs.adapters.local import LocalEndpoint, WireChecked
from waddlebot.libs.adapters.memory_bus import MemoryBus
from waddlebot.libs.contracts.community import HOME, CommunityService
from waddlebot.libs.dal import EffectKey, Scope, Store
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    Call,
    CallScope,
    Contract,
    Crowd,
    Event,
    Module,
    Rank,
    Result,
    Send,
    ServiceContext,
)
from waddlebot.libs.sdk.ports import Endpoint
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.runtime.configuration import ConfigurationCache
from waddlebot.runtime.personal import EveryModule
from waddlebot.runtime.secret import Secret
from waddlebot.runtime.services import HostServices, Shared

ENTITY = "irc:net:#room"
"""Where people of a test speak, in the community ``home``."""


class Bench:
    """Some modules, the clock they read (``now``, seconds since the epoch) and what they sent (``sent``)."""

    def __init__(self, dal: AsyncDAL, modules: Sequence[Module], configs: Mapping[str, Any] | None = None) -> None:
        self.configs = configs or {}
        self.dal = dal
        self.manifests = {module.name: module for module in modules}
        self.now = 1_750_000_000.0
        self.sent: list[Send] = []
        self.directory: dict[str, Endpoint] = {}
        self._numbers = itertools.count(1)
        self.shared = Shared(self.manifests, self.directory, MemoryBus(), Secret(b"for tests only"), self.send)
        self.shared.personal = EveryModule(self.manifests, self.directory, dict)
        self.configuration = self.shared.configuration = ConfigurationCache(
            dal, self.manifests, CommunityService(self.shared.caller(CallScope(""))), logging.getLogger("bench")
        )
        shapes = {key: (method.request, method.answer) for m in modules for key, (method, _) in m.promises.items()}
        self._services: dict[str, HostServices] = {}
        for module in modules:
            services = self._services[module.name] = _BenchServices(self, module)
            self.directory[module.name] = WireChecked(LocalEndpoint(module, services), shapes)

    def send(self, sends: Sequence[Send]) -> None:
        """What the host's outbox does: take replies."""
        self.sent.extend(sends)

    async def enter(self, exits: contextlib.AsyncExitStack) -> None:
        """Load the configuration and start the modules' states."""
        await self.configuration.load()
        for name, module in self.manifests.items():
            if module.starter is not None:
                self._services[name].enter(await exits.enter_async_context(module.starter(self.context(module))))

    def context(self, module: Module, key: str = "") -> ServiceContext[Any, Any]:
        """What the module's jobs and observers get; ``key`` makes their effects happen once."""
        return ServiceContext(self._services[module.name], CallScope("", "", key))

    def state[T](self, module: Module, shape: type[T]) -> T:
        """The module's state."""
        return self.context(module).state(shape)

    def services(self, module: Module) -> HostServices:
        """What the module is lent."""
        return self._services[module.name]

    def ask[C: Contract](self, contract: type[C], community: str = HOME) -> C:
        """A contract, asked for a community."""
        return contract(self.shared.caller(CallScope(community)))

    def event(self, text: str = "", *, login: str = "ann", kind: str = CHAT_MESSAGE, **fields: Any) -> Event:
        """Something that somebody did in :data:`ENTITY`, now."""
        platform, server, channel = ENTITY.split(":", 2)
        number = next(self._numbers)
        whole: dict[str, Any] = {
            "version": 1, "id": f"event-{number}", "kind": kind, "platform": platform, "server": server,
            "channel": channel, "user_id": login, "user_login": login, "user_name": login.title(), "roles": (),
            "text": text, "occurred_at": self.now, "received_at": self.now, "community": HOME,
        }  # fmt: skip
        return Event(**(whole | fields))

    async def run(self, line: str, *, login: str = "ann", rank: Rank = Rank.OWNER, **fields: Any) -> Result:
        """The result of a command line without prefix, typed by somebody of a rank; a re-run has its ``id``."""
        event = self.event(line, login=login, **fields)
        words = line.split(" ", 2)
        for count in (2, 1):
            name = " ".join(words[:count]).lower()
            for module in self.manifests.values():
                for command in module.commands.values():
                    if name in (command.name, *command.aliases) and count <= len(words):
                        args = " ".join(words[count:])
                        ranks = int(rank | Rank.VIEWER)
                        call = Call(
                            module.name, f"command:{command.name}", event, args, event.account, ranks,
                            f"{event.id}/{module.name}.{command.name}", 0, 10.0,
                        )  # fmt: skip
                        found = self.directory[module.name].execute(call)
                        result = found if isinstance(found, Result) else await found
                        await self.configuration.poll()
                        return result
        raise AssertionError(f"no module has a command for {line!r}")

    async def says(self, line: str, **who: Any) -> str:
        """What a command answers; it must not fail."""
        result = await self.run(line, **who)
        if result.status not in ("ok", "refused"):
            raise AssertionError(result)
        return "\n".join(reply.text for reply in result.replies)


class _BenchServices(HostServices):
    """The host's services with the bench's clock."""

    def __init__(self, bench: Bench, module: Module) -> None:
        def bind(scope: Scope, actor: str, effect: EffectKey | None) -> Store:
            return bench.dal.bind(module.name, scope, actor=actor, effect=effect)

        config = bench.configs.get(module.name) or (module.config() if module.config is not None else None)
        super().__init__(bench.shared, module, config, bind if module.store else None, None)
        self._bench = bench

    def now(self) -> float:
        """The bench's clock."""
        return self._bench.now


@contextlib.asynccontextmanager
async def opened_bench(
    url: str, *modules: Module, configs: Mapping[str, Any] | None = None
) -> AsyncIterator[Bench]:
    """Modules, their states started, on a database upgraded to their schema; :data:`ENTITY` belongs to ``home``.

    ``core.community`` must be among them: it keeps the configuration of all. ``configs`` are the Configs of
    modules whose defaults will not do.
    """
    owners = [
        Owner(module.name, module.store, cast("Any", importlib.resources.files(module.package) / "migrations"))
        for module in modules
        if module.store is not None
    ]
    async with opened_dal(url, *owners) as dal, contextlib.AsyncExitStack() as exits:
        bench = Bench(dal, modules, configs)
        await bench.enter(exits)
        await bench.shared.adopt([ENTITY], HOME)
        yield bench


def crowd(events: Sequence[Event]) -> Crowd:
    """What a host gathers of events for observers that ask for a crowd."""
    gathered = Crowd()
    gathered.extend(events)
    return gathered
