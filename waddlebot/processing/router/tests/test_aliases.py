"""Aliases at run-time: bounded, and never with more rights than their maker has."""

import itertools
from typing import Any, cast

import pytest

from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import (
    Alias,
    Context,
    Contribution,
    DynamicCommand,
    Event,
    Module,
    Override,
    Rank,
    Rest,
    admits,
)
from waddlebot.libs.sdk.rank import lesser
from waddlebot.processing.router.aliases import filled
from waddlebot.processing.router.engine import Router
from waddlebot.processing.router.pipeline import Trip, match
from waddlebot.processing.router.view import Catalogue, View, build

VIEWER, MOD, OWNER, SUB = (int(Rank.VIEWER | rank) for rank in (0, Rank.MODERATOR, Rank.OWNER, Rank.SUBSCRIBER))
MASKS = range(1, 128)


@pytest.mark.parametrize(
    ("line", "args", "said"),
    [
        ("!hi", "", "!hi"),
        ("!hi", "there you", "!hi there you"),
        ("!hi {user}", "x", "!hi Ann x"),
        ("!say {args}!", "a b", "!say a b!"),
        ("!say {all_args}", "", "!say"),
        ("!duel {arg2} {arg1} {arg3}", "a b", "!duel b a"),
        ("!so {touser}", "", "!so Ann"),
        ("!so {target}", "bob x", "!so bob"),
        ("!say {arg1} {arg10} {x} {", "{user} {args}", "!say {user} {arg10} {x} {"),
        ("!say {args}", "{args} {user} $(user) !ban", "!say {args} {user} $(user) !ban"),
    ],
)
def test_values_take_their_places_once(line: str, args: str, said: str) -> None:
    assert filled(line, args, "Ann") == said


@pytest.mark.parametrize(
    ("ranks", "bound", "rights"),
    [(OWNER, MOD, MOD), (MOD, OWNER, MOD), (VIEWER, MOD, VIEWER), (SUB, MOD, SUB), (MOD, VIEWER, VIEWER)],
)
def test_rights_are_those_of_both(ranks: int, bound: int, rights: int) -> None:
    found = lesser(ranks, bound)
    for least in Rank:
        assert bool(found & admits(least)) == bool(rights & admits(least))


def test_nobody_is_let_in_by_an_alias_where_both_are_not() -> None:
    for ranks, bound, least in itertools.product(MASKS, MASKS, Rank):
        if lesser(ranks, bound) & admits(least):
            assert ranks & admits(least)
            assert bound & admits(least)


class Said:
    """Handlers that nobody calls: a view only looks at what is declared."""

    def __init__(self) -> None:
        self.module = Module("waddlebot.core.said.module", "Says things.", http_port=1, grpc_port=2)
        self.declare("so", aliases=("shoutout",), rank=Rank.MODERATOR)
        self.declare("weather", community=True)
        self.declare("rule add", rank=Rank.ADMIN)

    def declare(self, name: str, **how: Any) -> None:
        async def handler(ctx: Context[None, None], rest: Rest | None = None) -> None:
            """Say something."""

        self.module.command(name, **how)(handler)


def view_of(*aliases: Alias, commands: tuple[DynamicCommand, ...] = (), **more: Any) -> View:
    catalogue = Catalogue({"core.said": Said().module})
    given = {
        "core.community": Contribution(**more),
        "interactive.alias": Contribution(commands=commands, aliases=aliases),
    }
    return build("home", 1, catalogue, given, Matchers())


def trip_of(view: View, text: str) -> Trip:
    event = Event(
        1, "1", "chat.message", "irc", "net", "#a", "ann", "ann", "Ann", (), text, 0.0, 0.0, "home", "test"
    )
    return Trip(cast("Router", None), event, view, None)


HI = DynamicCommand("hi", "custom", b"hi")
DAY = DynamicCommand("good day", "custom", b"day", bare=True, least=int(Rank.OWNER))


@pytest.mark.parametrize(
    ("alias", "text", "command", "args"),
    [
        (Alias("a", "so"), "!A Bob", "so", "Bob"),
        (Alias("a", "shoutout {user} now"), "!a x", "so", "Ann now x"),
        (Alias("a", "rule add {args}!"), "!a x", "rule add", "x!"),
        (Alias("a", "rule"), "!a add x", "rule add", "x"),
        (Alias("a", "weather", "community"), "!a Rome", "weather", "Rome"),
        (Alias("a", "good day {touser}", "bare"), "!a", "good day", "Ann"),
        (Alias("a", "hi"), "!a \U000e0000", "hi", ""),
    ],
)
def test_the_line_is_put_in_the_alias_place(alias: Alias, text: str, command: str, args: str) -> None:
    trip = trip_of(view_of(alias, commands=(HI, DAY)), text)
    assert match(trip) is None
    assert (trip.entry.name, trip.args) == (command, args)


def test_the_least_of_all_makers_bounds_what_is_done() -> None:
    view = view_of(Alias("a", "b", ranks=OWNER), Alias("b", "so", ranks=MOD), Alias("c", "so"))
    for text, bound in (("!a", MOD), ("!b", MOD), ("!c", VIEWER), ("!so", 0)):
        trip = trip_of(view, text)
        assert match(trip) is None
        assert trip.bound == bound


def test_rings_and_loose_ends_are_told() -> None:
    view = view_of(Alias("a", "b"), Alias("b", "a {args}{args}"), Alias("c", "gone x"))
    assert match(trip_of(view, "!a " + "x" * 400)) == "more than 8 aliases lead to one another"
    assert match(trip_of(view, "!c")) == "the alias c stands for !gone x, which is no command here"
    assert view.commands().keys() & {"a", "b", "c"} == set()


def test_eight_aliases_may_lead_to_one_another() -> None:
    chain = [Alias(f"a{n}", f"a{n + 1}") for n in range(1, 8)] + [Alias("a8", "hi")]
    assert match(trip_of(view_of(*chain, commands=(HI,)), "!a1")) is None
    longer = view_of(Alias("a0", "a1"), *chain, commands=(HI,))
    assert match(trip_of(longer, "!a0")) is not None


def test_lists_show_aliases_to_whom_they_serve() -> None:
    view = view_of(Alias("a", "so"), Alias("b", "good day", "bare"), Alias("c", "hi"), commands=(HI, DAY))
    listed = view.commands()
    assert {name: listed[name].least for name in ("a", "b", "c")} == {
        "a": admits(Rank.MODERATOR),
        "b": int(Rank.OWNER),
        "c": 127,
    }
    assert view.typed(listed["good day"].table, "good day") == "good day"
    assert view.typed(listed["weather"].table, "weather") == "#weather"
    assert listed["b"].help == "stands for good day"
    off = view_of(Alias("a", "so"), disabled=("core.said",))
    assert "a" not in off.commands()


def test_made_commands_take_words_that_were_given_up_and_no_others() -> None:
    own = DynamicCommand("so", "custom", b"own")
    renamed = view_of(commands=(own,), overrides=(Override("so", name="praise"),))
    assert {text: renamed.find(text)[0].module for text in ("!so", "!praise", "!shoutout")} == {  # type: ignore[index]  # each is found
        "!so": "interactive.alias",
        "!praise": "core.said",
        "!shoutout": "core.said",
    }
    kept = view_of(Alias("praise", "hi"), commands=(HI,), overrides=(Override("so", name="praise"),))
    found = kept.find("!praise")
    assert found is not None
    assert found[0].module == "core.said"
