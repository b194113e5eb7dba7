"""Twitch chat over IRC: https://dev.twitch.tv/docs/chat/irc, and what its users measured beyond that
(https://github.com/pajbot/tmi-rate-limits).
"""

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace

from waddlebot.libs.irc.errors import UrlError
from waddlebot.libs.irc.message import IrcMessage, find_tag
from waddlebot.libs.irc.pacing import SlidingWindow
from waddlebot.libs.irc.policy import Outgoing
from waddlebot.libs.irc.settings import Channel, Dialect, IrcSettings, Timing
from waddlebot.libs.irc.url import parse_irc_url

TWITCH_IRC_URL = "ircs://irc.chat.twitch.tv:6697"
ROOMS_MAX = 100
"""Channels one user may be in at once, since 2024-05-15."""

_LOGIN = re.compile(r"[a-z0-9_]{1,25}")
_JITTER_S = 1.0
"""Two lines may reach Twitch closer to each other than they left us, so its periods are taken to be longer."""
_PERIOD_S = 30.0 + _JITTER_S
_MESSAGES_MAX = 20
_PRIVILEGED_MAX = 100
_JOINS_PERIOD_S = 10.0 + _JITTER_S
_JOINS_MAX = 20
_NEWS_S = 2.0
"""So long it may take until all connections of a user know of another one."""
JOINS_PER_S = _JOINS_MAX / _JOINS_PERIOD_S
"""How many channels one user may join in the long run."""
_SLOW_S = 1.0
"""Every channel lets a user without privileges speak once a second, or more seldom as its ROOMSTATE says."""
_SLOW_JITTER_S = 0.2
_DUPLICATE_S = 30.0
_DUPLICATE_MARK = " \U000e0000"
"""Makes a repeated text differ without being seen."""
_PRIVILEGES = ("broadcaster/", "moderator/", "vip/", "lead_moderator/")

TWITCH = Dialect(
    # "twitch.tv/membership" is not wanted: who comes and goes is noise, and incomplete in large channels.
    capabilities=("twitch.tv/tags", "twitch.tv/commands"),
    full_irc=False,
    text_size_max=490,
    parts_max=3,
    reply_tag="reply-parent-msg-id",
    rooms_max=ROOMS_MAX,
    login_refusals=(
        "Login authentication failed",
        "Improperly formatted auth",
        "Login unsuccessful",
        "Invalid NICK",
    ),
    login_advice=(
        "Get a new token for the bot's account with the scopes chat:read and chat:edit, and set TWITCH_BOT_LOGIN "
        "and TWITCH_BOT_TOKEN"
    ),
    room_refusals=frozenset({"msg_channel_suspended", "msg_banned", "tos_ban", "msg_room_not_found"}),
)

TWITCH_TIMING = Timing(silence_s=120.0, refused_retry_s=0.0)
"""A refused token stays refused: trying again would only be counted against the address."""


def twitch_settings(
    channels: Sequence[str], login: str = "", token: str = "", url: str = TWITCH_IRC_URL
) -> IrcSettings:
    """One connection to Twitch: with login and token it can speak, without both it only reads.

    Raises UrlError, which names the variable that is wrong.
    """
    server = parse_irc_url(url or TWITCH_IRC_URL, "TWITCH_IRC_URL")
    login = login.strip().lower()
    token = token.strip().removeprefix("oauth:")
    if bool(login) != bool(token):
        raise UrlError("TWITCH_BOT_LOGIN and TWITCH_BOT_TOKEN belong together: set both, or neither to read only")
    if login and not _LOGIN.fullmatch(login):
        raise UrlError(f"TWITCH_BOT_LOGIN: {login[:32]!r} is no Twitch login")
    if not re.fullmatch(r"[!-~]*", token):
        raise UrlError("TWITCH_BOT_TOKEN: a token has no spaces and no letters beyond ASCII")
    mute = (
        ""
        if login
        else "Twitch is read anonymously: set TWITCH_BOT_LOGIN and TWITCH_BOT_TOKEN to let the bot speak"
    )
    return replace(
        server,
        nick=login or f"justinfan{secrets.randbelow(90_000) + 10_000}",
        password=f"oauth:{token}" if token else "",
        sasl="",
        channels=tuple(_channel(name) for name in channels if name.strip()),
        name="twitch",
        dialect=replace(TWITCH, mute=mute),
    )


