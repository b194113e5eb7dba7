"""What people see of their reputation."""

from collections.abc import AsyncIterator, Sequence

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import ACCOUNTS_MAX, count, decay, forget_old, module
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


async def test_why_shows_what_a_score_is_made_of(bench: Bench) -> None:
    assert await bench.says("reputation why") == "Ann: 600.0 (fair) = 600."
    await happen(bench, [bench.event("hi") for _ in range(1_500)])
    await happen(bench, [bench.event(kind="command.executed") for _ in range(31)])
    await happen(bench, [bench.event(kind="channel.boosted")])
    punished = {"target_id": "ann", "target_login": "ann", "reason": "caps"}
    await happen(bench, [bench.event(kind="member.warned", login="mod", data=punished)])
    said = await bench.says("rep why", rank=Rank.VIEWER)
    assert said == (
        "Ann: 591.9 (fair) = 600 −25.0 for 1 warning, −3.1 for 31 commands, +5.0 for 1 boost, "
        "+15.0 for 1,500 chat lines. Last: −25.0 warning today (caps)."
    )
    assert said.startswith(f"Ann: {(await standing(bench)).score:.1f} ")
    bench.now += 3 * 86_400
    assert "warning on 2025-06-15 (caps)" in await bench.says("rep why")


async def test_why_of_others_is_for_moderators(bench: Bench) -> None:
    await happen(bench, [bench.event("hi", login="bob")])
    refused = await bench.run("reputation why bob", rank=Rank.VIP)
    assert refused.status == "refused"
    assert "Only moderators" in refused.replies[0].text
    assert await bench.says("reputation why bob", rank=Rank.MODERATOR) == "Bob: 600.0 (fair) = 600."


async def test_moderators_adjust_and_it_is_undone(bench: Bench) -> None:
    await happen(bench, [bench.event("hi", login=login) for login in ("bob", "mod")])
    said = await bench.says("reputation adjust @bob -25.5 rude to newcomers", login="mod", rank=Rank.MODERATOR)
    assert said == "Bob has 574.5 now: −25.5 for “rude to newcomers”."
    assert "−25.5 moderator's adjustment today (rude to newcomers)" in await bench.says("rep why bob")
    found = await standing(bench, "irc:bob")
    assert (found.score, found.overall) == pytest.approx((574.51, 600.01))
    (change,) = await bench.dal.list_changes("home", 1)
    assert change.actor == "irc:mod"
    await bench.dal.undo("home", change.version, actor="operator")
    assert (await standing(bench, "irc:bob")).score == pytest.approx(600.01)


async def test_a_repeated_delivery_adjusts_once(bench: Bench) -> None:
    await happen(bench, [bench.event("hi", login="bob")])
    for _ in range(3):
        await bench.run("reputation adjust bob +10 kind", id="e1")
    assert (await standing(bench, "irc:bob")).score == pytest.approx(610.01)


@pytest.mark.parametrize("points", ["0", "nan", "inf", "551", "-551", "many", "1e400"])
async def test_no_adjustment_but_of_points(bench: Bench, points: str) -> None:
    await happen(bench, [bench.event("hi", login="bob")])
    assert "Write points" in await bench.says(f"reputation adjust bob {points} because")


async def test_nobody_adjusts_themselves(bench: Bench) -> None:
    await happen(bench, [bench.event("hi")])
    assert "their own reputation" in await bench.says("reputation adjust ann +100 me")


async def test_who_is_at_risk_is_listed_lowest_first(bench: Bench) -> None:
    people = ("bob", "cy", "dan", "eve")
    await happen(bench, [bench.event("hi", login=login) for login in people])
    for login, times in (("bob", 4), ("cy", 5), ("dan", 3)):
        punished = {"target_id": login, "target_login": login}
        await happen(bench, [bench.event(kind="member.warned", login="mod", data=punished) for _ in range(times)])
    await bench.says("reputation adjust eve -150 spam in private messages")
    await bench.says("reputation adjust bob -1 once more")
    assert await bench.says("reputation atrisk", rank=Rank.MODERATOR) == (
        "At 500 or below: eve 450.0, cy 475.0, bob 499.0"
    )


async def test_scores_decay_where_a_community_wants_it(bench: Bench) -> None:
    week = 7 * 86_400
    await happen(bench, [bench.event(kind="channel.boosted")] * 20)
    await decay(bench.context(module))
    bench.now += week
    await decay(bench.context(module))
    assert (await standing(bench)).score == 700.0, "off unless it is set"
    await bench.says("setting set reputation decay 0.2")
    await decay(bench.context(module))
    assert (await standing(bench)).score == 700.0, "it begins when it is set"
    bench.now += week
    for _ in range(3):
        await decay(bench.context(module))
    found = await standing(bench)
    assert (found.score, found.overall) == pytest.approx((680.0, 700.0))
    assert "−20.0 for 1 week that passed" in await bench.says("rep why")
    await bench.says("setting reset reputation decay")
    bench.now += 5 * week
    await decay(bench.context(module))
    assert (await standing(bench)).score == pytest.approx(680.0)


async def test_old_history_is_folded(bench: Bench) -> None:
    await happen(bench, [bench.event("hi")] * 500)
    bench.now += 400 * 86_400
    await forget_old(bench.context(module))
    assert await bench.says("rep why") == "Ann: 605.0 (fair) = 600 +5.0 for 500 chat lines."
