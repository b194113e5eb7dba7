"""What an event is worth, and what a score means.

The score runs from 300 to 850, starts at 600 and moves by fractions: rounded after each event, chat would be
worth nothing. Only its distance from the start is stored (``gained``), so an account without a row has the
score 600, never a 0 that could be mistaken for one.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    COMMAND_EXECUTED,
    MEMBER_BANNED,
    MEMBER_TIMED_OUT,
    MEMBER_WARNED,
    Crowd,
    Event,
    Field,
    FieldError,
)

SCORE_START = 600.0
SCORE_MIN = 300.0
SCORE_MAX = 850.0

_TIERS = ((800, "exceptional"), (740, "very good"), (670, "good"), (580, "fair"))
_QUANTITY_MAX = 1_000_000.0  # a platform that reports more is wrong; the score stops at its ends anyway


def _weight(meaning: str) -> Field:
    return Field(f"What {meaning} adds to the score.", at_least=-550, at_most=550)


def _points(meaning: str) -> Field:
    return Field(f"Activity points for {meaning}.", at_least=-10_000, at_most=10_000)


def _policy(what: str) -> Field:
    return Field(f"Whether people with a low score are {what}.")


def _threshold(what: str) -> Field:
    # Not above 550: who was punished once, or twice lightly, is nobody for a policy.
    return Field(f"The score at and below which the policy {what}.", at_least=SCORE_MIN, at_most=550)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What each event is worth here, and what follows from a score.

    The overall score always counts by the standard weights.
    """

    chat: Annotated[float, _weight("a chat line")] = 0.01
    command: Annotated[float, _weight("a command")] = -0.1
    giveaway: Annotated[float, _weight("entering a giveaway")] = -1.0
    follow: Annotated[float, _weight("following")] = 1.0
    subscription_1: Annotated[float, _weight("a subscription of tier 1")] = 5.0
    subscription_2: Annotated[float, _weight("a subscription of tier 2")] = 10.0
    subscription_3: Annotated[float, _weight("a subscription of tier 3")] = 20.0
    gift: Annotated[float, _weight("each subscription given away")] = 3.0
    donation: Annotated[float, _weight("each US dollar donated")] = 1.0
    cheer: Annotated[float, _weight("each 100 bits cheered")] = 1.0
    raid: Annotated[float, _weight("a raid")] = 2.0
    boost: Annotated[float, _weight("a server boost")] = 5.0
    warn: Annotated[float, _weight("a warning")] = -25.0
    timeout: Annotated[float, _weight("a timeout")] = -50.0
    kick: Annotated[float, _weight("being kicked")] = -75.0
    ban: Annotated[float, _weight("a ban")] = -200.0
    points_message: Annotated[float, _points("a chat line, where the platform has no number below")] = 1.0
    points_twitch_follow: Annotated[float, _points("following on Twitch")] = 10.0
    points_twitch_subscription: Annotated[float, _points("subscribing on Twitch")] = 50.0
    points_twitch_raid: Annotated[float, _points("raiding on Twitch")] = 30.0
    points_twitch_gift: Annotated[float, _points("each subscription given away on Twitch")] = 60.0
    points_twitch_ban: Annotated[float, _points("being banned on Twitch")] = -10.0
    points_discord_message: Annotated[float, _points("a message on Discord")] = 5.0
    points_discord_reaction: Annotated[float, _points("a reaction on Discord")] = 2.0
    points_discord_join: Annotated[float, _points("joining a Discord server")] = 10.0
    points_discord_voice_join: Annotated[float, _points("joining a voice channel on Discord")] = 8.0
    points_discord_voice: Annotated[float, _points("each minute in a voice channel on Discord")] = 1.0
    points_discord_boost: Annotated[float, _points("boosting a Discord server")] = 100.0
    points_slack_message: Annotated[float, _points("a message on Slack")] = 5.0
    points_slack_file: Annotated[float, _points("a file on Slack")] = 15.0
    points_slack_reaction: Annotated[float, _points("a reaction on Slack")] = 3.0
    points_slack_join: Annotated[float, _points("joining a Slack channel")] = 10.0
    points_slack_mention: Annotated[float, _points("mentioning the app on Slack")] = 8.0
    decay: Annotated[
        float,
        Field("Which share of its distance from 600 a score loses each week; 0 is none.", at_least=0, at_most=0.5),
    ] = 0.0
    policy_warn: Annotated[bool, _policy("warned, when they are punished again")] = False
    policy_warn_at: Annotated[float, _threshold("warns")] = 500.0
    policy_restrict: Annotated[bool, _policy("not answered for a while, when they are punished again")] = False
    policy_restrict_at: Annotated[float, _threshold("restricts")] = 475.0
    policy_restrict_days: Annotated[
        float, Field("How many days somebody is not answered.", at_least=0.01, at_most=365)
    ] = 7.0
    policy_ban: Annotated[bool, _policy("banned, when they are punished again")] = False
    policy_ban_at: Annotated[float, _threshold("bans")] = 450.0
    policy_cool_off_days: Annotated[
        float, Field("For how many days no policy does the same to somebody again.", at_least=1, at_most=365)
    ] = 7.0

    def __post_init__(self) -> None:
        if not self.policy_warn_at >= self.policy_restrict_at >= self.policy_ban_at:
            raise FieldError("A harsher policy cannot have a higher threshold: warn, then restrict, then ban.")


