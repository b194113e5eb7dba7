"""What is counted, in the database, and who is not."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import date

import pytest

from waddlebot.core.analytics.days import DAY_S, Range, number_of
from waddlebot.core.analytics.module import module, respect, tidy
from waddlebot.core.analytics.tests.world import (
    EVERYWHERE,
    TABLES,
    happen,
    link,
    opened,
    part,
    rows,
    say,
    store,
    used,
)
from waddlebot.libs.dal import Community
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk import Rank
from waddlebot.libs.testing.modules import Bench

DAY = number_of(date(2026, 3, 9))  # a Monday
PERSONAL = ("activity", "member", "presence")


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened(database_url) as found:
        found.now = DAY * DAY_S + 13.5 * 3_600
        yield found


async def personal(bench: Bench) -> set[str]:
    """Every account that some row names."""
    return {row["account"] for table in PERSONAL for row in await rows(bench, table)}


async def test_the_tables_are_as_declared(bench: Bench) -> None:
    assert differences(bench.dal.url, bench.dal.owners) == []


async def test_a_batch_adds_to_every_table(bench: Bench) -> None:
    events = [
        *[bench.event("hi")] * 3,
        bench.event("hi", login="bob", channel="#other"),
        bench.event("hi", login="ann", community="away", channel="#away"),
        used(bench, "so"),
        used(bench, "so", status="refused"),
        used(bench, "dice", login="bob", status="failed"),
        used(bench, "x" * 999, status="answered"),
        used(bench, "so", status="nonsense"),
        bench.event(kind="channel.followed", login="cat"),
        bench.event(kind="member.banned", login="mod", data={"target_id": "bob"}),
        bench.event("hi", login="nobody", community=""),
        bench.event("hi", user_id=""),
    ]
    await happen(bench, events)
    await happen(bench, [bench.event("hi")])
    assert await rows(bench, "activity") == [
        {"community": "away", "day": DAY, "account": "irc:ann", "lines": 1, "commands": 0, "others": 0},
        {"community": "home", "day": DAY, "account": "irc:ann", "lines": 4, "commands": 4, "others": 0},
        {"community": "home", "day": DAY, "account": "irc:bob", "lines": 1, "commands": 0, "others": 0},
        {"community": "home", "day": DAY, "account": "irc:cat", "lines": 0, "commands": 0, "others": 1},
    ]
    assert [tuple(row.values()) for row in await rows(bench, "hourly")] == [
        ("away", DAY * 24 + 13, 1, 0, 0),
        ("home", DAY * 24 + 13, 6, 4, 1),
    ]
    assert [tuple(row.values()) for row in await rows(bench, "place")] == [
        ("away", DAY, "irc:net:#away", 1, 0, 0),
        ("home", DAY, "irc:net:#other", 1, 0, 0),
        ("home", DAY, "irc:net:#room", 5, 4, 1),
    ]
    assert [tuple(row.values())[3:] for row in await rows(bench, "command_use")] == [
        ("dice", 0, 0, 1),
        ("so", 1, 1, 0),
        ("x" * 64, 1, 0, 0),
    ]


async def test_a_batch_that_comes_again_counts_once(bench: Bench) -> None:
    batch = [bench.event("hi"), used(bench, "so")]
    for _ in range(3):
        await happen(bench, batch, "batch-1/core.analytics.count")
    (row,) = await rows(bench, "activity")
    assert (row["lines"], row["commands"]) == (1, 1)
    assert [one["lines"] for one in await rows(bench, "place")] == [1]


async def test_what_waited_counts_when_it_was_received_and_no_clock_runs_ahead(bench: Bench) -> None:
    await happen(bench, [bench.event("hi", received_at=bench.now - DAY_S)])
    await happen(bench, [bench.event("hi", received_at=bench.now + DAY_S)])
    assert [row["day"] for row in await rows(bench, "activity")] == [DAY - 1, DAY]


async def test_nothing_that_is_old_stays(bench: Bench) -> None:
    await happen(bench, [bench.event("hi"), used(bench, "so")])
    for later in (0, 30):
        bench.now = (DAY + later) * DAY_S
        await tidy(bench.context(module))
        assert [row["day"] for row in await rows(bench, "activity")] == [DAY], "it is thirty days old, no older"
        assert await rows(bench, "headcount") == await rows(bench, "member") == []
    bench.now = (DAY + 31) * DAY_S
    for _ in range(2):
        await tidy(bench.context(module))
        assert await rows(bench, "activity") == await rows(bench, "hourly") == []
        assert [row["people"] for row in await rows(bench, "headcount")] == [1]
        assert [tuple(row.values())[1:] for row in await rows(bench, "member")] == [("irc:ann", DAY, DAY, 1)]
        assert [(row["span"], row["start_day"]) for row in await rows(bench, "presence")] == [
            ("month", number_of(date(2026, 3, 1))),
            ("week", DAY),
        ]
    bench.now = (DAY + 365) * DAY_S
    await tidy(bench.context(module))
    for table in ("place", "command_use", "headcount", "member"):
        assert len(await rows(bench, table)) == 1, table
    bench.now = (DAY + 366) * DAY_S
    await tidy(bench.context(module))
    for table in TABLES:
        assert await rows(bench, table) == [], table


async def test_who_came_longer_ago_than_a_year_is_no_newcomer_and_keeps_no_date(bench: Bench) -> None:
    for later in (0, 200, 400):
        await say(bench, DAY + later, {"ann": 1})
        bench.now = (DAY + later + 31) * DAY_S
        await tidy(bench.context(module))
    assert [tuple(row.values())[2:] for row in await rows(bench, "member")] == [(0, DAY + 400, 3)]
    assert await store(bench).newcomers(Range(DAY, DAY + 431), "[]") == ([], [])


async def test_many_rows_are_removed_in_parts(bench: Bench) -> None:
    lines = [bench.event("hi", login=f"user{n:02}") for n in range(25)]
    await happen(bench, lines)
    here = store(bench)
    folded = 0
    while await here.fold(DAY, 25, 10):
        folded += 1
        left = len(await rows(bench, "activity"))
        assert left == 25 - 10 * folded or not left
        loners, _ = await here.wrote_by("day", Range(DAY, DAY), DAY, "[]")
        assert loners == [(DAY, 25)], "a day that is folded by half is counted whole"
    assert folded == 3
    assert len(await rows(bench, "member")) == 25
    everywhere = store(bench, EVERYWHERE)
    gone = []
    while changed := await everywhere.expire(DAY + 1_000, 10):
        gone.append(changed)
    assert len(gone) == 5, "fifty rows of the largest table, ten at a time"
    assert await rows(bench, "presence") == []


# Who opted out


async def test_who_opts_out_is_gone_everywhere_and_counts_in_sums_alone(bench: Bench) -> None:
    await happen(bench, [bench.event("hi"), bench.event("hi", login="bob"), bench.event("hi", community="away")])
    told = await bench.says("analytics optout", rank=Rank.VIEWER)
    assert "No statistics are kept about your account any more" in told
    assert await personal(bench) == {"irc:bob"}
    await happen(bench, [bench.event("hi"), used(bench, "so"), bench.event(kind="channel.followed")])
    assert await personal(bench) == {"irc:bob"}
    assert [row["lines"] for row in await rows(bench, "place")] == [1, 3]
    assert [row["commands"] for row in await rows(bench, "place")] == [0, 1]
    assert "already" in await bench.says("analytics optout", rank=Rank.VIEWER)
    assert "with your account" in await bench.says("analytics optin", rank=Rank.VIEWER)
    assert "had not opted out" in await bench.says("chatstats optin", rank=Rank.VIEWER)
    await happen(bench, [bench.event("hi")])
    assert await personal(bench) == {"irc:ann", "irc:bob"}


async def test_no_batch_that_is_under_way_brings_a_row_back(bench: Bench) -> None:
    for number in range(20):
        login = f"user{number}"
        line = bench.event("!analytics optout", login=login)
        batch = [bench.event("hi", login=f"other{n}") for n in range(300)] + [line]
        await asyncio.gather(
            *(happen(bench, batch, f"batch-{number}-{part}/core.analytics.count") for part in range(3)),
            bench.says("analytics optout", login=login, rank=Rank.VIEWER),
        )
        assert f"irc:{login}" not in await personal(bench)


async def test_it_holds_for_all_accounts_that_are_linked(bench: Bench) -> None:
    await link(bench, "irc:ann", "irc:bob")
    await say(bench, DAY, {"ann": 1, "bob": 1, "cat": 1})
    assert "your 2 linked accounts" in await bench.says("analytics optout", rank=Rank.VIEWER)
    assert await personal(bench) == {"irc:cat"}
    await part(bench, "irc:bob")
    await say(bench, DAY, {"ann": 1, "bob": 1})
    assert await personal(bench) == {"irc:cat"}, "whom it held for when it was said"
    await link(bench, "irc:ann", "irc:cat")
    await say(bench, DAY, {"cat": 1})
    await respect(bench.context(module))
    assert await personal(bench) == set(), "and whoever is linked with one of them"
    await part(bench, "irc:cat")
    await say(bench, DAY, {"cat": 1})
    assert await personal(bench) == {"irc:cat"}, "but not after they parted"


@pytest.mark.parametrize("seed", range(4))
async def test_an_opt_out_never_leaves_a_row(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    logins = ["ann", "bob", "cat", "dan", "eve"]
    out: set[str] = set()
    bonds: list[set[str]] = []

    def group(account: str) -> set[str]:
        return next((one for one in bonds if account in one), {account})

    for step in range(60):
        bench.now += 3_700.0
        who, other = chance.sample(logins, 2)
        match chance.choice(["say", "say", "say", "out", "in", "link", "part", "tidy"]):
            case "out":
                await bench.says("analytics optout", login=who, rank=Rank.VIEWER)
                out |= group(who)
            case "in":
                await bench.says("analytics optin", login=who, rank=Rank.VIEWER)
                out -= group(who)
            case "link" if who not in group(other):
                joined = group(who) | group(other)
                bonds = [one for one in bonds if not one & joined] + [joined]
                await link(bench, f"irc:{who}", f"irc:{other}")
                await respect(bench.context(module))
            case "part" if len(group(who)) == 2:  # of more it depends on the bonds what is left
                bonds = [one for one in bonds if who not in one]
                await part(bench, f"irc:{who}")
            case "tidy":
                bench.now += 9 * DAY_S
                await tidy(bench.context(module))
        await happen(bench, [bench.event("hi", login=login) for login in logins])
        hidden = {f"irc:{login}" for login in logins if group(login) & out}
        found = await personal(bench)
        assert not found & hidden, f"step {step}"
        assert {f"irc:{login}" for login in logins} - hidden <= found, f"step {step}"


async def test_what_is_held_is_told_and_forgotten(bench: Bench) -> None:
    await say(bench, DAY, {"ann": 2, "bob": 1})
    await say(bench, DAY, {"ann": 1}, community="away", channel="#away")
    bench.now = (DAY + 31) * DAY_S
    await tidy(bench.context(module))
    await say(bench, DAY + 31, {"ann": 1, "bob": 1})
    await bench.says("analytics optout", login="cat", rank=Rank.VIEWER)
    home, everywhere = store(bench, Community("home")), store(bench, EVERYWHERE)
    held = await home.held(("irc:ann",))
    assert {name: len(found) for name, found in held.items()} == {"activity": 1, "member": 1, "presence": 2}
    assert held["member"][0] | {"lines": 0} == {
        "community": "home", "account": "irc:ann", "first_day": DAY, "last_day": DAY, "lines": 0,
    }  # fmt: skip
    assert await home.forget(("irc:ann",)) == 4
    assert await home.held(("irc:ann",)) == {"activity": [], "member": [], "presence": []}
    assert {name: len(found) for name, found in (await everywhere.held(("irc:ann", "irc:cat"))).items()} == {
        "activity": 0, "member": 1, "presence": 2, "optout": 1,
    }  # fmt: skip
    assert await everywhere.forget(("irc:ann", "irc:cat")) == 3
    left = await everywhere.held(("irc:ann", "irc:cat"))
    assert [name for name, found in left.items() if found] == ["optout"], "who must not be counted never is"
    assert await personal(bench) == {"irc:bob"}
    assert sum(row["lines"] for row in await rows(bench, "place")) == 6, "sums stay"
