"""When timers are due, whatever clocks do."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.trigger.cron.periodic_messages.schedule import (
    REWIND_S_MAX,
    ScheduleError,
    believable_slot,
    first_slot,
    is_quiet,
    next_of_cron,
    next_slot,
    quiet_hours,
    zone_of,
)

HOURLY = (0.0, "0 * * * *", "UTC")


def at(text: str) -> float:
    """A time in UTC as seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")


@given(st.floats(60, 1e6), st.floats(0, 1e9), st.floats(0, 1e7))
def test_an_interval_keeps_its_phase_and_leaves_missed_slots_out(
    interval: float, slot: float, late: float
) -> None:
    now = slot + late
    following = next_slot(interval, "", "UTC", slot, now)
    assert now < following <= now + interval * (1 + 1e-9) + 1e-6
    steps = (following - slot) / interval
    assert steps == pytest.approx(round(steps), rel=1e-6)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 18 * * *", "UTC", "2026-01-01 17:59", "2026-01-01 18:00"),
        ("0 18 * * *", "UTC", "2026-01-01 18:00", "2026-01-02 18:00"),
        ("0 18 * * *", "Europe/Berlin", "2026-01-01 00:00", "2026-01-01 17:00"),
        ("0 18 * * *", "Europe/Berlin", "2026-07-01 00:00", "2026-07-01 16:00"),
        ("*/15 8-10 * * 1-5", "UTC", "2026-01-02 10:45", "2026-01-05 08:00"),
        # 02:30 does not exist in Berlin on the day summer time begins, and comes twice on the day it ends.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-26 01:30"),
    ],
)
def test_cron_in_time_zones(cron: str, zone: str, after: str, expected: str) -> None:
    assert shown(next_of_cron(cron, zone, at(after))) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "0",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 30 2 *",
        "x * * * *",
        "9" * 5_000,
        "0 0 * * 8",
        "*/0 * * * *",
    ],
)
def test_what_is_no_cron_expression_is_refused(wrong: str) -> None:
    with pytest.raises(ScheduleError, match="cron expression"):
        next_of_cron(wrong, "UTC", 0.0)


@given(st.text(alphabet="0123456789*/-,#LW MONJAN", max_size=30))
def test_any_text_is_a_time_or_a_refusal(text: str) -> None:
    with contextlib.suppress(ScheduleError):
        assert next_of_cron(text, "Europe/Berlin", 1e9) > 1e9


@pytest.mark.parametrize(
    "wrong", ["", "Mars/Phobos", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 5_000]
)
def test_what_is_no_time_zone_is_refused(wrong: str) -> None:
    with pytest.raises(ScheduleError):
        zone_of(wrong)


def test_first_slots() -> None:
    assert first_slot(300.0, "", "UTC", 1_000.0) == 1_300.0
    assert shown(first_slot(*HOURLY, at("2026-01-01 10:20"))) == "2026-01-01 11:00"


def test_an_interval_does_not_stall_when_the_clock_is_set_back() -> None:
    slot = at("2026-01-01 12:10")
    assert believable_slot(600.0, "", "UTC", slot, at("2026-01-01 12:05")) == slot
    set_back = at("2025-01-01 12:05")
    assert believable_slot(600.0, "", "UTC", slot, set_back) == set_back + 600.0


def test_a_calendar_neither_repeats_an_hour_nor_stalls_when_the_clock_is_set_back() -> None:
    slot = at("2026-01-01 13:00")  # 12:00 was said
    said_already = at("2026-01-01 11:50")
    assert slot - next_of_cron("0 * * * *", "UTC", said_already) <= REWIND_S_MAX
    assert believable_slot(*HOURLY, slot, said_already) == slot
    assert shown(believable_slot(*HOURLY, slot, at("2025-06-01 11:50"))) == "2025-06-01 12:00"


def test_a_clock_set_forward_leaves_the_slots_out_that_it_jumped_over() -> None:
    assert shown(next_slot(*HOURLY, at("2026-01-01 10:00"), at("2026-01-03 15:30"))) == "2026-01-03 16:00"
    assert next_slot(600.0, "", "UTC", 0.0, 86_400.0 + 1) == 86_400.0 + 600.0


@pytest.mark.parametrize(
    ("hours", "zone", "now", "quiet"),
    [
        ("", "UTC", "2026-01-01 03:00", False),
        ("22:00-07:00", "UTC", "2026-01-01 21:59", False),
        ("22:00-07:00", "UTC", "2026-01-01 22:00", True),
        ("22:00-07:00", "UTC", "2026-01-01 06:59", True),
        ("22:00-07:00", "UTC", "2026-01-01 07:00", False),
        ("22:00-07:00", "America/New_York", "2026-01-01 07:00", True),
        ("12:00-13:30", "UTC", "2026-01-01 13:29", True),
        ("12:00-13:30", "UTC", "2026-01-01 13:30", False),
    ],
)
def test_quiet_hours(hours: str, zone: str, now: str, quiet: bool) -> None:
    assert is_quiet(hours, zone, at(now)) is quiet


@pytest.mark.parametrize("wrong", ["22-07", "25:00-07:00", "22:00", "22:00-07:60", "a:b-c:d", "22:00-07:00-08:00"])
def test_what_are_no_quiet_hours_is_refused(wrong: str) -> None:
    with pytest.raises(ScheduleError, match="22:00-07:00"):
        quiet_hours(wrong)
