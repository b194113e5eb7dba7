"""Coordinators that share names, on both engines."""

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from waddlebot.libs.adapters.lease_store import HostRow
from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk.ports import PARTITIONS
from waddlebot.libs.testing.leases import LEASES, coordinating, leases_of
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime.claims import Moves
from waddlebot.runtime.coordination import Coordinator, Timing, partition_name

QUICK = Timing(beat_s=0.1, retry_s=0.05, expiry_s=1.0, sure_s=0.7, poll_s=0.05, patience_s=0.2, orderly_s=0.5)
NAMES = {f"irc:net:#{n}": 1_000 - n for n in range(100)}
KIND = "poller.irc"


def shares(*coordinators: Coordinator) -> list[int]:
    return sorted(len(one.claims(KIND).held) for one in coordinators)


def all_held(*coordinators: Coordinator) -> bool:
    return sorted(name for one in coordinators for name in one.claims(KIND).held) == sorted(NAMES)


@contextlib.asynccontextmanager
async def dying(url: str, timing: Timing = QUICK) -> AsyncIterator[Coordinator]:
    """A coordinator that is as good as killed at the end: it says nothing any more."""
    async with opened_dal(url, LEASES) as dal:
        coordinator = Coordinator(leases_of(dal), HostRow("", "dying"), logging.getLogger("x"), timing=timing)
        await coordinator.start()
        running = asyncio.ensure_future(coordinator.run())
        yield coordinator
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_host_on_its_own_database_holds_all_at_once(database_url: str) -> None:
    async with coordinating(database_url, routes=True, alone=True) as one:
        assert one.owned == dict.fromkeys(range(PARTITIONS), 1)
        assert one.owner_of(5) == one.host
        one.claims(KIND).want(NAMES)
        await one.claims(KIND).changed()
        assert one.claims(KIND).held == dict.fromkeys(NAMES, 1)
        assert one.claims("pushing.irc").holder("irc:net:#1") == one.host
        assert one.claims("pushing.irc").holder("irc:net:#unknown") == ""


async def test_a_host_that_was_killed_on_its_own_database_is_not_waited_for(database_url: str) -> None:
    async with dying(database_url, Timing()) as one:
        one.claims(KIND).want(NAMES)
        await one.claims(KIND).changed()
    async with coordinating(database_url, alone=True) as two:
        two.claims(KIND).want(NAMES)
        await two.claims(KIND).changed()
        assert two.claims(KIND).held == dict.fromkeys(NAMES, 2)
        assert list(two.hosts()) == [two.host]


async def test_replicas_share_and_a_graceful_stop_hands_over(database_url: str) -> None:
    async with coordinating(database_url, "one", routes=True) as one:
        one.claims(KIND).want(NAMES)
        await until(lambda: all_held(one))
        async with coordinating(database_url, "two", routes=True) as two:
            two.claims(KIND).want(NAMES)
            await until(lambda: shares(one, two) == [50, 50] and len(one.owned) == len(two.owned) == 32)
            assert all_held(one, two)
            # Half of the names moved, those of the lowest priority, each under a higher fence.
            assert one.claims(KIND).held == dict.fromkeys(list(NAMES)[:50], 1)
            assert two.claims(KIND).held == dict.fromkeys(list(NAMES)[50:], 2)
            assert one.claims(KIND).replicas == two.claims(KIND).replicas == 2
            await until(lambda: one.holder_of("irc:net:#99") == two.host)
            assert {row.name for row in one.hosts().values()} == {"one", "two"}
            assert one.current_fence("irc:net:#99") == 2
            assert one.fence_of("irc:net:#99") == 1, "what was read under the claim still says so"
            async with coordinating(database_url, "three") as three:
                three.claims(KIND).want(NAMES)
                await until(lambda: shares(one, two, three) == [33, 33, 34])
            stopped_s = time.monotonic()
            await until(lambda: shares(one, two) == [50, 50] and all_held(one, two))
            assert time.monotonic() - stopped_s < 2
        await until(lambda: all_held(one) and len(one.owned) == PARTITIONS)


async def test_with_the_usual_timing_a_stop_hands_over_within_two_seconds(database_url: str) -> None:
    async with coordinating(database_url, "one") as one:
        one.claims(KIND).want(NAMES)
        async with coordinating(database_url, "two") as two:
            two.claims(KIND).want(NAMES)
            await until(lambda: shares(one, two) == [50, 50])
        stopped_s = time.monotonic()
        await until(lambda: all_held(one))
        assert time.monotonic() - stopped_s < 2


