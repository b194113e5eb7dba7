"""No unit of work reaches beyond its communities and its tables."""

from collections.abc import Callable
from typing import Any

import pytest

from waddlebot.libs.dal import (
    Batch,
    Column,
    Community,
    ScopeError,
    Store,
    System,
    Table,
    reads,
    writes,
)
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.tests.sample import SAMPLE, Alias, SampleStore
from waddlebot.libs.testing.stores import opened_dal

type Bind = Callable[..., SampleStore]

BOTH = Batch(frozenset({"home", "away"}))
EVERYTHING = System("a test")


@pytest.fixture
async def filled(bind: Bind) -> None:
    """Rows of two communities, under the same keys."""
    for community in ("home", "away", "third"):
        await bind(community).add_quietly("bob", 1)
        await bind(community).save(Alias("bob", f"!{community}"))


def select_points(store: Store) -> list[tuple[str, str]]:
    rows = store.db(store.db.points.account == "bob").select(orderby=store.db.points.community)
    return [(row.community, row.account) for row in rows]


def select_natively(store: Store) -> list[Any]:
    return list(store.db.execute("select community, account from {points} where {scope} order by community"))


@pytest.mark.parametrize("select", [select_points, select_natively])
@pytest.mark.usefixtures("filled")
async def test_rows_of_the_scope_are_seen(bind: Bind, select: Callable[[Store], Any]) -> None:
    assert await bind("home").run(select) == [("home", "bob")]
    assert await bind(BOTH).run(select) == [("away", "bob"), ("home", "bob")]
    assert await bind(EVERYTHING).run(select) == [("away", "bob"), ("home", "bob"), ("third", "bob")]
    assert await bind(Batch(frozenset())).run(select) == []


@pytest.mark.usefixtures("filled")
async def test_every_way_to_ask_pydal_is_confined(bind: Bind) -> None:
    def ask(store: Store) -> list[Any]:
        db = store.db
        points, aliases = db.points, db.aliases
        p = points.with_alias("p")
        inner = db(aliases.enabled == True)._select(aliases.name)  # noqa: E712  # PyDAL's way to ask
        return [
            db(points).count(),
            db(points.points > 0).isempty(),
            len(db().select(points.ALL)),
            len(db(points.points > 0).select(aliases.target, join=aliases.on(aliases.name == points.account))),
            len(db(points.points > 0).select(aliases.target, left=aliases.on(aliases.name == points.account))),
            len(db(points.account == aliases.name).select()),
            len(db(points.account.belongs(inner)).select(points.account)),
            len(db(p.points > 0).select(p.account)),
            len(db((points.points > 0) | (points.points <= 0)).select()),
            len(db(points.points > 0)(points.points > 0, ignore_common_filters=True).select()),
            db(points.points > 0).select(points.points.sum()).first()[points.points.sum()],
        ]

    assert await bind("home").run(ask) == [1, False, 1, 1, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.usefixtures("filled")
async def test_an_outer_join_stays_one(bind: Bind) -> None:
    await bind("home").add_quietly("ann", 1)

    def ask(store: Store) -> list[Any]:
        points, aliases = store.db.points, store.db.aliases
        rows = store.db(points.points > 0).select(
            points.account, aliases.target, left=aliases.on(aliases.name == points.account), orderby=points.account
        )
        return [(row[points].account, row[aliases].target) for row in rows]

    assert await bind("home").run(ask) == [("ann", None), ("bob", "!home")]


@pytest.mark.usefixtures("filled")
async def test_writes_stay_in_the_scope(bind: Bind) -> None:
    def work(store: Store) -> list[int]:
        points = store.db.points
        updated = store.db(points.account == "bob").update(points=7.0)
        natively = store.db.execute("update {points} set points = points + 1 where {scope}").changed
        return [updated, natively]

    assert await bind("home").change(work) == [1, 1]
    assert await bind("home").change(lambda s: s.db(s.db.points.points > 0).delete()) == 1
    assert await bind("home").points() == {}
    assert await bind("away").points() == {"bob": 1}


@pytest.mark.parametrize("scope", [Community("home"), BOTH])
@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.db.points.insert(community="third", account="x", points=1.0),
        lambda s: s.db(s.db.points.account == "bob").update(community="third"),
        lambda s: s.db.insert_many("points", [{"community": "third", "account": "x", "points": 1.0}]),
        lambda s: s.db.upsert_many(
            "points", [("home", "a", 1.0), ("third", "b", 1.0)], columns=("community", "account", "points")
        ),
    ],
)
@pytest.mark.usefixtures("filled")
async def test_no_row_gets_into_another_community(bind: Bind, scope: Any, write: Any) -> None:
    with pytest.raises(ScopeError, match="third"):
        await bind(scope).change(write)
    assert await bind("third").points() == {"bob": 1}


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.db.points.insert(account="x", points=1.0),
        lambda s: s.db.insert_many("points", [{"account": "x", "points": 1.0}]),
        lambda s: s.db.execute("insert into {points} (community, account, points) values ({community}, 'x', 1)"),
    ],
)
async def test_outside_of_one_community_a_row_names_its_own(bind: Bind, write: Any) -> None:
    with pytest.raises(ScopeError):
        await bind(BOTH).change(write)
    await bind("home").change(write)
    assert await bind("home").points() == {"x": 1}


