"""Times as moment.js writes and people type them: formats, time zones, dates, lengths of time.

Formats follow momentjs.com/docs/#/displaying/format in its English locale, with all its tokens but eras and
the locale-dependent week-year names; Nightbot documents that guide for `$(time …)`.
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

FORMAT_MAX = 200
"""Longest format in characters."""

# Not `calendar.month_name`: that follows the machine's locale.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Abbreviations that people type and the IANA data does not have. North America's, as Nightbot's examples use them.
_ABBREVIATIONS = {
    "est": "America/New_York",
    "edt": "America/New_York",
    "cst": "America/Chicago",
    "cdt": "America/Chicago",
    "mst": "America/Denver",
    "mdt": "America/Denver",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "bst": "Europe/London",
    "cest": "Europe/Berlin",
    "z": "UTC",
}
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def zone(name: str) -> tzinfo | None:
    """The time zone of an IANA name, common abbreviation or offset such as `+02:00`; None if there is none."""
    key = name.strip().lower().replace(" ", "_")
    offset = _OFFSET.fullmatch(key)
    if offset is not None:
        sign, hours, minutes = -1 if offset[1] == "-" else 1, int(offset[2]), int(offset[3] or 0)
        return timezone(sign * timedelta(hours=hours, minutes=minutes)) if hours < 15 and minutes < 60 else None
    known = _ABBREVIATIONS.get(key) or _zones().get(key)
    try:
        return ZoneInfo(known) if known else None
    except (ZoneInfoNotFoundError, OSError):
        return None


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _offset(moment: datetime, colon: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def _week(moment: datetime) -> int:
    """Week of the year in the English locale: weeks begin on Sunday, the first holds January 1."""
    if moment.month == 12 and moment.day + 6 - _sunday(moment) > 31:
        return 1
    first = moment.replace(month=1, day=1)
    return (moment.timetuple().tm_yday + _sunday(first) - 1) // 7 + 1


type _Writer = Callable[[datetime], str]
type _Number = Callable[[datetime], int]


def _sunday(moment: datetime) -> int:
    return moment.isoweekday() % 7


def _numbers() -> dict[str, _Writer]:
    """Tokens that write one number: plain, with two digits, and as an ordinal."""
    parts: dict[str, tuple[_Number, str, str]] = {
        "M": (lambda m: m.month, "MM", "Mo"),
        "Q": (lambda m: (m.month + 2) // 3, "", "Qo"),
        "D": (lambda m: m.day, "DD", "Do"),
        "DDD": (lambda m: m.timetuple().tm_yday, "", "DDDo"),
        "d": (_sunday, "", "do"),
        "e": (_sunday, "", ""),
        "E": (lambda m: m.isoweekday(), "", ""),
        "w": (_week, "ww", "wo"),
        "W": (lambda m: m.isocalendar().week, "WW", "Wo"),
        "H": (lambda m: m.hour, "HH", ""),
        "h": (lambda m: m.hour % 12 or 12, "hh", ""),
        "k": (lambda m: m.hour or 24, "kk", ""),
        "m": (lambda m: m.minute, "mm", ""),
        "s": (lambda m: m.second, "ss", ""),
        "Y": (lambda m: m.year, "", ""),
        "GGGG": (lambda m: m.isocalendar().year, "", ""),
    }
    writers: dict[str, _Writer] = {}
    for token, (number, two_digits, nth) in parts.items():
        writers[token] = _plain(number)
        if two_digits:
            writers[two_digits] = _padded(number)
        if nth:
            writers[nth] = _nth(number)
    return writers


def _plain(number: _Number) -> _Writer:
    return lambda m: str(number(m))


def _padded(number: _Number) -> _Writer:
    return lambda m: f"{number(m):02}"


def _nth(number: _Number) -> _Writer:
    return lambda m: ordinal(number(m))


def _fraction(digits: int) -> _Writer:
    return lambda m: f"{m.microsecond:06}".ljust(digits, "0")[:digits]


@cache
def _writers() -> dict[str, _Writer]:
    simple: dict[str, _Writer] = {
        "MMM": lambda m: MONTHS[m.month - 1][:3],
        "MMMM": lambda m: MONTHS[m.month - 1],
        "DDDD": lambda m: f"{m.timetuple().tm_yday:03}",
        "dd": lambda m: DAYS[m.weekday()][:2],
        "ddd": lambda m: DAYS[m.weekday()][:3],
        "dddd": lambda m: DAYS[m.weekday()],
        "YY": lambda m: f"{m.year % 100:02}",
        "YYYY": lambda m: f"{m.year:04}",
        "YYYYY": lambda m: f"{m.year:05}",
        "YYYYYY": lambda m: f"+{m.year:06}",
        "GG": lambda m: f"{m.isocalendar().year % 100:02}",
        "A": lambda m: "AM" if m.hour < 12 else "PM",
        "a": lambda m: "am" if m.hour < 12 else "pm",
        "z": lambda m: m.tzname() or "",
        "zz": lambda m: m.tzname() or "",
        "Z": lambda m: _offset(m, ":"),
        "ZZ": lambda m: _offset(m, ""),
        "X": lambda m: str(int(m.timestamp())),
        "x": lambda m: str(int(m.timestamp() * 1000)),
        "Hmm": lambda m: f"{m.hour}{m.minute:02}",
        "Hmmss": lambda m: f"{m.hour}{m.minute:02}{m.second:02}",
        "hmm": lambda m: f"{m.hour % 12 or 12}{m.minute:02}",
        "hmmss": lambda m: f"{m.hour % 12 or 12}{m.minute:02}{m.second:02}",
    }
    fractions = {"S" * digits: _fraction(digits) for digits in range(1, 10)}
    return _numbers() | simple | fractions


_LONG = {
    "LTS": "h:mm:ss A",
    "LT": "h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "LLL": "MMMM D, YYYY h:mm A",
    "LL": "MMMM D, YYYY",
    "L": "MM/DD/YYYY",
    "llll": "ddd, MMM D, YYYY h:mm A",
    "lll": "MMM D, YYYY h:mm A",
    "ll": "MMM D, YYYY",
    "l": "M/D/YYYY",
}


@cache
def _pattern() -> re.Pattern[str]:
    tokens = sorted((*_writers(), *_LONG), key=len, reverse=True)
    return re.compile(r"\[([^\[\]]*)\]|(" + "|".join(tokens) + ")")


def write(moment: datetime, form: str) -> str:
    """A moment, in its own zone, in a moment.js format."""
    pattern, writers = _pattern(), _writers()

    def token(match: re.Match[str]) -> str:
        name = match[2]
        if name is None:
            return match[1]
        return write(moment, _LONG[name]) if name in _LONG else writers[name](moment)

    return pattern.sub(token, form[:FORMAT_MAX])


_TIME = re.compile(
    r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([ap])\.?m\.?)?(?![\w:])|\b(\d{1,2})\s*([ap])\.?m\b", re.IGNORECASE
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")


def read(text: str, now: datetime, *, past: bool = False) -> datetime | None:
    """The moment that a person typed, or None if it is none.

    Understood are ISO 8601, `Dec 25 2026 12:00:00 AM EST`, `12/25/2026`, `5:00 PM Europe/Berlin` and the like.
    What is missing is filled in: midnight, UTC, and the next such day (with `past`, the last such day).
    """
    text = text.strip()[:100]
    rest, home = _split_zone(text)
    clock = _TIME.search(rest)
    hour, minute, second = _clock(clock) if clock else (0, 0, 0)
    date = (rest[: clock.start()] + " " + rest[clock.end() :]) if clock else rest
    today = now.astimezone(home)
    try:
        if _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
            return _in_calendar(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        day = _date(date, today)
        if day is None or (not clock and not date.strip(" ,.")):
            return None
        month, number, year = day
        moment = datetime(year or today.year, month, number, hour, minute, second, tzinfo=home)
        if not year:
            moment = _nearest(moment, now, past=past, daily=not date.strip(" ,."))
        return _in_calendar(moment)
    except (ValueError, OverflowError):
        return None


def _in_calendar(moment: datetime) -> datetime:
    """The moment. Raises OverflowError where UTC has no such year: it would fail whoever reckons with it."""
    moment.astimezone(UTC)
    return moment


def _split_zone(text: str) -> tuple[str, tzinfo]:
    words = text.replace("(", " ").replace(")", " ").split()
    if words and not words[-1].isdigit():
        home = zone(words[-1])
        # "-2026" ends a date, "-05:00" a time.
        if home is not None and (words[-1][0] not in "+-" or ":" in text):
            return " ".join(words[:-1]), home
    return " ".join(words), UTC


def _clock(match: re.Match[str]) -> tuple[int, int, int]:
    half = match[4] or match[6]
    hour = int(match[1] or match[5])
    if half:
        hour = hour % 12 + (12 if half in "pP" else 0)
    return hour, int(match[2] or 0), int(match[3] or 0)


def _date(text: str, today: datetime) -> tuple[int, int, int] | None:
    """Month, day and year (0: not said) of a date; today's for an empty text."""
    words = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text.lower()))
    month = 0
    numbers: list[int] = []
    for word in words:
        if word.isdigit():
            numbers.append(int(word))
        elif len(word) >= 3 and any(name.lower().startswith(word) for name in MONTHS):
            month = next(n for n, name in enumerate(MONTHS, 1) if name.lower().startswith(word))
        elif not any(name.lower().startswith(word) for name in DAYS) and word not in {"at", "of", "the", "t"}:
            return None
    year = next((number for number in numbers if number > 31), 0)
    if year:
        numbers.remove(year)
    if not words:
        return today.month, today.day, 0
    if month and len(numbers) == 1:
        return month, numbers[0], year
    return (numbers[0], numbers[1], year) if not month and len(numbers) == 2 else None


