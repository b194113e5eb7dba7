"""Whole bots made of several processes, as an operator spreads modules over containers."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import ProcessBot, environ_of
from waddlebot.libs.testing.ports import free_port

ROUTER = "processing.router"

_BUDGETS = {"DATABASE_READERS": "2", "DATABASE_WRITERS": "3"}

type Grouping = Sequence[Sequence[str]]
"""The modules of each process."""


class Cluster:
    """One process for each group of modules, on one database and one Redis. It is asked at the first router."""

    def __init__(self, hosts: Sequence[ProcessBot]) -> None:
        self.hosts = hosts
        self.routers = [host for host in hosts if ROUTER in host.modules or not host.modules]
        self.url = self.routers[0].url

    def host_of(self, module: str) -> ProcessBot:
        """The first process that runs a module."""
        return next(host for host in self.hosts if module in host.modules or not host.modules)

    async def start(self) -> None:
        """Start all processes and wait until every one is ready."""
        await asyncio.gather(*(host.start() for host in self.hosts))

    async def stop(self) -> None:
        """Stop all processes as a service manager does."""
        await asyncio.gather(*(host.stop() for host in self.hosts if host.running))

    async def end(self) -> None:
        """Leave nothing running, whatever happened."""
        await asyncio.gather(*(host.end() for host in self.hosts))

    async def key(
        self, name: str, role: Role, *, community: str = "", entity: str = "", installation: bool = False
    ) -> str:
        """A new API key."""
        return await self.routers[0].key(name, role, community=community, entity=entity, installation=installation)

    def log(self) -> str:
        """What all processes logged."""
        return "\n".join(host.log() for host in self.hosts)


def one_each() -> list[tuple[str]]:
    """A process for each module there is."""
    return [(name,) for name in discover()]


def rest_of(*names: str) -> tuple[str, ...]:
    """All modules but these, together."""
    return tuple(name for name in discover() if name not in names)


def cluster_of(folder: Path, grouping: Grouping, database_url: str, redis_url: str, **more: str) -> Cluster:
    """A cluster with a data folder, ports and a log for each process; not started."""
    # Few connections for each: together they are to fit into one server.
    shared = {"WADDLEBOT_SECRET": secrets.token_hex(32), "REDIS_URL": redis_url, **_BUDGETS, **more}
    hosts = []
    for number, modules in enumerate(grouping):
        data = folder / f"{number:02}-{modules[0] if modules else 'all'}"
        environ = environ_of(data, database_url, GRPC_PORT=str(free_port()), **shared)
        hosts.append(ProcessBot(environ, *modules))
    return Cluster(hosts)


@contextlib.asynccontextmanager
async def clustered(
    folder: Path, grouping: Grouping, database_url: str, redis_url: str, more: Mapping[str, str] | None = None
) -> AsyncIterator[Cluster]:
    """A running cluster, its schema brought up to date, for as long as the block runs."""
    cluster = cluster_of(folder, grouping, database_url, redis_url, **(more or {}))
    await cluster.hosts[0].upgrade()
    try:
        await cluster.start()
        yield cluster
        await cluster.stop()
    finally:
        await cluster.end()
