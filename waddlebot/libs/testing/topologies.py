"""Fixtures: the same bot in every topology, and a channel to talk in.

A test that asks for `chat` runs once in each topology. A bot starts once per run and topology, so each chat has
a community of its own, and such tests share the run's event loop:
`pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from waddlebot.libs.testing.bots import Bot, environ_of, hosted, launched
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.talk import Chat, joined

_START: dict[str, Callable[[Mapping[str, str]], AbstractAsyncContextManager[Bot]]] = {
    "host": hosted,
    "process": launched,
}


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=["host-sqlite", "host-postgresql", "process-sqlite", "process-postgresql"],
)
async def bot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    """A bot: a host in this process or the program itself, on SQLite or PostgreSQL."""
    how, _, engine = str(request.param).partition("-")
    url = ""
    if engine == "postgresql":
        server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
        url = server.url(server.create())
    async with _START[how](environ_of(tmp_path_factory.mktemp("bot"), url)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def chat(bot: Bot) -> AsyncIterator[Chat]:
    """A channel of its own, in a community of its own. At the end nothing may be left unheard."""
    async with joined(bot) as talking:
        yield talking
