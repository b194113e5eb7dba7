"""When a timer is due. Pure functions of wall clock times in seconds since the epoch.

A slot is one point in time at which a timer should speak. A slot missed by more than ``LATE_S_MAX`` is left
out, so neither a pause nor a clock set forward makes a burst. A slot recorded for later than a timer's schedule
allows means that the clock was set back: it is moved nearer, so that nothing stalls.
"""

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

INTERVAL_S_MIN = 60.0
"""The shortest interval; a cron expression cannot ask for less. (Nightbot's shortest is five minutes.)"""

INTERVAL_S_MAX = 366 * 86_400.0
LATE_S_MAX = 60.0

REWIND_S_MAX = 3_600.0
"""A clock set back by no more repeats hours of the day, whose slots are not said twice. One set back by more had
been wrong before, and the calendar holds."""

_CRON_LENGTH_MAX = 100
_ZONE_LENGTH_MAX = 64


class ScheduleError(ValueError):
    """A schedule that cannot be; the text says what to write."""


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises :class:`ScheduleError`."""
    try:
        if len(name) > _ZONE_LENGTH_MAX:  # each slash is a call deeper in the search for a package of zones
            raise KeyError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, no zone's name, a folder of zones
        raise ScheduleError(
            f"There is no time zone {name[:_ZONE_LENGTH_MAX]}. Write it as Europe/Berlin or UTC."
        ) from None


def next_of_cron(expression: str, zone: str, after: float) -> float:
    """The first time after ``after`` that a cron expression of five fields names in a time zone.

    In the hours that summer time leaves out or repeats it keeps to what Debian's cron does (package ``cronsim``).
    Raises :class:`ScheduleError`.
    """
    try:
        if len(expression) > _CRON_LENGTH_MAX or len(expression.split()) != 5:
            raise CronSimError
        return next(CronSim(expression, datetime.fromtimestamp(after, UTC).astimezone(zone_of(zone)))).timestamp()
    except (CronSimError, StopIteration, ValueError) as error:
        if isinstance(error, ScheduleError):
            raise
        raise ScheduleError(
            f"{expression!r} is no cron expression: minute hour day month weekday, such as 0 18 * * 1-5"
        ) from None


def first_slot(interval_s: float, cron: str, zone: str, now: float) -> float:
    """When a timer is due that starts now."""
    return next_of_cron(cron, zone, now) if cron else now + interval_s


def next_slot(interval_s: float, cron: str, zone: str, slot: float, now: float) -> float:
    """The slot to follow ``slot`` that is still to come; an interval keeps its phase."""
    if cron:
        return next_of_cron(cron, zone, max(slot, now))
    following = slot + interval_s * max(1, math.floor((now - slot) / interval_s) + 1)
    return following if following > now else following + interval_s  # where rounding fell short of now


def believable_slot(interval_s: float, cron: str, zone: str, slot: float, now: float) -> float:
    """``slot``, or an earlier one where the clock was set back since it was recorded."""
    if not cron:
        return min(slot, now + interval_s)
    nearest = next_of_cron(cron, zone, now)
    return slot if slot - nearest <= REWIND_S_MAX else nearest


def quiet_hours(text: str) -> tuple[int, int]:
    """``22:00-07:00`` as minutes of the day. Raises :class:`ScheduleError`."""
    try:
        start, end = (_minute(part) for part in text.split("-"))
    except ValueError:
        raise ScheduleError("Quiet hours are written 22:00-07:00, or off.") from None
    return start, end


def is_quiet(text: str, zone: str, now: float) -> bool:
    """Whether ``now`` falls into quiet hours (``22:00-07:00``, or empty for none) in a time zone."""
    if not text:
        return False
    start, end = quiet_hours(text)
    local = datetime.fromtimestamp(now, UTC).astimezone(zone_of(zone))
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start <= end else minute >= start or minute < end


def _minute(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(text)
    return hour * 60 + minute
