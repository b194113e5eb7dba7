"""Budgets: how many connections a host opens to a PostgreSQL server, what for, and how long they may be busy."""

from dataclasses import dataclass

ASIDE = 3
"""Connections beside the budgets: the watch's own, the writer of stores that stand aside, and one that is open for
moments (checks at start)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Threads for one kind of work on one database, each with its connection (SQLite has one writer).

    `timeout_s` is how long one statement may take on PostgreSQL, and how long a transaction may stand idle.
    """

    threads: int
    timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a host may use of each database: readers on every one, writers on the primary."""

    readers: Budget = Budget(4)
    writers: Budget = Budget(4)

    @property
    def connections(self) -> int:
        """The most connections to one server at once."""
        return self.readers.threads + self.writers.threads + ASIDE
