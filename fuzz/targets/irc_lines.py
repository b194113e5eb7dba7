"""What an IRC server sends: bytes to messages, and messages back to lines."""

import asyncio
import atexit
from functools import cache

from waddlebot.libs.irc.connection import LineProtocol
from waddlebot.libs.irc.isupport import Isupport
from waddlebot.libs.irc.message import IrcMessage, build_line, find_tag, parse_line, parse_tags
from waddlebot.libs.irc.text import parse_ctcp, sanitise, strip_formatting
from waddlebot.libs.irc.twitch import TwitchPolicy

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.irc.message", "waddlebot.libs.irc.isupport",
)  # fmt: skip
SIZE_MAX = 2_048
SEEDS = (
    b"\x07:a!b@c PRIVMSG #c :hello there\r\n:s 001 bot :Hi\r\n",
    b"\x01@badge-info=;badges=moderator/1,vip/1;color=#FF0000;display-name=Ann;emotes=25:0-4,12-16/1902:6-10;"
    b"flags=;id=b34ccfc7;mod=1;room-id=1337;subscriber=0;tmi-sent-ts=1507246572675;turbo=1;user-id=1337;"
    b"user-type=mod :ann!ann@ann.tmi.twitch.tv PRIVMSG #bob :Kappa Keepo Kappa\r\n",
    b"\x03@login=ann;msg-id=resub;msg-param-months=6;msg-param-sub-plan=Prime;"
    b"system-msg=ann\\shas\\ssubscribed\\sfor\\s6\\smonths!;user-id=8 :tmi.twitch.tv USERNOTICE #bob :Great\r\n",
    b"\x02:s 005 bot PREFIX=(ov)@+ CHANTYPES=#& CHANMODES=b,k,l,imnpst CASEMAPPING=rfc1459 NICKLEN=30 "
    b"LINELEN=2048 TARGMAX=JOIN:4,PRIVMSG:1 NETWORK=Net :are supported\r\n",
    b"\x05:a!b@c PRIVMSG bot :\x01ACTION waves\x01\r\n:a!b@c PRIVMSG bot :\x0304,05red\x0f \x02bold\r\n",
    b"\x09:a PRIVMSG #c :caf\xe9 \xff \x80\r\n:a PRIVMSG #c :\xe2\x80\xa8PRIVMSG #d :x\xc2\x85QUIT\r\n",
    b"\x02@slow=30;room-id=1 :tmi.twitch.tv ROOMSTATE #bob\r\n@badges=broadcaster/1;mod=0 :t USERSTATE #bob\r\n",
)  # fmt: skip
WORDS = (
    "PRIVMSG", "USERNOTICE", "ROOMSTATE", "USERSTATE", "NOTICE", "005", "\r\n", "\n", "\r", " :", "@", ";", "=",
    "\\:", "\\s", "\\\\", "\\r", "\\n", "\u2028", "\x85", "PREFIX=(ov)@+", "CHANTYPES=", "CHANMODES=",
    "LINELEN=", "TARGMAX=JOIN:", "CASEMAPPING=", "ascii", "rfc1459-strict", "NICKLEN=", "msg-id=", "badges=",
    "slow=", "\x01", "ACTION", "\x0304,05",
)  # fmt: skip


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def check(data: bytes) -> None:
    """Whole or in pieces, the same messages; each is clean, and is what it was after being written and read."""
    given = Input(data)
    pieces = given.byte() + 1
    received = given.rest()
    piece_size = max(1, len(received) // pieces)
    whole, ended = _loop().run_until_complete(_read(received, len(received) or 1))
    if not ended:
        assert _loop().run_until_complete(_read(received, piece_size)) == (whole, False), (
            "pieces make a difference"
        )
    isupport, policy = Isupport(), TwitchPolicy()
    for message in whole:
        _check_clean(message)
        _check_tags(message)
        _check_written(message)
        _check_said(message.text)
        isupport.read(message.params[1:-1])
        policy.learn(message)
        assert isupport.fold(isupport.fold(message.target)) == isupport.fold(message.target)


async def _read(received: bytes, piece_size: int) -> tuple[list[IrcMessage], bool]:
    lines: list[str] = []
    ends: list[str] = []
    protocol = LineProtocol(lines.extend, ends.append, lambda: None)
    for start in range(0, len(received), piece_size):
        protocol.data_received(received[start : start + piece_size])
    return [parse_line(line) for line in lines], bool(ends)


def _check_clean(message: IrcMessage) -> None:
    for part in (message.tags, message.source, message.command, *message.params):
        assert "\n" not in part, message
        assert "\0" not in part, message
        part.encode()
    for part in (message.tags, message.source, message.command, *message.params[:-1]):
        assert " " not in part, message


def _check_tags(message: IrcMessage) -> None:
    pairs = [pair.partition("=") for pair in message.tags.split(";")]
    keys = [key for key, _, _ in pairs]
    for key, value in parse_tags(message.tags).items():
        if keys.count(key) == 1:
            assert find_tag(message.tags, key) == value, key


def _check_written(message: IrcMessage) -> None:
    tags = parse_tags(message.tags)
    try:
        line = build_line(message.command, *message.params, source=message.source, tags=tags)
    except ValueError:
        return  # a part that would become another part
    again = parse_line(line)
    assert (again.source, again.command, again.params) == (message.source, message.command, message.params), line
    assert parse_tags(again.tags) == tags, line


def _check_said(text: str) -> None:
    """What a chatter said stays a text of one line, whatever it looks like."""
    said = sanitise(text)
    assert sanitise(said) == said
    parse_ctcp(text)
    strip_formatting(text)
    line = build_line("PRIVMSG", "#c", said)
    assert parse_line(line) == IrcMessage("", "", "PRIVMSG", ("#c", said)), line
