"""Twitch's words become ours: chat over IRC (https://dev.twitch.tv/docs/chat/irc)."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from waddlebot.libs.irc.message import IrcMessage, find_tag, parse_tags, unescape_tag
from waddlebot.libs.irc.text import parse_ctcp
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event

PLATFORM = "twitch"

SHARED_CHAT = "chat.shared"
"""A line of another channel's chat that Twitch shows here too: it is told, and not answered."""

ROLES = {
    "broadcaster": "broadcaster",
    "lead_moderator": "moderator",
    "moderator": "moderator",
    "vip": "vip",
    "subscriber": "subscriber",
    "founder": "founder",
}
"""Badges that say what somebody is in a channel. Badges of Twitch's staff say nothing of that."""

# An ordinary line of chat: raw tags; of these badges, display name, id, time and user id; login, channel, text.
# Twitch sends tags in alphabetical order. A line with others between them (`bits`, `source-room-id`) is for
# `_chat`. The first assertion keeps the rest within the tags: no tag but the last may then stand before a space.
_LINE = (
    r"@(?=[^ ]*;user-type=[^ ;]*(?:;vip=1)? :)"
    r"(badge-info=[^;]*+;badges=([^;]*+);(?:c[^;]*+;)*+display-name=([^;]*+);(?:[e-h][^;]*+;)*+id=([^;]++);"
    r"(?:[j-r][^;]*+;)*+(?:subscriber=[^;]*+;)?+tmi-sent-ts=([0-9]{1,15}+);(?:turbo=[^;]*+;)?+"
    r"user-id=([^;]++);[^ ]*+) :(?!NICK!)([^! ]++)![^ ]*+ PRIVMSG #([^ :]++) :(?!\x01)(.*+)"
)
_SUBSCRIPTIONS = frozenset({"sub", "resub", "primepaidupgrade", "giftpaidupgrade", "anongiftpaidupgrade"})
_TIERS = {"1000": 1, "2000": 2, "3000": 3, "Prime": 1}


def entity(channel: str) -> str:
    """The entity of a channel, by its login."""
    return f"{PLATFORM}::{channel.removeprefix('#')}"


def chat_line(nick: str) -> Callable[[str], re.Match[str] | None]:
    """What reads an ordinary line of chat in one step, for `events`; our own lines are left out."""
    return re.compile(_LINE.replace("NICK", re.escape(nick)), re.DOTALL).fullmatch


def events(
    received: Sequence[IrcMessage | re.Match[str]], now: float, source: str, communities: Mapping[str, str]
) -> list[Event]:
    """The events among what was received at `now` (seconds since the epoch).

    `communities` are those of entities; ordinary lines of chat, which most are, get theirs here at once.
    """
    found: list[Event] = []
    for one in received:
        if isinstance(one, re.Match):
            tags, badges, name, event_id, sent_at, user_id, login, channel, text = one.groups()
            found.append(
                Event(
                    EVENT_VERSION, event_id, CHAT_MESSAGE, PLATFORM, "", channel, user_id, login,
                    (unescape_tag(name) if "\\" in name else name) or login, roles(badges), text,
                    int(sent_at) / 1000, now, communities.get(f"{PLATFORM}::{channel}", ""), source, tags,
                )
            )  # fmt: skip
        elif one.command == "PRIVMSG":
            found.append(_chat(one, now, source))
            if "bits=" in one.tags:
                found.extend(_cheer(found[-1]))
        elif one.command in _OTHERS and one.params:
            found.extend(_OTHERS[one.command](one, now, source))
    return found


def _chat(message: IrcMessage, now: float, source: str) -> Event:
    """A line of chat that is not quite like most; without an id of Twitch's it gets one of ours."""
    text = message.params[1]
    tags = parse_tags(message.tags)
    kind = CHAT_MESSAGE
    data: dict[str, Any] = {}
    if text[:1] == "\x01":
        ctcp = parse_ctcp(text)
        text, data = (ctcp[1], {"action": True}) if ctcp is not None else (text, data)
    shared_from = tags.get("source-room-id")
    if shared_from and shared_from != tags.get("room-id"):
        kind, data = SHARED_CHAT, data | {"shared_from": shared_from}
    login = message.nick
    return Event(
        EVENT_VERSION, tags.get("id") or secrets.token_hex(8), kind, PLATFORM, "", message.target[1:],
        tags.get("user-id", ""), login, tags.get("display-name") or login, roles(tags.get("badges", "")), text,
        _seconds(tags.get("tmi-sent-ts", ""), now), now, "", source, message.tags, data,
    )  # fmt: skip


@lru_cache(maxsize=16_384)
def roles(badges: str) -> tuple[str, ...]:
    """The roles that a `badges` tag tells of."""
    names = (badge.partition("/")[0] for badge in badges.split(","))
    return tuple(ROLES[name] for name in names if name in ROLES)


