"""What is told: the same as plain counting gives, whoever is linked with whom; and examples done by hand."""

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import date

import pytest

from waddlebot.core.analytics import reports
from waddlebot.core.analytics.days import DAY_S, RAW_DAYS, Range, Span, date_of, number_of, start_of
from waddlebot.core.analytics.module import module, tidy
from waddlebot.core.analytics.people import everybody
from waddlebot.core.analytics.reports import Cohort, Funnel
from waddlebot.core.analytics.tests.world import happen, link, opened, part, say, store, used
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.libs.sdk import Event
from waddlebot.libs.testing.modules import Bench, crowd

DAY = number_of(date(2026, 3, 9))  # a Monday
LOGINS = ["ann", "bob", "cat", "dan", "eve", "fay"]


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened(database_url) as found:
        yield found


class Plain:
    """Counts the same events in the plainest way."""

    def __init__(self) -> None:
        self.lines: Counter[tuple[int, str]] = Counter()
        self.seen: defaultdict[str, set[int]] = defaultdict(set)
        self.uses: Counter[tuple[int, str, str]] = Counter()
        self.hours: Counter[int] = Counter()
        self.person = {login: login for login in LOGINS}
        self.frozen: dict[int, int] = {}

    def take(self, day: int, hour: int, events: list[Event]) -> None:
        for event in events:
            self.seen[event.user_id].add(day)
            if event.kind == "chat.message":
                self.lines[day, event.user_id] += 1
                self.hours[day * 24 + hour] += 1
            else:
                self.uses[day, event.data["command"], event.data["status"]] += 1

    def wrote(self, day: int) -> set[str]:
        return {self.person[login] for login in LOGINS if self.lines[day, login]}

    def freeze(self, today: int) -> None:
        """Days that are folded keep the number of people there were then."""
        for day in range(DAY, today - RAW_DAYS):
            self.frozen.setdefault(day, len(self.wrote(day)))

    def people(self, span: Span, days: Range) -> dict[int, int]:
        found: defaultdict[int, set[str]] = defaultdict(set)
        for day in days.starts("day"):
            found[start_of(span, day)] |= self.wrote(day)
        counts = {start: len(people) for start, people in found.items()}
        return counts | self.frozen if span == "day" else counts

    def first(self, person: str) -> int:
        return min(day for login in LOGINS if self.person[login] == person for day in self.seen[login] or {10**9})

    def persons(self) -> list[str]:
        return sorted({self.person[login] for login in LOGINS if self.seen[login]})

    def cohort(self, span: Span, start: int, later: int) -> int:
        came = {one for one in self.persons() if start_of(span, self.first(one)) == start}
        wrote = {self.person[login] for day, login in +self.lines if start_of(span, day) == later}
        return len(came & wrote)


@pytest.mark.parametrize("seed", range(3))
async def test_totals_and_people_are_those_of_plain_counting(bench: Bench, seed: int) -> None:
    chance, plain = random.Random(seed), Plain()
    last = DAY + 75
    await see(bench.context(identity), crowd([bench.event("hi", login=login) for login in LOGINS]))
    for day in range(DAY, last + 1):
        await _one_day(bench, chance, plain, day)
        await tidy(bench.context(module))
        plain.freeze(day)
    days = Range(DAY, last)
    await _compare(bench, plain, days)
    alone = [one for one, accounts in Counter(plain.person.values()).items() if accounts == 1]
    await link(bench, *(f"irc:{one}" for one in alone[:2]))
    await part(bench, f"irc:{alone[1]}")
    await _compare(bench, plain, days)  # who is linked and parted is as before


