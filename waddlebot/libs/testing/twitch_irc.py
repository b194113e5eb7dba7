"""A double of Twitch's chat server that enforces the documented rules (https://dev.twitch.tv/docs/chat/irc).

No real one can be run. This one refuses what Twitch refuses, and notes every broken rule in `violations`.
"""

import asyncio
import time
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from waddlebot.libs.testing.ports import free_port

_HOST = "tmi.twitch.tv"
_ROOMS_MAX = 100
_TEXT_SIZE_MAX = 500
_CAPABILITIES = ("twitch.tv/commands", "twitch.tv/membership", "twitch.tv/tags")


@dataclass(eq=False, slots=True)
class _Client:
    writer: asyncio.StreamWriter
    login: str = ""
    token: str = ""
    welcomed: bool = False
    negotiating: bool = False
    capabilities: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)

    @property
    def anonymous(self) -> bool:
        return self.login.startswith("justinfan") and self.login.removeprefix("justinfan").isdigit()

    def send(self, line: str, tags: Mapping[str, str] | None = None) -> None:
        if tags is not None and "twitch.tv/tags" in self.capabilities:
            line = "@" + ";".join(f"{key}={_escape(value)}" for key, value in tags.items()) + " " + line
        if not self.writer.is_closing():
            self.writer.write(line.encode() + b"\r\n")


