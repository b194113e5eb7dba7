"""What a module declares about its tables."""

import re
from dataclasses import dataclass
from typing import Literal

type ColumnType = Literal["text", "integer", "real", "boolean", "bytes", "json"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")  # PostgreSQL cuts names at 63 bytes; SQLite adds the owner's prefix


def check_name(name: str, what: str) -> str:
    """The name itself if both engines take it unquoted, else ValueError."""
    if not _NAME.fullmatch(name) or "__" in name:
        raise ValueError(f"{what} {name!r}: use a-z, 0-9 and single underscores, at most 48 characters")
    return name


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `integer` has 64 bits. A time is a `real` in seconds since 1970 (UTC): the one form both engines compare and
    add alike; a `real` is finite. `json` is text in the database, and any value `msgspec` can encode in Python.
    """

    name: str
    type: ColumnType
    null: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "column")


@dataclass(frozen=True, slots=True)
class Table:
    """One table, as its owner's migrations create it (`differences` proves that they agree).

    `key` is the natural key: its columns are unique together, and `upsert_many` finds rows by it. A `scoped` table
    has the text column `community`, which need not be listed in `columns`. The key `("id",)` of an integer means:
    the database numbers the rows (`{id}` in a migration).
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    scoped: bool = True

    def __post_init__(self) -> None:
        if self.name != "_effect":
            check_name(self.name, "table")
        names = [column.name for column in self.columns]
        if self.scoped and "community" not in names:
            object.__setattr__(self, "columns", (Column("community", "text"), *self.columns))
            names.insert(0, "community")
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name!r} names a column twice")
        if not self.key or not set(self.key) <= set(names):
            raise ValueError(f"table {self.name!r}: the key {self.key} must name columns of the table")

    @property
    def numbered(self) -> bool:
        """Whether the database gives each row its id."""
        return self.key == ("id",) and self.column("id").type == "integer"

    def column(self, name: str) -> Column:
        """The column of that name, or KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name!r} has no column {name!r}")
