"""What a request asks for, read from its query: days, buckets, places. What is wrong is refused in words."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast

from waddlebot.core.analytics.days import RAW_DAYS, Bucket, Range, Span, date_of, number_of
from waddlebot.libs.web import HttpError

DAYS_MAX = 366
ROWS_MAX = 1_000
"""Rows on a page of an answer in JSON."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The days from ``from`` to ``to`` (without them the last 30), the bucket, the place and the page."""

    days: Range
    bucket: Bucket | None
    entity: str
    page: int


def asked(
    query: Mapping[str, str], today: int, *, buckets: Sequence[Bucket] = (), known: Sequence[str] = ()
) -> Asked:
    """Read a query. ``buckets`` are those that there may be; ``known`` are the names a query may have.

    Raises ``HttpError`` 400 for what cannot be answered.
    """
    for name in query:
        if name not in known:
            raise _wrong(
                "unknown_parameter", f"There is no parameter {name!r} here; there are: {', '.join(known)}."
            )
    last = _day(query, "to", today)
    first = _day(query, "from", last - RAW_DAYS + 1)
    if first > last:
        raise _wrong("bad_range", f"from ({date_of(first)}) lies after to ({date_of(last)}).")
    if last > today:
        raise _wrong("bad_range", f"to ({date_of(last)}) lies in the future: today is {date_of(today)} (UTC).")
    if last - first >= DAYS_MAX:
        raise _wrong("bad_range", f"At most {DAYS_MAX} days can be asked for at once, not {last - first + 1}.")
    bucket = query.get("bucket")
    if bucket is not None and bucket not in buckets:
        raise _wrong("bad_bucket", f"bucket is one of: {', '.join(buckets)}; not {bucket!r}.")
    entity = query.get("entity", "")
    if bucket == "hour" and entity:
        raise _wrong("bad_bucket", "Hours are counted for the whole community: leave entity out, or ask for days.")
    if bucket == "hour" and first < today - RAW_DAYS:
        raise _wrong(
            "bad_range", f"Hours are kept for {RAW_DAYS} days: from is {date_of(today - RAW_DAYS)} or later."
        )
    return Asked(Range(first, last), cast("Bucket | None", bucket), entity, _page(query))


def asked_span(query: Mapping[str, str]) -> Span:
    """Which cohorts are asked for. Raises ``HttpError`` 400 for others than weeks and months."""
    for name in query:
        if name != "bucket":
            raise _wrong("unknown_parameter", f"There is no parameter {name!r} here; there is: bucket.")
    bucket = query.get("bucket", "week")
    if bucket not in ("week", "month"):
        raise _wrong("bad_bucket", f"bucket is one of: week, month; not {bucket!r}.")
    return cast("Span", bucket)


def _day(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _wrong("bad_range", f"{name} is a day such as 2026-01-31, not {text!r}.") from None
    if day.year < 1970:
        raise _wrong("bad_range", f"{name} is a day since 1970, not {text!r}.")
    return number_of(day)


def _page(query: Mapping[str, str]) -> int:
    text = query.get("page", "1")
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:10]) <= 1_000_000:
        raise _wrong("bad_page", f"page is a number from 1, not {text!r}.")
    return int(text)


def _wrong(error: str, detail: str) -> HttpError:
    return HttpError(400, error, detail)
