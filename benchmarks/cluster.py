"""A bot of several processes on real PostgreSQL and Valkey, its Twitch receiver in the case's own process.

The receiver is fed with bytes as `twitch` feeds it, so making the load costs next to nothing. The other processes
are `member`s: routers, the modules that observe, and those that act, with a counting pusher in place of Twitch's.
Nobody is pinned: all share every core of the machine, the databases included.
"""

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks import hosting, machine, member, twitch
from benchmarks.corpus import Message
from waddlebot.libs.testing.databases import PostgreSQLServer, admin_url, postgresql_running
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.redis_servers import RedisServer, valkey_running
from waddlebot.libs.testing.twitch_irc import twitch_irc
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import Host, database
from waddlebot.runtime.installation import opened
from waddlebot.runtime.upgrade import bring_up

RECEIVER = "receiver.twitch"
ROUTER = "processing.router"
COMMANDS_WAITING_MAX = 2_000
_DURABLE = "-c fsync=on -c full_page_writes=on"
"""As PostgreSQL is without being told otherwise: a commit is on the disk."""
_STOP_S = 30.0


class Process:
    """A member, and how much of the processors it has had."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._usage = psutil.Process(process.pid)
        self._turn = asyncio.Lock()

    async def ask(self, question: str) -> Any:
        """The answer to a question of `member.Member`. Raises `RuntimeError` when the process has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._turn:
            stdin.write(f"{question}\n".encode())
            line = await stdout.readline()
        if not line:
            raise RuntimeError("a process of the bot has ended: see above")
        return msgspec.json.decode(line)

    def cpu_s(self) -> float:
        """Processor time since its start."""
        return _seconds(self._usage)

    async def stop(self) -> None:
        """Let it stop in order; a process that does not is ended."""
        if self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.communicate(), _STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


@dataclass(slots=True)
class Cluster:
    """A running bot: where its receiver is fed, its processes, and its servers."""

    fed: twitch.Feed
    routers: Sequence[Process]
    observers: Process
    actions: Process
    redis: RedisServer
    postgresql: PostgreSQLServer
    database: str
    variables: Mapping[str, str]

    @property
    def receiver(self) -> Host:
        """The host in this process."""
        return self.fed.host

    async def flood(self, messages: Sequence[Message]) -> tuple[float, dict[str, float]]:
        """Feed as fast as the bot reads and answers, and check what came of it.

        Return the seconds until every command is answered at the pusher and every line counted in the database,
        and the microseconds that each process worked for an event.
        """
        commands = Counter(message.command for message in messages if message.command)
        await self.actions.ask("clear")
        ends, lines, chunks = Counter(await self.ends()), self.lines(), twitch.chunks(messages)
        before, began_s = self.cpu_s(), time.perf_counter()
        await self._feed(chunks, commands.total())
        await self.until("answered", commands.total())
        await self.written(lines + len(messages))
        took_s = time.perf_counter() - began_s
        spent = spent_us(before, self.cpu_s(), len(messages))
        texts = {f"{name} done": number for name, number in commands.items()}
        hosting.expect("replies", await self.actions.ask("texts"), texts)
        ended = Counter(answered=commands.total(), ignored=len(messages) - commands.total())
        hosting.expect("routed", +(Counter(await self.ends()) - ends), +ended)
        return took_s, spent

    async def _feed(self, chunks: Sequence[bytes], commands: int) -> None:
        """Feed, and let no more commands wait for their replies than the router keeps before it answers "busy"."""
        fed, answered = 0.0, 0
        for chunk in chunks:
            fed += commands / len(chunks)
            await self.fed.feed([chunk])
            while fed - answered > COMMANDS_WAITING_MAX:
                await asyncio.sleep(0.001)
                answered = await self.actions.ask("answered")

    def cpu_s(self) -> dict[str, float]:
        """Processor time so far of everybody who has a part in an event's way."""
        redis = self.redis.process
        server = psutil.Process(self.postgresql.pid)
        return {
            "receiver": time.process_time(),
            "router": sum(router.cpu_s() for router in self.routers),
            "observers": self.observers.cpu_s(),
            "actions": self.actions.cpu_s(),
            "redis": _seconds(psutil.Process(redis.pid)) if redis is not None else 0.0,
            "postgresql": _seconds(server, and_ended=True) + sum(map(_seconds, server.children(recursive=True))),
        }

    def scalar(self, query: str) -> Any:
        """One value of the database, read by nothing of the bot's."""
        ((value,),) = self.postgresql.query(query, self.database)
        return value

    async def ends(self) -> dict[str, int]:
        """What became of the events that the routers had."""
        each = await asyncio.gather(*(router.ask("ends") for router in self.routers))
        return {status: sum(one.get(status, 0) for one in each) for status in set().union(*each)}

    async def until(self, question: str, at_least: int) -> None:
        """Wait until the process with the pusher answers with such a number."""
        give_up_s = time.monotonic() + hosting.WAIT_S_MAX
        while (found := await self.actions.ask(question)) < at_least:
            if time.monotonic() > give_up_s:
                raise RuntimeError(f"{question}: {found}, not {at_least}; routers: {await self.ends()}")
            await asyncio.sleep(0.005)

    async def written(self, lines: int) -> None:
        """Have observers write until so many lines have been counted in the database, and not one more."""
        give_up_s = time.monotonic() + hosting.WAIT_S_MAX
        while (found := self.lines()) < lines:
            if time.monotonic() > give_up_s:
                raise RuntimeError(f"{found} lines of {lines} were written; routers: {await self.ends()}")
            # Asking the database counts all rows: it would take from what is measured.
            while not await self.observers.ask("hasten"):  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.02)
        hosting.expect("lines counted", found, lines)

    def lines(self) -> int:
        """The lines that were counted in the database."""
        return int(self.scalar("select coalesce(sum(activity), 0) from core_reputation.score"))


