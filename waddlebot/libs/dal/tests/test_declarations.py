"""Tables, resources and statements as they are declared, without a database."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.dal import Column, Community, Invalid, ScopeError, Store, System, Table, resource, resource_of
from waddlebot.libs.dal.dialect import POSTGRESQL, SQLITE
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.statements import Statements, Upsert, in_key_order, merged
from waddlebot.libs.dal.tests.sample import SAMPLE, SampleStore

HOME = Community("home")
Login = NewType("Login", str)
type Seconds = Annotated[float, "s"]


class Colour(enum.Enum):
    RED = "red"


def test_fields_become_columns() -> None:
    @resource(key=("login",), table="things")
    @dataclass(frozen=True, slots=True)
    class Thing:
        login: Login
        number: int
        cooldown_s: Seconds
        flag: bool
        raw: bytes
        colour: Colour
        size: Literal["s", "m"]
        maybe: int | None
        either: int | str
        words: tuple[str, ...]
        data: dict[str, int] | None

    table = resource_of(Thing).table
    assert [(column.name, column.type, column.null) for column in table.columns] == [
        ("community", "text", False),
        ("login", "text", False),
        ("number", "integer", False),
        ("cooldown_s", "real", False),
        ("flag", "boolean", False),
        ("raw", "bytes", False),
        ("colour", "text", False),
        ("size", "text", False),
        ("maybe", "integer", True),
        ("either", "json", False),
        ("words", "json", False),
        ("data", "json", True),
    ]
    assert table.key == ("community", "login")
    declared = resource_of(Thing)
    thing = Thing(Login("x"), 1, 2.5, True, b"\0", Colour.RED, "s", None, "a", ("b",), None)
    row = dict(zip([column.name for column in table.columns], declared.row(thing, "home"), strict=True))
    assert declared.record(row) == thing
    assert declared.record({**row, "flag": 1}) == thing, "SQLite's booleans are numbers"


def test_a_resource_is_a_frozen_dataclass_with_a_key() -> None:
    @dataclass
    class Mutable:
        name: str

    @dataclass(frozen=True)
    class Fixed:
        name: str

    @dataclass(frozen=True)
    class Owned:
        community: str

    with pytest.raises(TypeError, match="frozen"):
        resource(key=("name",), table="x")(Mutable)
    with pytest.raises(TypeError, match="key"):
        resource(key=("nonsense",), table="x")(Fixed)
    with pytest.raises(TypeError, match="community"):
        resource(key=("community",), table="x")(Owned)
    with pytest.raises(TypeError, match="not a resource"):
        resource_of(Fixed)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Column("Name", "text"),
        lambda: Column('x"; drop table', "text"),
        lambda: Table("two__parts", (), key=("community",)),
        lambda: Table("x", (Column("a", "text"), Column("a", "text")), key=("a",)),
        lambda: Table("x", (Column("a", "text"),), key=()),
        lambda: Table("x", (Column("a", "text"),), key=("b",)),
        lambda: Owner("core.x;y", Store),
    ],
)
def test_bad_declarations_are_refused(declare: Any) -> None:
    with pytest.raises(ValueError, match=r"use a-z|twice|key"):
        declare()


def test_an_owner_declares_a_table_once() -> None:
    class Twice(Store):
        tables = (Table("aliases", (Column("a", "text"),), key=("a",)),)
        resources = SampleStore.resources

    with pytest.raises(ValueError, match="twice"):
        Owner("core.twice", Twice)


@pytest.mark.parametrize("name", ["text", "keyed", "scope", "execute"])
def test_words_with_a_meaning_name_no_table(name: str) -> None:
    class Confusing(Store):
        tables = (Table(name, (Column("a", "text"),), key=("a",)),)

    with pytest.raises(ValueError, match="something else"):
        Owner("core.confusing", Confusing)


def test_templates_become_each_engine_s_sql() -> None:
    template = (
        "select 'a:b {points} 5%', x % 2 from {points} where {scope} and a = :a and b::text = '' and {scope:p}"
    )
    assert Statements(SAMPLE, SQLITE).compile(template, HOME) == (
        """select 'a:b {points} 5%', x % 2 from "interactive_sample__points" """
        "where community = :scope_ and a = :a and b::text = '' and p.community = :scope_"
    )
    assert Statements(SAMPLE, POSTGRESQL).compile(template, HOME) == (
        """select 'a:b {points} 5%%', x %% 2 from "interactive_sample"."points" """
        "where community = %(scope_)s and a = %(a)s and b::text = '' and p.community = %(scope_)s"
    )
    assert (
        Statements(SAMPLE, SQLITE)
        .compile("select 1 from {points} where {scope}", System("x"))
        .endswith("where true")
    )


def test_unknown_tables_are_named() -> None:
    with pytest.raises(ScopeError, match="nonsense"):
        Statements(SAMPLE, SQLITE).compile("select * from {nonsense}", HOME)


def test_statements_built_from_values_are_stopped() -> None:
    statements = Statements(SAMPLE, SQLITE)
    for number in range(2_000):
        statements.compile(f"select {number}", HOME)
    with pytest.raises(Invalid, match="bind them"):
        statements.compile("select 2000", HOME)
    assert statements.compile("select 1999", HOME) == "select 1999", "those that are known go on working"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(-9, 9), st.text(max_size=2))))
def test_merging_is_upserting_one_after_the_other(rows: Sequence[tuple[str, str, int, str]]) -> None:
    columns = (Column("account", "text"), Column("points", "integer"), Column("name", "text"))
    table = Table("points", columns, key=("community", "account"))
    upsert = Upsert(table, ("community", "account", "points", "name"), add=("points",), set=("name",))
    expected: dict[tuple[str, str], list[Any]] = {}
    for community, account, points, name in rows:
        row = expected.setdefault((community, account), [0, ""])
        row[0] += points
        row[1] = name
    found = merged(upsert, in_key_order(upsert, rows))
    assert [((row[0], row[1]), [row[2], row[3]]) for row in found] == sorted(expected.items())
