"""How events come from host to host, where there are several: Redis Streams, and gRPC while Redis is away."""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast

from waddlebot.libs.adapters.redis_bus import RedisBus
from waddlebot.libs.adapters.redis_checkpoints import RedisCheckpoints
from waddlebot.libs.adapters.tracked_bus import PATIENCE_S, TrackedBus
from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import CallError, EventBatch, EventResult, Keeper, partition_of
from waddlebot.libs.web.health import Degraded
from waddlebot.runtime.checkpoints import Checkpointing
from waddlebot.runtime.distribution_metrics import bus_measures
from waddlebot.runtime.links import Links

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host

ROUTER = "processing.router"
_REFRESH_S = 30.0
_RETRY_S = 1.0


class Carriage:
    """The bus of a host among others, and its part in who reads what.

    Its ``audience``, the modules that may get an event, are all there are: some host may run them, now or later.
    """

    def __init__(self, host: "Host") -> None:
        """Raises ``RedisUrlError`` for a URL that cannot be read."""
        self._host = host
        self._log = logging.getLogger("runtime.bus")
        coordinator = host.coordinator
        self._groups: frozenset[str] = frozenset(groups_of(host.modules.values()))
        self._absent: dict[str, float] = {}
        self.audience = tuple(host.manifests.values())
        self._changed = asyncio.Event()
        self._as = coordinator.host
        self.redis = RedisBus(
            host.environment.redis_url,
            coordinator.host,
            hosts=coordinator.hosts,
            fence_of=coordinator.fence_of,
            current_fence=coordinator.current_fence,
            fallback=self._bypass,
            orphaned=self._orphaned,
            absent=self._long_absent,
        )
        self.checkpoints = Checkpointing(
            RedisCheckpoints(host.environment.redis_url, self._log),
            lambda: coordinator.owned,
            coordinator.time,
            self._log,
        )
        self.bus = TrackedBus(
            self.redis,
            lambda: self._groups,
            lambda partition: partition in coordinator.owned,
            self._long_absent,
            self._direct,
            self._log,
            self._holds,
        )

    @property
    def links(self) -> Links:
        """The way around Redis."""
        return cast("Links", self._host.links)

    def tell(self, source: str, results: Sequence[EventResult]) -> None:
        """Bring results to the hosts where somebody may wait for them."""
        self.bus.tell(source, results)

    async def start(self) -> None:
        """Begin to read, now that all have subscribed."""
        coordinator = self._host.coordinator
        self.bus.results = self._host.inbox.resolve
        await self._refresh()
        await self.redis.start()
        coordinator.when_changed(self._changed.set)
        coordinator.when_giving_up(self._give_up)
        self._changed.set()
        self._host.readiness["events between hosts"] = self._ready
        self._host.metrics.add(bus_measures(self.redis))

    def keep(self, keeper: Keeper) -> None:
        """Save ``keeper``'s state for whoever owns its partitions next."""
        self.checkpoints.keep(keeper)

    async def run(self) -> None:
        """Read what this host owns, as that changes, and leave checkpoints of it; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self.checkpoints.run())

    async def _watch(self) -> None:
        """Follow what this host owns, and know whose groups run somewhere."""
        while True:
            try:
                async with asyncio.timeout(_REFRESH_S):
                    await self._changed.wait()
                self._changed.clear()
                await self._follow()
            except TimeoutError:
                await self._quietly_refresh()
            except DalError as error:
                self._log.warning("what other hosts left is not known while the database is away: %s", error)
                await asyncio.sleep(_RETRY_S)
                self._changed.set()

    def retire(self) -> None:
        """Wait for no group on other hosts any more: who takes over does."""
        self.bus.retire()

    async def quiesce(self) -> None:
        """Read nothing more and finish what is in work."""
        await self.redis.quiesce()
        await self.checkpoints.save(self._host.coordinator.owned)

    async def stop(self) -> None:
        """Send what waits, and leave."""
        self._host.readiness.pop("events between hosts", None)
        await self.redis.close()
        await self.checkpoints.close()

    # --- who reads what --------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        host, coordinator = self._host, self._host.coordinator
        if coordinator.host != self._as:  # this one was taken for dead, and what it held went to others
            self._as = coordinator.host
            host.outbox.abandon()
        await self._refresh()
        # Before lines are processed again that another had begun: what it may have said is not repeated.
        await host.outbox.adopt()
        await host.outbox.beware()
        await self.checkpoints.follow()
        self.redis.own(coordinator.owned)

    async def _give_up(self, partitions: Collection[int]) -> None:
        self.redis.own(self._host.coordinator.owned)
        await self.redis.finished(partitions)
        await self.checkpoints.settle(partitions)
        await self.checkpoints.save(partitions)

    async def _quietly_refresh(self) -> None:
        try:
            await self._refresh()
        except DalError as error:
            self._log.warning("the groups of other hosts are not known while the database is away: %s", error)

    async def _refresh(self) -> None:
        """Learn who has to see accepted batches, and announce again what waited for who is back."""
        store = self._host.delivery
        self._groups = frozenset(await store().subscribers(groups_of(self._host.modules.values())))
        running = {module for row in self._host.coordinator.hosts().values() for module in row.modules}
        absent = [group for group in self._groups if module_of(group) not in running]
        back = self._absent.keys() - absent
        now_s = time.monotonic()
        self._absent = {group: self._absent.get(group, now_s) for group in absent}
        if back or not absent:
            await store().unpark()

    def _long_absent(self) -> list[str]:
        """The groups that no living host has run for longer than a restart takes."""
        before_s = time.monotonic() - PATIENCE_S
        return [group for group, since_s in self._absent.items() if since_s < before_s]

    def _orphaned(self, batch_id: str) -> None:
        self._host.inbox.orphaned(batch_id)

    async def _holds(self, batch_id: str) -> bool:
        """Whether the batch may be carried again; while the database is away nobody can have taken it."""
        try:
            return await self._host.delivery().holds(self._host.coordinator.host, batch_id)
        except DalError:
            return True

    # --- around Redis ----------------------------------------------------------------------------------------

    async def _bypass(self, partition: int, batch: EventBatch) -> None:
        await self.bus.bypass(partition, batch)

    async def _direct(self, group: str, batch: EventBatch) -> bool:
        """Hand a batch to a group on another host by gRPC; a router's only to who owns the partition."""
        if group == ROUTER:
            partition = batch.partition if batch.partition >= 0 else partition_of(batch.events[0].community)
            hosts = [self._host.coordinator.owner_of(partition)]
        else:
            hosts = self.links.runs(module_of(group))
            random.shuffle(hosts)
        for one in filter(None, hosts):
            try:
                await self.links.batch(one, group, batch)
            except CallError as error:
                self._log.debug("%s on %s did not take a batch: %s", group, one, error)
            else:
                return True
        return False

    async def _ready(self) -> str:
        """Without Redis the bot answers by other ways, but an operator has to know."""
        if self.redis.problem:
            raise Degraded(f"{self.redis.problem} Events go from host to host by gRPC meanwhile.")
        return "Redis carries events between hosts."


def groups_of(modules: Collection[Module]) -> list[str]:
    """The names by which modules subscribe."""
    observers = [f"{m.name}.{observer.handler.__name__}" for m in modules for observer in m.observers]
    return observers + [m.name for m in modules if m.name == ROUTER]


def module_of(group: str) -> str:
    """The module that a group's name begins with."""
    return group if group == ROUTER else group.rpartition(".")[0]
