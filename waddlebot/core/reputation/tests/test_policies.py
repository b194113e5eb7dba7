"""Policies act on abuse, on nobody else, never twice, and every act is undone."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import contribute, count, enforce, module
from waddlebot.libs.contracts.community import GLOBAL, HOME
from waddlebot.libs.contracts.reputation import MEMBER_PARDONED, Reputation, StandingsRequest
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import MEMBER_BANNED, MEMBER_TIMED_OUT, MEMBER_WARNED, Event, Rank, Restriction
from waddlebot.libs.sdk.ports import EventBatch
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench

TWITCH: dict[str, Any] = {"platform": "twitch", "server": "", "channel": "room", "user_id": "7", "login": "bobby"}
DAY_S = 86_400.0


class Room:
    """A bench with every policy on, and what was announced."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.events: list[Event] = []
        bench.shared.bus.subscribe("room", self._take)

    def _take(self, batch: EventBatch) -> None:
        self.events.extend(batch.events)

    async def happen(self, events: Sequence[Event]) -> None:
        """Observers see a batch; then the job looks, and what it announces is observed, too."""
        await see(self.bench.context(identity), crowd(events))
        await count(self.bench.context(module), crowd(events))
        await self.look()

    async def look(self) -> None:
        before = len(self.events)
        await enforce(self.bench.context(module))
        if new := self.events[before:]:
            await count(self.bench.context(module), crowd(new))

    async def punish(self, kind: str, target: str = "bob", times: int = 1, by: str = "mod") -> None:
        """A moderator punishes somebody; ``bobby`` is on twitch."""
        data = {"target_id": "7" if target == "bobby" else target, "target_login": target, "reason": "spam"}
        place = TWITCH | {"user_id": by} if target == "bobby" else {}
        for _ in range(times):
            await self.happen([self.bench.event(kind=kind, data=data, **(place | {"login": by}))])

    def announced(self) -> list[tuple[str, str]]:
        """What policies announced and whom it concerns, since the last time."""
        found = [(event.kind, str(event.data["target_login"])) for event in self.events]
        self.events.clear()
        return found

    async def restricted(self) -> dict[str, Restriction]:
        given = (await contribute(self.bench.context(module), (HOME,))).get(HOME)
        return {one.account: one for one in given.restrictions} if given else {}

    def said(self) -> list[str]:
        found = [f"{send.reply.data['do']} {send.reply.data['user_id']}" if send.reply.data else send.reply.text
                 for send in self.bench.sent]  # fmt: skip
        self.bench.sent.clear()
        return found


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    async with opened_bench(database_url, community, identity, module) as bench:
        for name in ("warn", "restrict", "ban"):
            await bench.says(f"setting set reputation policy_{name} on")
        here = Room(bench)
        people = [bench.event("hi", login=login) for login in ("ann", "bob", "mod")]
        await here.happen([*people, bench.event("hi", **TWITCH)])
        yield here


async def link(bench: Bench) -> None:
    """Bob of IRC is Bobby of Twitch."""
    store: Any = bench.dal.bind(identity.name, Community(GLOBAL), actor="test")
    assert await store.ask("irc:bob", "twitch:7", "bobby", "digest", bench.now)
    assert (await store.verify("twitch:7", "bobby", "digest", bench.now, True)).linked


async def score(bench: Bench, account: str = "irc:bob") -> float:
    return (await bench.ask(Reputation).standings(StandingsRequest((account,)))).items[0].score


async def test_the_three_policies_one_after_the_other(room: Room) -> None:
    await room.punish(MEMBER_WARNED, times=4)
    assert (room.announced(), room.said()) == ([], []), "500.01 is above 500"
    await room.punish(MEMBER_WARNED)
    assert room.announced() == [(MEMBER_WARNED, "bob")]
    (told,) = room.said()
    assert told == (
        "@bob This is a warning, for a reputation of 475.0: at 500 and below people are warned here. "
        "!reputation why shows what it is made of, and !appeal with your words asks the moderators to undo it."
    )
    assert await room.restricted() == {}
    assert await score(room.bench) == pytest.approx(475.01), "what a policy does costs nothing"
    await room.punish(MEMBER_WARNED)
    assert room.announced() == []
    assert "does not answer you" in room.said()[0]
    restriction = (await room.restricted())["irc:bob"]
    assert restriction == Restriction(
        "irc:bob", "a reputation of 450.0: at 475 and below people are not answered here",
        room.bench.now + 7 * DAY_S, ("appeal",),
    )  # fmt: skip
    await room.punish(MEMBER_WARNED)
    assert room.announced() == [(MEMBER_BANNED, "bob")]
    assert room.said() == [
        "@bob You are banned, for a reputation of 425.0: at 450 and below people are banned here. "
        "!reputation why shows what it is made of, and !appeal with your words asks the moderators to undo it.",
        "ban bob",
    ]
    for _ in range(3):
        await room.punish(MEMBER_TIMED_OUT)
    assert (room.announced(), room.said()) == ([], []), "the harshest was done already"


