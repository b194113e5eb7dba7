"""Scores in the database, on both engines."""

from collections.abc import AsyncIterator
from importlib.resources import files

import pytest

from waddlebot.core.reputation.module import module
from waddlebot.core.reputation.scores import SCORE_MAX, SCORE_MIN, SCORE_START, Brought, Gain
from waddlebot.core.reputation.store import Gained, ReputationStore
from waddlebot.libs.dal import Batch, Community, EffectKey, Scope, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.testing.stores import opened_dal

OWNER = Owner(module.name, ReputationStore, files(module.package) / "migrations")
EVERYWHERE = System("a test")
NOW = 2 * 86_400.0


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, OWNER) as opened:
        yield opened


def bind(dal: AsyncDAL, scope: Scope, key: str = "") -> ReputationStore:
    store = dal.bind(OWNER.name, scope, effect=EffectKey(key, OWNER.name) if key else None)
    assert isinstance(store, ReputationStore)
    return store


def gains(*given: Gain) -> Brought:
    """Gains by chat alone."""
    return Brought(list(given), [(a, c, 1, "chat", 1.0, here) for a, c, here, _, _ in given], [], [], [])


async def test_the_tables_are_as_declared(dal: AsyncDAL) -> None:
    assert differences(dal.url, dal.owners) == []


async def test_gains_add_up_by_community_and_overall(dal: AsyncDAL) -> None:
    both = Batch(frozenset({"home", "away"}))
    await bind(dal, both).add(
        gains(
            ("irc:ann", "home", 0.01, 0.01, 1.0),
            ("irc:ann", "away", 5.0, 2.0, 3.0),
            ("irc:ann", "home", 0.02, 0.02, 1.0),
        ),
        NOW,
    )
    await bind(dal, both).add(gains(("irc:ann", "home", 0.1, 0.1, 1.0)), NOW)
    home, away = [await bind(dal, EVERYWHERE).gained(("irc:ann", "irc:bob"), name) for name in ("home", "away")]
    assert (home[0].gained, home[0].gained_overall, home[0].activity) == pytest.approx((0.13, 2.13, 3.0))
    assert (away[0].gained, away[0].gained_overall, away[0].activity) == pytest.approx((5.0, 2.13, 3.0))
    assert home[1] == Gained()
    only_home = await bind(dal, Community("home")).gained(("irc:ann",), "home")
    assert only_home[0].gained_overall == pytest.approx(0.13)


async def test_a_batch_counts_once(dal: AsyncDAL) -> None:
    for _ in range(3):
        await bind(dal, Batch(frozenset({"home"})), "batch-1").add(gains(("irc:ann", "home", 1.0, 1.0, 1.0)), NOW)
    (found,) = await bind(dal, EVERYWHERE).gained(("irc:ann",), "home")
    assert found == Gained(1.0, 1.0, 1.0)


async def test_who_fell_to_the_end_can_rise_at_once(dal: AsyncDAL) -> None:
    home = bind(dal, Batch(frozenset({"home"})))
    await home.add(
        gains(("irc:ann", "home", -5_000.0, -5_000.0, 0.0), ("irc:bob", "home", 5_000.0, 5_000.0, 0.0)), NOW
    )
    await home.add(gains(("irc:ann", "home", 10.0, 10.0, 0.0), ("irc:bob", "home", -10.0, -10.0, 0.0)), NOW)
    ann, bob = await bind(dal, EVERYWHERE).gained(("irc:ann", "irc:bob"), "home")
    assert SCORE_START + ann.gained == SCORE_START + ann.gained_overall == SCORE_MIN + 10
    assert SCORE_START + bob.gained == SCORE_START + bob.gained_overall == SCORE_MAX - 10