STANDARD = Settings()


type _Rate = tuple[float, float, float]

type Gain = tuple[str, str, float, float, float]
"""What one account gained in one community, in the order of :data:`GAIN_COLUMNS`."""

GAIN_COLUMNS = ("account", "community", "gained", "gained_overall", "activity")

type Daily = tuple[str, str, int, str, float, float]
"""What changed an account's score on one day, all of one kind together, in the order of :data:`DAILY_COLUMNS`."""

DAILY_COLUMNS = ("account", "community", "day", "kind", "number", "gained")

type Entry = tuple[str, str, str, int, str, float, float, str, str, str]
"""A punishment by itself, in the order of :data:`ENTRY_COLUMNS`."""

ENTRY_COLUMNS = ("account", "community", "id", "day", "kind", "gained", "at", "login", "actor", "reason")

DAY_S = 86_400
REASON_LENGTH_MAX = 200
OURS = "core.reputation"
"""The source of what this module announces: what a policy does costs nobody anything."""

EXCUSED = ("command", "giveaway")
"""What using the bot costs. No policy counts it: nobody is punished for that."""


class Brought(NamedTuple):
    """What a batch brought.

    ``accused`` are who was punished in it (account, community, login), ``staff`` who did so (account, community).
    """

    gains: list[Gain]
    daily: list[Daily]
    entries: list[Entry]
    accused: list[tuple[str, str, str]]
    staff: list[tuple[str, str]]


class _Worth(NamedTuple):
    """How a kind of event is weighed: its weight's name, how many of it an event holds, whom it concerns."""

    weight: Callable[[Mapping[str, Any]], str]
    quantity: Callable[[Mapping[str, Any]], float] = lambda data: 1.0
    concerns_target: bool = False


