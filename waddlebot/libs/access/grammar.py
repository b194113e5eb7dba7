"""Rules as people type them, and as they are told.

    8ball deny role trolls
    slots require score 600
    giveaway require label trusted
    slots require limit 3 per 1h
    timer:water deny hours sat-sun 22:00-08:00 Europe/Berlin

What the rule concerns, ``allow``, ``deny`` or ``require``, then conditions, all of which must hold.
"""

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any, cast

from waddlebot.libs.access import levels
from waddlebot.libs.access.conditions import DAY_MINUTES, Known, asked, uses_up, zone
from waddlebot.libs.access.facts import EVERYWHERE
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.sdk.reply import Refusal
from waddlebot.libs.sdk.view import Conditions, Effect, Hours, Range

EFFECTS: tuple[Effect, ...] = ("allow", "deny", "require")
USES_MAX = 100
COST_MAX = 1_000_000_000
PER_S_MAX = 7 * 86_400.0
LIST_MAX = 20
NAME_LENGTH_MAX = 100
NUMBER_MAX = 1e12

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)


@dataclasses.dataclass(slots=True)
class Typed:
    """A rule as typed: what it concerns in the user's words, and a ``login`` where it names a person."""

    target: str
    effect: Effect
    conditions: Conditions
    login: str = ""


def read(text: str, here: str) -> Typed:
    """Read a rule; ``here`` is the entity it is typed in. Raises ``Refusal`` that says what is wrong."""
    words = text.split()
    at = next((n for n, word in enumerate(words) if n and word.lower() in EFFECTS), 0)
    if not at:
        raise Refusal(
            "Write what the rule is for, then allow, deny or require, then who or when: 8ball deny role trolls; "
            "slots require score 600; or: giveaway require label trusted"
        )
    effect: Effect = EFFECTS[EFFECTS.index(cast("Effect", words[at].lower()))]
    fields: dict[str, Any] = {}
    login, left = "", words[at + 1 :]
    while left:
        word = left.pop(0)
        if word.startswith("@") and len(word) > 1:
            login = word[1:].lower()
        elif word.lower() in ("everyone", "everybody"):
            continue
        elif (reader := _READERS.get(word.lower())) is not None:
            given = reader(left, effect, here)
            if fields.keys() & given.keys() - {"together"}:
                raise Refusal(f"{word} is said twice. Several values are joined by commas, or are several rules.")
            fields |= given
        else:
            raise Refusal(f"There is no condition {word}. Conditions are: @name, {', '.join(_READERS)}.")
    typed = Typed(" ".join(words[:at]), effect, Conditions(**fields), login)
    check(typed.effect, typed.conditions, person=bool(login))
    return typed


def check(effect: Effect, conditions: Conditions, *, person: bool = False) -> None:
    """Raise ``Refusal`` for conditions that make no rule, however they came."""
    if effect == "require" and not (person or uses_up(conditions) or any(asked(conditions))):
        raise Refusal("Say what is required, such as score 600, label trusted, live on or limit 3 per 1h.")
    if effect != "require" and uses_up(conditions):
        raise Refusal("cost, limit and cooldown are things that a rule requires: write require.")
    _check_spending(conditions)
    _check_values(conditions)
    if conditions.hours is not None:
        _check_hours(conditions.hours)


def _check_spending(conditions: Conditions) -> None:
    if not 0 <= conditions.cost <= COST_MAX:
        raise Refusal(f"A cost is 1 to {COST_MAX:,} points.")
    if not 0 <= conditions.uses <= USES_MAX or bool(conditions.uses) != bool(conditions.per_s):
        raise Refusal(f"A limit is 1 to {USES_MAX} uses in a time, such as: limit 3 per 1h")
    if bool(conditions.group) != bool(conditions.group_s) or len(conditions.group) > NAME_LENGTH_MAX:
        raise Refusal("A cooldown has a name and a time, such as: cooldown games 30s")
    if not (0 <= conditions.per_s <= PER_S_MAX and 0 <= conditions.group_s <= PER_S_MAX):
        raise Refusal("A limit or cooldown lasts a week at most.")


