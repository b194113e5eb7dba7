"""What events are worth: the numbers that users know."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.core.reputation.scores import (
    SCORE_MAX,
    SCORE_MIN,
    SCORE_START,
    STANDARD,
    Settings,
    brought_by,
    score_of,
    tier_of,
)
from waddlebot.libs.sdk import Event
from waddlebot.libs.testing.modules import crowd


def event(kind: str, user_id: str = "1", platform: str = "twitch", community: str = "home", **data: Any) -> Event:
    return Event(
        1, f"{kind}-{user_id}", kind, platform, "", "room", user_id, "ann", "Ann", (), "hi", 0.0, 0.0, community,
        data=data,
    )  # fmt: skip


def totals(events: Sequence[Event], settings: Settings = STANDARD) -> dict[tuple[str, str], tuple[float, ...]]:
    """Community and account → gained here, gained overall and points, added up as the store does."""
    found: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for account, community, *gain in brought_by(crowd(events), lambda community: settings, 0.0).gains:
        found[community, account] = [a + b for a, b in zip(found[community, account], gain, strict=True)]
    return {key: tuple(values) for key, values in found.items()}


@pytest.mark.parametrize(
    ("kind", "data", "gained"),
    [
        ("chat.message", {}, 0.01),
        ("command.executed", {}, -0.1),
        ("giveaway.entered", {}, -1),
        ("channel.followed", {}, 1),
        ("channel.subscribed", {}, 5),
        ("channel.subscribed", {"tier": "1000"}, 5),
        ("channel.subscribed", {"tier": 2}, 10),
        ("channel.subscribed", {"tier": "3000"}, 20),
        ("channel.gifted", {"count": 4}, 12),
        ("channel.donated", {"amount": 7.5, "currency": "USD"}, 7.5),
        ("channel.donated", {"amount": 5000, "currency": "JPY"}, 0),
        ("channel.donated", {"amount": 5000, "currency": "JPY", "amount_usd": 33}, 33),
        ("channel.cheered", {"bits": 250}, 2.5),
        ("channel.raided", {}, 2),
        ("channel.boosted", {}, 5),
    ],
)
def test_the_known_weights(kind: str, data: dict[str, Any], gained: float) -> None:
    ((here, overall, _),) = totals([event(kind, **data)]).values()
    assert here == overall == pytest.approx(gained)


@pytest.mark.parametrize(
    ("kind", "gained"),
    [("member.warned", -25), ("member.timed_out", -50), ("member.kicked", -75), ("member.banned", -200)],
)
def test_a_punishment_costs_who_is_punished(kind: str, gained: float) -> None:
    found = totals([event(kind, user_id="moderator", target_id="77")])
    assert {key: gain[0] for key, gain in found.items()} == {("home", "twitch:77"): gained}
    assert totals([event(kind, user_id="moderator")]) == {}


@pytest.mark.parametrize(
    ("platform", "kind", "data", "points"),
    [
        ("twitch", "channel.followed", {}, 10),
        ("twitch", "channel.subscribed", {}, 50),
        ("twitch", "channel.raided", {}, 30),
        ("twitch", "channel.gifted", {"count": 2}, 120),
        ("twitch", "member.banned", {"target_id": "1"}, -10),
        ("discord", "chat.message", {}, 5),
        ("discord", "reaction.added", {}, 2),
        ("discord", "member.joined", {}, 10),
        ("discord", "voice.joined", {}, 8),
        ("discord", "voice.stayed", {"minutes": 12}, 12),
        ("discord", "channel.boosted", {}, 100),
        ("slack", "chat.message", {}, 5),
        ("slack", "file.shared", {}, 15),
        ("slack", "reaction.added", {}, 3),
        ("slack", "member.joined", {}, 10),
        ("slack", "app.mentioned", {}, 8),
        ("irc", "chat.message", {}, 1),
        ("irc", "channel.followed", {}, 0),
    ],
)
def test_the_known_activity_points(platform: str, kind: str, data: dict[str, Any], points: float) -> None:
    ((_, _, found),) = totals([event(kind, platform=platform, **data)]).values()
    assert found == points


def test_lines_add_up_by_account_and_community() -> None:
    lines = [event("chat.message", "1")] * 30 + [event("chat.message", "2")] * 2
    lines += [event("chat.message", "1", community="away"), event("channel.followed", "1")]
    found = totals(lines)
    assert found["home", "twitch:1"] == pytest.approx((1.3, 1.3, 40))
    assert found["home", "twitch:2"] == pytest.approx((0.02, 0.02, 2))
    assert found["away", "twitch:1"] == pytest.approx((0.01, 0.01, 1))


def test_a_community_weighs_for_itself_alone() -> None:
    ((here, overall, _),) = totals([event("chat.message")], Settings(chat=500.0)).values()
    assert (here, overall) == (500.0, 0.01)


def test_what_is_unknown_changes_nothing() -> None:
    unknown = [event("weather.changed"), event("chat.message", ""), event("chat.message", community="")]
    assert brought_by(crowd(unknown), lambda community: STANDARD, 0.0) == ([], [], [], [], [])


@given(st.sampled_from(["channel.donated", "channel.cheered", "channel.gifted", "voice.stayed"]), st.data())
def test_no_data_makes_a_score_that_is_no_number(kind: str, data: st.DataObject) -> None:
    anything = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.integers()))
    names = ("amount", "amount_usd", "currency", "bits", "count", "minutes", "tier")
    values = {name: data.draw(anything) for name in names}
    for gain in totals([event(kind, **values)]).values():
        assert all(math.isfinite(number) for number in gain)


@pytest.mark.parametrize(
    ("score", "tier"),
    [
        (850, "exceptional"), (800, "exceptional"), (799.99, "very good"), (740, "very good"), (670, "good"),
        (600, "fair"), (580, "fair"), (579.9, "poor"), (300, "poor"),
    ],
)  # fmt: skip
def test_tiers(score: float, tier: str) -> None:
    assert tier_of(score) == tier


def test_a_score_starts_at_600_and_stays_within_its_ends() -> None:
    assert score_of(0.0) == SCORE_START
    assert score_of(-9_999) == SCORE_MIN
    assert score_of(9_999) == SCORE_MAX
