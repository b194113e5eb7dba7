"""A bot of several processes whose servers fail: PostgreSQL, its replica, Redis, a clock, a disk.

No process of the bot is started again because of that: whatever fails, it heals by itself.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from drills.cluster import CORE, LEDGER, Balancer, ClusterWorld, Traffic, flowing_as
from drills.kill9_cluster import closed
from drills.load import Line, line
from drills.world import BooksError, installed
from waddlebot.libs.testing.bots import ProcessBot, environ_of
from waddlebot.libs.testing.clusters import ROUTER, Cluster, Grouping, cluster_of
from waddlebot.libs.testing.databases import PostgreSQLServer, postgresql_running, replica_running
from waddlebot.libs.testing.redis_servers import Watched, watched_running
from waddlebot.libs.testing.small_disk import SmallDisk, small_disk

GROUPING: Grouping = [
    (ROUTER,),
    (ROUTER,),
    (LEDGER, *CORE, "receiver.console", "pushing.console", "cron.periodic_messages"),
]

ANSWER_S_MAX = 12.0
"""How long a door may take to answer, be it with 503; the database has 3 s to answer each statement."""
HEALED_S_MAX = 40.0
"""Until every host is ready and everybody is answered; a host is dead after 10 s of silence."""
ANSWERED_MIN = 0.99

_BEFORE_S = (0.1, 0.6)
_ASK_EVERY_S = 0.2
_ASK_WAIT_S = 25
_DATABASE_MB = 640
_LOGS_MB = 4
_DATA_MB = 48
# A log that stays short, so that a full disk is a matter of seconds, and a replica that may be away for some.
_OPTIONS = "-c max_wal_size=64MB -c min_wal_size=32MB -c wal_keep_size=192MB"


@dataclass(frozen=True, slots=True)
class Servers:
    """What the hosts depend on."""

    primary: PostgreSQLServer
    replica: PostgreSQLServer
    redis: Watched


@dataclass(frozen=True, slots=True)
class FaultyWorld(ClusterWorld):
    """A bot and what can fail. ``logs`` is the disk of all log files, ``disk`` that of the database."""

    logs: SmallDisk
    disk: SmallDisk
    servers: Servers | None = None

    @property
    def needs(self) -> Servers:
        """The servers. Raises RuntimeError where the bot has none."""
        if self.servers is None:
            raise RuntimeError("this bot is one process with a file")
        return self.servers


type Fault = Callable[[FaultyWorld, "Doors", int], Awaitable[None]]
"""Lets something fail and mends it; with the number of the round."""


@contextlib.contextmanager
def served(folder: Path, _database_url: str = "") -> Iterator[FaultyWorld]:
    """Three processes, two of them routers, with servers of their own."""
    with (
        small_disk(_DATABASE_MB) as disk,
        small_disk(_LOGS_MB) as logs,
        postgresql_running(_OPTIONS, within=disk.path) as primary,
        replica_running(primary) as replica,
        watched_running(folder / "redis", down_after_ms=60_000) as redis,
    ):
        name = primary.create()
        more = {"DATABASE_REPLICA_URLS": replica.url(name), **installed(folder)}
        url = primary.url(name)
        cluster = cluster_of(folder, GROUPING, url, redis.url, **more)
        _log_to(logs, cluster)
        yield FaultyWorld(folder, url, cluster.hosts[0], cluster, logs, disk, Servers(primary, replica, redis))


@contextlib.contextmanager
def embedded(folder: Path, _database_url: str = "") -> Iterator[FaultyWorld]:
    """One process whose file is on a disk of its own."""
    with small_disk(_DATA_MB) as disk, small_disk(_LOGS_MB) as logs:
        data = disk.path / "data"
        bot = ProcessBot(environ_of(data, **installed(folder)))
        cluster = Cluster([bot])
        _log_to(logs, cluster)
        yield FaultyWorld(folder, f"sqlite:///{data / 'waddlebot.db'}", bot, cluster, logs, disk)


def _log_to(disk: SmallDisk, cluster: Cluster) -> None:
    for number, host in enumerate(cluster.hosts):
        host.environ["LOG_DIR"] = str(disk.path / f"host-{number}")


class InTurn(Balancer):
    """Chooses a router whether it is ready or not: its door has to answer anyway, unless it is left out."""

    def leave_out(self, url: str) -> None:
        """Choose it no more."""
        self._urls.remove(url)

    def take_in(self, url: str) -> None:
        """Choose it again."""
        self._urls.append(url)

    async def choose(self) -> str:
        """The next router's URL."""
        self._urls.append(self._urls.pop(0))
        return self._urls[-1]