def _check_values(conditions: Conditions) -> None:
    if not 0 <= conditions.rank <= levels.ALL:
        raise Refusal(f"A rank is a mask from 0 to {levels.ALL}.")
    account = (conditions.account,) if conditions.account else ()
    for name in ("roles", "labels", "tiers", "platforms", "entities"):
        values = getattr(conditions, name)
        if len(values) > LIST_MAX or any(not 0 < len(value) <= NAME_LENGTH_MAX for value in (*values, *account)):
            raise Refusal(f"A condition has at most {LIST_MAX} values of 1 to {NAME_LENGTH_MAX} characters.")
    for range_ in (conditions.score, conditions.points, conditions.age_s):
        for end in (range_.at_least, range_.below) if range_ else ():
            if end is not None and not abs(end) <= NUMBER_MAX:
                raise Refusal("That number is too large.")


def _check_hours(hours: Hours) -> None:
    if not (0 < hours.days < 128 and 0 <= hours.start <= DAY_MINUTES and 0 <= hours.end <= DAY_MINUTES):
        raise Refusal("Hours are days and minutes of the day, such as: hours mon-fri 18:00-23:00 Europe/Berlin")
    try:
        zone(hours.zone)
    except (KeyError, ValueError, OSError):
        raise Refusal(f"There is no time zone {hours.zone}. They are called Europe/Berlin or UTC.") from None


# What is typed


def _next(left: list[str], wants: str) -> str:
    if not left:
        raise Refusal(f"Something is missing: {wants}.")
    return left.pop(0)


