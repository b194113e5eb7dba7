"""Fixtures: the same bot in every topology, and a channel to talk in.

A test that asks for `chat` runs once in each topology. A bot starts once per run and topology, so each chat has
a community of its own, and such tests share the run's event loop:
`pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from waddlebot.libs.testing.bots import Bot, environ_of, hosted, launched
from waddlebot.libs.testing.clusters import ROUTER, Grouping, clustered, one_each, rest_of
from waddlebot.libs.testing.databases import PostgreSQLServer, replica_running
from waddlebot.libs.testing.redis_servers import valkey_running
from waddlebot.libs.testing.talk import Chat, joined

_START: dict[str, Callable[[Mapping[str, str]], AbstractAsyncContextManager[Bot]]] = {
    "host": hosted,
    "process": launched,
}

_GROUPINGS: dict[str, Grouping] = {
    "one": [()],
    "each": one_each(),
    "routers": [(ROUTER,), (ROUTER,), rest_of(ROUTER)],
    "odd": [
        (ROUTER, "core.community", "pushing.irc"),
        ("core.identity", "interactive.alias", "receiver.console"),
        rest_of(ROUTER, "core.community", "pushing.irc", "core.identity", "interactive.alias", "receiver.console"),
    ],
}


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=[
        *("host-sqlite", "host-postgresql", "process-sqlite", "process-postgresql"),
        *(f"cluster-{grouping}" for grouping in _GROUPINGS),
    ],
)
async def bot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    """A bot: a host in this process, the program itself, or some of it on PostgreSQL with a replica, and Redis."""
    how, _, what = str(request.param).partition("-")
    async with _ENTER[how](request, what, tmp_path_factory.mktemp("bot")) as running:
        yield running


@contextlib.asynccontextmanager
async def _single(request: pytest.FixtureRequest, how: str, engine: str, folder: Path) -> AsyncIterator[Bot]:
    url = ""
    if engine == "postgresql":
        server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
        url = server.url(server.create())
    async with _START[how](environ_of(folder, url)) as running:
        yield running


@contextlib.asynccontextmanager
async def _several(request: pytest.FixtureRequest, grouping: str, folder: Path) -> AsyncIterator[Bot]:
    server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
    name = server.create()
    with replica_running(server) as replica, valkey_running(folder / "valkey") as valkey:
        more = {"DATABASE_REPLICA_URLS": replica.url(name)}
        async with clustered(folder, _GROUPINGS[grouping], server.url(name), valkey.url, more) as running:
            yield running


_ENTER: dict[str, Callable[[pytest.FixtureRequest, str, Path], AbstractAsyncContextManager[Bot]]] = {
    "host": lambda request, engine, folder: _single(request, "host", engine, folder),
    "process": lambda request, engine, folder: _single(request, "process", engine, folder),
    "cluster": _several,
}


@pytest_asyncio.fixture(loop_scope="session")
async def chat(bot: Bot) -> AsyncIterator[Chat]:
    """A channel of its own, in a community of its own. At the end nothing may be left unheard."""
    async with joined(bot) as talking:
        yield talking
