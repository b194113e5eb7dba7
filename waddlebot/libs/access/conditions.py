"""Whether the conditions of a rule hold: yes, no, or nobody knows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from waddlebot.libs.access.facts import Facts, Who
from waddlebot.libs.sdk.view import Conditions, Hours, Range

DAY_MINUTES = 1_440

type Need = Literal["standing", "circumstances"]
"""What has to be asked: somebody's reputation; how long they are known and whether the channel is live."""

type Known = bool | None
type Check = Callable[[Conditions, Facts, Who], Known]


def needs_of(conditions: Conditions) -> frozenset[Need]:
    """What must be asked before the conditions can be judged."""
    found: set[Need] = set()
    if conditions.score is not None or conditions.tiers or conditions.points is not None:
        found.add("standing")
    if conditions.age_s is not None or conditions.live is not None:
        found.add("circumstances")
    return frozenset(found)


def concerns_nobody(conditions: Conditions) -> bool:
    """Whether nothing is asked about a person, so that a timer can be judged too."""
    return not (set(asked(conditions)) - set(_OCCASION)) and not uses_up(conditions)


def uses_up(conditions: Conditions) -> bool:
    """Whether something is spent when a command is used."""
    return bool(conditions.cost or conditions.uses or conditions.group)


def asked(conditions: Conditions) -> Iterator[str]:
    """The fields that are set, of those that hold or do not."""
    for name in _CHECKS:
        value = getattr(conditions, name)
        if value is not None and value not in ((), "", 0):
            yield name


def holds(conditions: Conditions, facts: Facts, who: Who) -> Known:
    """Whether all conditions hold of somebody: ``False`` if one does not, else ``None`` if one is not known."""
    answer: Known = True
    for name in asked(conditions):
        known = _CHECKS[name](conditions, facts, who)
        if known is False:
            return False
        if known is None:
            answer = None
    return answer


def failing(conditions: Conditions, facts: Facts, who: Who) -> tuple[str, Known]:
    """The first field that does not hold, and whether that is known; an empty name where all hold."""
    first: tuple[str, Known] = ("", True)
    for name in asked(conditions):
        known = _CHECKS[name](conditions, facts, who)
        if known is False:
            return name, False
        if known is None and not first[0]:
            first = name, None
    return first


def within(hours: Hours, now: float) -> bool:
    """Whether a time (seconds since 1970) falls into part of the week. Days are those on which it begins."""
    local = datetime.fromtimestamp(now, UTC).astimezone(zone(hours.zone))
    day, minute = local.weekday(), local.hour * 60 + local.minute
    if hours.start < hours.end:
        return bool(hours.days >> day & 1) and hours.start <= minute < hours.end
    today = bool(hours.days >> day & 1) and minute >= hours.start
    yesterday = bool(hours.days >> (day - 1) % 7 & 1) and minute < hours.end
    return today or yesterday


@cache
def zone(name: str) -> ZoneInfo:
    """A time zone of the tz database. Raises ``KeyError``, ``ValueError`` or ``OSError`` for what is none."""
    return ZoneInfo(name)


def _in_range(range_: Range | None, value: float | None) -> Known:
    if range_ is None:
        return True
    if value is None:
        return None
    return (range_.at_least is None or value >= range_.at_least) and (range_.below is None or value < range_.below)


def _any(wanted: tuple[str, ...], value: str | None) -> Known:
    return None if value is None else value in wanted


def _live(conditions: Conditions, facts: Facts, who: Who) -> Known:
    return None if facts.live is None else facts.live is conditions.live


def _in_hours(conditions: Conditions, facts: Facts, who: Who) -> Known:
    if conditions.hours is None:
        return True
    try:
        return within(conditions.hours, facts.now)
    except (KeyError, ValueError, OSError):
        return None  # the zone is gone from this machine's database


_OCCASION: dict[str, Check] = {
    "platforms": lambda c, facts, who: facts.platform in c.platforms,
    "entities": lambda c, facts, who: facts.entity in c.entities,
    "live": _live,
    "hours": _in_hours,
}

_CHECKS: dict[str, Check] = {
    "account": lambda c, facts, who: c.account in who.accounts,
    "rank": lambda c, facts, who: bool(c.rank & who.ranks),
    "roles": lambda c, facts, who: not who.roles.isdisjoint(c.roles),
    "labels": lambda c, facts, who: not who.labels.isdisjoint(c.labels),
    "score": lambda c, facts, who: _in_range(c.score, facts.score),
    "tiers": lambda c, facts, who: _any(c.tiers, facts.tier),
    "points": lambda c, facts, who: _in_range(c.points, facts.points),
    "age_s": lambda c, facts, who: _in_range(c.age_s, facts.age_s),
    **_OCCASION,
}
