"""Twitch chat for a host: its receiver is connected for real, then gets a corpus' bytes as from its socket."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from benchmarks import hosting
from benchmarks.corpus import Message
from waddlebot.libs.irc.connection import LineProtocol
from waddlebot.libs.sdk import Module
from waddlebot.libs.testing.twitch_irc import twitch_irc
from waddlebot.runtime.host import Host
from waddlebot.trigger.receiver.twitch.module import Chat

CHUNK_SIZE = 65_536
"""Bytes that one read of a busy socket brings."""
_SENT_AT = re.compile(rb"tmi-sent-ts=\d+")


class Feed:
    """A host whose Twitch receiver is fed."""

    def __init__(self, host: Host, protocol: LineProtocol) -> None:
        self.host = host
        self._protocol = protocol

    async def feed(self, chunks: Iterable[bytes]) -> None:
        """Hand over what was received, as fast as the receiver reads and replies leave.

        One connection brings here what Twitch spreads over ten, which may be in 100 channels each.
        """
        for chunk in chunks:
            self._protocol.data_received(chunk)
            await asyncio.sleep(0)
            while not self._protocol.reading or self.host.outbox.size > hosting.REPLIES_WAITING_MAX:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0.001)


@asynccontextmanager
async def fed(*modules: Module, prepare: hosting.Prepare) -> AsyncIterator[Feed]:
    """A host whose receiver has connected to a double of Twitch and is in its first channel."""
    async with (
        twitch_irc() as server,
        hosting.running(
            *modules,
            prepare=prepare,
            TWITCH_CHANNELS="channel0",
            TWITCH_IRC_URL=f"irc://127.0.0.1:{server.port}",
        ) as host,
    ):
        chat: Chat = host.runners["receiver.twitch"].services.state()
        await hosting.until(lambda: chat.client.state.ready, "the receiver is in its channel")
        await hosting.compile_views(host)
        session = chat.client._session
        if session is None:
            raise RuntimeError("the connection to the double of Twitch was lost")
        yield Feed(host, session.flow)


def chunks(messages: Sequence[Message]) -> list[bytes]:
    """The messages as sent just now, cut as a socket cuts them: anywhere."""
    raw = b"".join(message.raw for message in messages)
    raw = _SENT_AT.sub(b"tmi-sent-ts=%d" % int(time.time() * 1000), raw)
    return [raw[start : start + CHUNK_SIZE] for start in range(0, len(raw), CHUNK_SIZE)]


def line(channel: str, text: str) -> bytes:
    """One more line of somebody's."""
    return f"@badges=;display-name=Eve;id={channel};user-id=1 :eve!eve@eve PRIVMSG #{channel} :{text}\r\n".encode()
