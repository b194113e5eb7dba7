"""A bot of several processes under steady load: on PostgreSQL and Valkey, with gRPC between them."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec

from drills.load import Line, line
from drills.world import World, installed
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import ProcessBot
from waddlebot.libs.testing.clusters import ROUTER, Cluster, Grouping, cluster_of
from waddlebot.libs.testing.redis_servers import valkey_running

LEDGER = "waddledrill.ledger"
MOODY = "waddledrill.moody"
CORE = ("core.community", "core.identity", "core.reputation", "interactive.alias")
TWO_ROUTERS: Grouping = [(ROUTER,), (ROUTER,), (LEDGER,), CORE]
ONE_MOODY: Grouping = [(ROUTER,), (LEDGER,), (MOODY,), CORE]
MOODY_ROUTERS: Grouping = [(ROUTER, MOODY), (ROUTER, MOODY), (LEDGER,), CORE]
TWO_LEDGERS: Grouping = [(ROUTER,), (LEDGER,), (LEDGER,), CORE]

_COMMUNITIES = 4  # their partitions are shared by the routers
_BATCH_SIZE = 10
_PAUSE_S = 0.2
_WAIT_S = 25
_AGAIN_S = 0.1
_LOOK_EVERY_S = 0.1
_TIMEOUT = aiohttp.ClientTimeout(total=60.0)
_LOG_CHARACTERS = 3_000


@dataclass(frozen=True, slots=True)
class ClusterWorld(World):
    """Several processes. ``bot``, the first one, is a router."""

    cluster: Cluster

    def log(self) -> str:
        """What each process logged last."""
        return "\n".join(f"--- {host.modules}\n{_last(host)}" for host in self.cluster.hosts)

    async def end(self) -> None:
        """Leave nothing running, whatever happened."""
        await self.cluster.end()


def _last(host: ProcessBot) -> str:
    """What it said at the end, other than that all goes well."""
    lines = [line for line in host.log().split("\n") if " INFO " not in line]
    return "\n".join(lines)[-_LOG_CHARACTERS:]


@contextlib.contextmanager
def cluster_world(grouping: Grouping, folder: Path, database_url: str, **more: str) -> Iterator[ClusterWorld]:
    """A process for each group of modules, not started yet, with ``more`` variables."""
    with valkey_running(folder / "valkey") as valkey:
        more = {"HTTP_LEAVE_S": "0.5", **installed(folder), **more}
        cluster = cluster_of(folder, grouping, database_url, valkey.url, **more)
        yield ClusterWorld(folder, database_url, cluster.hosts[0], cluster)


two_routers = partial(cluster_world, TWO_ROUTERS)
two_ledgers = partial(cluster_world, TWO_LEDGERS)
one_moody = partial(cluster_world, ONE_MOODY)
moody_routers = partial(cluster_world, MOODY_ROUTERS)


class Balancer:
    """Chooses a router for each request as a load balancer does: in turn, of those that say they are ready."""

    def __init__(self, routers: Sequence[ProcessBot]) -> None:
        self._urls = [router.url for router in routers]
        self._ready: set[str] = set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Ask them for their health, for ever."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5.0)) as session:
            await asyncio.gather(*(self._watch(session, url) for url in self._urls))

    async def _watch(self, session: aiohttp.ClientSession, url: str) -> None:
        while True:
            try:
                async with session.get(f"{url}/health/ready") as answer:
                    ready = answer.status == 200
            except (aiohttp.ClientError, TimeoutError):
                ready = False
            (self._ready.add if ready else self._ready.discard)(url)
            self._changed.set()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def choose(self) -> str:
        """The URL of a router that is ready, as soon as one is."""
        while True:
            for url in self._urls:
                if url in self._ready:
                    self._urls.remove(url)  # the other one is first next time
                    self._urls.append(url)
                    return url
            self._changed.clear()
            await self._changed.wait()

    async def all_ready(self) -> None:
        """Wait until every router is."""
        while len(self._ready) < len(self._urls):
            self._changed.clear()
            await self._changed.wait()


class Traffic:
    """Steady load of several communities through a balancer, half of it commands.

    A request without its 2xx is counted in ``failures``, and posted again, as platforms do.
    """

    def __init__(self, world: ClusterWorld, keys: Sequence[str], random: Random) -> None:
        self.acknowledged: dict[str, Line] = {}
        self.refused = 0
        self.failures: list[str] = []
        self.balancer = Balancer(world.cluster.routers)
        self._random = random
        self._numbers = itertools.count()
        self._unanswered: list[list[Line]] = []
        self._keys = {f"room-{number}": key for number, key in enumerate(keys)}

    @property
    def channels(self) -> list[str]:
        """One of each community."""
        return [*self._keys]

    def _batch(self, channel: str) -> list[Line]:
        """New lines, each by somebody else, so that nobody's limits count."""
        numbers = [next(self._numbers) for _ in range(_BATCH_SIZE)]
        return [line(f"event-{n}", "!book" if self._random.random() < 0.5 else "hello", channel) for n in numbers]

    async def run(self) -> None:
        """Post for ever."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.balancer.run())
            for channel in self._keys:
                tasks.create_task(self._post_steadily(session, channel))

    async def _post_steadily(self, session: aiohttp.ClientSession, channel: str) -> None:
        while True:
            lines = self._unanswered.pop() if self._unanswered else self._batch(channel)
            try:
                await self._acknowledged(session, lines)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                self.refused += isinstance(error, aiohttp.ClientResponseError) and error.status == 503
                self._unanswered.append(lines)
                await asyncio.sleep(_AGAIN_S)
            except asyncio.CancelledError:
                self._unanswered.append(lines)
                raise
            else:
                await asyncio.sleep(_PAUSE_S)

    async def _acknowledged(
        self, session: aiohttp.ClientSession, lines: list[Line], wait_s: int = 0
    ) -> list[dict[str, Any]]:
        """What became of lines that were taken. Raises aiohttp.ClientError where they were not."""
        url = f"{await self.balancer.choose()}/api/v1/processing.router/events?wait={wait_s}"
        key = self._keys[lines[0]["channel"]]
        async with session.post(url, json=lines, headers={"X-API-Key": key}) as answer:
            answer.raise_for_status()
            results: list[dict[str, Any]] = msgspec.json.decode(await answer.read())["results"]
        self.acknowledged.update({one["id"]: one for one in lines})
        return results

    async def ask(self, lines: list[Line], wait_s: int) -> list[dict[str, Any]]:
        """Post lines of one channel until they are taken, and return what became of them."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                try:
                    return await self._acknowledged(session, lines, wait_s)
                except aiohttp.ClientError:
                    await asyncio.sleep(_AGAIN_S)

    async def outcomes(self, lines: list[Line], within_s: float) -> list[dict[str, Any]]:
        """What became of lines of one channel in the end, whichever router dies meanwhile. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                results = await self.ask(lines, _WAIT_S)
                if all(result["status"] != "accepted" for result in results):
                    return results
                await asyncio.sleep(_AGAIN_S)

    async def settle(self) -> None:
        """Post again what was never acknowledged, by who is ready then."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, asyncio.timeout(_TIMEOUT.total):
            watching = asyncio.create_task(self.balancer.run())
            while self._unanswered:
                await self._acknowledged(session, self._unanswered[-1])
                self._unanswered.pop()
            watching.cancel()


def flowing(world: ClusterWorld, random: Random) -> AbstractAsyncContextManager[Traffic]:
    """All processes run and traffic flows for as long as the block runs; after it, nothing is left to post."""
    return flowing_as(Traffic, world, random)


@contextlib.asynccontextmanager
async def flowing_as[T: Traffic](kind: type[T], world: ClusterWorld, random: Random) -> AsyncIterator[T]:
    """The same with a traffic of another kind."""
    await world.bot.upgrade()
    names = [f"drill-{number}" for number in range(_COMMUNITIES)]
    keys = await asyncio.gather(*(world.bot.key(name, Role.TRIGGER, community=name) for name in names))
    await world.cluster.start()
    traffic = kind(world, keys, random)
    running = asyncio.create_task(traffic.run())
    try:
        await traffic.balancer.all_ready()
        yield traffic
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await traffic.settle()
