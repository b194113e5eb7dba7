"""What the router keeps in memory: bounded, and forgetting the oldest first."""

import pytest

from waddlebot.libs.sdk import Event
from waddlebot.processing.router import cooldowns as cooldowns_module
from waddlebot.processing.router import sessions as sessions_module
from waddlebot.processing.router.cooldowns import Cooldowns
from waddlebot.processing.router.limits import Settings, settings_of
from waddlebot.processing.router.recent import Recent
from waddlebot.processing.router.sessions import SESSION_S, SessionError, Sessions
from waddlebot.processing.router.trace import Traces


def event(id_: str = "e", source: str = "s", channel: str = "#r") -> Event:
    return Event(1, id_, "k", "p", "n", channel, "u", "ann", "Ann", (), "", 0.0, 0.0, "home", source)


def test_a_cooldown_ends_and_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cooldowns_module, "_KEPT_MAX", 4)
    cooldowns = Cooldowns()
    cooldowns.start("over", 1, 0)
    for n in range(3):
        cooldowns.start(n, 100, 0)
    assert (cooldowns.left_s(0, 40), cooldowns.left_s("over", 40), cooldowns.left_s("new", 40)) == (60, 0, 0)
    cooldowns.start("new", 100, 40)
    assert [cooldowns.left_s(key, 40) for key in (0, 1, 2, "new")] == [0, 60, 60, 100]


def test_recent_events_are_told_by_source_and_id() -> None:
    recent = Recent(generation_size=3)
    assert [recent.add(event(id_, source)) for id_, source in ("a1", "a1", "a2", "b1")] == [
        True,
        False,
        True,
        True,
    ]
    assert [recent.add(event(id_, "1")) for id_ in "abcd"] == [False, False, True, True]
    assert recent.add(event("e", "1"))
    assert recent.add(event("a", "1")), "two generations later it is forgotten"


def test_sessions_are_unguessable_end_and_belong_to_one_entity_and_module() -> None:
    sessions = Sessions()
    opened = [sessions.open(event(), "interactive.ai", 0.0) for _ in range(300)]
    assert len({session.id for session in opened}) == len(sessions) == 300
    assert all(len(session.id) == 32 for session in opened)
    first = opened[0].id
    assert sessions.answer(first, "p:n:#r", "interactive.ai", 1.0) is opened[0]
    for session, entity, module, now in (
        ("x", "p:n:#r", "interactive.ai", 1.0),
        (first, "p:n:#other", "interactive.ai", 1.0),
        (first, "p:n:#r", "interactive.other", 1.0),
        (first, "p:n:#r", "interactive.ai", SESSION_S + 1),
    ):
        with pytest.raises(SessionError):
            sessions.answer(session, entity, module, now)


def test_the_oldest_sessions_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "_GENERATION_SIZE", 2)
    sessions = Sessions()
    opened = [sessions.open(event(), "m", 0.0).id for _ in range(5)]
    assert len(sessions) == 3
    assert sessions.answer(opened[2], "p:n:#r", "m", 0.0).id == opened[2]
    with pytest.raises(SessionError):
        sessions.answer(opened[0], "p:n:#r", "m", 0.0)


def test_limits_that_are_no_longer_taken_fall_back() -> None:
    assert settings_of({"account_commands": 5}) == Settings(account_commands=5)
    assert settings_of({"account_commands": -5}) == settings_of({"of_old": 1}) == Settings()


def test_traces_are_found_by_event_and_community_newest_first() -> None:
    traces = Traces(("match", "permit", "execute"), (0, "no match"), size=4)
    for n in range(6):
        traces.ring.append(
            (event(f"e{n}"), 1 if n % 2 else 3, "refused" if n % 2 else "answered", "why", "x", "m")
        )
    traces.note_plain([event("plain", channel="#q")])
    assert traces.find("e1") is None
    assert traces.find("e5", "elsewhere") is None
    found = traces.find("e5", "home")
    assert found is not None
    assert [(step.stage, step.decision) for step in found.steps] == [("match", "passed"), ("permit", "why")]
    assert [trace.event_id for trace in traces.recent("home", "p:n:#r", most=2)] == ["e5", "e4"]
    assert [trace.event_id for trace in traces.recent("home")] == ["e5", "e4", "e3", "e2"]
    assert "ignored: no match" in (traces.find("plain") or found).in_words()
