"""What moderators type, what admins ask over HTTP, and the files they get."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.core.analytics.days import DAY_S, number_of
from waddlebot.core.analytics.export import ROWS_IN_CHUNK, cell, csv_chunks
from waddlebot.core.analytics.module import (
    get_activity,
    get_cohorts,
    get_commands,
    get_export,
    get_funnel,
    get_health,
    module,
)
from waddlebot.core.analytics.reports import Activity, CommandUse
from waddlebot.core.analytics.store import AnalyticsStore
from waddlebot.core.analytics.tests.world import happen, link, opened, request, say, used
from waddlebot.libs.sdk import Role, RouteContext
from waddlebot.libs.testing.modules import Bench
from waddlebot.libs.web import HttpError

DAY = number_of(date(2026, 3, 9))


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened(database_url) as found:
        found.now = DAY * DAY_S + 60.0
        yield found


async def exported(ctx: RouteContext[None, AnalyticsStore]) -> tuple[str, list[list[str]]]:
    """A file's name and its cells."""
    found = await get_export(ctx)
    text = b"".join([chunk async for chunk in found.chunks]).decode()
    assert found.content_type.startswith("text/csv; charset=utf-8")
    return found.name, list(csv.reader(io.StringIO(text, newline="")))


# In chat


async def test_a_summary_of_nothing_and_of_something(bench: Bench) -> None:
    assert await bench.says("analytics") == (
        "Today: 0 people, 0 lines. 7 days: 0 people, 0 lines. Health: no grade. Nobody has written here yet."
    )
    for day, who in ((0, "ann"), (7, "ann"), (14, "bob"), (20, "ann")):
        await say(bench, DAY + day, {who: 10})
    await happen(bench, [used(bench, "so"), used(bench, "so"), used(bench, "dice")])
    bench.now = (DAY + 21) * DAY_S
    await happen(bench, [bench.event("hi")])
    # Lines a week 10, 10, 20: s / m = 0.354. Both wrote five. Ann came back. Shares 3/4 and 1/4.
    assert await bench.says("chatstats") == (
        "Today: 1 person, 1 line. 7 days: 1 person, 11 lines. Most used: so (2), dice (1). "
        "Health: C (79 of 100). Its weakest part is spread (38): "
        "the lower it is, the truer that a few people write most of the lines."
    )
    await link(bench, "irc:ann", "irc:bob")
    assert "no grade. Fewer than two" in await bench.says("analytics")


# Over HTTP


async def test_activity_by_day_and_in_one_place(bench: Bench) -> None:
    await say(bench, DAY, {"ann": 2, "bob": 1})
    await happen(bench, [used(bench, "so")])
    found = await get_activity(request(bench, from_="2026-03-08", to="2026-03-09"))
    assert (found.rows, found.more) == (
        [Activity("2026-03-08", 0, 0, 0, 0, 0), Activity("2026-03-09", 2, 2, 3, 1, 0)], False
    )  # fmt: skip
    place = await get_activity(request(bench, from_="2026-03-09", entity="irc:net:#other"))
    assert place.rows == [Activity("2026-03-09", None, None, 0, 0, 0)]
    assert len((await get_activity(request(bench))).rows) == 30
    hours = await get_activity(request(bench, bucket="hour"))
    assert hours.rows == [Activity("2026-03-09T12:00Z", None, None, 3, 1, 0)]
    weeks = await get_activity(request(bench, bucket="week", from_="2026-03-05"))
    assert [(one.start, one.people, one.lines) for one in weeks.rows] == [
        ("2026-03-02", 0, 0),
        ("2026-03-09", 2, 3),
    ]
    months = await get_activity(request(bench, bucket="month", from_="2026-02-28"))
    assert [(one.start, one.people) for one in months.rows] == [("2026-02-01", 0), ("2026-03-01", 2)]


async def test_commands_cohorts_funnel_and_health(bench: Bench) -> None:
    uses = [used(bench, "so"), used(bench, "so", status="refused"), used(bench, "dice", status="failed")]
    await happen(bench, [*uses, bench.event("hi")])
    found = await get_commands(request(bench, from_="2026-03-09"))
    assert found.rows == [CommandUse("2026-03-09", "so", 2, 1, 1, 0), CommandUse("2026-03-09", "dice", 1, 0, 0, 1)]
    weekly = await get_commands(request(bench, bucket="week"))
    assert {one.start for one in weekly.rows} == {"2026-03-09"}
    assert (await get_commands(request(bench, entity="irc:net:#other"))).rows == []
    assert (await get_commands(request(bench, page="2"))).rows == []
    assert (await get_cohorts(request(bench))).rows[-1].people == 1
    assert (await get_funnel(request(bench))).joined == 1
    assert (await get_health(request(bench))).grade == ""


