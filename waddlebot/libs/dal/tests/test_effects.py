"""An effect happens once, however often its delivery is run."""

import asyncio
from collections.abc import Callable

import pytest

from waddlebot.libs.dal import Community, EffectKey, Store
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.tests.sample import SAMPLE, Alias, SampleStore, Total
from waddlebot.libs.testing.stores import opened_dal

type Bind = Callable[..., SampleStore]


async def test_a_second_run_gets_the_stored_result(bind: Bind) -> None:
    assert await bind(effect="e1").total("bob") == Total("bob", 1)
    await bind().add("bob", 10)
    assert await bind(effect="e1").total("bob") == Total("bob", 1), "as it was, in its type"
    assert await bind().points() == {"bob": 11}


async def test_none_is_a_result_too(bind: Bind) -> None:
    for _ in range(3):
        assert await bind(effect="e1").add_quietly("bob", 1) is None  # type: ignore[func-returns-value]  # the point of the test
    assert await bind().points() == {"bob": 1}


async def test_each_write_of_a_delivery_counts_for_itself(bind: Bind) -> None:
    for _ in range(2):
        store = bind(effect="e1")
        assert await store.add("bob", 1) == 1
        assert await store.add("bob", 1) == 2
    assert (await bind().points())["bob"] == 2


async def test_other_deliveries_and_handlers_have_effects_of_their_own(dal: AsyncDAL, bind: Bind) -> None:
    await bind(effect="e1").add_quietly("bob", 1)
    await bind(effect="e2").add_quietly("bob", 1)
    other = dal.bind(SAMPLE.name, Community("home"), effect=EffectKey("e1", "interactive.sample.other"))
    assert isinstance(other, SampleStore)
    await other.add_quietly("bob", 1)
    assert await bind().points() == {"bob": 3}


async def test_a_failed_write_may_be_tried_again(bind: Bind) -> None:
    with pytest.raises(RuntimeError):
        await bind(effect="e1").add_and_fail("bob")
    with pytest.raises(RuntimeError):
        await bind(effect="e1").add_and_fail("bob")
    assert await bind().points() == {}


async def test_a_result_that_cannot_be_stored_is_no_effect(bind: Bind) -> None:
    def work(store: Store) -> object:
        store.db.upsert_many("points", [{"account": "bob", "points": 1.0}])
        return object()

    with pytest.raises(TypeError):
        await bind(effect="e1").change(work)
    assert await bind().points() == {}


async def test_configuration_changes_once_too(dal: AsyncDAL, bind: Bind) -> None:
    for _ in range(2):
        await bind(effect="e1").save(Alias("hi", "!hello"))
    assert len(await dal.list_changes("home")) == 1


async def test_two_hosts_running_one_delivery_at_once_have_one_effect(
    dal: AsyncDAL, bind: Bind, database_url: str
) -> None:
    async with opened_dal(database_url, SAMPLE) as second:

        def on(host: AsyncDAL, number: int) -> SampleStore:
            key = EffectKey(f"e{number}", "interactive.sample.handler")
            store = host.bind(SAMPLE.name, Community("home"), effect=key)
            assert isinstance(store, SampleStore)
            return store

        calls = [on(host, n).total("bob") for n in range(25) for host in (dal, second, dal, second)]
        results = await asyncio.gather(*calls)
    for n in range(25):
        assert len(set(results[n * 4 : n * 4 + 4])) == 1, "all four got the one result"
    assert {total.points for total in results} == {float(n) for n in range(1, 26)}
    assert await bind().points() == {"bob": 25}


async def test_old_effects_are_forgotten(dal: AsyncDAL, bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.libs.dal.changes.FORGET_MAX", 2)
    for number in range(4):
        await bind(effect=f"more{number}").add_quietly("ann", 0)
    await bind(effect="e1").add_quietly("bob", 1)
    assert await dal.forget_effects(before=0) == 0
    assert await dal.forget_effects(before=2**40) == 5
    await bind(effect="e1").add_quietly("bob", 1)
    assert (await bind().points())["bob"] == 2


async def test_what_a_batch_has_done_is_done_for_its_parts(dal: AsyncDAL, bind: Bind) -> None:
    def delivery(name: str, whole: str = "") -> SampleStore:
        store = dal.bind(SAMPLE.name, Community("home"), effect=EffectKey(name, "x", whole))
        assert isinstance(store, SampleStore)
        return store

    assert await delivery("b1").add("bob", 5) == 5
    part = delivery("b1+0", "b1")
    assert await part.add("bob", 1) == 5, "the batch has done the first step"
    assert await part.add("bob", 1) == 6, "and not the second"
    assert await delivery("b1+1", "b1").add("bob", 1) == 5
    for _ in range(2):
        assert await delivery("b2+0", "b2").add("bob", 1) == 7, "a batch that did nothing keeps nobody from it"
    assert await bind().points() == {"bob": 7}
