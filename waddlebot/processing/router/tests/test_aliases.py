"""Aliases at run-time: bounded, and never with more rights than their maker has."""

import itertools

import pytest

from waddlebot.libs.sdk import Rank, admits
from waddlebot.libs.sdk.rank import lesser
from waddlebot.processing.router.aliases import filled

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