class TwitchIrc:
    """The server. `tokens` maps logins to their tokens, `moderators` are logins that moderate every channel."""

    def __init__(
        self,
        tokens: Mapping[str, str] | None = None,
        moderators: Iterable[str] = (),
        suspended: Iterable[str] = (),
    ) -> None:
        self.port = free_port()
        self.violations: list[str] = []
        self.said: list[tuple[str, str, str]] = []
        """What was relayed: login, channel, text."""
        self.commands: list[str] = []
        """Texts that Twitch would have run as a chat command."""
        self.reply_parents: list[str] = []
        """Ids of messages that were answered by name."""
        self.logins: list[str] = []
        """All tries to log in."""
        self._tokens, self._moderators, self._suspended = tokens or {}, set(moderators), set(suspended)
        self._clients: set[_Client] = set()
        self._joins: defaultdict[str, deque[float]] = defaultdict(deque)
        self._messages: defaultdict[str, deque[tuple[float, bool]]] = defaultdict(deque)
        self._last: dict[tuple[str, str], tuple[str, float]] = {}
        self._handlers = {
            "CAP": self._on_cap,
            "PASS": self._on_pass,
            "NICK": self._on_nick,
            "JOIN": self._on_join,
            "PART": self._on_part,
            "PING": self._on_ping,
            "PRIVMSG": self._on_privmsg,
        }

    @property
    def url(self) -> str:
        """For TWITCH_IRC_URL."""
        return f"irc://127.0.0.1:{self.port}"

    # ---- what a test does -------------------------------------------------------------------------------------

    def say(self, channel: str, login: str, text: str, **tags: str) -> str:
        """Let a chatter speak in a channel (`#name`); returns the message's id. `_` in a tag's name is `-`."""
        all_tags = _chat_tags(login) | {key.replace("_", "-"): value for key, value in tags.items()}
        self._relay(channel, f":{login}!{login}@{login}.{_HOST} PRIVMSG {channel} :{text}", all_tags)
        return all_tags["id"]

    def send(self, channel: str, line: str) -> None:
        """Send a line, recorded from Twitch or made up, to everybody in a channel."""
        self._relay(channel, line, None)

    def reconnect(self) -> None:
        """Announce maintenance, as Twitch does, and close the connections a little later."""
        for client in self._clients:
            client.send(f":{_HOST} RECONNECT")

    def drop(self) -> None:
        """Cut all connections."""
        for client in list(self._clients):
            client.writer.transport.abort()

    def present(self, channel: str) -> set[str]:
        """Logins that are in a channel."""
        return {client.login for client in self._clients if channel in client.rooms}

    # ---- the server -------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        client = _Client(writer)
        self._clients.add(client)
        try:
            while line := await reader.readline():
                self._receive(client, line.decode().rstrip("\r\n"))
        except (OSError, ValueError):
            self.violations.append("a connection that broke, or a line beyond all bounds")
        finally:
            self._clients.discard(client)
            writer.close()

    def _receive(self, client: _Client, line: str) -> None:
        if line.startswith("@"):
            tags, _, line = line.partition(" ")
            if tags.startswith("@reply-parent-msg-id="):
                self.reply_parents.append(tags.partition("=")[2])
        head, _, trailing = line.partition(" :")
        words = head.split(" ")
        if trailing or line.endswith(" :"):
            words.append(trailing)
        handler = self._handlers.get(words[0])
        if handler is not None:
            handler(client, words[1:] or [""])
            self._welcome(client)

    def _on_cap(self, client: _Client, words: list[str]) -> None:
        if words[0] == "LS":
            client.negotiating = True
            client.send(f":{_HOST} CAP * LS :{' '.join(_CAPABILITIES)}")
        elif words[0] == "REQ":
            known = set(words[1].split()) <= set(_CAPABILITIES)
            client.capabilities |= set(words[1].split()) if known else set()
            client.send(f":{_HOST} CAP * {'ACK' if known else 'NAK'} :{words[1]}")
        else:
            client.negotiating = False

    def _on_pass(self, client: _Client, words: list[str]) -> None:
        client.token = words[0]

    def _on_nick(self, client: _Client, words: list[str]) -> None:
        if client.welcomed:
            self.violations.append(f"{client.login} changes its nick, which Twitch answers by closing")
        client.login = words[0]

    def _welcome(self, client: _Client) -> None:
        if client.welcomed or not client.login or client.negotiating:
            return
        self.logins.append(client.login)
        if not client.anonymous:
            token = self._tokens.get(client.login)
            if not client.token.startswith("oauth:") or token != client.token.removeprefix("oauth:"):
                proper = client.token.startswith("oauth:")
                words = "Login authentication failed" if proper else "Improperly formatted auth"
                client.send(f":{_HOST} NOTICE * :{words}")
                client.writer.close()
                return
        client.welcomed = True
        for number, text in (("001", "Welcome, GLHF!"), ("375", "-"), ("376", ">")):
            client.send(f":{_HOST} {number} {client.login} :{text}")

    def _on_join(self, client: _Client, words: list[str]) -> None:
        now_s = time.monotonic()
        for channel in words[0].split(","):
            joins = self._joins[client.login]
            joins.append(now_s)
            while joins[0] < now_s - 10:
                joins.popleft()
            if len(joins) > 20 or len(client.rooms) >= _ROOMS_MAX or channel != channel.lower():
                self.violations.append(f"JOIN {channel}: {len(joins)} in 10 s, {len(client.rooms)} rooms")
                continue
            if channel.removeprefix("#") in self._suspended:
                words_ = "This channel does not exist or has been suspended."
                client.send(f":{_HOST} NOTICE {channel} :{words_}", {"msg-id": "msg_channel_suspended"})
                continue
            client.rooms.add(channel)
            client.send(f":{client.login}!{client.login}@{client.login}.{_HOST} JOIN {channel}")
            client.send(f":{client.login}.{_HOST} 366 {client.login} {channel} :End of /NAMES list")
            client.send(f":{_HOST} ROOMSTATE {channel}", {"followers-only": "-1", "slow": "0", "room-id": "1"})
            self._userstate(client, channel)

    def _userstate(self, client: _Client, channel: str) -> None:
        if not client.anonymous:
            moderator = client.login in self._moderators
            tags = {"badges": "moderator/1" if moderator else "", "mod": "1" if moderator else "0"}
            client.send(f":{_HOST} USERSTATE {channel}", tags | {"display-name": client.login})

    def _on_part(self, client: _Client, words: list[str]) -> None:
        client.rooms.discard(words[0])
        client.send(f":{client.login}!{client.login}@{client.login}.{_HOST} PART {words[0]}")

    def _on_ping(self, client: _Client, words: list[str]) -> None:
        client.send(f":{_HOST} PONG {_HOST} :{words[0]}")

    def _on_privmsg(self, client: _Client, words: list[str]) -> None:
        channel, text = words[0], words[-1]
        now_s = time.monotonic()
        privileged = client.login in self._moderators
        sent = self._messages[client.login]
        sent.append((now_s, privileged))
        while sent[0][0] < now_s - 30:
            sent.popleft()
        if len(sent) > 100 or sum(not each for _, each in sent) > 20:
            self.violations.append(f"{len(sent)} messages in 30 s")
        if client.anonymous or len(text) > _TEXT_SIZE_MAX:
            self.violations.append(f"a message of {len(text)} characters by {client.login}")
            return
        last, last_s = self._last.get((client.login, channel), ("", 0.0))
        if not privileged and text == last and now_s - last_s < 30:
            self._notice(client, channel, "msg_duplicate", "Your message is identical to the previous one.")
        elif not privileged and now_s - last_s < 1:
            self._notice(client, channel, "msg_ratelimit", "You are sending messages too quickly.")
        elif text.startswith(("/", ".")):
            self.commands.append(text)
        else:
            self._last[client.login, channel] = (text, now_s)
            self.said.append((client.login, channel, text))
            self._userstate(client, channel)
            line = f":{client.login}!{client.login}@{client.login}.{_HOST} PRIVMSG {channel} :{text}"
            self._relay(channel, line, _chat_tags(client.login), but=client)

    def _notice(self, client: _Client, channel: str, msg_id: str, text: str) -> None:
        self.violations.append(f"{msg_id} in {channel}")
        client.send(f":{_HOST} NOTICE {channel} :{text}", {"msg-id": msg_id})

    def _relay(self, channel: str, line: str, tags: Mapping[str, str] | None, but: _Client | None = None) -> None:
        for client in self._clients:
            if channel in client.rooms and client is not but:
                client.send(line, tags)


def _chat_tags(login: str) -> dict[str, str]:
    return {
        "badge-info": "",
        "badges": "",
        "color": "#0D4200",
        "display-name": login.title(),
        "emotes": "",
        "first-msg": "0",
        "id": str(uuid.uuid4()),
        "mod": "0",
        "room-id": "713936733",
        "subscriber": "0",
        "tmi-sent-ts": str(time.time_ns() // 1_000_000),
        "user-id": str(sum(login.encode()) + 1_000_000),
        "user-type": "",
    }


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(";", "\\:").replace(" ", "\\s")


@asynccontextmanager
async def twitch_irc(
    tokens: Mapping[str, str] | None = None, moderators: Iterable[str] = (), suspended: Iterable[str] = ()
) -> AsyncIterator[TwitchIrc]:
    """A running double on a free port of 127.0.0.1."""
    twitch = TwitchIrc(tokens, moderators, suspended)
    server = await asyncio.start_server(twitch.serve, "127.0.0.1", twitch.port)
    try:
        yield twitch
    finally:
        server.close()
        twitch.drop()
        await server.wait_closed()