async def test_a_batch_writes_for_its_communities(bind: Bind) -> None:
    rows = [("away", "ann", 2.0), ("home", "bob", 1.0), ("home", "bob", 1.0)]
    columns = ("community", "account", "points")
    await bind(BOTH).change(lambda s: s.db.upsert_many("points", rows, columns=columns, add=("points",)))
    assert await bind("home").points() == {"bob": 2}
    assert await bind("away").points() == {"ann": 2}


@pytest.mark.parametrize(
    "template",
    [
        "select * from {points}",
        "delete from {points}",
        "select * from {points} p join {aliases} a on a.name = p.account where {scope:p}",
    ],
)
async def test_a_statement_without_a_scope_is_refused(bind: Bind, template: str) -> None:
    with pytest.raises(ScopeError, match="every community"):
        await bind("home").change(lambda s: s.db.execute(template))


@pytest.mark.usefixtures("filled")
async def test_a_join_names_the_scope_of_each_table(bind: Bind) -> None:
    template = (
        "select a.target from {points} p join {aliases} a on a.name = p.account and {scope:a} "
        "where {scope:p} and p.account = :who"
    )
    rows = await bind("home").run(lambda s: list(s.db.execute(template, {"who": "bob"})))
    assert rows == [("!home",)]


class NosyStore(Store):
    tables = (Table("mine", (Column("key", "text"),), key=("key",), scoped=False),)

    @reads
    def run(self, what: Any) -> Any:
        return what(self)

    @writes
    def change(self, what: Any) -> Any:
        return what(self)


async def test_other_owners_tables_are_out_of_reach(database_url: str) -> None:
    nosy = Owner("core.nosy", NosyStore)
    async with opened_dal(database_url, SAMPLE, nosy) as dal:
        store = dal.bind("core.nosy", EVERYTHING)
        assert isinstance(store, NosyStore)
        attempts: list[Callable[[Store], Any]] = [
            lambda s: s.db.points,
            lambda s: s.db.execute("select * from {points}"),
            lambda s: s.db.insert_many("points", [{"account": "x"}]),
            lambda s: s.db._session.pydal(s.db.mine._db["interactive_sample__points"].account != "").select(),
            lambda s: s.db.mine._db["interactive_sample__points"].insert(account="x"),
        ]
        for attempt in attempts:
            with pytest.raises(ScopeError):
                await store.change(attempt)


@pytest.mark.parametrize("destroy", [lambda s: s.db.points.truncate(), lambda s: s.db.points.drop()])
@pytest.mark.usefixtures("filled")
async def test_tables_are_neither_emptied_nor_dropped(bind: Bind, destroy: Any) -> None:
    with pytest.raises(ScopeError):
        await bind("home").change(destroy)
    assert await bind("away").points() == {"bob": 1}


async def test_pydal_outside_of_a_unit_of_work_is_refused(bind: Bind) -> None:
    kept: list[Any] = []
    await bind("home").run(lambda s: kept.append(s.db.points))
    with pytest.raises(ScopeError, match="outside"):
        kept[0]._db(kept[0].account == "bob").select()


@pytest.mark.parametrize("community", ["", "*", "a\x1fb", "a\0b"])
def test_ids_that_would_break_the_wall_are_refused(community: str) -> None:
    with pytest.raises(ScopeError):
        Community(community)
    with pytest.raises(ScopeError):
        Batch(frozenset({community}))


def test_a_system_scope_needs_a_reason() -> None:
    with pytest.raises(ScopeError):
        System(" ")


async def test_postgresql_itself_keeps_communities_apart(postgresql_url: str) -> None:
    """The second wall: a statement that talks its way around the first."""
    async with opened_dal(postgresql_url, SAMPLE) as dal:
        stores = {name: dal.bind(SAMPLE.name, Community(name)) for name in ("home", "o'brien", "third")}
        for store in stores.values():
            assert isinstance(store, SampleStore)
            await store.add_quietly("bob", 1)
        sneaky = "select community from {points} where {scope} or true order by community"
        for scope, seen in (
            (Community("o'brien"), [("o'brien",)]),
            (Batch(frozenset({"home", "o'brien"})), [("home",), ("o'brien",)]),
            (Batch(frozenset()), []),
        ):
            store = dal.bind(SAMPLE.name, scope)
            assert isinstance(store, SampleStore)
            assert await store.run(lambda s: list(s.db.execute(sneaky))) == seen
        home = stores["home"]
        assert isinstance(home, SampleStore)
        with pytest.raises(ScopeError, match="row-level security"):
            await home.change(
                lambda s: s.db.execute(
                    "insert into {points} (community, account, points) select 'third', {community}, 1"
                )
            )
