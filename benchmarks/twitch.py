"""Twitch chat for a host: its receiver is connected for real, then gets a corpus' bytes as from its socket."""

import asyncio
import itertools
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
_USERS_MIN = 1_000
_COMMANDS_EACH = 30
"""Half of what an account may use in a minute."""
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
        feed = await connected(host)
        await hosting.compile_views(host)
        yield feed


async def connected(host: Host) -> Feed:
    """A host's receiver, as soon as it is in its channel."""
    chat: Chat = host.runners["receiver.twitch"].services.state()
    await hosting.until(lambda: chat.client.state.ready, "the receiver is in its channel")
    session = chat.client._session
    if session is None:
        raise RuntimeError("the connection to the double of Twitch was lost")
    return Feed(host, session.flow)


def lines(messages: Sequence[Message]) -> list[bytes]:
    """The messages as sent just now."""
    now = b"tmi-sent-ts=%d" % int(time.time() * 1000)
    return [_SENT_AT.sub(now, message.raw, 1) for message in messages]


def chunks(messages: Sequence[Message]) -> list[bytes]:
    """The messages as sent just now, cut as a socket cuts them: anywhere."""
    raw = b"".join(lines(messages))
    return [raw[start : start + CHUNK_SIZE] for start in range(0, len(raw), CHUNK_SIZE)]


def in_turns(messages: Sequence[Message]) -> list[Message]:
    """The same chat, but with commands by people who take turns: the corpus' most eager would be refused some."""
    users = max(_USERS_MIN, sum(1 for message in messages if message.command) // _COMMANDS_EACH)
    turns = itertools.cycle(range(users))
    return [_by(next(turns), message) if message.command else message for message in messages]


def _by(number: int, message: Message) -> Message:
    login, user_id = f"asker{number}", f"{90_000_000 + number}"
    was = f" :{message.login}!{message.login}@{message.login}.".encode()
    raw = message.raw.replace(was, f" :{login}!{login}@{login}.".encode(), 1)
    raw = raw.replace(f";user-id={message.user_id};".encode(), f";user-id={user_id};".encode(), 1)
    return message._replace(raw=raw, login=login, user_id=user_id)


def line(channel: str, text: str) -> bytes:
    """One more line of somebody's."""
    return f"@badges=;display-name=Eve;id={channel};user-id=1 :eve!eve@eve PRIVMSG #{channel} :{text}\r\n".encode()
