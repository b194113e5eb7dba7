"""With every policy on, a month of ordinary chat surprises nobody, and each pattern of abuse is caught."""

import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.reputation.module import count, enforce, module
from waddlebot.core.reputation.store import Adjustment
from waddlebot.libs.contracts.community import GLOBAL, HOME
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import MEMBER_BANNED, MEMBER_TIMED_OUT, MEMBER_WARNED, Crowd, Event
from waddlebot.libs.sdk.gathering import Said
from waddlebot.libs.testing.modules import Bench, opened_bench

DAYS = 30
DAY_S = 86_400.0
KICKED = "member.kicked"


class Habit(NamedTuple):
    """How many of the thousand live so, and what they do on a day: lines, commands, giveaways (least, most)."""

    people: int
    lines: tuple[int, int]
    commands: tuple[int, int] = (0, 2)
    giveaways: tuple[int, int] = (0, 0)


HABITS = {
    "lurkers": Habit(480, (0, 3), (0, 1)),
    "regulars": Habit(300, (20, 80), (0, 5)),
    "chatterboxes": Habit(100, (200, 600), (0, 10)),
    "command-lovers": Habit(80, (5, 10), (40, 100)),
    "giveaway fans": Habit(40, (5, 20), (1, 10), (1, 5)),
}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened_bench(f"sqlite:///{tmp_path / 'month.db'}", community, identity, module) as opened:
        for name in ("warn", "restrict", "ban"):
            await opened.says(f"setting set reputation policy_{name} on")
        yield opened


def store(bench: Bench) -> Any:
    return bench.dal.bind(module.name, Community(HOME), actor="irc:mod")


def punished(bench: Bench, kind: str, who: str, **place: Any) -> Event:
    data = {"target_id": who, "target_login": who, "reason": "a filter"}
    return bench.event(kind=kind, data=data, **({"user_id": "", "login": ""} | place))


async def observed(bench: Bench, crowd: Crowd) -> None:
    """The observers see a batch, and the job looks."""
    await count(bench.context(module), crowd)
    await enforce(bench.context(module))


async def test_a_month_of_ordinary_chat_surprises_nobody(bench: Bench) -> None:
    chance = random.Random(20250615)
    members = [(f"{name}-{n}", habit) for name, habit in HABITS.items() for n in range(habit.people)]
    assert len(members) == 1_000
    mishaps = _mishaps(chance, [name for name, _ in members])
    total: Counter[str] = Counter()
    for day in range(DAYS):
        crowd, said = Crowd(), Said()
        crowd.said["irc", "net"] = {HOME: said}
        for name, habit in members:
            said.lines[name] = chance.randint(*habit.lines)
            said.commands[name] = chance.randint(*habit.commands)
            for _ in range(chance.randint(*habit.giveaways)):
                crowd.others.append(bench.event(kind="giveaway.entered", login=name))
        crowd.others.extend(punished(bench, kind, name) for on, kind, name in mishaps if on == day)
        total.update(lines=sum(said.lines.values()), commands=sum(said.commands.values()))
        await observed(bench, crowd)
        bench.now += DAY_S
    assert await store(bench).acts() == []
    assert bench.sent == []
    conducts = {}
    for name in HABITS:
        found = [await store(bench).conduct((f"irc:{who}",)) for who, _ in members if who.startswith(f"{name}-")]
        scores, conducts[name] = [score for score, _ in found], [conduct for _, conduct in found]
        low = sum(score <= 500 for score in scores)
        sys.stdout.write(
            f"{name}: {len(found)} people, scores {min(scores):.1f} to {max(scores):.1f}, {low} at 500 or below; "
            f"without what the bot's use cost from {min(conducts[name]):.1f}\n"
        )
    sys.stdout.write(f"{total['lines']:,} lines, {total['commands']:,} commands, {len(mishaps)} punishments\n")
    love = [await store(bench).conduct((f"irc:command-lovers-{n}",)) for n in range(80)]
    assert sum(score <= 450 for score, _ in love) > 40, "by the score alone half of them would be banned"
    assert min(min(found) for found in conducts.values()) > 500


