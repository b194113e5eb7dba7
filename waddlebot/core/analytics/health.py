"""How healthy a community is: four parts of what people did in the last four weeks, each from 0 to 100."""

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence

WINDOW_DAYS = 28
"""The whole days before today that count, or the whole weeks of them since the first line."""
AGE_DAYS_MIN = 14
"""A community has no grade before: no part says anything about fewer than two weeks."""
LINES_MANY = 5
"""Who wrote so many lines takes part, in the health as in the funnel."""

_GRADES = ((90, "A"), (80, "B"), (70, "C"), (60, "D"))


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was seen in the window: their lines, and whether they wrote in its first and second half."""

    lines: int
    early: bool
    late: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Lines of each day of the window (whole weeks), and the people who were seen in it."""

    lines_by_day: Sequence[int]
    people: Collection[Person]


def consistency(seen: Evidence) -> float:
    """100 · (1 − s / m) of the lines of each week, at least 0: m is their mean, s their standard deviation.

    100 where every week has as many lines, whatever the days; 0 where the deviation is as large as the mean,
    or where nobody wrote.
    """
    weeks = [sum(seen.lines_by_day[start : start + 7]) for start in range(0, len(seen.lines_by_day), 7)]
    mean = sum(weeks) / len(weeks) if weeks else 0.0
    if not mean:
        return 0.0
    deviation = math.sqrt(sum((lines - mean) ** 2 for lines in weeks) / len(weeks))
    return 100.0 * max(0.0, 1.0 - deviation / mean)


def engagement(seen: Evidence) -> float:
    """100 · the share of people seen who wrote at least five lines; 0 where nobody was seen."""
    many = sum(person.lines >= LINES_MANY for person in seen.people)
    return 100.0 * many / len(seen.people) if seen.people else 0.0


def retention(seen: Evidence) -> float:
    """100 · the share, of those who wrote in the first half, who wrote in the second half too.

    0 where nobody wrote in the first half: then nobody came back.
    """
    early = [person for person in seen.people if person.early]
    return 100.0 * sum(person.late for person in early) / len(early) if early else 0.0


def spread(seen: Evidence) -> float:
    """100 · (1 − HHI), the Herfindahl-Hirschman index: the sum of the squares of each one's share of lines.

    0 where one person writes everything, 100 · (1 − 1 / n) where n people write alike, so never quite 100.
    """
    lines = sum(person.lines for person in seen.people)
    return 100.0 * (1.0 - sum((person.lines / lines) ** 2 for person in seen.people)) if lines else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One part of the score: its weight, how it is computed, and what a low value means."""

    name: str
    weight: float
    compute: Callable[[Evidence], float]
    meaning: str


PARTS = (
    Part("consistency", 0.25, consistency, "how much is written differs a lot from week to week"),
    Part("engagement", 0.30, engagement, "few of those who look in write five lines or more"),
    Part(
        "retention", 0.25, retention, "few of those who wrote in the first half of these weeks wrote in the second"
    ),
    Part("spread", 0.20, spread, "a few people write most of the lines"),
)


def grade_of(score: float) -> str:
    """A from 90, B from 80, C from 70, D from 60, else F."""
    return next((grade for least, grade in _GRADES if score >= least), "F")


def window_days(age_days: int) -> int:
    """How many days count where the first line is so many whole days ago: whole weeks, none before two of them."""
    return min(age_days // 7 * 7, WINDOW_DAYS) if age_days >= AGE_DAYS_MIN else 0


def why_none(age_days: int | None, seen: Evidence) -> str:
    """Why there is no grade, in words; empty where there is one."""
    if age_days is None:
        return "Nobody has written here yet."
    if age_days < AGE_DAYS_MIN:
        return (
            f"There is a grade {AGE_DAYS_MIN} days after the first line, {AGE_DAYS_MIN - age_days} days from now."
        )
    if not any(seen.lines_by_day):
        return f"Nobody has written in the last {WINDOW_DAYS} days."
    writers = sum(person.lines > 0 for person in seen.people)
    if writers < 2:
        return "Fewer than two of the people who are counted have written lately: there is no community to grade."
    return ""
