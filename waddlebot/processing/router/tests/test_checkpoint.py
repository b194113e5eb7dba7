"""What the next owner of a partition gets to know: sessions, cooldowns and limits, whatever its clock says."""

from collections import Counter
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from waddlebot.libs.sdk import Event
from waddlebot.libs.sdk.ports import partition_of
from waddlebot.processing.router import checkpoint as checkpoint_module
from waddlebot.processing.router.checkpoint import ANSWERS_AHEAD, Checkpoint
from waddlebot.processing.router.cooldowns import Cooldowns
from waddlebot.processing.router.engine import Router
from waddlebot.processing.router.lanes import Lanes
from waddlebot.processing.router.limits import Limits, Settings
from waddlebot.processing.router.sessions import SESSION_S, SessionError, Sessions

HOME, AWAY = partition_of("home"), partition_of("away")
ALL = (HOME, AWAY)


def router() -> Router:
    """What of a router is kept."""
    kept = SimpleNamespace(
        sessions=Sessions(), cooldowns=Cooldowns(), limits=Limits(), uses=Counter(), lanes=Lanes()
    )
    return cast("Router", kept)


def event(community: str = "home", user: str = "ann") -> Event:
    return Event(
        1, "e1", "chat.message", "test", "net", "#r", user, user, user, ("vip",), "!x", 1.0, 1.0, community, "s"
    )


class Time:
    """A host's clock, which knows nothing of others'."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(checkpoint_module, "time", clock)
    return clock


def test_a_new_owner_goes_on_where_the_old_one_was(clock: Time) -> None:
    clock.now = 1_000.0
    old, new = router(), router()
    session = old.sessions.open(event(), "interactive.slow", clock.now - 10)
    session.answers = 2
    old.cooldowns.start(("home", "so"), 30, clock.now)
    old.cooldowns.start(("home", "over"), 3, clock.now)
    old.cooldowns.start(("away", "so"), 30, clock.now)
    old.uses["home", "answered"] = 1
    [(partition, packed)] = Checkpoint(old).changed(ALL).items()
    assert partition == HOME
    clock.now = 7.0  # another machine, started a moment ago
    Checkpoint(new).restore(HOME, packed, 5.0)
    assert new.cooldowns.left_s(("home", "so"), clock.now) == pytest.approx(25.0)
    assert new.cooldowns.left_s(("home", "over"), clock.now) == 0
    assert new.cooldowns.left_s(("away", "so"), clock.now) == 0, "that one is of another partition"
    found = new.sessions.answer(session.id, "test:net:#r", "interactive.slow", clock.now)
    assert (found.event.account, found.event.id, found.event.source) == ("test:ann", "e1", "s")
    assert found.answers == 2 + ANSWERS_AHEAD, "what the old one said last may have had any of these numbers"
    clock.now += SESSION_S - 15
    with pytest.raises(SessionError, match="over"):
        new.sessions.answer(session.id, "test:net:#r", "interactive.slow", clock.now)


def test_limits_go_on(clock: Time) -> None:
    old, new = router(), router()
    for _ in range(4):
        assert old.limits.refuse(event(), "x", Settings(account_commands=4)) is None
    old.uses["home", "answered"] = 4
    packed = Checkpoint(old).changed(ALL)[HOME]
    Checkpoint(new).restore(HOME, packed, 0.0)
    assert "more than 4" in (new.limits.refuse(event(), "x", Settings(account_commands=4)) or "")
    assert new.limits.refuse(event(user="bob"), "x", Settings(account_commands=4)) is None
    late = router()
    Checkpoint(late).restore(HOME, packed, 60.0)
    assert late.limits.refuse(event(), "x", Settings(account_commands=4)) is None


def test_only_what_changed_is_packed_again_unless_it_was_lost() -> None:
    one = router()
    checkpoint = Checkpoint(one)
    one.uses["home", "answered"] = one.uses["away", "answered"] = 1
    assert set(checkpoint.changed(ALL)) == set(ALL)
    assert checkpoint.changed(ALL) == {}
    checkpoint.unsaved([HOME])
    assert set(checkpoint.changed(ALL)) == {HOME}
    one.uses["away", "refused"] = 1
    assert checkpoint.changed([HOME]) == {}, "it is not ours"
    assert set(checkpoint.changed(ALL)) == {AWAY}


def test_a_partition_is_busy_while_a_command_there_is_not_done() -> None:
    one = router()
    kept = Checkpoint(one)
    assert one.lanes.take(("home", "ann"))
    assert (kept.busy({HOME}), kept.busy({AWAY})) == (True, False)
    one.lanes.leave(("home", "ann"))
    assert not kept.busy({HOME})


def test_the_newest_are_kept_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_module, "ITEMS_MAX", 4)
    old, new = router(), router()
    opened = [old.sessions.open(event(), "m", 0.0) for _ in range(5)]
    old.sessions.open(event("away"), "m", 0.0)
    old.uses["home", "answered"] = old.uses["away", "answered"] = 1
    for partition, packed in Checkpoint(old).changed(ALL).items():
        Checkpoint(new).restore(partition, packed, 0.0)
    assert [session.id in {s.id for s in new.sessions.newest()} for session in opened] == [False] * 3 + [True] * 2


def test_a_session_that_is_here_is_not_set_back() -> None:
    old, new = router(), router()
    session = old.sessions.open(event(), "m", 0.0)
    old.uses["home", "answered"] = 1
    packed = Checkpoint(old).changed(ALL)[HOME]
    new.sessions.put(msgspec.structs.replace(session, answers=5 * ANSWERS_AHEAD))
    Checkpoint(new).restore(HOME, packed, 0.0)
    assert [(s.id, s.answers) for s in new.sessions.newest()] == [(session.id, 5 * ANSWERS_AHEAD)]


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        Checkpoint(router()).restore(HOME, b"\xff\x00", 0.0)
