"""Whole bots for tests: the host in this process, or the program as users start it."""

import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

import aiohttp

from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.databases import admin_url
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.web.ring import FRESH_S
from waddlebot.runtime import environment
from waddlebot.runtime.host import Host, database
from waddlebot.runtime.installation import opened
from waddlebot.runtime.upgrade import bring_up

START_S = 120.0
"""Many processes may start side by side on a small machine."""
STOP_S = 20.0
_POLL_S = 0.02


class Bot(Protocol):
    """A running bot: where it is, and what it wrote into its log."""

    url: str

    async def key(
        self, name: str, role: Role, *, community: str = "", entity: str = "", installation: bool = False
    ) -> str:
        """A new API key."""

    def log(self) -> str:
        """All log lines so far."""


def environ_of(data: Path, database_url: str = "", **more: str) -> dict[str, str]:
    """The variables of a bot of its own: a data folder, a free port, and every border checked by the codec."""
    return {
        "WADDLEBOT_DATA_DIR": str(data),
        "DATABASE_URL": database_url,
        "DATABASE_ADMIN_URL": admin_url(database_url),
        "HTTP_PORT": str(free_port()),
        "GRPC_PORT": str(free_port()),
        "HTTP_REQUESTS_MAX": "1000000",
        "WIRE_CHECK": "1",
        **more,
    }


async def logged(bot: Bot, pattern: str, timeout_s: float = 10.0) -> re.Match[str]:
    """The last match of a pattern in the bot's log, as soon as there is one. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = list(re.finditer(pattern, bot.log(), re.MULTILINE))
            if found:
                return found[-1]
            await asyncio.sleep(_POLL_S)


class HostBot:
    """A host in this process."""

    def __init__(self, host: Host, lines: list[str]) -> None:
        self.host = host
        self.url = host.web.url
        self._lines = lines

    async def key(
        self, name: str, role: Role, *, community: str = "", entity: str = "", installation: bool = False
    ) -> str:
        """A new API key."""
        raw, _ = await self.host.web.keys.create(
            name, role, community=community, entity=entity, installation=installation
        )
        return raw

    def log(self) -> str:
        """All log lines since the start."""
        return "\n".join(self._lines)


class _Keep(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextlib.asynccontextmanager
async def hosted(environ: Mapping[str, str]) -> AsyncIterator[HostBot]:
    """A host with these variables, its schema brought up to date, for as long as the block runs."""
    lines: list[str] = []
    keep = _Keep(lines)
    logging.getLogger().addHandler(keep)
    host = Host(environment.load(environ), environ)
    try:
        await asyncio.to_thread(bring_up, host.environment, host.dal)
        await host.start()
        yield HostBot(host, lines)
    finally:
        await host.stop()
        logging.getLogger().removeHandler(keep)


class ProcessBot:
    """``python -m waddlebot run`` as a process of its own, which can be killed and started again."""

    def __init__(self, environ: Mapping[str, str], *modules: str) -> None:
        self.environ = dict(environ)
        self.url = f"http://127.0.0.1:{environ['HTTP_PORT']}"
        self.modules = modules
        self._output = Path(environ["WADDLEBOT_DATA_DIR"]) / "output.txt"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's number. Raises RuntimeError while there is none."""
        return self._running.pid

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the bot is not started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def upgrade(self) -> None:
        """Bring the schema up to date, which with PostgreSQL is an operator's to do."""
        if "PYTHONPATH" in self.environ:  # the program has modules that this process has not
            await run("db", "upgrade", environ=self.environ)
            return
        found = environment.load(self.environ)
        await asyncio.to_thread(bring_up, found, database(found, discover()))

    async def key(
        self, name: str, role: Role, *, community: str = "", entity: str = "", installation: bool = False
    ) -> str:
        """A new API key, made beside the running bot."""
        async with opened(environment.load(self.environ)) as installed:
            raw, _ = await installed.keys.create(
                name, role, community=community, entity=entity, installation=installation
            )
        # Nothing tells when the bot has noticed, and trying wrong keys is what it counts.
        await asyncio.sleep(FRESH_S)
        return raw

    async def spawn(self) -> None:
        """Start the process and do not wait."""
        self._output.parent.mkdir(parents=True, exist_ok=True)
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "waddlebot", "run", *self.modules,
                env=_whole(self.environ), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises RuntimeError with its output when it is not."""
        await self.spawn()
        try:
            async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
                while not await _is_ready(session, self.url):
                    if self._running.returncode is not None:
                        raise RuntimeError(f"the bot ended with {self._running.returncode}:\n{self.log()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            await self.kill()
            raise RuntimeError(f"the bot was not ready within {START_S:g} s:\n{self.log()}") from None

    async def wait(self) -> int:
        """Wait until the process has ended; its exit code."""
        return await self._running.wait()

    async def kill(self) -> None:
        """``kill -9``."""
        with contextlib.suppress(ProcessLookupError):
            self._running.kill()
        await self._running.wait()

    async def stop(self) -> int:
        """Ask it to stop, as Ctrl-C and service managers do; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                return await self._running.wait()
        except TimeoutError:
            await self.kill()
            raise RuntimeError(f"the bot did not stop within {STOP_S:g} s:\n{self.log()}") from None

    async def end(self) -> None:
        """Leave nothing running, whatever happened."""
        if self._process is not None:
            await self.kill()

    def log(self) -> str:
        """What it printed, and its log files."""
        files = [self._output, *sorted((self._output.parent / "logs").glob("*"))]
        return "\n".join(file.read_text("utf-8", "replace") for file in files if file.is_file())


@contextlib.asynccontextmanager
async def launched(environ: Mapping[str, str], *modules: str) -> AsyncIterator[ProcessBot]:
    """The program with these variables, its schema brought up to date, for as long as the block runs."""
    bot = ProcessBot(environ, *modules)
    await bot.upgrade()
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


async def run(*arguments: str, environ: Mapping[str, str], stdin: bytes | None = None) -> str:
    """What ``waddlebot ARGUMENTS`` prints. Raises RuntimeError where it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "waddlebot", *arguments, env=_whole(environ),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(START_S):
        output, _ = await process.communicate(stdin)
    text = output.decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"waddlebot {' '.join(arguments)} ended with {process.returncode}:\n{text}")
    return text


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/health/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _whole(environ: Mapping[str, str]) -> dict[str, str]:
    """A process needs more than our variables; of theirs none may leak in."""
    kept = {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("COV")}
    return kept | dict(environ)


_INHERITED = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SYSTEMROOT", "COVERAGE_PROCESS_START"}
