"""Load: events through the REST door, remembered until they are acknowledged."""

import asyncio
import itertools
from random import Random
from typing import Any, Protocol

import aiohttp
import msgspec

from drills.world import COMMUNITY, PLATFORM, World
from waddlebot.libs.sdk.rank import Role

BATCH_SIZE = 20
POSTERS = 3
_TRIES_MAX = 400
_PAUSE_S = 0.05

type Line = dict[str, Any]


class Posted(Protocol):
    """What was posted: the lines that were acknowledged by their ids, and how many batches were refused."""

    acknowledged: dict[str, Line]
    refused: int


class Load:
    """Posts batches of lines, half of them commands; a batch without its 2xx is posted again, as platforms do."""

    def __init__(self, world: World, key: str, random: Random) -> None:
        self.acknowledged: dict[str, Line] = {}
        self.refused = 0
        self._open: list[list[Line]] = []
        self._url = f"{world.bot.url}/api/v1/processing.router/events"
        self._headers = {"X-API-Key": key}
        self._random = random
        self._numbers = itertools.count()

    def batch(self) -> list[Line]:
        """New lines, each by somebody else, so that nobody's limits count."""
        numbers = [next(self._numbers) for _ in range(BATCH_SIZE)]
        return [line(f"event-{n}", "!book" if self._random.random() < 0.5 else "hello") for n in numbers]

    async def run(self) -> None:
        """Post until the bot is gone."""
        async with aiohttp.ClientSession(headers=self._headers) as session:
            await asyncio.gather(*(self._post_many(session) for _ in range(POSTERS)))

    async def settle(self) -> None:
        """Post again what was never acknowledged. Raises TimeoutError when the bot does not take it."""
        async with aiohttp.ClientSession(headers=self._headers) as session:
            for _ in range(_TRIES_MAX):
                while self._open and await self._post(session, self._open[-1]):
                    self._open.pop()
                if not self._open:
                    return
                await asyncio.sleep(_PAUSE_S)
        raise TimeoutError("the bot does not take what it never acknowledged")

    async def ask(self, lines: list[Line], wait_s: int) -> list[dict[str, Any]]:
        """Post lines and return what became of them. Raises aiohttp.ClientError while the bot is gone."""
        url = f"{self._url}?wait={wait_s}"
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.post(url, json=lines) as answer,
        ):
            answer.raise_for_status()
            results: list[dict[str, Any]] = msgspec.json.decode(await answer.read())["results"]
            return results

    async def _post_many(self, session: aiohttp.ClientSession) -> None:
        while True:
            lines = self._open.pop() if self._open else self.batch()
            try:
                taken = await self._post(session, lines)
            except aiohttp.ClientError:
                self._open.append(lines)
                return
            if not taken:
                self._open.append(lines)
                await asyncio.sleep(_PAUSE_S)

    async def _post(self, session: aiohttp.ClientSession, lines: list[Line]) -> bool:
        async with session.post(self._url, json=lines) as answer:
            if answer.status == 503:
                self.refused += 1
                return False
            answer.raise_for_status()
        self.acknowledged.update({one["id"]: one for one in lines})
        return True


def line(id_: str, text: str, channel: str = "room") -> Line:
    """A line that somebody says."""
    return {
        "id": id_, "kind": "chat.message", "platform": PLATFORM, "server": "net", "channel": channel,
        "user_id": f"user-{id_}", "text": text,
    }  # fmt: skip


async def key_of(world: World) -> str:
    """A key for the load, made before the bot starts."""
    return await world.bot.key("drill", Role.TRIGGER, community=COMMUNITY)
