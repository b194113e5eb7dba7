"""People who talk at the console: lines that come live, which no door keeps."""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import msgspec

from drills.cluster import ClusterWorld
from drills.world import BooksError
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import ProcessBot

CONSOLE = "receiver.console"

_EVERY_S = 0.25
_ANSWER_S_MAX = 20.0


class Live:
    """Everybody says one command, so that nobody's limits count; ``heard`` counts the answers by name."""

    def __init__(self, session: aiohttp.ClientSession, host: ProcessBot) -> None:
        self.said: list[str] = []
        self.heard: Counter[str] = Counter()
        self._session = session
        self._url = f"{host.url}/api/v1/{CONSOLE}"
        self._run = secrets.token_hex(3)
        self._numbers = itertools.count()
        self._looking = asyncio.Event()

    async def say(self) -> str:
        """Somebody new asks for help; the name."""
        name = f"g{self._run}-{next(self._numbers)}"
        async with self._session.post(f"{self._url}/say", json={"text": "!help", "name": name}) as answer:
            answer.raise_for_status()
        self.said.append(name)
        return name

    async def talk(self) -> None:
        """Say something again and again."""
        await self._looking.wait()
        while True:
            await self.say()
            await asyncio.sleep(_EVERY_S)

    async def look(self) -> None:
        """Read what the bot says."""
        async with self._session.get(f"{self._url}/stream") as stream:
            self._looking.set()
            async for line in stream.content:
                field, _, value = line.partition(b": ")
                if field == b"data":
                    shown = msgspec.json.decode(value)
                    if shown.get("kind") == "bot" and shown.get("to_name", "").startswith(f"g{self._run}-"):
                        self.heard[shown["to_name"]] += 1

    async def next_answer(self) -> float:
        """The seconds until somebody who speaks from now on is answered. Raises BooksError."""
        began_s = time.monotonic()
        names: set[str] = set()
        while not names & self.heard.keys():
            names.add(await self.say())
            await asyncio.sleep(_EVERY_S)
            if time.monotonic() - began_s > _ANSWER_S_MAX:
                raise BooksError("nobody at the console is answered any more")
        return time.monotonic() - began_s


@contextlib.asynccontextmanager
async def talking(world: ClusterWorld) -> AsyncIterator[Live]:
    """People talk for as long as the block runs."""
    host = world.cluster.host_of(CONSOLE)
    key = await world.bot.key(f"live-{secrets.token_hex(4)}", Role.ADMIN)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5.0)
    async with aiohttp.ClientSession(headers={"X-API-Key": key}, timeout=timeout) as session:
        live = Live(session, host)
        tasks = [asyncio.create_task(work) for work in (live.look(), live.talk())]
        try:
            yield live
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(outcome, asyncio.CancelledError) and outcome is not None:
                    raise BooksError(f"talking at the console ended: {outcome!r}")
