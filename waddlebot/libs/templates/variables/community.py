"""What the community has stored: counters, points, quotes, emotes; and answers of an AI."""

import re
from collections.abc import Callable
from datetime import datetime

from waddlebot.libs.templates import moment
from waddlebot.libs.templates.ports import Counters, Service, Standing
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.variables.variable import UNKNOWN, Ask, Shape, Variable, absent
from waddlebot.libs.templates.variables.who import named, of_user

_CHANGE = re.compile(r"([+-]?)(\d{1,12})")


def _counters(scope: Scope) -> Counters:
    if scope.ports.counters is None:
        raise absent(Service.COUNTERS)
    return scope.ports.counters


async def _count(scope: Scope, args: list[str]) -> str:
    """`$(count)`, `$(count name)`, `$(count +2)`, `$(count name 0)`: add one unless told otherwise."""
    change = _CHANGE.fullmatch(args[-1]) if args else None
    names = args[:-1] if change else args
    name = " ".join(names) or scope.command
    if change is None:
        return str(await _counters(scope).add(name, 1))
    value = int(change[2])
    if not change[1]:
        return str(await _counters(scope).set(name, value))
    return str(await _counters(scope).add(name, -value if change[1] == "-" else value))


async def _get_count(scope: Scope, args: list[str]) -> str:
    return str(await _counters(scope).get(args[0] or scope.command))


def _loyalty(read: Callable[[Scope, Standing], object]) -> Ask:
    async def ask(scope: Scope, args: list[str]) -> str:
        if scope.ports.loyalty is None:
            raise absent(Service.LOYALTY)
        standing = await scope.ports.loyalty.standing(named(scope, args))
        value = None if standing is None else read(scope, standing)
        return UNKNOWN if value is None else str(value)

    return ask


async def _currency(scope: Scope, args: list[str]) -> str:
    if scope.ports.loyalty is None:
        raise absent(Service.LOYALTY)
    return await scope.ports.loyalty.currency()


async def _quote(scope: Scope, args: list[str]) -> str:
    if scope.ports.quotes is None:
        raise absent(Service.QUOTES)
    return await scope.ports.quotes.quote(args[0], scope.random.random())


async def _ai(scope: Scope, args: list[str]) -> str:
    if scope.ports.ai is None:
        raise absent(Service.AI)
    return await scope.ports.ai.answer(args[0])


def _emotes(provider: str) -> Ask:
    async def ask(scope: Scope, args: list[str]) -> str:
        if scope.ports.emotes is None:
            raise absent(Service.EMOTES)
        return " ".join(await scope.ports.emotes.names(provider))

    return ask


def _ago(scope: Scope, when: datetime | None) -> str | None:
    return None if when is None else f"{moment.length(when, scope.now)} ago"


# Attribute of `$(user.…)` → meaning, value. (docs.streamelements.com/chatbot/variables/user)
_STANDING: tuple[tuple[str, str, Callable[[Scope, Standing], object]], ...] = (
    ("points", "Points of the person.", lambda scope, s: s.points),
    ("points_rank", "Rank by points.", lambda scope, s: s.points_rank),
    ("points_alltime_rank", "Rank by points ever earned.", lambda scope, s: s.points_alltime_rank),
    ("time_online", "Time spent watching while live.", lambda scope, s: moment.lasting(s.time_online_s)),
    ("time_online_rank", "Rank by time spent while live.", lambda scope, s: s.time_online_rank),
    ("time_offline", "Time spent in chat while not live.", lambda scope, s: moment.lasting(s.time_offline_s)),
    ("time_offline_rank", "Rank by time spent while not live.", lambda scope, s: s.time_offline_rank),
    ("lastseen", "When the person was last in chat.", lambda scope, s: _ago(scope, s.last_seen)),
    ("lastactive", "When the person last said something.", lambda scope, s: _ago(scope, s.last_active)),
    ("lastmessage", "What the person said last.", lambda scope, s: s.last_message),
)

VARIABLES = (
    Variable(
        "count",
        "Adds one to the command's counter and shows it; a name, +n, -n or a new value may follow.",
        ask=_count,
        native="count",
        nightbot="count",
        streamelements="count",
        shape=Shape.WORDS,
        needs=frozenset({Service.COUNTERS}),
    ),
    Variable(
        "getcount",
        "Shows a counter without changing it.",
        ask=_get_count,
        native="getcount",
        streamelements="getcount",
        shape=Shape.TEXT,
        needs=frozenset({Service.COUNTERS}),
    ),
    *(
        Variable(
            f"user.{attribute}",
            meaning,
            ask=_loyalty(read),
            native=attribute if attribute == "points" else f"user.{attribute}",
            streamelements=of_user(attribute),
            shape=Shape.WORDS,
            needs=frozenset({Service.LOYALTY}),
        )
        for attribute, meaning, read in _STANDING
    ),
    Variable(
        "pointsname",
        "What points are called here.",
        ask=_currency,
        native="pointsname",
        streamelements="pointsname",
        needs=frozenset({Service.LOYALTY}),
    ),
    Variable(
        "quote",
        "A quote: the one of that number, or any.",
        ask=_quote,
        native="quote",
        streamelements="quote",
        shape=Shape.TEXT,
        needs=frozenset({Service.QUOTES}),
    ),
    Variable(
        "ai",
        "A short answer to a prompt.",
        ask=_ai,
        native="ai",
        streamelements="ai",
        shape=Shape.TEXT,
        needs=frozenset({Service.AI}),
    ),
    *(
        Variable(
            f"{provider}emotes",
            f"The channel's emotes of {provider}.",
            ask=_emotes(provider),
            streamelements=f"{provider}emotes",
            needs=frozenset({Service.EMOTES}),
        )
        for provider in ("twitch", "7tv", "bttv", "ffz")
    ),
)
