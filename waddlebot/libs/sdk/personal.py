"""What is held about a person: every module that keeps any of it tells it and deletes it, when they ask.

The runtime asks each module in turn, as if all of them promised one contract, on whatever host it runs.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

PERSONAL = "PersonalData"
HELD = "held"
FORGET = "forget"
"""By what names a module is asked."""

type Tables = Mapping[str, list[dict[str, Any]]]
"""Rows by the table that they stand in, each by its columns."""


class Person(msgspec.Struct, frozen=True):
    """All accounts (``platform:user_id``) of one person, and the users by which they sign in."""

    accounts: tuple[str, ...]
    users: tuple[str, ...] = ()


class Records(msgspec.Struct, frozen=True):
    """Rows of one table."""

    table: str
    rows: tuple[dict[str, Any], ...]


class Held(msgspec.Struct, frozen=True):
    """What one module holds about somebody: tables that have nothing are left out."""

    tables: tuple[Records, ...] = ()

    @property
    def size(self) -> int:
        """How many rows these are."""
        return sum(len(records.rows) for records in self.tables)


class Forgotten(msgspec.Struct, frozen=True):
    """How many rows one module deleted or took names out of, and what ``stays`` and why, in words."""

    rows: int = 0
    stays: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Keeping:
    """How one module answers: ``tell`` and ``forget`` take a service context and a :class:`Person`.

    ``stays`` are the tables of which rows may be left after ``forget``, and the words for whom they are about.
    """

    tell: Callable[..., Awaitable[Tables]]
    forget: Callable[..., Awaitable[int]]
    stays: Mapping[str, str]

    async def held(self, ctx: object, person: Person) -> Held:
        """What the module holds."""
        return held_of(await self.tell(ctx, person))

    async def forgotten(self, ctx: object, person: Person) -> Forgotten:
        """Let the module forget; what is there afterwards stays."""
        rows = await self.forget(ctx, person)
        left = await self.tell(ctx, person)
        return Forgotten(rows, tuple(words for table, words in self.stays.items() if left.get(table)))


def by_store(stays: Mapping[str, str]) -> Keeping:
    """How a module answers whose store has ``held(accounts)`` and ``forget(accounts)``, over all communities."""

    async def tell(ctx: Any, person: Person) -> Tables:
        found: Tables = await ctx.store_everywhere(_ASKED).held(person.accounts)
        return found

    async def forget(ctx: Any, person: Person) -> int:
        rows: int = await ctx.store_everywhere(_ASKED).forget(person.accounts)
        return rows

    return Keeping(tell, forget, stays)


_ASKED = "somebody asks for what is held about them, or to have it deleted"


def held_of(tables: Tables) -> Held:
    """Rows as they travel."""
    return Held(tuple(Records(table, tuple(rows)) for table, rows in tables.items() if rows))


@dataclasses.dataclass(frozen=True, slots=True)
class Everywhere[T]:
    """What modules answered, by module, and why those that could not be asked did not."""

    found: Mapping[str, T]
    away: Mapping[str, str]


class PersonalData(Protocol):
    """What the host lends to modules of the ``core`` kind, so that people get what is held about them."""

    async def held(self, person: Person) -> Everywhere[Held]:
        """Ask every module what it holds."""

    async def forget(self, person: Person) -> Everywhere[Forgotten]:
        """Have every module forget. To do so twice is no harm."""
