"""Rank: what a person is in a community. Role: what an API key may do. Two words, two meanings."""

import functools
from collections.abc import Iterable
from enum import IntFlag, StrEnum


class Rank(IntFlag):
    """What a person is in a community: a set, not one ladder.

    As the least rank of a command a single member is short for "this or whoever stands above it":
    ``Rank.MODERATOR`` admits moderators, admins and the owner; see :func:`admits`.
    """

    VIEWER = 1
    REGULAR = 2
    SUBSCRIBER = 4
    VIP = 8
    MODERATOR = 16
    ADMIN = 32
    OWNER = 64


_STAFF = Rank.MODERATOR | Rank.ADMIN | Rank.OWNER

_ADMITTED: dict[Rank, Rank] = {
    Rank.VIEWER: Rank.VIEWER | Rank.REGULAR | Rank.SUBSCRIBER | Rank.VIP | _STAFF,
    Rank.REGULAR: Rank.REGULAR | _STAFF,
    Rank.SUBSCRIBER: Rank.SUBSCRIBER | _STAFF,
    Rank.VIP: Rank.VIP | _STAFF,
    Rank.MODERATOR: _STAFF,
    Rank.ADMIN: Rank.ADMIN | Rank.OWNER,
    Rank.OWNER: Rank.OWNER,
}

# What a platform says of a chatter, in our ranks. Nothing a platform says makes more than a moderator
# (ARCHITECTURE §8): ownership is claimed by a code, admins are named by the owner.
PLATFORM_ROLES: dict[str, Rank] = {
    "broadcaster": Rank.MODERATOR,
    "owner": Rank.MODERATOR,
    "admin": Rank.MODERATOR,
    "moderator": Rank.MODERATOR,
    "vip": Rank.VIP,
    "subscriber": Rank.SUBSCRIBER,
    "founder": Rank.SUBSCRIBER,
    "member": Rank.SUBSCRIBER,
    "regular": Rank.REGULAR,
}


def admits(least: Rank) -> int:
    """The ranks that may use what asks for ``least``, as a bit mask; a set admits any of its members."""
    mask = 0
    for rank in least:
        mask |= _ADMITTED[rank]
    return int(mask)


def lesser(ranks: int, bound: int) -> int:
    """What somebody with ``ranks`` may do in the name of somebody with ``bound``: what both may. Bit masks."""
    own, other = _stands_for(ranks), _stands_for(bound)
    return ranks if own & ~other == 0 else own & other


@functools.cache  # of 128 masks; plain numbers, since a flag's own operators are slow
def _stands_for(ranks: int) -> int:
    """The ranks with whose commands somebody is let in."""
    return sum(int(rank) for rank, admitted in _ADMITTED.items() if admitted & ranks)


def of_platform(roles: Iterable[str]) -> int:
    """The ranks that a platform's roles are worth, as a bit mask, capped at moderator."""
    mask = int(Rank.VIEWER)
    for role in roles:
        mask |= PLATFORM_ROLES.get(role, 0)
    return int(mask)  # plain: masks are compared for every command, and a flag's own operators are slow


def words(rank: Rank) -> str:
    """A rank in words, for help and refusals: ``moderator``, ``vip or subscriber``."""
    return " or ".join(str(r.name).lower() for r in rank)


OPERATOR = "operator"
"""Who acts where it is the operator at the command line. Keys act as ``key:NAME`` and people as
``platform:user_id``, so nobody else is called that.
"""


class Role(StrEnum):
    """What an API key may do. ``admin`` may do all that the others may, within its binding."""

    TRIGGER = "trigger"
    ACTION = "action"
    CORE = "core"
    ADMIN = "admin"
    USER = "user"