def _names(field: str, wants: str) -> "Reader":
    def names(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
        return {field: tuple(part for part in _next(left, wants).lower().split(",") if part)}

    return names


def _rank(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    word = _next(left, "a rank such as vip")
    mask = levels.mask_of(word)
    # A rank that is denied is that rank alone: who denies subscribers does not mean the moderators.
    return {"rank": levels.exactly(word) if effect == "deny" else mask}


def _range(field: str, number: Callable[[str], float], wants: str) -> "Reader":
    def range_(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
        word = _next(left, wants)
        value = number(word.removeprefix("<"))
        return {field: Range(below=value) if word.startswith("<") else Range(at_least=value)}

    return range_


def _number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text, re.ASCII):
        raise Refusal(f"{text} is no number. Write 600, or <600 for less than that.")
    return float(text)


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise Refusal(f"{text} is no time. Write 30s, 10m, 1h or 7d.")
    return seconds


def _entities(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    word = _next(left, "a channel, here or platform:server:channel")
    return {"entities": tuple(here if name == "here" else name for name in word.split(",") if name)}


def _live(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    word = _next(left, "on or off").lower()
    if word not in ("on", "off"):
        raise Refusal(f"Live is on or off, not {word}.")
    return {"live": word == "on"}


def _hours(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    word = _next(left, "hours such as mon-fri 18:00-23:00 Europe/Berlin").lower()
    days = 127
    if ":" not in word:
        days = _days(word)
        word = left.pop(0) if left and _CLOCK.fullmatch(left[0]) else "00:00-24:00"
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        raise Refusal(f"{word} are no hours. Write 18:00-23:00, days before it, a time zone behind.")
    start, end = int(clock[1]) * 60 + int(clock[2]), int(clock[3]) * 60 + int(clock[4])
    named = left.pop(0) if left and ("/" in left[0] or left[0].upper() == "UTC") else "UTC"
    return {"hours": Hours(days, start, end, "UTC" if named.upper() == "UTC" else named)}


def _days(text: str) -> int:
    days = 0
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in _DAYS or last not in _DAYS:
            raise Refusal(f"{part} is no day. Days are: {', '.join(_DAYS)}; mon-fri are several.")
        day = _DAYS.index(first)
        days |= 1 << day
        while _DAYS[day] != last:
            day = (day + 1) % 7
            days |= 1 << day
    return days


def _cost(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    return {"cost": int(_number(_next(left, "how many points")))}


def _limit(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    wants = "how often, such as limit 3 per 1h, with all behind it for everybody together"
    uses = int(_number(_next(left, wants)))
    if _next(left, wants).lower() != "per":
        raise Refusal(f"A limit is written {wants}.")
    return {"uses": uses, "per_s": _seconds(_next(left, wants)), "together": _all(left)}


def _cooldown(left: list[str], effect: Effect, here: str) -> dict[str, Any]:
    wants = "a name that commands share, and a time: cooldown games 30s"
    return {"group": _next(left, wants).lower(), "group_s": _seconds(_next(left, wants)), "together": _all(left)}


def _all(left: list[str]) -> bool:
    return bool(left) and left[0].lower() == "all" and bool(left.pop(0))


type Reader = Callable[[list[str], Effect, str], dict[str, Any]]

_READERS: dict[str, Reader] = {
    "rank": _rank,
    "role": _names("roles", "a role of this community"),
    "label": _names("labels", "a label"),
    "score": _range("score", _number, "a score from 300 to 850"),
    "tier": _names("tiers", "a tier such as good"),
    "points": _range("points", _number, "activity points"),
    "age": _range("age_s", _seconds, "a time such as 7d"),
    "platform": _names("platforms", "a platform such as twitch"),
    "in": _entities,
    "live": _live,
    "hours": _hours,
    "cost": _cost,
    "limit": _limit,
    "cooldown": _cooldown,
}

# What is told


def on_words(target: str) -> str:
    """What a rule is for: ``command slots``, ``everything``."""
    return "everything" if target == EVERYWHERE else target.replace(":", " ", 1)


def said(conditions: Conditions) -> str:
    """All conditions in words: ``role trolls, live``."""
    parts = [_WORDS[name](conditions) for name in asked(conditions)]
    whose = "by all" if conditions.together else "each"
    if conditions.cost:
        parts.append(f"{conditions.cost} points")
    if conditions.uses:
        parts.append(f"{conditions.uses} uses in {duration(conditions.per_s)} {whose}")
    if conditions.group:
        parts.append(f"the cooldown {conditions.group} of {duration(conditions.group_s)} {whose}")
    return ", ".join(parts)


def what_is_missing(conditions: Conditions, field: str, known: Known) -> str:
    """Why a requirement is not met, in words for who asked."""
    occasion = field in ("live", "hours", "platforms", "entities")
    words = f"only {'' if occasion else 'for '}{_WORDS[field](conditions)}"
    return f"{words}, and nobody can tell that now" if known is None else words


def duration(seconds: float) -> str:
    """Seconds as people say them: ``30 s``, ``5 min``, ``1 h``, ``7 d``."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length and not math.fmod(seconds, length):
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _span(range_: Range | None, word: str, shown: Callable[[float], str] = lambda value: f"{value:g}") -> str:
    if range_ is None:
        return word
    parts = [
        *([f"at least {shown(range_.at_least)}"] if range_.at_least is not None else []),
        *([f"less than {shown(range_.below)}"] if range_.below is not None else []),
    ]
    return f"{word} of {' and '.join(parts)}"


def _hours_in_words(hours: Hours | None) -> str:
    if hours is None:
        return ""
    days = "" if hours.days == 127 else " on " + ",".join(d for n, d in enumerate(_DAYS) if hours.days >> n & 1)
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (hours.start, hours.end))
    return f"from {start} to {end}{days} ({hours.zone})"


_WORDS: dict[str, Callable[[Conditions], str]] = {
    "account": lambda c: c.account,
    "rank": lambda c: f"rank {levels.in_words(c.rank)}",
    "roles": lambda c: f"role {' or '.join(c.roles)}",
    "labels": lambda c: f"label {' or '.join(c.labels)}",
    "score": lambda c: _span(c.score, "a score"),
    "tiers": lambda c: f"tier {' or '.join(c.tiers)}",
    "points": lambda c: _span(c.points, "activity points"),
    "age_s": lambda c: _span(c.age_s, "an account age", duration),
    "platforms": lambda c: f"on {' or '.join(c.platforms)}",
    "entities": lambda c: f"in {' or '.join(c.entities)}",
    "live": lambda c: "while the channel is live" if c.live else "while the channel is offline",
    "hours": lambda c: _hours_in_words(c.hours),
}