async def test_long_answers_come_in_pages(bench: Bench) -> None:
    await happen(bench, [used(bench, f"command{n}") for n in range(1_001)])
    first, second = await get_commands(request(bench)), await get_commands(request(bench, page="2"))
    assert (len(first.rows), first.more, len(second.rows), second.more) == (1_000, True, 1, False)
    _, lines = await exported(request(bench, "commands.csv"))
    assert len(lines) == 1_002, "a file has all of them"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from_": "2026-03-09", "to": "2026-03-08"}, "lies after"),
        ({"to": "2026-03-10"}, "in the future"),
        ({"from_": "2025-03-08"}, "At most 366 days"),
        ({"from_": "yesterday"}, "such as 2026-01-31"),
        ({"from_": "1969-12-31"}, "since 1970"),
        ({"to": "2026-02-30"}, "such as 2026-01-31"),
        ({"bucket": "year"}, "hour, day, week, month"),
        ({"bucket": "hour", "entity": "irc:net:#room"}, "leave entity out"),
        ({"bucket": "hour", "from_": "2026-02-01"}, "kept for 30 days"),
        ({"page": "0"}, "a number from 1"),
        ({"page": "９"}, "a number from 1"),
        ({"page": "9" * 5_000}, "a number from 1"),
        ({"since": "ever"}, "There is no parameter 'since'"),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_words(
    bench: Bench, query: dict[str, str], words: str
) -> None:
    with pytest.raises(HttpError, match=words) as error:
        await get_activity(request(bench, **query))
    assert error.value.status == 400


async def test_366_days_are_not_too_many(bench: Bench) -> None:
    assert len((await get_activity(request(bench, from_="2025-03-09"))).rows) == 366


async def test_other_routes_refuse_what_they_do_not_know(bench: Bench) -> None:
    for refused in (
        get_commands(request(bench, bucket="hour")),
        get_cohorts(request(bench, bucket="day")),
        get_cohorts(request(bench, from_="2026-03-09")),
        get_funnel(request(bench, entity="x")),
        get_health(request(bench, at="noon")),
        get_export(request(bench, "activity", page="1")),
    ):
        with pytest.raises(HttpError) as error:
            await refused
        assert error.value.status == 400
    with pytest.raises(HttpError, match="activity, commands, cohorts") as missing:
        await get_export(request(bench, "people.csv"))
    assert missing.value.status == 404


def test_only_admins_may_ask() -> None:
    assert {route.role for route in module.routes} == {Role.ADMIN}


# Files


async def test_every_table_is_there_as_a_file(bench: Bench) -> None:
    await say(bench, DAY, {"ann": 2})
    name, lines = await exported(request(bench, "activity.csv", from_="2026-03-09"))
    assert name == "activity.csv"
    assert lines == [
        ["start", "people", "newcomers", "lines", "commands", "others"], ["2026-03-09", "1", "1", "2", "0", "0"],
    ]  # fmt: skip
    _, lines = await exported(request(bench, "activity", from_="2026-03-09", entity="irc:net:#room"))
    assert lines[1] == ["2026-03-09", "", "", "2", "0", "0"]
    _, lines = await exported(request(bench, "cohorts.csv", bucket="month"))
    assert (lines[0][:3], len(lines), len({len(line) for line in lines})) == (
        ["start", "people", "active_0"],
        13,
        1,
    )
    assert lines[-1][:4] == ["2026-03-01", "1", "1", ""]
    _, lines = await exported(request(bench, "funnel.csv"))
    assert lines == [["joined", "first_message", "five_messages", "weekly_active"], ["1", "1", "0", "0"]]
    _, lines = await exported(request(bench, "health.csv"))
    assert lines[1][0] == "all"
    assert "14 days after" in lines[1][4]
    await say(bench, DAY, {"bob": 1})
    bench.now = (DAY + 14) * DAY_S
    _, lines = await exported(request(bench, "health.csv"))
    assert [line[0] for line in lines] == ["part", "consistency", "engagement", "retention", "spread", "all"]


async def test_no_cell_is_a_formula(bench: Bench) -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "＝1+1"]
    await happen(bench, [used(bench, one) for one in evil])
    _, lines = await exported(request(bench, "commands.csv"))
    assert {line[1] for line in lines[1:]} == {f"'{one}" for one in evil}


@given(st.lists(st.lists(st.one_of(st.integers(0), st.text()), min_size=2, max_size=2), max_size=5))
async def test_any_table_can_be_read_back(table: list[list[int | str]]) -> None:
    text = b"".join([chunk async for chunk in csv_chunks(["a", "b"], table)]).decode()
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [["a", "b"], *([str(cell(value)) for value in row] for row in table)]
    assert text.endswith("\r\n")


async def test_a_long_file_comes_in_chunks() -> None:
    rows = [[n] for n in range(2 * ROWS_IN_CHUNK + 1)]
    assert len([chunk async for chunk in csv_chunks(["n"], rows)]) == 3
