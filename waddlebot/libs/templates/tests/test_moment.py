"""Formats, zones, dates and lengths."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.templates import moment
from waddlebot.libs.templates.tests.world import NOW

WHEN = datetime(2026, 1, 3, 0, 5, 9, 123456, tzinfo=moment.zone("America/New_York"))

# Checked against moment 2.30 with moment-timezone for this very moment.
FORMATS = {
    "YYYY-MM-DDTHH:mm:ssZ": "2026-01-03T00:05:09-05:00",
    "YY Y M Mo MM MMM MMMM": "26 2026 1 1st 01 Jan January",
    "Q Qo D Do DD DDD DDDo DDDD": "1 1st 3 3rd 03 3 3rd 003",
    "d do dd ddd dddd e E": "6 6th Sa Sat Saturday 6 6",
    "w wo ww W Wo WW GG GGGG": "1 1st 01 1 1st 01 26 2026",
    "A a H HH h hh k kk m mm s ss": "AM am 0 00 12 12 24 24 5 05 9 09",
    "S SS SSS SSSS": "1 12 123 1234",
    "z zz Z ZZ X x": "EST EST -05:00 -0500 1767416709 1767416709123",
    "LT | LTS | L | LL": "12:05 AM | 12:05:09 AM | 01/03/2026 | January 3, 2026",
    "LLL | LLLL": "January 3, 2026 12:05 AM | Saturday, January 3, 2026 12:05 AM",
    "l | ll | lll | llll": "1/3/2026 | Jan 3, 2026 | Jan 3, 2026 12:05 AM | Sat, Jan 3, 2026 12:05 AM",
    "[Today is] dddd [at] hmm": "Today is Saturday at 1205",
    "[] ? ! ÄÖ": " ? ! ÄÖ",
}


@pytest.mark.parametrize(("form", "text"), FORMATS.items())
def test_formats(form: str, text: str) -> None:
    assert moment.write(WHEN, form) == text


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ((2025, 12, 27), "52"),
        ((2025, 12, 28), "1"),
        ((2026, 1, 4), "2"),
        ((2024, 12, 29), "1"),
        ((2023, 1, 1), "1"),
    ],
)
def test_weeks_begin_on_sunday(day: tuple[int, int, int], week: str) -> None:
    assert moment.write(datetime(*day, tzinfo=UTC), "w") == week


@pytest.mark.parametrize(
    "name",
    [
        "US/Eastern",
        "us/eastern",
        "Europe/Berlin",
        "EST",
        "pdt",
        "utc",
        "GMT",
        "+05:30",
        "UTC-3",
        "america/new york",
    ],
)
def test_zones(name: str) -> None:
    assert moment.zone(name) is not None


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "+99", "Europe", "posixrules\x00"]
)
def test_no_zones(name: str) -> None:
    assert moment.zone(name) is None


# Read at 2026-03-14 15:09:26 UTC.
DATES = {
    "Dec 25 2026 12:00:00 AM EST": "2026-12-25T05:00:00",
    "12 25 2026 12:00:00 AM EST": "2026-12-25T05:00:00",
    "Mar 13 2018 03:30:00 PM America/Los_Angeles": "2018-03-13T22:30:00",
    "December 25th, 2026": "2026-12-25T00:00:00",
    "25 Dec 2026 18:00": "2026-12-25T18:00:00",
    "12/25/2026 6 pm Europe/Berlin": "2026-12-25T17:00:00",
    "2026-12-25": "2026-12-25T00:00:00",
    "2026-12-25T10:00:00+02:00": "2026-12-25T08:00:00",
    "Friday, Dec 25 2026 at 6:30 PM": "2026-12-25T18:30:00",
    "Dec 25": "2026-12-25T00:00:00",
    "Jan 1": "2027-01-01T00:00:00",
    "5:00:00 PM EST": "2026-03-14T21:00:00",
    "20:00": "2026-03-14T20:00:00",
    "15:00": "2026-03-15T15:00:00",
    "3am": "2026-03-15T03:00:00",
}


@pytest.mark.parametrize(("text", "iso"), DATES.items())
def test_dates(text: str, iso: str) -> None:
    read = moment.read(text, NOW)
    assert read is not None
    assert read.astimezone(UTC).isoformat() == iso + "+00:00"


def test_the_last_such_day() -> None:
    for text, iso in {
        "Dec 25": "2025-12-25T00:00:00",
        "20:00": "2026-03-13T20:00:00",
        "Jan 1": "2026-01-01T00:00:00",
    }.items():
        read = moment.read(text, NOW, past=True)
        assert read is not None
        assert read.astimezone(UTC).isoformat() == iso + "+00:00"


@pytest.mark.parametrize(
    "text", ["", "soon", "Feb 31 2026", "25:00", "99 99 2026", "EST", "12", "Dec", "1 2 3 4", "Feb 29 9999999"]
)
def test_no_dates(text: str) -> None:
    assert moment.read(text, NOW) is None


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(text: str) -> None:
    moment.read(text, NOW)
    moment.write(WHEN, text)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ((2026, 1, 31), (2026, 3, 1), "1 month 1 day"),
        ((2024, 2, 29), (2025, 2, 28), "1 year"),
        ((2026, 1, 1), (2026, 1, 1), "0 seconds"),
        ((2025, 12, 15), (2026, 1, 14), "30 days"),
        ((2026, 1, 14), (2025, 12, 14), "1 month"),
    ],
)
def test_lengths(start: tuple[int, int, int], end: tuple[int, int, int], words: str) -> None:
    assert moment.length(datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC)) == words