async def test_policies_are_off_unless_a_community_wants_them(room: Room) -> None:
    for name in ("warn", "restrict", "ban"):
        await room.bench.says(f"setting reset reputation policy_{name}")
    await room.punish(MEMBER_BANNED, times=2)
    assert (room.announced(), room.said(), await room.restricted()) == ([], [], {})
    for name in ("warn", "restrict", "ban"):
        await room.bench.says(f"setting set reputation policy_{name} on")
    for _ in range(3):
        await room.happen([room.bench.event("hi", login="bob")] * 5)
    assert (room.announced(), room.said()) == ([], []), "to switch one on punishes nobody for what was before"


async def test_nothing_of_the_same_is_done_twice_in_a_short_time(room: Room) -> None:
    for name in ("restrict", "ban"):
        await room.bench.says(f"setting set reputation policy_{name} off")
    await room.punish(MEMBER_WARNED, times=8)
    assert room.announced() == [(MEMBER_WARNED, "bob")]
    room.bench.now += 6 * DAY_S
    await room.punish(MEMBER_WARNED)
    assert room.announced() == []
    await room.bench.says("reputation pardon bob it was a mistake")
    await room.look()
    assert room.announced() == [(MEMBER_PARDONED, "bob")]
    await room.punish(MEMBER_WARNED)
    assert room.announced() == [], "not even where the first was undone"
    room.bench.now += 2 * DAY_S
    await room.punish(MEMBER_WARNED)
    assert room.announced() == [(MEMBER_WARNED, "bob")]


async def test_staff_is_left_alone(room: Room) -> None:
    bench = room.bench
    await bench.says("rank give bob moderator")
    await room.punish(MEMBER_BANNED, times=2)
    await room.punish(MEMBER_BANNED, "mod", by="ann")
    await room.punish(MEMBER_BANNED, "ann", by="bob")
    assert (room.announced(), room.said()) == ([], []), "mod punished somebody, and so did ann"
    await link(bench)
    await room.punish(MEMBER_BANNED, "bobby")
    assert room.announced() == [], "a moderator's other account is the moderator's"


async def test_nobody_is_a_case_for_lack_of_a_row_or_on_a_first_line(room: Room) -> None:
    store: Any = room.bench.dal.bind(module.name, Community(HOME))
    assert await store.conduct(("irc:nobody",)) is None
    await room.happen([room.bench.event("hi", login="newcomer")])
    await room.punish(MEMBER_WARNED, "stranger")
    assert (room.announced(), room.said()) == ([], [])


async def test_no_policy_counts_what_using_the_bot_costs(room: Room) -> None:
    commands = [room.bench.event("", login="bob", kind="command.executed")] * 1_000
    for _ in range(4):
        await room.happen(commands)
    await room.punish(MEMBER_WARNED)
    assert await score(room.bench) == 300.0
    assert (room.announced(), room.said()) == ([], [])
    assert await room.bench.says("reputation atrisk") == "Nobody is at 500 or below."


async def test_a_person_is_the_sum_of_their_accounts_and_acted_on_as_one(room: Room) -> None:
    bench = room.bench
    await bench.shared.adopt(["twitch::room"], HOME)
    await link(bench)
    await room.punish(MEMBER_WARNED, times=3)
    assert room.announced() == []
    await room.punish(MEMBER_WARNED, "bobby", times=2)
    assert room.announced() == [(MEMBER_WARNED, "bobby")]
    await room.punish(MEMBER_WARNED, "bobby")
    assert sorted(await room.restricted()) == ["irc:bob", "twitch:7"]
    room.said()
    await room.punish(MEMBER_WARNED, "bobby")
    assert room.said()[1:] == ["ban 7", "ban bob"]


