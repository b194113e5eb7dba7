"""A whole IRC client against a server that says anything, and chatters who do."""

import asyncio
import atexit
from collections.abc import Callable
from functools import cache
from typing import Any

from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.message import IrcMessage, parse_line
from waddlebot.libs.irc.policy import FloodPolicy
from waddlebot.libs.irc.settings import IRC, Channel, IrcSettings
from waddlebot.libs.irc.twitch import TWITCH, TwitchPolicy

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.irc.connection", "waddlebot.libs.irc.session", "waddlebot.libs.irc.registration",
    "waddlebot.libs.irc.rooms", "waddlebot.libs.irc.roster",
)  # fmt: skip
SIZE_MAX = 2_048
SEEDS = (
    b"\0CAP * LS :multi-prefix sasl=PLAIN batch\n:s CAP * ACK :multi-prefix\n:s CAP bot ACK :batch\n"
    b"AUTHENTICATE +\n:s 903 bot :ok\n:s 001 bot :Hi\n:s 376 bot :End\n",
    b"\1:bot!u@h JOIN #c\n:s 353 bot = #c :@ann +bob bot\n:s 366 bot #c :End\n:s MODE #c +o-v ann bob\n"
    b":ann!a@b NICK anna\n:bob!a@b QUIT :x\n:ann!a@b KICK #c bot :out\n",
    b"\1:s 433 * bot :in use\n:bot!u@h NICK bot2\n:other!u@h QUIT :x\n:s 471 bot #c :full\n:s 470 bot #c ##c :no\n"
    b":ann!a@b INVITE bot :#c\n:s 396 bot host.example :is now your host\n",
    b"\1:ann!a@b PRIVMSG bot :\x01VERSION\x01\n:ann!a@b PRIVMSG bot :\x01PING 123\x01\nPING :abc\n",
    b"\1:s BATCH +r chathistory #c\n@batch=r :ann!a@b PRIVMSG #c :old\n:s BATCH -r\nERROR :Closing link\n",
    b"\3@msg-id=msg_banned :tmi.twitch.tv NOTICE #c :You are banned\n:tmi.twitch.tv RECONNECT\n",
    b"\2:tmi.twitch.tv NOTICE * :Login authentication failed\n",
)  # fmt: skip
WORDS = (
    "CAP", "LS", "ACK", "NAK", "NEW", "DEL", "sasl", "AUTHENTICATE", "JOIN", "PART", "KICK", "MODE", "NICK",
    "QUIT", "INVITE", "NOTICE", "PRIVMSG", "BATCH", "PING", "ERROR", "RECONNECT", "001", "005", "353", "376",
    "396", "422", "433", "432", "470", "471", "903", "904", "chathistory", "batch=", ":bot!u@h", ":s ", "#c",
    " :", "\n", "\x01", "VERSION", "PREFIX=(qaohv)~&@%+", "CHANTYPES=", "CHANMODES=b,k,l,i", "CASEMAPPING=ascii",
    "msg-id=msg_banned",
)  # fmt: skip

_WELCOME = b":s 001 bot :Hi\n:s 005 bot PREFIX=(ov)@+ CHANTYPES=# :x\n:s 376 bot :End\n:bot!u@h JOIN #c\n"
# The answer to a CTCP request is all that a chatter can make us send.
_SENT_TO_CHATTERS = frozenset({b"NOTICE"})


class _Wire(asyncio.Transport):
    """A connection that keeps what is written."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.written: list[bytes] = []
        self._loop = loop
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.call_soon(self.protocol.connection_lost, None)

    abort = close


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose connections go nowhere."""

    wire: _Wire

    async def create_connection(self, protocol_factory: Callable[[], Any], *_: Any, **__: Any) -> Any:
        protocol = protocol_factory()
        self.wire = _Wire(self, protocol)
        protocol.connection_made(self.wire)
        return self.wire, protocol


@cache
def _loop() -> _Loop:
    loop = _Loop()
    atexit.register(loop.close)
    return loop


def check(data: bytes) -> None:
    """A server may end the link and no more, and each line that we write is one line."""
    _loop().run_until_complete(_check(Input(data)))


async def _check(given: Input) -> None:
    kind = given.byte()
    settings = IrcSettings(
        host="server", port=6667, nick="bot", channels=(Channel("#c", "key"),), tls=False, insecure=True,
        password="secret", sasl="" if kind & 1 else "plain", dialect=TWITCH if kind & 2 else IRC,
    )  # fmt: skip
    heard: list[IrcMessage] = []
    policy = TwitchPolicy() if kind & 2 else FloodPolicy(100.0)
    client = IrcClient(settings, heard.extend, policy=policy, guard=lambda text: text)
    running = asyncio.create_task(client.run())
    await asyncio.sleep(0)
    wire = _loop().wire
    if kind & 1:
        wire.protocol.data_received(_WELCOME)
        await asyncio.sleep(0)
        assert client.state.ready
    received = given.rest()
    wire.protocol.data_received(received)
    await asyncio.sleep(0)
    if not wire.is_closing():
        wire.protocol.data_received(b"\n")  # the end of a last line that has none
        await asyncio.sleep(0)
    if not wire.is_closing():
        _check_chatter(client, wire, heard, received.decode("utf-8", "replace"))
    await client.close()
    await running
    for written in wire.written:
        _check_line(written)


def _check_line(written: bytes) -> None:
    assert written.endswith(b"\r\n"), written
    assert not set(b"\r\n\0") & set(written[:-2]), written
    assert parse_line(written.decode()).command.strip().isalnum(), written


def _check_chatter(client: IrcClient, wire: _Wire, heard: list[IrcMessage], text: str) -> None:
    """Whatever the state is, what a chatter says is heard as said, and is not taken for the server's words."""
    text = text.replace("\r", "").replace("\n", "").replace("\0", "")
    sent = len(wire.written)
    heard.clear()
    before = client.state
    wire.protocol.data_received(f":eve!eve@host PRIVMSG #c :{text}\r\n".encode())
    assert client.state == before
    assert [message for message in heard if message.params != ("#c", text)] == []
    assert {line.split(b" ", 1)[0] for line in wire.written[sent:]} <= _SENT_TO_CHATTERS, wire.written[sent:]
