"""The time, and the time until and since."""

from datetime import UTC, datetime, tzinfo

from waddlebot.libs.templates import moment
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.variables.variable import Evaluate, Shape, Variable

NIGHTBOT_FORMAT = "MMMM Do YYYY, h:mm:ss a z [GMT]Z"
"""Nightbot's format of `$(time ZONE)` without a format (docs.nightbot.tv/variables/time)."""

_NO_ZONE = "This is not a time zone: write one such as Europe/Berlin or UTC."
_NO_DATE = "This is not a date or time: write it like Dec 25 2026 6:00 PM America/New_York."


def _zone(args: list[str]) -> tzinfo | None:
    return moment.zone(args[0] if args and args[0] else "UTC")


def _time(default: str) -> Evaluate:
    def evaluate(scope: Scope, args: list[str]) -> str:
        zone = _zone(args)
        if zone is None:
            return _NO_ZONE
        return moment.write(scope.now.astimezone(zone), " ".join(args[1:]) or default)

    return evaluate


def _distance(*, past: bool) -> Evaluate:
    def evaluate(scope: Scope, args: list[str]) -> str:
        then = moment.read(args[0], scope.now, past=past)
        if then is None:
            return _NO_DATE
        if past != (then <= scope.now):
            return "0 seconds"
        return moment.length(then, scope.now)

    return evaluate


def _check_zone(args: list[str]) -> str:
    return "" if _zone(args) else _NO_ZONE


def _check_date(args: list[str]) -> str:
    # Any day will do: whether it is a date does not depend on the day it is read.
    return "" if moment.read(args[0], datetime(2024, 1, 1, tzinfo=UTC)) else _NO_DATE


VARIABLES = (
    Variable(
        "time",
        "The time in a time zone; a moment.js format may follow in quotes.",
        _time(NIGHTBOT_FORMAT),
        native="time",
        nightbot="time",
        shape=Shape.WORDS,
        dotted=True,
        check=_check_zone,
    ),
    Variable(
        "time.of_day",
        "The time of day in a time zone.",
        _time("HH:mm"),
        streamelements="time",
        shape=Shape.WORDS,
        dotted=True,
        check=_check_zone,
    ),
    Variable(
        "countdown",
        "The time until a date or a time of day.",
        _distance(past=False),
        native="countdown time.until",
        nightbot="countdown",
        streamelements="time.until countdown",
        shape=Shape.TEXT,
        check=_check_date,
    ),
    Variable(
        "countup",
        "The time since a date or a time of day.",
        _distance(past=True),
        native="countup time.since",
        nightbot="countup",
        streamelements="countup",
        shape=Shape.TEXT,
        check=_check_date,
    ),
)
