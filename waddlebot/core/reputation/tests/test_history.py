"""What scores are made of, on both engines: sums are conserved, whatever happens in which order."""

import random
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waddlebot.core.reputation.module import module
from waddlebot.core.reputation.scores import DAY_S, STANDARD, Brought, brought_by
from waddlebot.core.reputation.store import DECAY_LEAST, HISTORY_DAYS, Adjustment, ReputationStore
from waddlebot.libs.dal import Batch, Community, EffectKey, Scope, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk import EVENT_VERSION, Event
from waddlebot.libs.testing.modules import crowd
from waddlebot.libs.testing.stores import opened_dal

OWNER = Owner(module.name, ReputationStore, files(module.package) / "migrations")
EVERYWHERE = System("a test")
HOME = Community("home")
NOW = 20_000 * DAY_S + 60.0
CLOSE = 1e-6


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, OWNER) as opened:
        yield opened


def bind(dal: AsyncDAL, scope: Scope = HOME, key: str = "", actor: str = "irc:mod") -> ReputationStore:
    store = dal.bind(OWNER.name, scope, actor=actor, effect=EffectKey(key, OWNER.name) if key else None)
    assert isinstance(store, ReputationStore)
    return store


_numbers = iter(range(10_000_000))


def brought(*given: tuple[str, str, int], community: str = "home", now: float = NOW) -> Brought:
    """What so many events of a kind, done by or to an account, bring."""
    events = [
        Event(
            EVENT_VERSION, f"e{next(_numbers)}", kind, "irc", "net", "#room", "mod" if target else user, user,
            user, (), "", now, now, community, "test", "",
            {"target_id": user, "target_login": user, "reason": "spam"} if target else {},
        )
        for user, kind, times in given
        for target in [kind.startswith("member.")]
        for _ in range(times)
    ]  # fmt: skip
    return brought_by(crowd(events), lambda _: STANDARD, now)


async def add(dal: AsyncDAL, given: Brought, key: str = "", now: float = NOW) -> None:
    await bind(dal, Batch(frozenset({"home", "away"})), key).add(given, now)


async def sums(dal: AsyncDAL, *accounts: str) -> list[tuple[float, float]]:
    """What each account has gained, as its score says and as its history does."""
    found = await bind(dal, EVERYWHERE).gained(accounts, "home")
    return [
        (one.gained, (await bind(dal).why((account,), 3)).gained)
        for account, one in zip(accounts, found, strict=True)
    ]


async def agree(dal: AsyncDAL, *accounts: str) -> None:
    for score, history in await sums(dal, *accounts):
        assert score == pytest.approx(history, abs=CLOSE)


async def test_small_things_are_one_row_a_day_and_punishments_are_rows(dal: AsyncDAL) -> None:
    for day in range(2):
        now = NOW + day * DAY_S
        for _ in range(3):
            await add(dal, brought(("ann", "chat.message", 50), ("ann", "channel.followed", 1), now=now), now=now)
    await add(dal, brought(("ann", "member.timed_out", 1)))
    await add(dal, brought(("ann", "member.warned", 2)), now=NOW + 1)
    held = await bind(dal, EVERYWHERE).held(("irc:ann",))
    assert [(row["day"], row["kind"], row["number"]) for row in held["daily"]] == [
        (20_000, "chat", 150), (20_000, "follow", 3), (20_001, "chat", 150), (20_001, "follow", 3),
    ]  # fmt: skip
    found = await bind(dal).why(("irc:ann",), 2)
    assert [(part.kind, part.number) for part in found.parts] == [
        ("timeout", 1), ("warn", 2), ("chat", 300), ("follow", 6),
    ]  # fmt: skip
    assert {(event.kind, event.gained, event.actor, event.reason) for event in found.events} <= {
        ("warn", -25.0, "irc:mod", "spam"), ("timeout", -50.0, "irc:mod", "spam"),
    }  # fmt: skip
    assert len(found.events) == 2
    await agree(dal, "irc:ann")


async def test_a_batch_that_comes_again_is_one_in_the_history(dal: AsyncDAL) -> None:
    batch = brought(("ann", "chat.message", 5), ("ann", "member.warned", 1))
    for _ in range(3):
        await add(dal, batch, "batch-1")
    assert (await sums(dal, "irc:ann"))[0] == pytest.approx((-24.95, -24.95))


async def test_what_the_ends_of_the_scale_cut_off_is_in_the_history(dal: AsyncDAL) -> None:
    await add(dal, brought(("ann", "member.banned", 3), ("bob", "channel.boosted", 60)))
    assert await sums(dal, "irc:ann", "irc:bob") == [(-300.0, -300.0), (250.0, 250.0)]
    await add(dal, brought(("ann", "channel.boosted", 2), ("bob", "member.warned", 1)))
    assert await sums(dal, "irc:ann", "irc:bob") == [(-290.0, -290.0), (225.0, 225.0)]