def _always(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda data: name


def _tier(data: Mapping[str, Any]) -> str:
    # Twitch says 1000, 2000 and 3000; others count from one.
    tier = str(data.get("tier", 1))[:1]
    return f"subscription_{tier}" if tier in ("2", "3") else "subscription_1"


def _number(data: Mapping[str, Any], name: str, default: float) -> float:
    """A count or amount from an event's data; what is no number counts as none, and a NaN never gets in."""
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0.0
    return min(max(float(value), 0.0), _QUANTITY_MAX)


def _dollars(data: Mapping[str, Any]) -> float:
    """US dollars; other currencies count by ``amount_usd``, for no rate is known here."""
    in_dollars = str(data.get("currency", "USD")).upper() == "USD"
    return _number(data, "amount_usd", _number(data, "amount", 0.0) if in_dollars else 0.0)


# Kind of event → its worth. An unknown kind changes nothing. Who is warned, timed out, kicked or banned is
# ``data["target_id"]``: the event's own account is the moderator's.
_WORTHS: dict[str, _Worth] = {
    CHAT_MESSAGE: _Worth(_always("chat")),
    COMMAND_EXECUTED: _Worth(_always("command")),
    "giveaway.entered": _Worth(_always("giveaway")),
    "channel.followed": _Worth(_always("follow")),
    "channel.subscribed": _Worth(_tier),
    "channel.gifted": _Worth(_always("gift"), lambda data: _number(data, "count", 1.0)),
    "channel.donated": _Worth(_always("donation"), _dollars),
    "channel.cheered": _Worth(_always("cheer"), lambda data: _number(data, "bits", 0.0) / 100),
    "channel.raided": _Worth(_always("raid")),
    "channel.boosted": _Worth(_always("boost")),
    MEMBER_WARNED: _Worth(_always("warn"), concerns_target=True),
    MEMBER_TIMED_OUT: _Worth(_always("timeout"), concerns_target=True),
    "member.kicked": _Worth(_always("kick"), concerns_target=True),
    MEMBER_BANNED: _Worth(_always("ban"), concerns_target=True),
    # These are worth activity points alone.
    "member.joined": _Worth(_always("")),
    "reaction.added": _Worth(_always("")),
    "file.shared": _Worth(_always("")),
    "app.mentioned": _Worth(_always("")),
    "voice.joined": _Worth(_always("")),
    "voice.stayed": _Worth(_always(""), lambda data: _number(data, "minutes", 0.0)),
}

_POINTS: dict[tuple[str, str], str] = {
    ("twitch", "channel.followed"): "points_twitch_follow",
    ("twitch", "channel.subscribed"): "points_twitch_subscription",
    ("twitch", "channel.raided"): "points_twitch_raid",
    ("twitch", "channel.gifted"): "points_twitch_gift",
    ("twitch", MEMBER_BANNED): "points_twitch_ban",
    ("discord", CHAT_MESSAGE): "points_discord_message",
    ("discord", "reaction.added"): "points_discord_reaction",
    ("discord", "member.joined"): "points_discord_join",
    ("discord", "voice.joined"): "points_discord_voice_join",
    ("discord", "voice.stayed"): "points_discord_voice",
    ("discord", "channel.boosted"): "points_discord_boost",
    ("slack", CHAT_MESSAGE): "points_slack_message",
    ("slack", "file.shared"): "points_slack_file",
    ("slack", "reaction.added"): "points_slack_reaction",
    ("slack", "member.joined"): "points_slack_join",
    ("slack", "app.mentioned"): "points_slack_mention",
}


def brought_by(crowd: Crowd, settings: Callable[[str], Settings], now: float) -> Brought:
    """What accounts gained in the communities of ``settings``, by what, and who was punished.

    An account may have several gains, and several of one day: the store adds them up.
    """
    weights = _Memory(settings)
    found = Brought([], [], [], [], [])
    day = int(now // DAY_S)
    for (platform, _), here in crowd.said.items():
        for community, said in here.items():
            for kind, counts in ((CHAT_MESSAGE, said.lines), (COMMAND_EXECUTED, said.commands)):
                if community and counts:
                    gained, overall, points = _rate(kind, platform, {}, weights[community])
                    name = _WORTHS[kind].weight({})
                    said_by = [(f"{platform}:{user_id}", times) for user_id, times in counts.items() if user_id]
                    found.gains.extend(
                        [
                            (who, community, gained * times, overall * times, points * times)
                            for who, times in said_by
                        ]
                    )
                    found.daily.extend(
                        [(who, community, day, name, times, gained * times) for who, times in said_by]
                    )
    for event in crowd.others:
        if event.kind in _WORTHS and event.community and event.source != OURS:
            _weigh(event, weights[event.community], now, found)
    return found


def _weigh(event: Event, here: Settings, now: float, found: Brought) -> None:
    """Add what one event, that is no chat line, is worth."""
    worth, data = _WORTHS[event.kind], event.data
    user_id = str(data.get("target_id", "")) if worth.concerns_target else event.user_id
    if not user_id:
        return
    account, community = f"{event.platform}:{user_id}", event.community
    gained, overall, points = _rate(event.kind, event.platform, data, here)
    found.gains.append((account, community, gained, overall, points))
    kind, day = worth.weight(data), int(now // DAY_S)
    if not worth.concerns_target:
        if kind:
            found.daily.append((account, community, day, kind, worth.quantity(data), gained))
        return
    actor = event.account if event.user_id else ""
    login, reason = str(data.get("target_login", ""))[:100], str(data.get("reason", ""))[:REASON_LENGTH_MAX]
    id_ = hashlib.blake2b(f"{event.source}/{event.id}".encode("utf-8", "replace"), digest_size=12).hexdigest()
    found.entries.append((account, community, id_, day, kind, gained, now, login, actor, reason))
    found.accused.append((account, community, login))
    if actor and actor != account:
        found.staff.append((actor, community))


def _rate(kind: str, platform: str, data: Mapping[str, Any], here: Settings) -> _Rate:
    """What one event of a kind is worth: by the weights here, by the standard weights, and in points."""
    worth = _WORTHS[kind]
    quantity = worth.quantity(data)
    weight = worth.weight(data)
    points = _POINTS.get((platform, kind), "points_message" if kind == CHAT_MESSAGE else "")
    return (
        getattr(here, weight) * quantity if weight else 0.0,
        getattr(STANDARD, weight) * quantity if weight else 0.0,
        getattr(here, points) * quantity if points else 0.0,
    )


class _Memory[K, V](dict[K, V]):
    """A look-up that asks for each key once."""

    def __init__(self, ask: Callable[[K], V]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, key: K) -> V:
        self[key] = found = self._ask(key)
        return found


def score_of(gained: float) -> float:
    """The score of an account that has gained so much since its start, within 300 and 850."""
    return min(max(SCORE_START + gained, SCORE_MIN), SCORE_MAX)


def tier_of(score: float) -> str:
    """What a score is called."""
    return next((name for least, name in _TIERS if score >= least), "poor")