async def test_an_act_is_undone_by_whoever_undoes_the_record(room: Room) -> None:
    await room.punish(MEMBER_BANNED)
    assert room.announced() == [(MEMBER_BANNED, "bob")]
    assert room.said()[1:] == ["ban bob"]
    (change,) = await room.bench.dal.list_changes(HOME, 1)
    assert (change.resource, change.actor) == ("act", "core.reputation")
    assert await room.bench.dal.undo(HOME, change.version, actor="operator")
    await room.look()
    assert (room.announced(), room.said()) == ([(MEMBER_PARDONED, "bob")], ["unban bob"])
    assert await room.restricted() == {}
    await room.look()
    assert (room.announced(), room.said()) == ([], []), "once"


async def test_restrictions_end(room: Room) -> None:
    await room.bench.says("setting set reputation policy_ban off")
    await room.punish(MEMBER_BANNED)
    assert sorted(await room.restricted()) == ["irc:bob"]
    room.bench.now += 7 * DAY_S + 1
    await room.look()
    assert await room.restricted() == {}
    await room.bench.says("module off reputation")
    assert await room.restricted() == {}


async def test_where_the_module_is_off_nobody_is_restricted(room: Room) -> None:
    await room.punish(MEMBER_BANNED)
    assert await room.restricted()
    await room.bench.says("module off reputation")
    assert await room.restricted() == {}


async def test_who_is_punished_while_nobody_knows_people_is_looked_at_later(room: Room) -> None:
    away = room.bench.directory.pop(identity.name)
    await count(
        room.bench.context(module),
        crowd(
            [room.bench.event(kind=MEMBER_BANNED, login="mod", data={"target_id": "bob", "target_login": "bob"})]
        ),
    )
    await room.look()
    assert room.announced() == []
    room.bench.directory[identity.name] = away
    await room.look()
    assert room.announced() == [(MEMBER_BANNED, "bob")]


async def test_appeals_are_made_once_and_decided_by_others(room: Room) -> None:
    bench = room.bench
    assert "nothing to appeal" in await bench.says("appeal please", login="bob", rank=Rank.VIEWER)
    assert await bench.says("appeals") == "There are no open appeals."
    await room.punish(MEMBER_BANNED)
    room.said()
    made = await bench.says("appeal I was hacked", login="bob", rank=Rank.VIEWER)
    number = made.split()[2]
    assert made == f"Your appeal {number} against the ban is with the moderators."
    assert "appealed already" in await bench.says("appeal please!", login="bob", rank=Rank.VIEWER)
    assert await bench.says("appeals list") == f"Appeals: {number} bob against the ban at 400.0: “I was hacked”"
    assert "about themselves" in await bench.says(f"appeals accept {number}", login="bob")
    assert "about themselves" in await bench.says("reputation pardon bob why not", login="bob")
    assert await bench.says(f"appeals accept {number} indeed") == (
        "The appeal of bob is accepted for “indeed”: the ban is undone."
    )
    await room.look()
    assert room.said() == ["unban bob"]
    assert "no open appeal" in await bench.says(f"appeals reject {number} no")
    assert await room.restricted() == {}


async def test_a_rejected_appeal_changes_nothing(room: Room) -> None:
    await room.punish(MEMBER_BANNED)
    await room.bench.says("appeal please", login="bob", rank=Rank.VIEWER)
    said = await room.bench.says("appeals reject @bob not twice")
    assert said == "The appeal of bob against the ban is rejected, for “not twice”."
    assert "appealed already" in await room.bench.says("appeal please", login="bob", rank=Rank.VIEWER)
    assert sorted(await room.restricted()) == ["irc:bob"]
    assert await room.bench.says("reputation pardon bob half a year is enough") == (
        "Bob: the ban undone, for “half a year is enough”."
    )
    assert "No policy holds" in await room.bench.says("reputation pardon bob again")


async def test_a_harsher_policy_has_no_higher_threshold(room: Room) -> None:
    assert "higher threshold" in await room.bench.says("setting set reputation policy_ban_at 490")
    assert "550" in await room.bench.says("setting set reputation policy_warn_at 599")


async def test_what_a_policy_did_outlives_being_forgotten(room: Room) -> None:
    await room.punish(MEMBER_BANNED)
    store: Any = room.bench.dal.bind(module.name, Community(HOME))
    assert await store.forget(("irc:bob",)) > 0
    held = await store.held(("irc:bob",))
    assert {name for name, rows in held.items() if rows} == {"act", "acted"}
    assert held["act"][0]["login"] == ""
    assert sorted(await room.restricted()) == ["irc:bob"]
