"""What people see of their reputation."""

from collections.abc import AsyncIterator, Sequence

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import ACCOUNTS_MAX, count, module
from waddlebot.libs.contracts.reputation import Reputation, Standing, StandingsRequest
from waddlebot.libs.sdk import CallError, Event, Rank
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, identity, module) as opened:
        yield opened


async def happen(bench: Bench, events: Sequence[Event], key: str = "") -> None:
    """Let the observers see a batch, as the host does."""
    await see(bench.context(identity), crowd(events))
    await count(bench.context(module, key), crowd(events))


async def standing(bench: Bench, account: str = "irc:ann") -> Standing:
    (found,) = (await bench.ask(Reputation).standings(StandingsRequest((account,)))).items
    return found


async def test_who_was_never_seen_stands_at_the_start(bench: Bench) -> None:
    assert await standing(bench) == Standing("irc:ann", 600.0, "fair", 600.0, "fair", 0.0)
    said = await bench.says("rep", rank=Rank.VIEWER)
    assert said == "Ann has a reputation of 600.0 (fair) here and 600.0 (fair) overall."


async def test_chat_counts_by_fractions(bench: Bench) -> None:
    await happen(bench, [bench.event("hi") for _ in range(150)])
    await happen(bench, [bench.event("hi") for _ in range(150)])
    found = await standing(bench)
    assert found.score == found.overall == pytest.approx(603.0)
    assert await bench.says("reputation") == (
        "Ann has a reputation of 603.0 (fair) here and 603.0 (fair) overall."
    )
    assert await bench.says("activity") == "Ann has 300 activity points."


async def test_one_can_look_at_others(bench: Bench) -> None:
    follows = [bench.event(kind="channel.followed", login="bob")] * 80
    await happen(bench, [*follows, bench.event("hi", login="bob")])
    assert await bench.says("rep @Bob") == "Bob has a reputation of 680.0 (good) here and 680.0 (good) overall."
    assert "have not seen carol" in await bench.says("rep carol")


async def test_a_batch_that_comes_again_counts_once(bench: Bench) -> None:
    batch = [bench.event("hi"), bench.event(kind="channel.raided")]
    for _ in range(3):
        await happen(bench, batch, "batch-1/core.reputation.count")
    assert (await standing(bench)).score == pytest.approx(602.01)


async def test_a_ban_makes_nobody_banned_by_a_zero(bench: Bench) -> None:
    await happen(bench, [bench.event(kind="member.banned", login="mod", data={"target_id": "bob"})] * 9)
    assert await standing(bench, "irc:bob") == Standing("irc:bob", 300.0, "poor", 300.0, "poor", 0.0)
    assert (await standing(bench, "irc:mod")).score == 600.0


async def test_a_community_weighs_for_itself_alone(bench: Bench) -> None:
    await bench.says("setting set reputation chat 50")
    await happen(bench, [bench.event("hi"), bench.event("hi", community="away")])
    found = await standing(bench)
    assert (found.score, found.overall) == pytest.approx((650.0, 600.02))


async def test_too_many_accounts_in_one_call_are_refused(bench: Bench) -> None:
    with pytest.raises(CallError, match="at most"):
        await bench.ask(Reputation).standings(StandingsRequest(("irc:ann",) * (ACCOUNTS_MAX + 1)))
