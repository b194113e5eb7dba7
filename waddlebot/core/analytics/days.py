"""Days, weeks and months as numbers: days since 1970-01-01, all in UTC, whatever clock people live by."""

import calendar
import dataclasses
from datetime import date
from typing import Literal

DAY_S = 86_400
HOUR_S = 3_600
RAW_DAYS = 30
"""What names an account and a day, and what is counted by the hour, is removed when it is older."""
KEPT_DAYS = 365
"""Everything else is removed when it is older."""

type Span = Literal["day", "week", "month"]
type Bucket = Literal["hour", "day", "week", "month"]

_EPOCH = date(1970, 1, 1).toordinal()


def day_of(at_s: float) -> int:
    """The day of a time in seconds since 1970."""
    return int(at_s // DAY_S)


def date_of(day: int) -> date:
    """The day in the calendar."""
    return date.fromordinal(_EPOCH + day)


def number_of(day: date) -> int:
    """The number of a calendar's day."""
    return day.toordinal() - _EPOCH


def start_of(span: Span, day: int) -> int:
    """The first day of the day's week (a Monday, ISO 8601), of its month, or the day itself."""
    if span == "week":
        return day - (day + 3) % 7  # 1970-01-01 was a Thursday
    if span == "month":
        return day - date_of(day).day + 1
    return day


def end_of(span: Span, day: int) -> int:
    """The last day of the day's week or month, or the day itself."""
    if span == "week":
        return start_of(span, day) + 6
    if span == "month":
        there = date_of(day)
        return start_of(span, day) + calendar.monthrange(there.year, there.month)[1] - 1
    return day


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """From one day to another, both counted."""

    first: int
    last: int

    def whole(self, span: Span) -> "Range":
        """The range made longer, so that it holds whole weeks or months."""
        return Range(start_of(span, self.first), end_of(span, self.last))

    def starts(self, span: Span) -> list[int]:
        """The first day of each day, week or month in the range."""
        found, day = [], start_of(span, self.first)
        while day <= self.last:
            found.append(day)
            day = end_of(span, day) + 1
        return found


def name_of(bucket: Bucket, start: int) -> str:
    """A bucket's start as ISO 8601 writes it; of hours ``start`` is in hours since 1970."""
    if bucket == "hour":
        return f"{date_of(start // 24)}T{start % 24:02}:00Z"
    return str(date_of(start))
