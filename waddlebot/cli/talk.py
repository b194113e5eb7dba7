"""A conversation with the console's channel: says what is typed or piped in, shows what is said there."""

import asyncio
import contextlib
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import msgspec
from rich.text import Text

from waddlebot.cli import screen
from waddlebot.cli.failures import UNUSABLE, Failure
from waddlebot.libs.contracts.console import OWNER_ID, PLATFORM

_DOOR = "/api/v1/receiver.console"
_SILENCE_S = 2.0
"""How long the bot may say nothing after the last piped line, before we go."""
_AFTERTHOUGHT_S = 0.3
"""The same when every line got an answer."""
_AGAIN_S = 1.0
"""Pause before a lost connection is made again."""
_TOO_MANY = 429


class Unreachable(Exception):  # noqa: N818  a finding, not an error of ours
    """Nobody listens where the bot would."""


class Line(msgspec.Struct):
    """What the stream says of one line, as far as we show it."""

    kind: str
    at: float
    name: str
    text: str
    speaker: str = ""
    private: bool = False
    to: str = ""


class Talk:
    """One conversation, as the owner or as the viewer ``name``, until the input ends."""

    def __init__(self, url: str, token: str, name: str) -> None:
        self._url = url + _DOOR
        self._headers = {"Authorization": f"Bearer {token}"}
        self._name = name
        self._account = f"{PLATFORM}:guest:{name.casefold()}" if name else f"{PLATFORM}:{OWNER_ID}"
        self._typed = sys.stdin.isatty()
        self._out = screen.out()
        self._started_at = time.time()
        self._last_id = ""
        self._echoes: Counter[str] = Counter()
        self._unanswered = 0
        self._heard_at = time.monotonic()
        self._listening = asyncio.Event()

    async def run(self) -> None:
        """Talk until the input ends. Raises :class:`Unreachable`, and ``Failure`` with the bot's words."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5.0)
        async with aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session:
            listening = asyncio.create_task(self._listen(session))
            try:
                await self._speak(session, listening)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _speak(self, session: aiohttp.ClientSession, listening: asyncio.Task[None]) -> None:
        ready = asyncio.create_task(self._listening.wait())
        await asyncio.wait([ready, listening], return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            await listening
        if self._typed:
            self._out.print("You are in. Type !help; Ctrl+D ends.", style="dim")
        async for text in _lines_typed():
            await self._say(session, text)
        if not self._typed:
            await self._hear_out()

    async def _say(self, session: aiohttp.ClientSession, text: str) -> None:
        if not text.strip():
            return
        self._echoes[text.strip()] += 1
        self._unanswered += 1
        self._heard_at = time.monotonic()
        line = {"text": text, "name": self._name, "id": secrets.token_hex(16)}
        while True:
            try:
                async with session.post(f"{self._url}/say", json=line) as answer:
                    if answer.status != _TOO_MANY:
                        await _check(answer)
                        return
                    pause_s = float(answer.headers.get("Retry-After", "1"))
            except aiohttp.ClientConnectionError:
                pause_s = _AGAIN_S  # the id makes sure that it is said once
            await asyncio.sleep(pause_s)

    async def _hear_out(self) -> None:
        """Wait until the bot has said what it has to say."""
        while True:
            patience_s = _SILENCE_S if self._unanswered > 0 else _AFTERTHOUGHT_S
            left_s = self._heard_at + patience_s - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, 0.1))

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        """Show the lines; a connection that breaks after it once held is made again."""
        while True:
            try:
                headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
                async with session.get(f"{self._url}/stream", headers=headers) as answer:
                    await _check(answer)
                    async for raw in answer.content:
                        self._listening.set()
                        self._take(raw.decode().rstrip("\n"))
            except aiohttp.ClientConnectionError:
                if not self._listening.is_set():
                    raise Unreachable from None
            except aiohttp.ClientPayloadError:
                pass  # the bot went away in the middle
            await asyncio.sleep(_AGAIN_S)

    def _take(self, raw: str) -> None:
        """One line of the event stream (the format is the HTML standard's, "Server-sent events")."""
        field, _, value = raw.partition(": ")
        if field == "id":
            self._last_id = value
        elif field == "data":
            with contextlib.suppress(msgspec.ValidationError):  # a `reset` has no line
                self._show(msgspec.json.decode(value, type=Line))

    def _show(self, line: Line) -> None:
        if line.kind == "bot" and line.at >= self._started_at:
            self._heard_at = time.monotonic()
            if line.to == self._account:
                self._unanswered -= 1
        if not self._typed:
            if line.kind == "bot" and line.at >= self._started_at:
                sys.stdout.write(f"{screen.visible(line.text)}\n")
                sys.stdout.flush()
            return
        if line.speaker == self._account and self._echoes[line.text] > 0:
            self._echoes[line.text] -= 1  # we saw it when we typed it
            return
        style = "bold yellow" if line.kind == "bot" else "bold cyan"
        name = f"{line.name} (to you alone)" if line.private else line.name
        shown = Text.assemble((f"{screen.visible(name)}: ", style), screen.visible(line.text))
        if line.at < self._started_at:
            shown.stylize("dim")
        self._out.print(shown, soft_wrap=True)


async def _lines_typed() -> AsyncIterator[str]:
    """The lines of standard input. A thread reads them: not every kind of input can be waited for in the loop."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended first
            for line in sys.stdin:
                loop.call_soon_threadsafe(queue.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


async def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= 400:
        try:
            words = str(msgspec.json.decode(await answer.read())["detail"])
        except (msgspec.DecodeError, KeyError, TypeError):
            words = f"status {answer.status}"
        raise Failure(f"The bot refuses: {words}", UNUSABLE)