async def test_what_is_old_becomes_one_sum_and_nothing_is_lost(dal: AsyncDAL) -> None:
    old, new = NOW, NOW + (HISTORY_DAYS + 1) * DAY_S
    await add(dal, brought(("ann", "chat.message", 100), ("ann", "member.warned", 1), now=old), now=old)
    await add(dal, brought(("ann", "chat.message", 50), now=new), now=new)
    before = await sums(dal, "irc:ann")
    assert not await bind(dal, EVERYWHERE).fold(new)
    assert await bind(dal, EVERYWHERE).fold(new), "the second time nothing is left to do"
    rows = (await bind(dal, EVERYWHERE).held(("irc:ann",)))["daily"]
    assert [(row["day"], row["kind"], row["number"]) for row in rows] == [
        (0, "chat", 100), (0, "warn", 1), (20_366, "chat", 50),
    ]  # fmt: skip
    assert await sums(dal, "irc:ann") == [pytest.approx(pair) for pair in before]
    assert (await bind(dal).why(("irc:ann",), 9)).events == []


async def test_scores_decay_by_a_share_each_week_once(dal: AsyncDAL) -> None:
    await add(
        dal, brought(("ann", "member.timed_out", 2), ("bob", "channel.boosted", 20), ("cy", "chat.message", 9))
    )
    assert await bind(dal).decay(100, 0.1, 0.5, NOW), "decay begins when it is switched on"
    assert await sums(dal, "irc:ann") == [(-100.0, -100.0)]
    for _ in range(3):
        assert await bind(dal).decay(101, 0.1, 0.5, NOW)
    ann, bob, cy = await sums(dal, "irc:ann", "irc:bob", "irc:cy")
    assert ann == pytest.approx((-90.0, -90.0))
    assert bob == pytest.approx((90.0, 90.0))
    assert cy[0] == pytest.approx(0.09)
    assert cy[0] < DECAY_LEAST
    (found,) = await bind(dal, EVERYWHERE).gained(("irc:ann",), "home")
    assert found.gained_overall == pytest.approx(-50.0)
    await bind(dal).decay(103, 0.1, 0.0, NOW)
    assert (await sums(dal, "irc:ann"))[0] == pytest.approx((-72.9, -72.9)), "two weeks while the bot was off"
    await bind(dal).stay()
    await bind(dal).decay(110, 0.1, 0.0, NOW)
    assert (await sums(dal, "irc:ann"))[0] == pytest.approx((-72.9, -72.9)), "what was off is not made up for"


async def test_decay_goes_by_batches_and_on_where_it_stopped(dal: AsyncDAL) -> None:
    people = [(f"u{n:04}", "channel.boosted", 1) for n in range(4_500)]
    await add(dal, brought(*people))
    await bind(dal).decay(100, 0.2, 0.0, NOW)
    rounds = [await bind(dal).decay(101, 0.2, 0.0, NOW) for _ in range(3)]
    assert rounds == [False, False, True]
    assert await bind(dal).decay(101, 0.2, 0.0, NOW)
    found = await bind(dal, EVERYWHERE).gained(tuple(f"irc:u{n:04}" for n in range(4_500)), "home")
    assert {round(one.gained, 9) for one in found} == {4.0}


async def test_an_adjustment_is_undone_exactly(dal: AsyncDAL) -> None:
    await add(dal, brought(("ann", "chat.message", 7), ("ann", "member.warned", 1)))
    before = await sums(dal, "irc:ann")
    await bind(dal).adjust(Adjustment("irc:ann", "1", -12.3, "rude", "ann", "irc:mod", NOW))
    await bind(dal).adjust(Adjustment("irc:ann", "2", 100.1, "kind", "ann", "irc:mod", NOW))
    await agree(dal, "irc:ann")
    (change,) = await dal.list_changes("home", 1)
    assert change.actor == "irc:mod"
    for number in (change.version, change.version - 1):
        assert await dal.undo("home", number, actor="operator")
    assert await sums(dal, "irc:ann") == before
    (overall,) = await bind(dal, EVERYWHERE).gained(("irc:ann",), "away")
    assert overall.gained_overall == pytest.approx(-24.93), "no community changes what others see"


