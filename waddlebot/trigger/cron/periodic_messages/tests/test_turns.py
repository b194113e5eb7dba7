"""Whose turn it is, and what can be changed of a timer."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from waddlebot.libs.sdk import Refusal
from waddlebot.trigger.cron.periodic_messages.edits import MESSAGE_LENGTH_MAX, MESSAGES_MAX, edited, scheduled
from waddlebot.trigger.cron.periodic_messages.store import Channel, Timer
from waddlebot.trigger.cron.periodic_messages.turns import holds, message_of

TIMER = Timer("news", ("a", "b", "c", "d"), interval_s=300.0)
CHANNELS = ("irc:net:#a", "irc:net:#b", "twitch::#b")


def said(timer: Timer, count: int, secret: bytes = b"secret") -> list[str]:
    return [message_of(timer, "home", position, secret) for position in range(count)]


def test_messages_in_order() -> None:
    assert said(TIMER, 6) == ["a", "b", "c", "d", "a", "b"]
    assert said(replace(TIMER, messages=("a",)), 2) == ["a", "a"]


def test_shuffled_messages_are_each_said_once_a_round_and_never_twice_in_a_row() -> None:
    timer = replace(TIMER, shuffled=True)
    spoken = said(timer, 400)
    assert all(sorted(spoken[n : n + 4]) == ["a", "b", "c", "d"] for n in range(0, 400, 4))
    assert all(one != other for one, other in itertools.pairwise(spoken))
    assert len({tuple(spoken[n : n + 4]) for n in range(0, 400, 4)}) > 10
    assert said(timer, 400) == spoken, "a re-run says the same"
    assert said(timer, 400, b"another") != spoken


@pytest.mark.parametrize("count", [2, 3])
def test_few_shuffled_messages_do_not_repeat_either(count: int) -> None:
    spoken = said(replace(TIMER, messages=("a", "b", "c")[:count], shuffled=True), 300)
    assert all(one != other for one, other in itertools.pairwise(spoken))


@pytest.mark.parametrize(
    ("conditions", "channel", "lines", "speaks"),
    [
        ({}, {}, 0, True),
        ({"lines_min": 5}, {}, 4, False),
        ({"lines_min": 5}, {}, 5, True),
        ({"live_only": True}, {}, 0, False),
        ({"live_only": True}, {"live": False}, 0, False),
        ({"live_only": True}, {"live": True}, 0, True),
        ({"title": "speedrun"}, {}, 0, False),
        ({"title": "speedrun"}, {"title": "A SPEEDRUN today"}, 0, True),
        ({"category": "chess"}, {"category": "Chess"}, 0, True),
        ({"category": "chess"}, {"category": "Chess 2"}, 0, False),
    ],
)
def test_conditions(conditions: dict[str, Any], channel: dict[str, Any], lines: int, speaks: bool) -> None:
    assert holds(replace(TIMER, **conditions), Channel("irc:net:#a", **channel), lines) is speaks


@pytest.mark.parametrize(
    ("what", "text", "changed"),
    [
        ("every", "90", {"interval_s": 90.0, "cron": ""}),
        ("every", "1h30m", {"interval_s": 5_400.0, "cron": ""}),
        ("cron", "0  18 * * *", {"interval_s": 0.0, "cron": "0 18 * * *"}),
        ("zone", "Europe/Berlin", {"zone": "Europe/Berlin"}),
        ("message", " only this ", {"messages": ("only this",)}),
        ("add", "and this", {"messages": ("a", "b", "c", "d", "and this")}),
        ("drop", "2", {"messages": ("a", "c", "d")}),
        ("order", "shuffled", {"shuffled": True}),
        ("lines", "12", {"lines_min": 12}),
        ("LIVE", "on", {"live_only": True}),
        ("quiet", "22:00-07:00", {"quiet": "22:00-07:00"}),
        ("quiet", "off", {"quiet": ""}),
        ("title", "speedrun", {"title": "speedrun"}),
        ("category", "Just Chatting", {"category": "Just Chatting"}),
        ("category", "any", {"category": ""}),
        ("channels", "#a", {"targets": ("irc:net:#a",)}),
        ("channels", "twitch::#b irc:net:#b", {"targets": ("twitch::#b", "irc:net:#b")}),
        ("channels", "all", {"targets": ()}),
    ],
)
def test_edits(what: str, text: str, changed: dict[str, Any]) -> None:
    assert edited(TIMER, what, text, CHANNELS) == replace(TIMER, **changed)


@pytest.mark.parametrize(
    ("what", "text", "says"),
    [
        ("colour", "red", "every, cron, zone"),
        ("every", "59", "once a minute"),
        ("every", "often", "15m"),
        ("every", "9y", "15m"),
        ("cron", "0 18", "weekday"),
        ("zone", "Mars", "Europe/Berlin"),
        ("message", "", "1 to"),
        ("message", "x" * (MESSAGE_LENGTH_MAX + 1), "1 to"),
        ("drop", "5", "1 to 4"),
        ("drop", "0", "1 to 4"),
        ("drop", "x", "1 to 4"),
        ("order", "random", "shuffled or ordered"),
        ("lines", "-1", "0 to"),
        ("lines", "99999999999", "0 to"),
        ("live", "perhaps", "on"),
        ("quiet", "at night", "22:00-07:00"),
        ("channels", "#b", "several"),
        ("channels", "#c", "no channel"),
        ("channels", "", "all"),
    ],
)
def test_refused_edits_say_what_to_write(what: str, text: str, says: str) -> None:
    with pytest.raises(Refusal) as refused:
        edited(TIMER, what, text, CHANNELS)
    assert says in refused.value.text


def test_messages_are_bounded_and_the_last_one_stays() -> None:
    with pytest.raises(Refusal):
        edited(replace(TIMER, messages=("x",) * MESSAGES_MAX), "add", "one more", ())
    with pytest.raises(Refusal):
        edited(replace(TIMER, messages=("x",)), "drop", "1", ())


def test_a_schedule_is_told_by_its_look() -> None:
    assert scheduled(TIMER, "15m").interval_s == 900.0
    assert scheduled(TIMER, "0 18 * * *").cron == "0 18 * * *"
    with pytest.raises(Refusal, match="cron"):
        scheduled(TIMER, "*/5")