def _channel(name: str) -> Channel:
    login = name.strip().removeprefix("#").lower()
    if not _LOGIN.fullmatch(login):
        raise UrlError(f"TWITCH_CHANNELS: {name[:32]!r} is no Twitch login")
    return Channel("#" + login)


class TwitchPolicy:
    """Twitch's limits per user: 100 messages in 30 s, of which 20 to channels where the user is neither
    broadcaster, moderator nor VIP, and 20 joins in 10 s. Who exceeds them is not heard for half an hour.
    """

    learns: Collection[str] = ("USERSTATE", "ROOMSTATE")
    joins_max = 1
    """So that a line never asks for more than is left; a line costs nothing, each channel counts."""

    def __init__(self) -> None:
        self._connections = 1
        self._before: list[tuple[float, int]] = []
        self._joined = False
        self._all = SlidingWindow(_PRIVILEGED_MAX, _PERIOD_S)
        self._plain = SlidingWindow(_MESSAGES_MAX, _PERIOD_S)
        self._joins = SlidingWindow(_JOINS_MAX, _JOINS_PERIOD_S)
        self._privileged: set[str] = set()
        self._slow_s: dict[str, float] = {}
        self._said_s: dict[str, float] = {}
        self._last_text: dict[str, tuple[str, float]] = {}

    def share(self, connections: int, now_s: float) -> None:
        """Use an equal part of the limits, since so many connections act as this user.

        Fewer connections count only when what was done by those that are gone does not any more. One that joins
        the others does not know what they did and do until they know of it, and waits for that to pass before its
        first JOIN.
        """
        if connections == self._connections:
            return
        self._before.append((now_s + _PERIOD_S, self._connections))
        self._connections = connections
        self._fit(now_s)
        if not self._joined and connections > 1:
            self._joins.take(now_s + _NEWS_S, self._joins.limit)

    def _fit(self, now_s: float) -> None:
        self._before = [(until_s, count) for until_s, count in self._before if now_s < until_s]
        count = max([self._connections, *(count for _, count in self._before)])
        self._all.limit = max(1, _PRIVILEGED_MAX // count)
        self._plain.limit = max(1, _MESSAGES_MAX // count)
        self._joins.limit = max(1, _JOINS_MAX // count)

    def delay_s(self, outgoing: Outgoing, now_s: float) -> float:
        """See `SendPolicy`."""
        if self._before:
            self._fit(now_s)
        if outgoing.channels:
            return self._joins.delay_s(now_s, len(outgoing.channels))
        if not outgoing.target:
            return 0.0
        delay_s = self._all.delay_s(now_s)
        if outgoing.target not in self._privileged:
            slow_s = max(_SLOW_S, self._slow_s.get(outgoing.target, 0.0)) + _SLOW_JITTER_S
            free_s = self._said_s.get(outgoing.target, -slow_s) + slow_s
            delay_s = max(delay_s, self._plain.delay_s(now_s), free_s - now_s)
        return delay_s

    def take(self, outgoing: Outgoing, now_s: float) -> None:
        """See `SendPolicy`."""
        if outgoing.channels:
            self._joined = True
            self._joins.take(now_s, len(outgoing.channels))
        elif outgoing.target:
            self._all.take(now_s)
            self._said_s[outgoing.target] = now_s
            if outgoing.target not in self._privileged:
                self._plain.take(now_s)

    def learn(self, message: IrcMessage) -> None:
        """USERSTATE tells our badges in a channel, ROOMSTATE its slow mode."""
        if message.command == "ROOMSTATE":
            slow = find_tag(message.tags, "slow")
            if slow.isascii() and slow.isdigit():
                self._slow_s[message.target] = float(slow[:6])
        elif _is_privileged(message.tags):
            self._privileged.add(message.target)
        else:
            self._privileged.discard(message.target)

    def vary(self, target: str, text: str, now_s: float) -> str:
        """Twitch drops a text that equals the user's last one in that channel within 30 s."""
        last, said_s = self._last_text.get(target, ("", 0.0))
        if text == last and now_s - said_s < _DUPLICATE_S:
            text += _DUPLICATE_MARK
        self._last_text[target] = (text, now_s)
        return text


def _is_privileged(tags: str) -> bool:
    badges = find_tag(tags, "badges").split(",")
    return find_tag(tags, "mod") == "1" or any(badge.startswith(_PRIVILEGES) for badge in badges)
