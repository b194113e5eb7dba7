"""People: accounts that belong together because somebody proved, two at a time, that both are theirs.

A person is nothing that is stored, but the accounts that bonds hold together. So a bond that goes leaves everybody
as if it had never been, whatever was bonded before or after it.
"""

from collections.abc import Iterable

ACCOUNTS_MAX = 20
"""Accounts of one person."""

type Pair = tuple[str, str]


def pair_of(account: str, other: str) -> Pair:
    """Two accounts in the order in which their bond is stored."""
    return (account, other) if account < other else (other, account)


def groups_of(bonds: Iterable[Pair]) -> dict[str, tuple[str, ...]]:
    """All accounts of the person, sorted, by each account that is bonded to another one.

    The first of them names the person: it takes no more than the bonds to know it.
    """
    groups: dict[str, set[str]] = {}
    for account, other in bonds:
        first, second = groups.get(account, {account}), groups.get(other, {other})
        if first is second:
            continue
        small, large = sorted((first, second), key=len)
        large |= small
        for one in (*small, account, other):
            groups[one] = large
    ordered = {id(group): tuple(sorted(group)) for group in groups.values()}
    return {account: ordered[id(group)] for account, group in groups.items()}


def last_bond(bonds: Iterable[Pair], account: str, other: str) -> Pair | None:
    """The bond that goes when ``account`` parts from ``other``: the one next to ``other`` on the way between them.

    Bonds never close a ring, so there is one way. What was bonded through ``other`` stays with it. None where they
    are two people.
    """
    neighbours: dict[str, list[str]] = {}
    for one, two in bonds:
        neighbours.setdefault(one, []).append(two)
        neighbours.setdefault(two, []).append(one)
    before: dict[str, str] = {account: ""}
    waiting = [account]
    while waiting:
        here = waiting.pop()
        for there in neighbours.get(here, ()):
            if there not in before:
                before[there] = here
                waiting.append(there)
    return pair_of(before[other], other) if before.get(other) else None
