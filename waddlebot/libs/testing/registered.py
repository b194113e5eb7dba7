"""A module in another process, which imports nothing of ours: :mod:`waddlebot.libs.testing.weatherish`."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import Bot
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.web import JsonClient

URL = "/api/v1/processing.router/registrations"
_PROGRAM = Path(__file__).with_name("weatherish.py")
_SAYS_S = 10.0


class Program:
    """The module's own process."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it is registered."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(_PROGRAM), *self._arguments, stdout=asyncio.subprocess.PIPE
        )
        await self.says("registered")

    async def says(self, word: str) -> str:
        """What it prints after a word, as soon as it does. Raises TimeoutError, EOFError."""
        if self._process is None or self._process.stdout is None:
            raise EOFError("the module is not started")
        async with asyncio.timeout(_SAYS_S):
            while line := (await self._process.stdout.readline()).decode():
                said, _, rest = line.rstrip("\n").partition(" ")
                if said == word:
                    return rest
        raise EOFError(f"the module ended without saying {word}")

    async def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.communicate()


async def key_of(bot: Bot) -> str:
    """A key of the installation."""
    return await bot.key(f"modules-{free_port()}", Role.ACTION, installation=True)


@contextlib.asynccontextmanager
async def registered(bot: Bot, responses_url: str = "") -> AsyncIterator[Program]:
    """A running module, for as long as the block runs. What it says late it says at ``responses_url``."""
    raw = await key_of(bot)
    program = Program(bot.url, raw, str(free_port()), responses_url or bot.url)
    try:
        await program.start()
        yield program
    finally:
        await program.kill()
        async with aiohttp.ClientSession() as session:
            await JsonClient(session, bot.url).ask("DELETE", f"{URL}/acme.weatherish", key=raw)