def spent_us(before: Mapping[str, float], after: Mapping[str, float], events: int) -> dict[str, float]:
    """The microseconds that each process worked for an event."""
    return {name: (after[name] - before[name]) / events * 1e6 for name in before}


@asynccontextmanager
async def running(prepare: hosting.Prepare, routers: int = 1) -> AsyncIterator[Cluster]:
    """A bot of a receiver, routers, observers and actions; every view is compiled."""
    machine.unpin()
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="waddlebot-bench-")))
        postgresql = exits.enter_context(postgresql_running(_DURABLE))
        redis = exits.enter_context(valkey_running(folder / "valkey"))
        name = postgresql.create()
        url = postgresql.url(name)
        shared = {
            "DATABASE_URL": url,
            "DATABASE_ADMIN_URL": admin_url(url),
            "REDIS_URL": redis.url,
            "WADDLEBOT_SECRET": secrets.token_hex(32),
            "HTTP_REQUESTS_MAX": "1000000",
        }
        await _prepared(_of_its_own(shared, folder, "prepared"), prepare)
        observing, acting = _shared_out()
        groups = [*([ROUTER] for _ in range(routers)), observing, acting]
        own = [_of_its_own(shared, folder, f"host{number}") for number in range(len(groups))]
        members = [
            await exits.enter_async_context(_process(variables, modules))
            for variables, modules in zip(own, groups, strict=True)
        ]
        async with asyncio.TaskGroup() as starting:
            for one in members:
                starting.create_task(one.ask("ready"))
        feed = await exits.enter_async_context(_receiver(_of_its_own(shared, folder, "receiver")))
        observers, actions = members[routers:]
        cluster = Cluster(feed, members[:routers], observers, actions, redis, postgresql, name, own[0])
        await _settled(cluster)
        yield cluster


def _shared_out() -> tuple[list[str], list[str]]:
    """The modules that observe, with the core; and the others, whose answers wait for nobody's counting."""
    modules = {name: module for name, module in member.manifests().items() if name not in (RECEIVER, ROUTER)}
    observing = [name for name, module in modules.items() if module.observers or module.kind == "core"]
    return observing, [name for name in modules if name not in observing]


def _of_its_own(shared: Mapping[str, str], folder: Path, name: str) -> dict[str, str]:
    """The variables of one process."""
    ports = {"HTTP_PORT": str(free_port()), "GRPC_PORT": str(free_port())}
    return {**shared, **ports, "WADDLEBOT_DATA_DIR": str(folder / name)}


async def _prepared(variables: Mapping[str, str], prepare: hosting.Prepare) -> None:
    environment = load(variables)
    await asyncio.to_thread(bring_up, environment, database(environment, member.manifests()))
    async with opened(environment) as installation:
        await prepare(installation.dal)


@asynccontextmanager
async def _process(variables: Mapping[str, str], modules: Sequence[str]) -> AsyncIterator[Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.member", *modules,
        cwd=machine.ROOT, env={"PATH": os.environ["PATH"], **variables}, limit=2**27,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    process = Process(started)
    try:
        yield process
    finally:
        await process.stop()


@asynccontextmanager
async def _receiver(variables: Mapping[str, str]) -> AsyncIterator[twitch.Feed]:
    async with twitch_irc() as server:
        own = {"TWITCH_CHANNELS": "channel0", "TWITCH_IRC_URL": f"irc://127.0.0.1:{server.port}"}
        variables = {**variables, **own}
        host = Host(load(variables), variables, [RECEIVER], member.manifests())
        await host.start()
        try:
            yield await twitch.connected(host)
        finally:
            await host.stop()


async def _settled(cluster: Cluster) -> None:
    """Let the routers share the partitions and compile the view of every community."""
    routers = cluster.routers
    share = 64 // len(routers)
    for router in routers:
        await _until(router, "owned", share)
    await cluster.receiver.shared.announce(hosting.first_events(cluster.receiver))
    communities = len(set(cluster.receiver.shared.configuration.entities.values()))
    give_up_s = time.monotonic() + hosting.WAIT_S_MAX
    while sum([await router.ask("views") for router in routers]) < communities:
        if time.monotonic() > give_up_s:
            raise RuntimeError("the routers do not compile every view")
        await asyncio.sleep(0.05)
    for process in (*routers, cluster.observers, cluster.actions):
        await process.ask("settle")


async def _until(process: Process, question: str, least: int) -> None:
    give_up_s = time.monotonic() + hosting.WAIT_S_MAX
    while (found := await process.ask(question)) < least:
        if time.monotonic() > give_up_s:
            raise RuntimeError(f"{question}: {found}, not {least}")
        await asyncio.sleep(0.05)


def _seconds(process: psutil.Process, *, and_ended: bool = False) -> float:
    """Processor time of a process, and of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    ended = times.children_user + times.children_system if and_ended else 0.0
    return float(times.user + times.system + ended)
