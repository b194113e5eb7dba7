"""Times that people type: lengths, intervals, cron expressions, zones, dates, formats; and sums."""

from datetime import UTC, datetime
from functools import partial

from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.templates import moment
from waddlebot.libs.templates.arithmetic import ArithmeticProblem, calculate
from waddlebot.trigger.cron.periodic_messages import schedule
from waddlebot.trigger.cron.periodic_messages.edits import edited, scheduled
from waddlebot.trigger.cron.periodic_messages.store import Timer

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.templates.moment", "waddlebot.libs.templates.arithmetic",
    "waddlebot.trigger.cron.periodic_messages.schedule", "waddlebot.trigger.cron.periodic_messages.edits",
)  # fmt: skip
SIZE_MAX = 300
SEEDS = (
    b"\x00\x001h30m", b"\x01\x000 18 * * 1-5", b"\x01\x00*/5 * * * *", b"\x01\x000 0 30 2 *",
    b"\x01\x000 0 29 2 1#5", b"\x02\x0022:00-07:00", b"\x03\x00Europe/Berlin",
    b"\x04\x00Dec 25 2026 6:00 PM America/New_York", b"\x04\x000001-01-01T00:00+23:59",
    b"\x04\x009999-12-31T23:59:59-12:00", b"\x04\x00feb 29",
    b"\x05\x00dddd, MMMM Do YYYY, h:mm:ss a z [GMT]Z x X w W GGGG LLLL",
    b"\x06\x00-2^2 + sqrt(16) * round(2.5, 0) mod 3 / hypot(3, 4)!", b"\x07\x07channels all", b"\x07\x00drop 2",
    b"\x07\x00lines 30", b"\x07\x00quiet 22:00-07:00", b"\x07\x00zone UTC", b"\x07\x00order shuffled",
    b"\x07\x00title Any%",
)  # fmt: skip
WORDS = (
    "1h", "30m", "2d", "1w", "90s", "9999999999", "* * * * *", "*/5", "1-5", "1#5", "L", "LW", "MON", "FEB",
    "29", "31", "60", "24", ",", "/", "-", "+05:00", "-14:00", "+99:99", "0001-01-01", "9999-12-31", "T23:59",
    "2026-W01-1", "noon", "12:00 AM", "EST", "(UTC)", "GMT+2", "../etc", "Europe/", "every ", "cron ", "zone ",
    "message ", "add ", "drop ", "order ", "lines ", "live ", "quiet ", "title ", "category ", "channels ",
    "sqrt(", "log(", "atan2(", "round(", "9!", "170!", "^", "mod", "%", "e308", "1e999", "infinity", "pi", "²",
    "٣", "\u3000", "\0",
)  # fmt: skip

_NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
_CHANNELS = ("twitch:twitch:ann", "irc:net:#room", "irc:other:#room")
_TIMER = Timer("water", ("Drink.", "Eat."), interval_s=900.0)


def check(data: bytes) -> None:
    """What is no time is refused in words, and what is one gives a time."""
    given = Input(data)
    door = given.choice((_length, _cron, _quiet, _zone, _date, _format, _sum, _edit))
    text = Input(data[2:]).texts(1)[0]
    door(given.long(text, 5_000))


def _length(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds <= 10 * 366 * 86_400


def _cron(text: str) -> None:
    now = _NOW.timestamp()
    try:
        following = schedule.next_of_cron(text, "Europe/Berlin", now)
    except schedule.ScheduleError:
        return
    assert following > now
    assert schedule.next_of_cron(text, "Europe/Berlin", following) > following


def _quiet(text: str) -> None:
    try:
        schedule.quiet_hours(text)
    except schedule.ScheduleError:
        return
    assert schedule.is_quiet(text, "UTC", _NOW.timestamp()) in (True, False)


def _zone(text: str) -> None:
    home = moment.zone(text)
    if home is not None:
        _NOW.astimezone(home)
    try:
        schedule.zone_of(text)
    except schedule.ScheduleError:
        return


def _date(text: str) -> None:
    for past in (False, True):
        then = moment.read(text, _NOW, past=past)
        if then is not None:
            assert moment.length(then, _NOW)
            assert moment.length(_NOW, then)


def _format(text: str) -> None:
    assert len(moment.write(_NOW, text)) <= 60 * moment.FORMAT_MAX


def _sum(text: str) -> None:
    try:
        result = calculate(text)
    except ArithmeticProblem as problem:
        assert str(problem)
        return
    assert len(result) <= 30


def _edit(text: str) -> None:
    what, _, value = text.partition(" ")
    for change in (partial(edited, _TIMER, what, value, _CHANNELS), partial(scheduled, _TIMER, text)):
        try:
            timer = change()
        except Refusal as refusal:
            assert str(refusal)
            continue
        assert timer.messages
        if timer.cron or timer.interval_s:
            now = _NOW.timestamp()
            assert schedule.first_slot(timer.interval_s, timer.cron, timer.zone, now) > now