async def test_what_is_held_on_somebody_is_told_and_forgotten(dal: AsyncDAL) -> None:
    await add(dal, brought(("ann", "member.warned", 1), ("ann", "chat.message", 1), ("bob", "chat.message", 1)))
    await bind(dal).adjust(Adjustment("irc:ann", "1", 5.0, "kind", "ann", "irc:mod", NOW))
    everywhere = bind(dal, EVERYWHERE)
    held = await everywhere.held(("irc:ann",))
    assert {name: len(rows) for name, rows in held.items() if rows} == {
        "score": 1, "daily": 1, "entry": 1, "adjustment": 1, "accused": 1,
    }  # fmt: skip
    assert await everywhere.forget(("irc:ann",)) == 5
    assert not any((await everywhere.held(("irc:ann",))).values())
    assert await sums(dal, "irc:ann", "irc:bob") == [(0.0, 0.0), pytest.approx((0.01, 0.01))]


_PEOPLE = ("a", "b", "c")
_KINDS = (
    "chat.message", "command.executed", "channel.boosted", "member.warned", "member.timed_out", "member.banned",
)  # fmt: skip
_STEPS = st.one_of(
    st.tuples(st.just("earn"), st.sampled_from(_PEOPLE), st.sampled_from(_KINDS), st.integers(1, 40)),
    st.tuples(st.just("adjust"), st.sampled_from(_PEOPLE), st.just(""), st.integers(-300, 300)),
    st.tuples(st.just("undo"), st.just("a"), st.just(""), st.integers(0, 5)),
    st.tuples(st.just("decay"), st.just("a"), st.just(""), st.integers(1, 3)),
    st.tuples(st.just("fold"), st.just("a"), st.just(""), st.integers(0, 800)),
    st.tuples(st.sampled_from(["link", "unlink"]), st.sampled_from(_PEOPLE), st.sampled_from(_PEOPLE), st.just(0)),
)


class Story:
    """Some accounts of this example's own, who of them is one person, and what may happen to them."""

    def __init__(self, dal: AsyncDAL, seed: int) -> None:
        self.dal = dal
        self.names = {one: f"{one}{next(_numbers)}" for one in _PEOPLE}
        self.accounts = tuple(f"irc:{name}" for name in self.names.values())
        self.people = {one: {one} for one in self.accounts}
        self.now, self.week, self.made = NOW, 1_000, list[int]()
        self.chance = random.Random(seed)

    async def begin(self) -> None:
        await bind(self.dal).stay()
        await bind(self.dal).decay(self.week, 0.1, 0.1, self.now)

    async def earn(self, who: str, what: str, number: int) -> None:
        await add(self.dal, brought((self.names[who], what, number), now=self.now), now=self.now)

    async def adjust(self, who: str, what: str, number: int) -> None:
        id_ = str(next(_numbers))
        record = Adjustment(f"irc:{self.names[who]}", id_, float(number), "", who, "irc:mod", self.now)
        await bind(self.dal).adjust(record)
        self.made.append((await self.dal.list_changes("home", 1))[0].version)

    async def undo(self, who: str, what: str, number: int) -> None:
        if self.made:
            gone = self.made.pop(self.chance.randrange(len(self.made)))
            assert await self.dal.undo("home", gone, actor="operator")

    async def decay(self, who: str, what: str, number: int) -> None:
        self.week += number
        while not await bind(self.dal).decay(self.week, 0.1, 0.1, self.now):
            pass

    async def fold(self, who: str, what: str, number: int) -> None:
        self.now += number * DAY_S
        before = await sums(self.dal, *self.accounts)
        while not await bind(self.dal, EVERYWHERE).fold(self.now):
            pass
        assert await sums(self.dal, *self.accounts) == [pytest.approx(pair, abs=CLOSE) for pair in before]

    async def link(self, who: str, what: str, number: int) -> None:
        whole = self.people[f"irc:{self.names[who]}"] | self.people[f"irc:{self.names[what]}"]
        self.people |= dict.fromkeys(whole, whole)

    async def unlink(self, who: str, what: str, number: int) -> None:
        self.people |= {one: {one} for one in self.people[f"irc:{self.names[who]}"]}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEPS, max_size=25), st.integers())
async def test_sums_are_conserved_whatever_happens(
    dal: AsyncDAL, steps: list[tuple[str, str, str, int]], seed: int
) -> None:
    """A person's score is the sum of their accounts' histories at every moment; a link changes no account's."""
    story = Story(dal, seed)
    await story.begin()
    for step, *given_ in steps:
        before = await sums(dal, *story.accounts)
        await getattr(story, step)(*given_)
        if step in ("link", "unlink"):
            assert await sums(dal, *story.accounts) == before
        await agree(dal, *story.accounts)
        for group in story.people.values():
            alone = [history for _, history in await sums(dal, *group)]
            assert (await bind(dal).why(tuple(group), 1)).gained == pytest.approx(sum(alone), abs=CLOSE)