def _mishaps(chance: random.Random, names: list[str]) -> list[tuple[int, str, str]]:
    """Of a hundred people six are warned once in the month, two timed out, and one both; on any day."""
    found = []
    for name in names:
        luck = chance.random()
        kinds = [MEMBER_WARNED] * (luck < 0.07) + [MEMBER_TIMED_OUT] * (luck < 0.01 or luck > 0.97)
        found += [(chance.randrange(DAYS), kind, name) for kind in kinds]
    return found


type Pattern = Callable[[Bench], Iterator[list[Event]]]


def _daily(*kinds: str, every: int = 1) -> Pattern:
    """One punishment after the other, some days apart."""

    def story(bench: Bench) -> Iterator[list[Event]]:
        for kind in kinds:
            yield [punished(bench, kind, "bob")]
            for _ in range(every - 1):
                yield []

    return story


def _spread(*kinds: str) -> Pattern:
    """By turns with two accounts of one person."""

    def story(bench: Bench) -> Iterator[list[Event]]:
        for number, kind in enumerate(kinds):
            there = {"platform": "twitch", "server": "", "channel": "room"} if number % 2 else {}
            yield [punished(bench, kind, "bob", **there)]

    return story


def _among(lines: int, *kinds: str, kind: str = "", times: int = 0) -> Pattern:
    """Who also writes a lot, or pays."""

    def story(bench: Bench) -> Iterator[list[Event]]:
        yield [bench.event(kind=kind, login="bob")] * times
        for one in kinds:
            yield [bench.event("hi", login="bob")] * lines
            yield [punished(bench, one, "bob")]

    return story


ABUSE: dict[str, Pattern] = {
    "five warnings": _daily(*[MEMBER_WARNED] * 5),
    "three timeouts": _daily(*[MEMBER_TIMED_OUT] * 3),
    "a timeout each week": _daily(*[MEMBER_TIMED_OUT] * 4, every=7),
    "two kicks": _daily(KICKED, KICKED),
    "warned, timed out and kicked": _daily(MEMBER_WARNED, MEMBER_TIMED_OUT, KICKED),
    "back after a ban": _daily(MEMBER_BANNED, MEMBER_WARNED),
    "by turns with two accounts": _spread(*[MEMBER_WARNED] * 5),
    "banned on one platform, at it on another": _spread(MEMBER_BANNED, MEMBER_WARNED),
    "a spammer who writes much": _among(600, *[MEMBER_TIMED_OUT] * 4),
    "a troll who boosts": _among(5, *[MEMBER_TIMED_OUT] * 4, kind="channel.boosted", times=15),
    "taken from by moderators": _daily(MEMBER_WARNED),
}


@pytest.mark.parametrize("name", ABUSE)
async def test_abuse_is_caught(bench: Bench, name: str) -> None:
    identities: Any = bench.dal.bind(identity.name, Community(GLOBAL), actor="test")
    assert await identities.ask("irc:bob", "twitch:bob", "bob", "digest", bench.now)
    assert (await identities.verify("twitch:bob", "bob", "digest", bench.now, True)).linked
    if name == "taken from by moderators":
        await store(bench).adjust(Adjustment("irc:bob", "1", -100.0, "scam", "bob", "irc:mod", bench.now))
    assert await store(bench).acts() == []
    for events in ABUSE[name](bench):
        crowd = Crowd()
        crowd.extend(events)
        await observed(bench, crowd)
        bench.now += DAY_S
    acts = await store(bench).acts()
    assert acts
    assert all("bob" in act.account and "reputation of" in act.reason for act in acts)
    assert bench.sent or all(act.account.startswith("twitch:") for act in acts)