def _nearest(moment: datetime, now: datetime, *, past: bool, daily: bool) -> datetime:
    if past == (moment <= now):
        return moment
    if daily:
        return moment + timedelta(days=-1 if past else 1)
    return moment.replace(year=moment.year + (-1 if past else 1))


def length(start: datetime, end: datetime) -> str:
    """The time between two moments in words, such as `1 day 3 hours`; years and months by calendar."""
    if end < start:
        start, end = end, start
    start, end = start.astimezone(UTC).replace(microsecond=0), end.astimezone(UTC).replace(microsecond=0)
    months = (end.year - start.year) * 12 + end.month - start.month
    while (anchor := _add_months(start, months)) > end:
        months -= 1
    return _words(months // 12, months % 12, int((end - anchor).total_seconds()))


def lasting(seconds: int) -> str:
    """A number of seconds in words, in days and smaller."""
    return _words(0, 0, max(0, seconds))


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _words(years: int, months: int, seconds: int) -> str:
    days, seconds = divmod(seconds, 86_400)
    amounts = (years, months, days, seconds // 3_600, seconds // 60 % 60, seconds % 60)
    names = ("year", "month", "day", "hour", "minute", "second")
    words = [f"{n} {name}{'' if n == 1 else 's'}" for n, name in zip(amounts, names, strict=True) if n]
    return " ".join(words) or "0 seconds"
