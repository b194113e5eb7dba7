"""Ranks: who may use what, and what a platform's word is worth."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk import Rank, Role, admits
from waddlebot.libs.sdk.rank import PLATFORM_ROLES, lesser, of_platform, words

RANKS = list(Rank)
SETS = st.integers(0, 127).map(Rank)
MASKS = st.integers(0, 127)


def let_in(ranks: int) -> set[Rank]:
    """The least ranks that let somebody with ``ranks`` in."""
    return {least for least in RANKS if admits(least) & ranks}


@pytest.mark.parametrize(
    ("held", "let"),
    [
        (Rank.VIEWER, {Rank.VIEWER}),
        (Rank.REGULAR, {Rank.VIEWER, Rank.REGULAR}),
        (Rank.SUBSCRIBER, {Rank.VIEWER, Rank.SUBSCRIBER}),
        (Rank.VIP, {Rank.VIEWER, Rank.VIP}),
        (Rank.MODERATOR, {Rank.VIEWER, Rank.REGULAR, Rank.SUBSCRIBER, Rank.VIP, Rank.MODERATOR}),
        (Rank.ADMIN, set(RANKS) - {Rank.OWNER}),
        (Rank.OWNER, set(RANKS)),
    ],
)
def test_what_each_rank_may_use(held: Rank, let: set[Rank]) -> None:
    assert let_in(held) == let


@given(SETS, SETS)
def test_asking_for_more_ranks_admits_no_fewer_people(few: Rank, more: Rank) -> None:
    assert admits(few) & ~admits(few | more) == 0
    assert admits(few | more) == admits(few) | admits(more)


@given(MASKS, MASKS)
def test_another_rank_takes_nothing_away(ranks: int, more: int) -> None:
    assert let_in(ranks) <= let_in(ranks | more)


@given(st.sampled_from(RANKS), st.sampled_from(RANKS), st.sampled_from(RANKS))
def test_who_stands_above_another_stands_above_those_below(low: Rank, middle: Rank, high: Rank) -> None:
    if admits(low) & middle and admits(middle) & high:
        assert admits(low) & high


@given(st.integers(0, 2**40))
def test_who_asks_for_no_known_rank_admits_nobody(number: int) -> None:
    assert admits(Rank(number)) == admits(Rank(number & 127))
    assert admits(Rank(number << 7)) == 0


@given(MASKS, MASKS)
def test_in_anothers_name_somebody_may_do_what_both_may(ranks: int, bound: int) -> None:
    assert let_in(lesser(ranks, bound)) == let_in(ranks) & let_in(bound)
    assert let_in(lesser(lesser(ranks, bound), bound)) == let_in(lesser(ranks, bound))


@given(st.lists(st.sampled_from(sorted(PLATFORM_ROLES)) | st.text()))
def test_no_platform_makes_more_than_a_moderator(roles: list[str]) -> None:
    mask = of_platform(roles)
    assert type(mask) is int
    assert mask & (Rank.ADMIN | Rank.OWNER) == 0
    assert not let_in(mask) & {Rank.ADMIN, Rank.OWNER}
    assert mask & Rank.VIEWER


@given(st.lists(st.text().filter(lambda role: role not in PLATFORM_ROLES)))
def test_an_unknown_role_is_worth_nothing(roles: Iterable[str]) -> None:
    assert of_platform(roles) == Rank.VIEWER


@pytest.mark.parametrize(
    ("rank", "said"),
    [
        (Rank.MODERATOR, "moderator"),
        (Rank.VIP | Rank.SUBSCRIBER, "subscriber or vip"),
        (Rank.VIEWER | Rank.ADMIN | Rank.OWNER, "viewer or admin or owner"),
    ],
)
def test_ranks_in_words(rank: Rank, said: str) -> None:
    assert words(rank) == said


def test_the_roles_of_keys() -> None:
    assert [str(role) for role in Role] == ["trigger", "action", "core", "admin", "user"]
