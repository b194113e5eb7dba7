"""Configuration is changed on the record, and can be put back."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from waddlebot.libs.dal import Batch, Conflict, DalError, ScopeError, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.changes import Difference
from waddlebot.libs.dal.tests.sample import Alias, Level, SampleStore

type Bind = Callable[..., SampleStore]

HI = Alias("hi", "!hello", Level.MODERATOR, enabled=False, cooldown_s=1.5, words=("a", "ü"), note="it's")


async def test_records_come_back_as_they_were_put(bind: Bind) -> None:
    await bind().save(HI, Alias("bye", "!off"))
    assert await bind().alias("hi") == HI
    assert await bind().aliases() == [Alias("bye", "!off"), HI]
    assert await bind().alias("gone") is None
    assert await bind("away").alias("hi") is None
    assert await bind().drop("hi")
    assert not await bind().drop("hi")
    assert await bind().aliases() == [Alias("bye", "!off")]


async def test_a_change_says_who_changed_what_and_why(dal: AsyncDAL, bind: Bind) -> None:
    await bind(actor="twitch:1").save(Alias("hi", "!hello"))
    await bind(actor="twitch:2").save(Alias("hi", "!hello", enabled=False))
    await bind(actor="twitch:3").drop("hi")
    dropped, changed, made = await dal.list_changes("home")
    assert [(c.actor, c.reason, c.module, c.resource, c.key) for c in (made, changed, dropped)] == [
        (f"twitch:{n}", "a test", "interactive.sample", "aliases", '["hi"]') for n in (1, 2, 3)
    ]
    assert changed.differences == (Difference("enabled", True, False),)
    assert Difference("target", None, "!hello") in made.differences
    assert Difference("target", "!hello", None) in dropped.differences
    assert (made.version, changed.version, dropped.version) == (1, 2, 3)
    assert await dal.list_changes("home", limit=1) == [dropped]
    assert await dal.list_changes("home", before=dropped.id) == [changed, made]
    assert await dal.list_changes("away") == []


async def test_putting_what_is_there_changes_nothing(dal: AsyncDAL, bind: Bind) -> None:
    await bind().save(HI)
    await bind().save(HI)
    assert len(await dal.list_changes("home")) == 1
    assert (await dal.config_changes(0))[1] == {"home": 1}


async def test_a_failed_change_leaves_no_trace(dal: AsyncDAL, bind: Bind) -> None:
    with pytest.raises(RuntimeError):
        await bind().save_and_fail(HI)
    assert await bind().aliases() == []
    assert await dal.list_changes("home") == []
    assert await dal.config_changes(0) == (0, {})


async def test_a_change_is_undone_and_redone(dal: AsyncDAL, bind: Bind) -> None:
    await bind().save(HI)
    await bind().save(Alias("hi", "!other"))
    (change, _) = await dal.list_changes("home")
    undo = await dal.undo("home", change.version, actor="mod", reason="was better")
    assert undo is not None
    assert (undo.undoes, undo.actor, undo.reason) == (change.version, "mod", "was better")
    assert await bind().alias("hi") == HI
    await dal.undo("home", undo.number, actor="mod")
    assert await bind().alias("hi") == Alias("hi", "!other")
    assert (await dal.config_changes(0))[1] == {"home": 4}


async def test_making_and_removing_are_undone(dal: AsyncDAL, bind: Bind) -> None:
    await bind().save(HI)
    (made,) = await dal.list_changes("home")
    await dal.undo("home", made.version, actor="mod")
    assert await bind().aliases() == []
    (removed, _) = await dal.list_changes("home")
    await dal.undo("home", removed.version, actor="mod")
    assert await bind().aliases() == [HI]


async def test_undo_refuses_to_trample_on_a_later_change(dal: AsyncDAL, bind: Bind) -> None:
    await bind().save(HI)
    (made,) = await dal.list_changes("home")
    await bind().save(Alias("hi", "!later"))
    with pytest.raises(Conflict, match="undo 2 first"):
        await dal.undo("home", made.version, actor="mod")
    assert await bind().alias("hi") == Alias("hi", "!later")
    assert await dal.undo("home", made.version, actor="mod", force=True) is not None
    assert await bind().alias("hi") is None
    assert await dal.undo("home", made.version, actor="mod", force=True) is None, "it is as it was before already"
    with pytest.raises(Conflict):
        await dal.undo("home", made.version, actor="mod")


async def test_a_community_undoes_its_own_changes_only(dal: AsyncDAL, bind: Bind) -> None:
    await bind().save(HI)
    (made,) = await dal.list_changes("home")
    with pytest.raises(DalError, match="no change"):
        await dal.undo("away", made.version, actor="mod")
    assert await bind().alias("hi") == HI


async def test_resources_change_in_configuring_methods_of_one_community_only(bind: Bind) -> None:
    with pytest.raises(DalError, match="@configures"):
        await bind().change(lambda s: s.put(HI))
    with pytest.raises(DalError, match="one community"):
        await bind(Batch(frozenset({"home", "away"}))).save(HI)
    assert await bind().aliases() == []


async def test_the_poll_tells_what_changed_since(dal: AsyncDAL, bind: Bind) -> None:
    assert await dal.config_changes(0) == (0, {})
    await bind("home").save(HI)
    await bind("away").save(HI, Alias("bye", "!off"))
    seq, versions = await dal.config_changes(0)
    assert versions == {"home": 1, "away": 1}
    assert await dal.config_changes(seq) == (seq, {})
    await bind("home").drop("hi")
    later, versions = await dal.config_changes(seq)
    assert later > seq
    assert versions == {"home": 2}
    assert (await dal.config_changes(later + 100))[1] == {"home": 2, "away": 1}, "after a restore all is news"


async def test_changes_of_one_record_form_a_chain(dal: AsyncDAL, bind: Bind) -> None:
    """Else undo could not tell what a change did."""
    await asyncio.gather(*[bind().save(Alias("hi", f"!{n}")) for n in range(40)])
    changes = await dal.list_changes("home", limit=100)
    assert len(changes) == 40
    assert all(later.before == earlier.after for later, earlier in itertools.pairwise(changes))
    for change in changes:
        await dal.undo("home", change.version, actor="mod")
    assert await bind().aliases() == []


async def test_the_poll_misses_no_change_however_they_commit(dal: AsyncDAL, bind: Bind) -> None:
    seen: dict[str, int] = {}
    done = asyncio.Event()

    async def poll() -> None:
        seq = 0
        while True:
            last = done.is_set()
            seq, versions = await dal.config_changes(seq)
            seen.update(versions)
            if last:
                return

    poller = asyncio.create_task(poll())
    await asyncio.gather(*[bind(f"c{n % 10}").save(Alias(f"a{n}", "!x")) for n in range(100)])
    done.set()
    await poller
    assert seen == {f"c{n}": 10 for n in range(10)}


async def test_what_is_erased_makes_new_versions_and_leaves_no_record(dal: AsyncDAL, bind: Bind) -> None:
    for community in ("home", "away", "lab"):
        await bind(community).save(HI)
    clock, _ = await dal.config_changes(0)
    assert await bind(System("somebody asks for it")).erase("hi", ("lab", "home", "home")) == 3
    _, versions = await dal.config_changes(clock)
    assert versions == {"home": 2, "lab": 2}
    assert len(await dal.list_changes("home")) == 1


async def test_versions_are_raised_within_the_scope_alone(bind: Bind) -> None:
    for scope in ("home", Batch(frozenset({"home", "lab"}))):
        with pytest.raises(ScopeError, match="away"):
            await bind(scope).erase("hi", ("away",))
    with pytest.raises(DalError, match="once"):
        await bind().erase_twice(("home",))
