"""People as what bonds hold together: whatever is linked and parted, an account is one person's."""

from hypothesis import given
from hypothesis import strategies as st

from waddlebot.core.identity.people import Pair, groups_of, last_bond, pair_of

ACCOUNTS = st.sampled_from([f"irc:net/{letter}" for letter in "abcdefgh"])
STEPS = st.lists(st.tuples(st.sampled_from(["link", "part", "alone"]), ACCOUNTS, ACCOUNTS), max_size=40)


def step(bonds: set[Pair], what: str, account: str, other: str) -> None:
    """As the store does it."""
    group = groups_of(bonds).get(account, (account,))
    if what == "link" and other not in group:
        bonds.add(pair_of(account, other))
    elif what == "part" and (last := last_bond(bonds, account, other)) is not None:
        bonds.remove(last)
    elif what == "alone":
        bonds -= {pair for pair in bonds if account in pair}


@given(STEPS)
def test_every_account_belongs_to_one_person(steps: list[tuple[str, str, str]]) -> None:
    bonds: set[Pair] = set()
    for one in steps:
        step(bonds, *one)
        groups = groups_of(bonds)
        for account, group in groups.items():
            assert account in group
            assert list(group) == sorted(set(group))
            assert all(groups[fellow] == group for fellow in group)
        assert set(groups) == {account for pair in bonds for account in pair}


@given(STEPS, ACCOUNTS, ACCOUNTS)
def test_who_parts_from_somebody_leaves_all_as_before_they_were_linked(
    steps: list[tuple[str, str, str]], account: str, other: str
) -> None:
    bonds: set[Pair] = set()
    for one in steps:
        step(bonds, *one)
    before = groups_of(bonds)
    if other in before.get(account, (account,)):
        return
    step(bonds, "link", account, other)
    assert groups_of(bonds)[account] == groups_of(bonds)[other]
    step(bonds, "part", account, other)
    assert groups_of(bonds) == before


@given(STEPS, ACCOUNTS, ACCOUNTS)
def test_who_parts_is_parted(steps: list[tuple[str, str, str]], account: str, other: str) -> None:
    bonds: set[Pair] = set()
    for one in steps:
        step(bonds, *one)
    step(bonds, "part", account, other)
    assert account == other or other not in groups_of(bonds).get(account, ())
    step(bonds, "alone", account, other)
    assert account not in groups_of(bonds)


def test_what_was_linked_through_an_account_stays_with_it() -> None:
    bonds = [("a", "b"), ("b", "c"), ("c", "d")]
    assert last_bond(bonds, "a", "c") == ("b", "c")
    assert groups_of([("a", "b"), ("c", "d")]) == {
        "a": ("a", "b"),
        "b": ("a", "b"),
        "c": ("c", "d"),
        "d": ("c", "d"),
    }
    assert last_bond(bonds, "a", "x") is None
    assert last_bond(bonds, "a", "a") is None