def _cheer(event: Event) -> list[Event]:
    """A line with bits is a cheer as well."""
    bits = _number(find_tag(event.native, "bits"))
    if event.kind != CHAT_MESSAGE or not bits:
        return []
    return [_event(event.id + ":cheer", "channel.cheered", event, {"bits": bits})]


def _event(event_id: str, kind: str, like: Event, data: dict[str, Any]) -> Event:
    return Event(
        EVENT_VERSION, event_id, kind, PLATFORM, "", like.channel, like.user_id, like.user_login, like.user_name,
        like.roles, like.text, like.occurred_at, like.received_at, "", like.source, like.native, data,
    )  # fmt: skip


def _notice(message: IrcMessage, now: float, source: str) -> list[Event]:
    """USERNOTICE: subscriptions, gifts, raids, announcements."""
    tags = parse_tags(message.tags)
    kind, data = _told(tags)
    if not kind:
        return []
    login = tags.get("login", "")
    text = message.params[1] if len(message.params) > 1 else ""
    like = _from_tags(
        message, tags, now, source, (tags.get("user-id", ""), login, tags.get("display-name", "")), text
    )
    return [_event(like.id, kind, like, data | {"words": tags.get("system-msg", "")})]


def _told(tags: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """What a USERNOTICE tells, as kind and data; an empty kind for what is no event of ours."""
    what = tags.get("msg-id", "")
    tier = _TIERS.get(tags.get("msg-param-sub-plan", ""), 1)
    if what in _SUBSCRIPTIONS:
        months = _number(tags.get("msg-param-cumulative-months", "")) or 1
        prime = tags.get("msg-param-sub-plan") == "Prime"
        return "channel.subscribed", {"tier": tier, "months": months, "again": what == "resub", "prime": prime}
    if what == "submysterygift":
        return "channel.gifted", {"count": _number(tags.get("msg-param-mass-gift-count", "")) or 1, "tier": tier}
    if what == "subgift":
        recipient = {
            "recipient_id": tags.get("msg-param-recipient-id", ""),
            "recipient_login": tags.get("msg-param-recipient-user-name", ""),
        }
        # A gift to the community was counted as a whole; its parts are told one by one.
        part = bool(tags.get("msg-param-community-gift-id"))
        return "channel.gift_received" if part else "channel.gifted", {"count": 1, "tier": tier} | recipient
    if what == "raid":
        return "channel.raided", {"viewers": _number(tags.get("msg-param-viewerCount", ""))}
    return ("channel.announced", {}) if what == "announcement" else ("", {})


def _clear_chat(message: IrcMessage, now: float, source: str) -> list[Event]:
    """CLEARCHAT: a ban, a timeout, or the whole chat. Twitch does not say who did it."""
    tags = parse_tags(message.tags)
    like = _from_tags(message, tags, now, source, ("", "", ""), "")
    if len(message.params) < 2:
        return [_event(like.id, "chat.cleared", like, {})]
    data: dict[str, Any] = {"target_id": tags.get("target-user-id", ""), "target_login": message.params[1]}
    seconds = _number(tags.get("ban-duration", ""))
    if seconds:
        return [_event(like.id, "member.timed_out", like, data | {"seconds": seconds})]
    return [_event(like.id, "member.banned", like, data)]


def _clear_message(message: IrcMessage, now: float, source: str) -> list[Event]:
    """CLEARMSG: one line was deleted."""
    tags = parse_tags(message.tags)
    like = _from_tags(message, tags, now, source, ("", "", ""), "")
    data = {"message_id": tags.get("target-msg-id", ""), "target_login": tags.get("login", "")}
    return [_event(like.id, "chat.deleted", like, data)]


_OTHERS: dict[str, Callable[[IrcMessage, float, str], list[Event]]] = {
    "USERNOTICE": _notice,
    "CLEARCHAT": _clear_chat,
    "CLEARMSG": _clear_message,
}


def _from_tags(
    message: IrcMessage, tags: dict[str, str], now: float, source: str, who: tuple[str, str, str], text: str
) -> Event:
    """What all of these have in common; one without an id of Twitch's is named by what it says and when."""
    sent_at = tags.get("tmi-sent-ts", "")
    event_id = tags.get("id") or f"{message.command}:{message.target}:{sent_at}:{message.text}"
    user_id, login, name = who
    return Event(
        EVENT_VERSION, event_id, "", PLATFORM, "", message.target[1:], user_id, login, name or login,
        roles(tags.get("badges", "")), text, _seconds(sent_at, now), now, "", source,
        message.tags,
    )  # fmt: skip


def _seconds(sent_at: str, now: float) -> float:
    """A time in milliseconds as Twitch sends it, in seconds; `now` for anything else."""
    return int(sent_at) / 1000 if sent_at.isdecimal() and len(sent_at) < 16 else now


def _number(value: str) -> int:
    """A count of at most nine digits; 0 for anything else."""
    return int(value) if value.isdecimal() and len(value) < 10 else 0
