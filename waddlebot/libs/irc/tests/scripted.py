"""A server that follows a script, for what no real one would do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from waddlebot.libs.irc.settings import IrcSettings
from waddlebot.libs.irc.url import parse_irc_url
from waddlebot.libs.testing.ports import free_port

type Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

WELCOME = ":s 001 bot :Hi\r\n:s 376 bot :End\r\n"


@asynccontextmanager
async def peer(script: Script) -> AsyncIterator[IrcSettings]:
    """A server that follows a script with each client; yields how to reach it."""
    port = free_port()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await script(reader, writer)
        except (OSError, asyncio.CancelledError):
            return
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield parse_irc_url(f"irc://bot@127.0.0.1:{port}/%23c?rate=100")
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, then: bytes = b"") -> None:
    """Let a client in and into its channel, and say more."""
    await reader.readuntil(b"USER")
    writer.write(WELCOME.encode() + b":bot!u@h JOIN #c\r\n" + then)
    await writer.drain()


async def stay(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
