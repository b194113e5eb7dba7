"""IRC's words become ours."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

from waddlebot.libs.irc.message import IrcMessage, find_tag
from waddlebot.libs.irc.text import parse_ctcp, strip_formatting
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event

PLATFORM = "irc"

_LAG_S_MAX = 15.0

ROLES = {"q": "owner", "a": "moderator", "o": "moderator", "h": "moderator", "v": "vip"}
"""A channel's status as a role: who may kick is a moderator, who was given a voice is somebody."""


class Translator:
    """Makes events of the lines of one network.

    Who is logged in to services is that account for ever; anybody else is a nick with a `~` before it, which no
    account's name begins with: whoever takes the nick of an account does not become it.
    """

    def __init__(
        self, server: str, source: str, fold: Callable[[str], str], status: Callable[[str, str], str]
    ) -> None:
        self._server, self._source = server, source
        self._fold, self._status = fold, status
        self._run = secrets.token_hex(4)
        self._numbers = count()

    def events(self, messages: Sequence[IrcMessage], now: float) -> list[Event]:
        """The events among messages, received at `now` (seconds since the epoch)."""
        found = []
        for message in messages:
            if message.command == "PRIVMSG":
                if message.target[:1] in "#&+!":  # What is said to us alone belongs to no community.
                    found.append(self._chat(message, now))
            elif message.command == "KICK" and len(message.params) > 1 and "!" in message.source:
                found.append(self._kick(message, now))
        return found

    def entity(self, channel: str) -> str:
        """The entity of a channel of this network."""
        return f"{PLATFORM}:{self._server}:{self._fold(channel)}"

    def _chat(self, message: IrcMessage, now: float) -> Event:
        channel, text = message.params[0], message.params[1]
        nick, tags = message.nick, message.tags
        if text[:1] == "\x01":
            ctcp = parse_ctcp(text)
            text = ctcp[1] if ctcp is not None else text
        return Event(
            EVENT_VERSION, self._id(tags), CHAT_MESSAGE, PLATFORM, self._server, self._fold(channel),
            self._user_id(nick, tags), nick, nick, self._roles(channel, nick), strip_formatting(text),
            _sent_at(tags, now), now, "", self._source, tags,
        )  # fmt: skip

    def _kick(self, message: IrcMessage, now: float) -> Event:
        channel, target, *reason = message.params
        nick, tags = message.nick, message.tags
        data = {"target_id": self._user_id(target, ""), "target_login": target, "reason": " ".join(reason)}
        return Event(
            EVENT_VERSION, self._id(tags), "member.kicked", PLATFORM, self._server, self._fold(channel),
            self._user_id(nick, tags), nick, nick, self._roles(channel, nick), "",
            _sent_at(tags, now), now, "", self._source, tags, data,
        )  # fmt: skip

    def _id(self, tags: str) -> str:
        given = find_tag(tags, "msgid") if tags else ""
        return given or f"{self._run}-{next(self._numbers)}"

    def _user_id(self, nick: str, tags: str) -> str:
        account = find_tag(tags, "account") if tags else ""
        return f"{self._server}/{account}" if account else f"{self._server}/~{self._fold(nick)}"

    def _roles(self, channel: str, nick: str) -> tuple[str, ...]:
        status = self._status(channel, nick)
        return tuple(ROLES[mode] for mode in status if mode in ROLES) if status else ()


def _sent_at(tags: str, now: float) -> float:
    """When it was said, by the server's clock where it tells (https://ircv3.net/specs/extensions/server-time).

    A server a minute off has a wrong clock: what is played back comes in a batch, which is left out.
    """
    stamp = find_tag(tags, "time") if tags else ""
    if not stamp:
        return now
    try:
        sent_at = datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return now
    return sent_at if 0 <= now - sent_at < _LAG_S_MAX else now