class Doors(Traffic):
    """Traffic that expects an answer from every door at any time, and asks commands at a steady rate.

    ``wrong`` says what a door may not do. ``figures`` are what a family's result shows.
    """

    def __init__(self, world: ClusterWorld, keys: Sequence[str], random: Random) -> None:
        super().__init__(world, keys, random)
        self.balancer: InTurn = InTurn(world.cluster.routers)
        self.pids = {host: host.pid for host in world.cluster.hosts}
        self.random = random
        self.wrong: list[str] = []
        self.asked = 0
        self.answered: dict[int, bool] = {}
        self.figures: Counter[str] = Counter()

    def most(self, figure: str, seconds: float) -> None:
        """Keep the greatest of a time, in milliseconds."""
        self.figures[figure] = max(self.figures[figure], round(1000 * seconds))

    async def run(self) -> None:
        """Post and ask for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self._ask_steadily())

    async def answer(self, name: str, channel: str) -> None:
        """Ask a command until it is answered. Raises BooksError where it never is, TimeoutError."""
        [result] = await self.outcomes([line(name, "!book", channel)], HEALED_S_MAX)
        if not result["replies"]:
            raise BooksError(f"no answer in {channel}: {result}")

    async def _ask_steadily(self) -> None:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as asking:
            while True:
                asking.create_task(self._ask_once(session))
                await asyncio.sleep(_ASK_EVERY_S)

    async def _ask_once(self, session: aiohttp.ClientSession) -> None:
        number, replied = self.asked, False
        lines = [line(f"asked-{number}", "!book", self.random.choice(self.channels))]
        self.asked += 1
        try:
            [result] = await self._acknowledged(session, lines, _ASK_WAIT_S)
            replied = bool(result["replies"])
        except (aiohttp.ClientError, TimeoutError):
            self._unanswered.append(lines)
        except asyncio.CancelledError:
            self._unanswered.append(lines)
            raise
        finally:
            self.answered[number] = replied

    async def _acknowledged(
        self, session: aiohttp.ClientSession, lines: list[Line], wait_s: int = 0
    ) -> list[dict[str, Any]]:
        began_s = time.monotonic()
        try:
            return await super()._acknowledged(session, lines, wait_s)
        except aiohttp.ClientResponseError as error:
            if error.status != 503 or "Retry-After" not in (error.headers or {}):
                self.wrong.append(f"a door answered {error.status} with {error.headers}")
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            self.wrong.append(f"a door did not answer: {type(error).__name__}: {error}")
            raise
        finally:
            took_s = time.monotonic() - began_s
            self.most("slowest_answer_ms", took_s if not wait_s else 0)
            if took_s > ANSWER_S_MAX + wait_s:
                self.wrong.append(f"a door took {took_s:.1f} s")


def faults(*kinds: Fault) -> Callable[[FaultyWorld, Random, int], Awaitable[dict[str, int]]]:
    """A drill: under load, rounds of each of these faults at random moments. All heals, and the books balance."""

    async def drill(world: FaultyWorld, random: Random, rounds: int) -> dict[str, int]:
        async with flowing_as(Doors, world, random) as doors:
            for number in range(rounds):
                for fault in kinds:
                    await asyncio.sleep(random.uniform(*_BEFORE_S))
                    try:
                        await fault(world, doors, number)
                        await healed(world, doors, f"{fault.__name__}-{number}")
                    except BaseException as error:
                        error.add_note(f"round {number} of {fault.__name__}")
                        raise
            if doors.pids != {host: host.pid for host in world.cluster.hosts if host.running}:
                raise BooksError("a process of the bot has ended")
        return {**await closed(world, doors), **doors.figures}

    return drill


async def healed(world: FaultyWorld, doors: Doors, name: str) -> None:
    """Wait until all hosts are ready and everybody is answered, at every door. Raises BooksError."""
    began_s, missing = time.monotonic(), "nothing"
    try:
        async with asyncio.timeout(HEALED_S_MAX), aiohttp.ClientSession() as session:
            for host in world.cluster.hosts:
                while found := await readiness(session, host):
                    missing = f"{host.modules} is not ready: {', '.join(found)}"
                    await asyncio.sleep(0.1)
            missing = "somebody is not answered"
            for again, _ in enumerate(world.cluster.routers):
                await asyncio.gather(*(doors.answer(f"{name}-{room}-{again}", room) for room in doors.channels))
    except TimeoutError:
        raise BooksError(f"not healed within {HEALED_S_MAX:g} s: {missing}") from None
    doors.most("slowest_healing_ms", time.monotonic() - began_s)
    if doors.wrong:
        raise BooksError("; ".join(doors.wrong[:5]))


async def readiness(session: aiohttp.ClientSession, host: ProcessBot) -> list[str]:
    """The checks that say that a host is not ready; ``no answer`` where it gives none."""
    try:
        async with session.get(f"{host.url}/health/ready", timeout=aiohttp.ClientTimeout(total=8.0)) as answer:
            found: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        return ["no answer"]
    return [name for name, check in found["checks"].items() if not check["ok"]]


async def check_answered(doors: Doors, since: int) -> None:
    """Nearly all commands that were asked since that one until now are answered. Raises BooksError."""
    numbers = range(since, doors.asked)
    async with asyncio.timeout(_ASK_WAIT_S + ANSWER_S_MAX):
        while not all(n in doors.answered for n in numbers):  # noqa: ASYNC110  asked at intervals anyway
            await asyncio.sleep(_ASK_EVERY_S)
    answered = sum(doors.answered[number] for number in numbers)
    doors.figures["asked"] += len(numbers)
    doors.figures["asked_and_answered"] += answered
    if answered < ANSWERED_MIN * len(numbers) - 1:  # of few, one is more than a percent
        raise BooksError(f"{answered} of {len(numbers)} commands were answered")