async def test_what_a_dead_host_held_is_taken_over(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with coordinating(database_url, "one", timing=QUICK) as one:
        async with dying(database_url) as two:
            one.claims(KIND).want(NAMES)
            two.claims(KIND).want(NAMES)
            await until(lambda: shares(one, two) == [50, 50])
            held = two.claims(KIND).held
        assert two.claims(KIND).held == held, "it does not know yet"
        await until(lambda: two.claims(KIND).held == {})
        assert not all_held(one), "the dead one lets go before others take over"
        await until(lambda: all_held(one))
        assert all(one.claims(KIND).held[name] > fence for name, fence in held.items())
        assert "buried: dying" in caplog.text


async def test_who_is_sure_again_says_so(database_url: str) -> None:
    async with coordinating(database_url, "one", routes=True, timing=QUICK) as one:
        await until(lambda: len(one.owned) == PARTITIONS)
        seen: list[int] = []
        one.when_changed(lambda: seen.append(len(one.owned)))
        one._beaten_s = -math.inf  # the database was away, and somebody looked meanwhile
        assert not one.owned
        await until(lambda: seen == [PARTITIONS])


async def test_who_slept_through_its_death_begins_anew(database_url: str) -> None:
    async with coordinating(database_url, "one", timing=QUICK) as one, opened_dal(database_url, LEASES) as dal:
        one.claims(KIND).want(NAMES)
        await until(lambda: all_held(one))
        was, fences = one.host, dict(one.claims(KIND).held)
        # What the others do with one that has lapsed.
        dal_store = leases_of(dal)
        dead: list[str] = []
        while not dead:  # its own heartbeat may come between the two
            await dal_store().beat(was, -1.0)
            dead = await dal_store().bury()
        assert dead == [was]
        assert not await dal_store().beat(was, 10.0)
        await until(lambda: one.host != was and all_held(one))
        assert {name: fence - 1 for name, fence in one.claims(KIND).held.items()} == fences


async def test_while_the_database_is_away_nothing_is_held_and_nothing_is_said(database_url: str) -> None:
    async with opened_dal(database_url, LEASES) as dal:
        away = asyncio.Event()

        class Gone:
            async def _fail(self, *args: object) -> None:
                raise Unavailable("the database is gone")

            beat = news = want = trade = leave = _fail

        opened = leases_of(dal)
        one = Coordinator(
            lambda: Gone() if away.is_set() else opened(),  # type: ignore[arg-type,return-value]  # what a database that is gone does
            HostRow("", "one"),
            logging.getLogger("test.coordination"),
            timing=QUICK,
        )
        await one.start()
        running = asyncio.ensure_future(one.run())
        claims = one.claims(KIND)
        claims.want(NAMES)
        await until(lambda: all_held(one))
        await claims.changed()
        held, said = claims.held, asyncio.ensure_future(claims.changed())
        away.set()
        await until(lambda: claims.held == {})
        away.clear()
        await until(lambda: claims.held is held)
        assert not said.done()
        said.cancel()
        running.cancel()
        await asyncio.gather(running, said, return_exceptions=True)


async def test_names_move_no_faster_than_the_platform_lets_channels_be_joined(database_url: str) -> None:
    async with (
        coordinating(database_url, "one", timing=QUICK) as one,
        coordinating(database_url, "two", timing=QUICK) as two,
    ):
        one.claims(KIND).want(NAMES, moves_per_s=20.0)
        await until(lambda: all_held(one))
        began_s = time.monotonic()
        two.claims(KIND).want(NAMES, moves_per_s=20.0)
        seen = set()
        while shares(one, two) != [50, 50]:
            now = len(two.claims(KIND).held)
            assert now <= 20 * (time.monotonic() - began_s + 1)
            seen.add(now)
            await asyncio.sleep(0.01)
        assert len(seen) > 3


def test_moves_are_saved_up_for_a_second_at_most() -> None:
    moves = Moves()
    assert moves.allow(1_000, 0.0) == 1_000
    moves.rate_per_s = 10.0
    assert [moves.allow(100, at) for at in (0.0, 0.0, 0.1, 0.35, 100.0)] == [10, 0, 1, 2, 10]
    moves.rate_per_s = 0.5
    moves = Moves()
    moves.rate_per_s = 0.5
    assert [moves.allow(100, at) for at in (0.0, 1.0, 2.0, 3.0, 4.0)] == [1, 0, 1, 0, 1]


async def test_where_room_is_short_the_most_important_names_are_held(database_url: str) -> None:
    async with coordinating(database_url, timing=QUICK) as one:
        claims = one.claims(KIND)
        claims.want(NAMES, most=10)
        await until(lambda: list(claims.held) and set(claims.held) == set(list(NAMES)[:10]))
        # Another channel goes live: it takes the place of the least important one.
        claims.want(NAMES | {"irc:net:#99": 5_000}, most=10)
        await until(lambda: set(claims.held) == {"irc:net:#99", *list(NAMES)[:9]})
        claims.want({"irc:net:#99": 0})
        await until(lambda: set(claims.held) == {"irc:net:#99"})


async def test_partitions_are_finished_before_they_go_to_another_host(database_url: str) -> None:
    async with coordinating(database_url, "one", routes=True, timing=QUICK) as one:
        finished = asyncio.Event()
        given: list[int] = []

        async def finish(partitions: list[int]) -> None:
            given.extend(partitions)
            assert not one.owned.keys() & set(partitions)
            assert all(one.owner_of(partition) == one.host for partition in partitions)
            await finished.wait()

        one.when_giving_up(finish)  # type: ignore[arg-type]  # a list is such a collection
        async with coordinating(database_url, "two", routes=True, timing=QUICK) as two:
            await until(lambda: given)
            assert two.owned == {}
            finished.set()
            await until(lambda: len(two.owned) == len(one.owned) == 32)
            assert sorted(given) == sorted(two.owned)


async def test_others_hear_of_what_changed(database_url: str) -> None:
    heard: Counter[str] = Counter()
    async with coordinating(database_url, "one", timing=QUICK) as one:
        one.when_changed(lambda: heard.update([f"{len(one.hosts())} hosts"]))
        async with coordinating(database_url, "two", routes=True, timing=QUICK) as two:
            await until(lambda: one.owner_of(0) == two.host != "")
            assert one.current_fence(partition_name(0)) == 1
        await until(lambda: len(one.hosts()) == 1)
        assert one.owner_of(0) == ""
    assert heard["2 hosts"]
    assert heard["1 hosts"]
