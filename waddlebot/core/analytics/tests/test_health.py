"""The health of a community: each part by hand, its bounds, and words where there is no number."""

import math
from collections.abc import AsyncIterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.core.analytics.days import DAY_S, number_of
from waddlebot.core.analytics.health import (
    PARTS,
    Evidence,
    Person,
    consistency,
    engagement,
    grade_of,
    retention,
    spread,
    window_days,
)
from waddlebot.core.analytics.tests.world import link, opened, part, say
from waddlebot.libs.contracts.analytics import Analytics, Health, HealthRequest
from waddlebot.libs.testing.modules import Bench

DAY = number_of(date(2026, 3, 9))


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened(database_url) as found:
        yield found


def people(*lines: int) -> list[Person]:
    return [Person(n, early=n > 0, late=False) for n in lines]


def weeks(*lines: int) -> list[int]:
    return [n for week in lines for n in (week, 0, 0, 0, 0, 0, 0)]


def test_consistency_by_hand() -> None:
    assert consistency(Evidence(weeks(5, 5, 5, 5), ())) == 100.0
    assert consistency(Evidence([5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], ())) == 100.0, "whatever the day"
    # Mean 20, squared distances 100 + 100, their mean 100, s = 10.
    assert consistency(Evidence(weeks(10, 30), ())) == pytest.approx(50.0)
    assert consistency(Evidence(weeks(0, 0, 0, 40), ())) == 0.0
    assert consistency(Evidence(weeks(0, 0), ())) == 0.0


def test_engagement_retention_and_spread_by_hand() -> None:
    seen = Evidence((), people(0, 1, 5, 9))
    assert engagement(seen) == 50.0
    back = [Person(1, True, True), Person(1, True, False), Person(1, False, True), Person(1, True, True)]
    assert retention(Evidence((), back)) == pytest.approx(200 / 3)
    assert retention(Evidence((), [Person(9, False, True)])) == 0.0, "nobody was there to come back"
    # Shares 1/2, 1/4, 1/4: 1 - (1/4 + 1/16 + 1/16) = 5/8.
    assert spread(Evidence((), people(2, 1, 1, 0))) == pytest.approx(62.5)
    assert spread(Evidence((), people(7))) == 0.0
    assert [part.compute(Evidence((), ())) for part in PARTS] == [0.0] * 4


def test_weights_and_grades_are_the_known_ones() -> None:
    assert {part.name: part.weight for part in PARTS} == {
        "consistency": 0.25, "engagement": 0.30, "retention": 0.25, "spread": 0.20,
    }  # fmt: skip
    assert [grade_of(score) for score in (100, 90, 89.9, 80, 79, 70, 69, 60, 59.9, 0)] == list("AABBCCDDFF")


def test_whole_weeks_count_from_the_second_to_the_fourth() -> None:
    assert [window_days(age) for age in (0, 13, 14, 20, 21, 27, 28, 900)] == [0, 0, 14, 14, 21, 21, 28, 28]


@given(
    st.lists(st.integers(0, 10**9), min_size=28, max_size=28),
    st.lists(st.builds(Person, st.integers(0, 10**9), st.booleans(), st.booleans()), max_size=30),
)
def test_every_part_stays_within_its_bounds(lines: list[int], seen: list[Person]) -> None:
    for one in PARTS:
        assert -1e-9 <= one.compute(Evidence(lines, seen)) <= 100.0 + 1e-9
        assert math.isfinite(one.compute(Evidence(lines, seen)))


async def health(bench: Bench, day: int) -> Health:
    bench.now = day * DAY_S
    return await bench.ask(Analytics).health(HealthRequest())


async def test_without_enough_to_say_there_are_words(bench: Bench) -> None:
    assert (await health(bench, DAY)).words == "Nobody has written here yet."
    await say(bench, DAY, {"ann": 9})
    young = await health(bench, DAY + 5)
    assert (young.grade, young.parts, young.score) == ("", (), 0.0)
    assert young.words == "There is a grade 14 days after the first line, 9 days from now."
    assert "Fewer than two" in (await health(bench, DAY + 14)).words
    await say(bench, DAY, {"bob": 1})
    assert (await health(bench, DAY + 14)).grade == "F"
    assert (await health(bench, DAY + 29)).words == "Nobody has written in the last 28 days."


async def test_a_whole_one_by_hand_whoever_is_linked(bench: Bench) -> None:
    for day, lines in ((0, {"ann": 6, "bob": 4}), (8, {"ann": 6, "bob": 4}), (16, {"ann": 10}), (24, {"cat": 10})):
        await say(bench, DAY + day, lines)
    alone = await health(bench, DAY + 28)
    # Every week has 10 lines. All three wrote five. Of Ann and Bob, Ann came back. Shares 22/40, 8/40, 10/40.
    assert [round(one.score, 3) for one in alone.parts] == [100.0, 100.0, 50.0, 59.5]
    assert alone.score == pytest.approx(0.25 * 100 + 0.3 * 100 + 0.25 * 50 + 0.2 * 59.5)
    assert (alone.grade, alone.days, alone.people, alone.words) == ("C", 28, 3, "")
    await link(bench, "irc:bob", "irc:cat")
    linked = await health(bench, DAY + 28)
    assert [round(one.score, 3) for one in linked.parts] == [100.0, 100.0, 100.0, 49.5]
    assert linked.people == 2
    await part(bench, "irc:bob")
    assert await health(bench, DAY + 28) == alone
