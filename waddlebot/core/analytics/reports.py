"""What is told of a community: activity, commands, cohorts, the funnel, its health. It names nobody."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from waddlebot.core.analytics import health as formulas
from waddlebot.core.analytics.days import KEPT_DAYS, Bucket, Range, Span, end_of, name_of, start_of
from waddlebot.core.analytics.health import LINES_MANY, PARTS, Evidence, Person
from waddlebot.core.analytics.people import People
from waddlebot.core.analytics.store import AnalyticsStore, Seen, Steps, Sums, Uses, Writer
from waddlebot.libs.contracts.analytics import Health, HealthPart

COHORT_DAYS = {"week": 180, "month": KEPT_DAYS}
"""How far back cohorts reach: half a year of weeks, a year of months."""
RECENT_DAYS = 7
USES_MAX = 100_000
"""Rows of command uses in one answer: a day and a command each."""


class Activity(msgspec.Struct, frozen=True):
    """What was done in the time that starts then (UTC): ``people`` wrote ``lines``, ``newcomers`` came.

    ``commands`` are the uses of commands, ``others`` follows, reactions and the like. People are counted in the
    whole community and by the day at least: in a single place and by the hour they are null.
    """

    start: str
    people: int | None
    newcomers: int | None
    lines: int
    commands: int
    others: int


class CommandUse(msgspec.Struct, frozen=True):
    """How often a command was used in the time that starts then, and what became of it."""

    start: str
    command: str
    uses: int
    answered: int
    refused: int
    failed: int


class Cohort(msgspec.Struct, frozen=True):
    """The people who came in the week or month that starts then: how many wrote in it, and in each after it."""

    start: str
    people: int
    active: list[int]


class Funnel(msgspec.Struct, frozen=True):
    """Of the people who came within a range of days: how many wrote, wrote five lines, and wrote this week, too.

    Each step counts those who went the one before it, too.
    """

    joined: int
    first_message: int
    five_messages: int
    weekly_active: int


async def activity(
    store: AnalyticsStore, people: People, days: Range, bucket: Bucket, entity: str, today: int
) -> list[Activity]:
    """A row for each hour, day, week or month of the range; weeks and months are whole ones."""
    if bucket == "hour":
        return [
            Activity(name_of("hour", one.start), None, None, one.lines, one.commands, one.others)
            for one in await store.hours(days)
        ]
    days = days.whole(bucket)
    sums = _summed(await store.sums(days, entity), bucket)
    wrote, came = Counter[int](), Counter[int]()
    if not entity:
        wrote = people.distinct(*await store.wrote_by(bucket, days, today, people.linked))
        came = await newcomers(store, people, days, bucket)
    found = []
    for start in days.starts(bucket):
        if start > today:
            break
        wrote_here, came_here = (None, None) if entity else (wrote[start], came[start])
        lines, uses, others = sums[start]
        found.append(Activity(name_of(bucket, start), wrote_here, came_here, lines, uses, others))
    return found


def _summed(rows: Iterable[Sums], span: Span) -> defaultdict[int, tuple[int, int, int]]:
    found: defaultdict[int, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for one in rows:
        lines, commands, others = found[start_of(span, one.start)]
        found[start_of(span, one.start)] = lines + one.lines, commands + one.commands, others + one.others
    return found


async def newcomers(store: AnalyticsStore, people: People, days: Range, span: Span) -> Counter[int]:
    """How many people came first in each day, week or month."""
    loners, linked = await store.newcomers(days, people.linked)
    found = Counter[int]()
    for day, count in loners:
        found[start_of(span, day)] += count
    for day in people.together(linked, min).values():
        if days.first <= day <= days.last:
            found[start_of(span, day)] += 1
    return found


async def active(store: AnalyticsStore, people: People, days: Range) -> int:
    """How many people wrote in a range of days within the last month."""
    loners, linked = await store.wrote_within(days, people.linked)
    return loners + len({people.person[account] for account in linked})


async def commands(store: AnalyticsStore, days: Range, bucket: Span | None, entity: str) -> list[CommandUse]:
    """A row for each command in each day, week or month, or in the whole range; those used most first.

    Raises ``OverflowError`` where there are more rows than :data:`USES_MAX`.
    """
    if bucket is not None:
        days = days.whole(bucket)
    rows = await store.uses(days, entity, USES_MAX + 1)
    if len(rows) > USES_MAX:
        raise OverflowError(f"more than {USES_MAX:,} rows")
    found: defaultdict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in rows:
        start = days.first if bucket is None else start_of(bucket, one.day)
        _add(found[start, one.command], one)
    return [
        CommandUse(name_of("day", start), command, sum(counts), *counts)
        for (start, command), counts in sorted(
            found.items(), key=lambda item: (item[0][0], -sum(item[1]), item[0][1])
        )
    ]


def _add(counts: list[int], uses: Uses) -> None:
    for place, times in enumerate((uses.answered, uses.refused, uses.failed)):
        counts[place] += times


async def cohorts(store: AnalyticsStore, people: People, span: Span, today: int) -> list[Cohort]:
    """Everybody by the week or month in which they came, the oldest first: who wrote in it, and in each since."""
    oldest = today - COHORT_DAYS[span]
    if start_of(span, oldest) < oldest:  # only whole ones
        oldest = end_of(span, oldest) + 1
    days = Range(oldest, today)
    came = await newcomers(store, people, days, span)
    loners, linked = await store.returns(span, days, today, people.linked)
    wrote = Counter[tuple[int, int]]()
    for day, start, count in loners:
        wrote[start_of(span, day), start] += count
    firsts = people.together((await store.newcomers(days, people.linked))[1], min)
    for person, start in {(people.person[account], start) for account, start in linked}:
        wrote[start_of(span, firsts[person]), start] += 1
    starts = days.starts(span)
    return [
        Cohort(name_of("day", start), came[start], [wrote[start, later] for later in starts if later >= start])
        for start in starts
    ]


async def funnel(store: AnalyticsStore, people: People, days: Range, today: int) -> Funnel:
    """How far the people went who came within a range of days."""
    loners, linked = await store.steps(days, today - RECENT_DAYS + 1, LINES_MANY, people.linked)
    steps = [loners.joined, loners.wrote, loners.five, loners.recent]
    for one in people.together(((seen.account, seen) for seen in linked), _joined).values():
        if days.first <= one.first_day <= days.last:
            went = dataclasses.astuple(_steps_of(one))
            steps = [so_far + more for so_far, more in zip(steps, went, strict=True)]
    return Funnel(*steps)


def _joined(seen: Sequence[Seen]) -> Seen:
    return Seen(
        seen[0].account,
        min(one.first_day for one in seen),
        sum(one.lines for one in seen),
        max(one.recent for one in seen),
    )


def _steps_of(seen: Seen) -> Steps:
    many = seen.lines >= LINES_MANY
    return Steps(1, int(seen.lines > 0), int(many), int(many and seen.recent > 0))


async def health(store: AnalyticsStore, people: People, today: int) -> Health:
    """The four parts, their weighted sum and its grade, or why there is none."""
    began = await store.began()
    age_days = None if began is None else today - began
    count = formulas.window_days(age_days or 0)
    evidence = Evidence((), ())
    if count:
        days = Range(today - count, today - 1)
        lines = {one.start: one.lines for one in await store.sums(days)}
        writers = await store.writers(days, days.first + count // 2)
        evidence = Evidence(
            [lines.get(day, 0) for day in days.starts("day")],
            [
                Person(one.lines, one.early > 0, one.late > 0)
                for one in people.together(((one.account, one) for one in writers), _as_one).values()
            ],
        )
    if words := formulas.why_none(age_days, evidence):
        return Health("", 0.0, (), count, len(evidence.people), words)
    parts = tuple(HealthPart(part.name, part.compute(evidence), part.weight, part.meaning) for part in PARTS)
    score = sum(part.score * part.weight for part in parts)
    return Health(formulas.grade_of(score), score, parts, count, len(evidence.people), "")


def _as_one(writers: Sequence[Writer]) -> Writer:
    return Writer(
        writers[0].account,
        sum(one.lines for one in writers),
        max(one.early for one in writers),
        max(one.late for one in writers),
    )


type Rows = tuple[Sequence[str], list[Sequence[Any]]]
"""A table's heading and its rows."""


def as_table(records: Sequence[msgspec.Struct], shape: type[msgspec.Struct]) -> Rows:
    """Records of numbers and texts as a table; a list in one is spread over numbered columns."""
    names = list(shape.__struct_fields__)
    rows: list[Sequence[Any]] = [msgspec.structs.astuple(record) for record in records]
    if shape is Cohort:
        width = max((len(row[-1]) for row in rows), default=0)
        names = [*names[:-1], *(f"active_{number}" for number in range(width))]
        rows = [[*row[:-1], *row[-1], *[None] * (width - len(row[-1]))] for row in rows]
    return names, rows