async def _one_day(bench: Bench, chance: random.Random, plain: Plain, day: int) -> None:
    who, other = chance.sample(LOGINS, 2)
    groups = Counter(plain.person.values())
    if chance.random() < 0.15 and groups[plain.person[who]] == groups[plain.person[other]] == 1:
        await link(bench, f"irc:{who}", f"irc:{other}")
        plain.person[who] = plain.person[other] = min(who, other)
    elif chance.random() < 0.15 and groups[plain.person[who]] == 2:
        await part(bench, f"irc:{who}")
        for login in [one for one in LOGINS if plain.person[one] == plain.person[who]]:
            plain.person[login] = login
    for hour in chance.sample(range(24), 2):
        bench.now = day * DAY_S + hour * 3_600.0
        here = chance.sample(LOGINS, chance.randint(0, 4))
        events = [bench.event("hi", login=one) for one in here for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.3:
            status = chance.choice(["answered", "refused", "failed"])
            events += [used(bench, chance.choice(["so", "dice"]), login=one, status=status) for one in here[:1]]
        chance.shuffle(events)
        await happen(bench, events)
        plain.take(day, hour, [one for one in events if one.data.get("status") != "failed"])
        for one in events:  # a use that failed is nothing that its user did
            plain.uses[day, one.data.get("command", ""), "failed"] += one.data.get("status") == "failed"


async def _compare(bench: Bench, plain: Plain, days: Range) -> None:
    here, people, today = store(bench), await everybody(bench.context(module)), days.last
    for span in ("day", "week", "month"):
        told = await reports.activity(here, people, days, span, "", today)
        whole = plain.people(span, days)
        came = Counter(start_of(span, plain.first(one)) for one in plain.persons())
        for one in told:
            start = number_of(date.fromisoformat(one.start))
            lines = sum(n for (day, _), n in plain.lines.items() if start_of(span, day) == start)
            assert (one.lines, one.people, one.newcomers) == (lines, whole.get(start, 0), came[start]), one
    for cohorts_of in ("week", "month"):
        for cohort in await reports.cohorts(here, people, cohorts_of, today):
            start = number_of(date.fromisoformat(cohort.start))
            laters = Range(start, today).starts(cohorts_of)
            assert cohort.active == [plain.cohort(cohorts_of, start, later) for later in laters], cohort
    funnel = await reports.funnel(here, people, days, today)
    assert funnel.joined == len(plain.persons())
    total = Counter(
        {one: sum(n for (_, who), n in plain.lines.items() if plain.person[who] == one) for one in plain.persons()}
    )
    assert funnel.first_message == sum(total[one] > 0 for one in total)
    assert funnel.five_messages == sum(total[one] >= 5 for one in total)
    hours = await reports.activity(here, people, Range(today - RAW_DAYS, today), "hour", "", today)
    assert {one.start: one.lines for one in hours if one.lines} == {
        f"{date_of(hour // 24)}T{hour % 24:02}:00Z": n
        for hour, n in plain.hours.items()
        if hour // 24 >= today - RAW_DAYS
    }
    told_uses = {one.command: one for one in await reports.commands(here, days, None, "")}
    for command in ("so", "dice"):
        counts = [sum(n for (_, what, how), n in plain.uses.items() if (what, how) == (command, status))
                  for status in ("answered", "refused", "failed")]  # fmt: skip
        use = told_uses[command]
        assert [use.answered, use.refused, use.failed, use.uses] == [*counts, sum(counts)]


async def test_cohorts_of_three_weeks_by_hand(bench: Bench) -> None:
    """Ann and Bob come in the first week, Cat in the second; Dan only follows."""
    await say(bench, DAY, {"ann": 1, "bob": 1})
    await happen(bench, [bench.event(kind="channel.followed", login="dan")])
    await say(bench, DAY + 7, {"ann": 1, "cat": 1})
    await say(bench, DAY + 14, {"ann": 1, "bob": 1, "cat": 1})
    people = await everybody(bench.context(module))
    found = await reports.cohorts(store(bench), people, "week", DAY + 15)
    assert len(found) == 26, "whole weeks of the last 180 days, and this one"
    assert found[-4:] == [
        Cohort("2026-03-02", 0, [0, 0, 0, 0]),
        Cohort("2026-03-09", 3, [2, 1, 2]),
        Cohort("2026-03-16", 1, [1, 1]),
        Cohort("2026-03-23", 0, [0]),
    ]
    months = await reports.cohorts(store(bench), people, "month", DAY + 15)
    assert (len(months), months[-1]) == (12, Cohort("2026-03-01", 4, [3]))


async def test_a_funnel_by_hand(bench: Bench) -> None:
    """Dan only follows, Cat writes one line, Bob five but not this week, Ann five and this week again."""
    await say(bench, DAY, {"ann": 4, "bob": 5, "cat": 1})
    await happen(bench, [bench.event(kind="channel.followed", login="dan")])
    await say(bench, DAY + 10, {"ann": 1})
    people = await everybody(bench.context(module))
    assert await reports.funnel(store(bench), people, Range(DAY, DAY + 10), DAY + 10) == Funnel(4, 3, 2, 1)
    assert await reports.funnel(store(bench), people, Range(DAY + 1, DAY + 10), DAY + 10) == Funnel(0, 0, 0, 0)
    await link(bench, "irc:cat", "irc:bob")
    people = await everybody(bench.context(module))
    assert await reports.funnel(store(bench), people, Range(DAY, DAY + 10), DAY + 10) == Funnel(3, 2, 2, 1)


async def test_one_place_has_lines_but_no_people(bench: Bench) -> None:
    await say(bench, DAY, {"ann": 2})
    await say(bench, DAY, {"ann": 3}, channel="#other")
    people = await everybody(bench.context(module))
    (one,) = await reports.activity(store(bench), people, Range(DAY, DAY), "day", "irc:net:#other", DAY)
    assert (one.people, one.newcomers, one.lines) == (None, None, 3)
