"""Reading and writing through a store, on both engines."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from waddlebot.libs.dal import Busy, Conflict, DalError, Invalid, Store, System, writes
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.tests.sample import SAMPLE, SampleStore, Total

type Bind = Callable[..., SampleStore]


async def test_what_was_written_is_read(bind: Bind) -> None:
    assert await bind().add("bob", 1.5) == 1.5
    assert await bind().add("bob", 2.0) == 3.5
    assert await bind().points() == {"bob": 3.5}
    assert await bind().totals() == [Total("bob", 3.5)]


async def test_a_statement_may_ask_the_clock_and_name_many_texts(bind: Bind) -> None:
    for account in ("bob", "it's ann", "eve"):
        await bind().add(account, 1)
    template = "select account from {points} where {scope} and account in {each:names} order by account"
    names = '["it\'s ann", "bob", "nobody"]'
    assert await bind().run(lambda s: [row[0] for row in s.db.execute(template, {"names": names})]) == [
        "bob",
        "it's ann",
    ]
    ((at,),) = await bind().run(lambda s: list(s.db.execute("select {now}")))
    assert abs(at - time.time()) < 5


async def test_a_failed_method_writes_nothing(bind: Bind) -> None:
    await bind().add("bob", 1)
    with pytest.raises(RuntimeError, match="after the write"):
        await bind().add_and_fail("bob")
    assert await bind().add("bob", 1) == 2, "the connection works on"


async def test_a_failed_method_does_not_take_its_neighbours_along(bind: Bind) -> None:
    """On SQLite they share one commit."""
    calls = [bind().add_and_fail("x") if n % 3 == 0 else bind().add_quietly("bob", 1) for n in range(60)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outcome, RuntimeError) for outcome in outcomes) == 20
    assert await bind().points() == {"bob": 40}


async def test_a_failed_statement_does_not_take_its_neighbours_along(bind: Bind) -> None:
    def twice(store: Store) -> None:
        store.db.insert_many("points", [{"account": "bob", "points": 1.0}])

    outcomes = await asyncio.gather(*[bind().change(twice) for _ in range(5)], return_exceptions=True)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 4
    assert await bind().points() == {"bob": 1}


async def test_every_type_comes_back_as_it_went_in(bind: Bind) -> None:
    row = {
        "label": "O'Neill \\ {braces} 100% :colon ünïcode 🦆",
        "data": bytes(range(256)),
        "info": {"a": [1, 2.5, None, True, "x'y"]},
        "big": 2**63 - 1,
        "lent": True,
    }
    empty = {"label": "", "data": None, "info": None, "big": None, "lent": None}

    def insert(store: Store) -> list[int]:
        return [int(store.db.items.insert(**values)) for values in (row, empty, {"label": "bare"})]

    def select(store: Store) -> list[dict[str, Any]]:
        rows = store.db(store.db.items).select(orderby=store.db.items.id)
        return [{name: found[name] for name in row} for found in rows]

    first, second, third = await bind().change(insert)
    assert first < second < third
    assert await bind().run(select) == [row, empty, {**empty, "label": "bare"}]


async def test_native_and_pydal_statements_agree_on_every_type(bind: Bind) -> None:
    def insert(store: Store) -> None:
        store.db.insert_many(
            "items",
            [("x", b"\0'\\", '{"a":1}', -(2**63), False), ("y", None, None, None, True)],
            columns=("label", "data", "info", "big", "lent"),
        )

    def by_pydal(store: Store) -> Any:
        rows = store.db(store.db.items.label != "").select(orderby=store.db.items.label)
        return [(row.data, row.info, row.big, row.lent) for row in rows]

    def found_by_value(store: Store) -> list[int]:
        items = store.db.items
        return [
            store.db(query).count()
            for query in (items.data == b"\0'\\", items.lent == True, items.lent == False, items.big == -(2**63))  # noqa: E712  # PyDAL's way to ask
        ]

    await bind().change(insert)
    assert await bind().run(by_pydal) == [(b"\0'\\", {"a": 1}, -(2**63), False), (None, None, None, True)]
    assert await bind().run(found_by_value) == [1, 1, 1, 1]
    native = await bind().run(
        lambda s: list(s.db.execute("select data, big from {items} where {scope} order by label"))
    )
    assert native == [(b"\0'\\", -(2**63)), (None, None)]


async def test_rows_of_one_key_in_one_call_add_up(bind: Bind) -> None:
    def upsert(store: Store) -> None:
        rows = [("ann", 1.0, "A"), ("bob", 1.0, "B"), ("ann", 2.0, "AA"), ("ann", 3.0, "AAA")]
        store.db.upsert_many("points", rows, columns=("account", "points", "name"), add=("points",), set=("name",))

    def names(store: Store) -> list[Any]:
        return list(store.db.execute("select account, points, name from {points} where {scope} order by account"))

    await bind().change(upsert)
    await bind().change(upsert)
    assert await bind().run(names) == [("ann", 12.0, "AAA"), ("bob", 2.0, "B")]


async def test_an_upsert_that_changes_nothing_leaves_rows_as_they_are(bind: Bind) -> None:
    await bind().add("bob", 5)
    await bind().change(lambda s: s.db.upsert_many("points", [{"account": "bob", "points": 9.0}]))
    assert await bind().points() == {"bob": 5}


async def test_statements_say_how_many_rows_they_changed(bind: Bind) -> None:
    await bind().add("ann", 1)
    await bind().add("bob", 1)
    changed = await bind().change(lambda s: s.db.execute("update {points} set points = 0 where {scope}").changed)
    assert changed == 2


async def test_pydal_updates_and_deletes_in_tables_without_an_id(bind: Bind) -> None:
    await bind().add("ann", 1)
    await bind().add("bob", 1)

    def work(store: Store) -> tuple[int, int, int]:
        points = store.db.points
        updated = store.db(points.account == "ann").update(points=points.points + 4)
        deleted = store.db(points.account == "bob").delete()
        return updated, deleted, store.db(points.points > 4).count()

    assert await bind().change(work) == (1, 1, 1)
    assert await bind().points() == {"ann": 5}


async def test_a_reading_method_cannot_write(bind: Bind) -> None:
    with pytest.raises(Invalid, match="@writes"):
        await bind().run(lambda s: s.db.execute("update {points} set points = 0 where {scope}"))
    await bind().add("bob", 1)


async def test_a_value_that_does_not_fit_is_refused_in_words(bind: Bind) -> None:
    with pytest.raises(Invalid):
        await bind().change(
            lambda s: s.db.execute("select :big + 0", {"big": 2**70}) and s.db.items.insert(big=2**70)
        )
    with pytest.raises(Invalid):
        await bind().change(lambda s: s.db.insert_many("items", [{"label": None}]))
    with pytest.raises(Invalid):
        await bind().change(lambda s: s.db.execute("select nonsense from {points} where {scope}"))


async def test_the_database_is_open_in_a_method_only(bind: Bind) -> None:
    with pytest.raises(DalError, match="open only in the body"):
        _ = bind().db


async def test_a_method_inside_a_method_is_refused(bind: Bind) -> None:
    with pytest.raises(DalError, match="undecorated"):
        await bind().change(lambda s: s.points())


async def test_one_store_may_be_used_by_many_at_once(bind: Bind) -> None:
    store = bind()
    await asyncio.gather(
        *[store.add_quietly(f"u{n % 7}", 1) for n in range(70)], *[store.points() for _ in range(20)]
    )
    assert await store.points() == {f"u{n}": 10 for n in range(7)}


async def test_a_caller_who_gives_up_disturbs_nobody(bind: Bind) -> None:
    tasks = [asyncio.ensure_future(bind().add_quietly("bob", 1)) for _ in range(20)]
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 10
    assert await bind().points() == {"bob": 20}, "work that was handed over is done"


async def test_a_full_queue_refuses_work(dal: AsyncDAL, bind: Bind) -> None:
    lane = getattr(dal._engine, "_writer", None) or getattr(dal._engine, "_writers")  # noqa: B009  # one of the two
    lane.waiting_max = 0
    with pytest.raises(Busy, match="waiting"):
        await bind().add("bob", 1)


async def test_a_closed_database_refuses_work(dal: AsyncDAL, bind: Bind) -> None:
    store = bind()
    await dal.close()
    with pytest.raises(DalError, match="closed"):
        await store.add("bob", 1)
    with pytest.raises(DalError, match="not open"):
        bind()


async def test_closing_finishes_what_was_handed_over(dal: AsyncDAL, bind: Bind, database_url: str) -> None:
    waiting = [bind().add_quietly("bob", 1) for _ in range(50)]
    await dal.close()
    await asyncio.gather(*waiting)
    await dal.open()
    assert await bind().points() == {"bob": 50}


async def test_a_system_scope_is_logged_once_with_its_reason(bind: Bind, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        bind(System("nightly count"))
        bind(System("nightly count"))
    assert [record.message for record in caplog.records] == [
        f"{SAMPLE.name} works for the whole system: nightly count"
    ]


def test_a_writing_method_needs_a_return_annotation() -> None:
    with pytest.raises(TypeError, match="return annotation"):

        class _Untyped(Store):
            @writes
            def save(self):  # type: ignore[no-untyped-def]  # the mistake under test
                pass


async def test_owners_are_registered_before_the_database_opens(dal: AsyncDAL) -> None:
    with pytest.raises(DalError, match="before the database is opened"):
        dal.register("core.late", Store)
    with pytest.raises(DalError, match="not registered"):
        dal.bind("core.late", System("x"))
