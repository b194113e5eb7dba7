"""Storage: one AsyncDAL per process, over PyDAL, on SQLite or PostgreSQL.

A module declares a `Store`: its tables, its resources, and its queries, which are synchronous methods marked
`@reads`, `@writes` or `@configures`. A handler awaits them; each runs whole on one database thread (an `await`
between two statements of PyDAL would lose writes, since its connections belong to threads).

    class PointsStore(Store):
        tables = (
            Table("points", (Column("account", "text"), Column("points", "real")), key=("community", "account")),
        )

        @writes
        def add(self, account: str, points: float) -> None:
            self.db.upsert_many("points", [{"account": account, "points": points}], add=("points",))

        @reads
        def points(self, account: str) -> float:
            row = self.db(self.db.points.account == account).select().first()
            return row.points if row else 0.0

What the layer promises, on both engines alike (its suites run on both):

- **Owned.** `self.db` shows the owner's tables and no others: a schema each in PostgreSQL, a prefix each in the
  one SQLite file. Nobody else's can be reached through PyDAL either (`scoping`).
- **Scoped.** A unit of work runs for a `Community`, a `Batch` of them, or the `System`, whose reason is logged.
  PyDAL's queries get the scope's condition, inserts are stamped, native statements must carry `{scope}` or
  `{community}`. In PostgreSQL row-level security is a second wall (`rowsecurity`).
- **All or nothing.** A `@writes` that raises wrote nothing. Its caller hears of it after the commit is on disk.
  SQLite has one writer that commits in groups, each unit in its savepoint (`engine_sqlite`); PostgreSQL has a
  pool, each unit a transaction (`engine_postgresql`).
- **Once.** With an `EffectKey` a write happens once, however often its delivery is run; a re-run gets the
  stored result (`effects`, `units`).
- **On the record.** Resources change in `@configures` only, with who, what and why; changes can be undone
  whole (`changes`, `ledger`).
- **Migrated on purpose.** Hosts never alter a schema; `upgrade` applies numbered SQL files (`migrations`),
  `differences` proves that they create what the code declares (`schema`), `backup` and `restore` move data
  between engines (`backup`).

Costs, measured on two shared cores: binding a store 1 µs; a durable `@writes` with an effect key 25 µs of CPU
on SQLite, 39,000/s from one loop; a row of `upsert_many` 2 µs on SQLite, 8 µs on PostgreSQL; PyDAL's own API 24
µs a query and 11 µs a row, so it is for configuration, not for what happens with every line of chat.

This is the lowest layer: it imports nothing of waddlebot outside itself, and nobody else imports PyDAL or a
driver."""

from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.budgets import Budget, Budgets
from waddlebot.libs.dal.changes import Change, Difference
from waddlebot.libs.dal.effects import EffectKey
from waddlebot.libs.dal.errors import (
    Busy,
    Conflict,
    DalError,
    InDoubt,
    Invalid,
    Refused,
    SchemaError,
    ScopeError,
    Unavailable,
)
from waddlebot.libs.dal.ledger import ChangeSet, Configuration, Ledger, Rehearsed, Wanted
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.resource import Resource, resource, resource_of
from waddlebot.libs.dal.scopes import Batch, Community, Scope, System
from waddlebot.libs.dal.store import ALL_RANKS, Edit, Store, configures, reads, writes
from waddlebot.libs.dal.table import Column, Table

__all__ = [
    "ALL_RANKS",
    "AsyncDAL",
    "Batch",
    "Budget",
    "Budgets",
    "Busy",
    "Change",
    "ChangeSet",
    "Column",
    "Community",
    "Configuration",
    "Conflict",
    "DalError",
    "Difference",
    "Edit",
    "EffectKey",
    "InDoubt",
    "Invalid",
    "Ledger",
    "Owner",
    "Refused",
    "Rehearsed",
    "Resource",
    "SchemaError",
    "Scope",
    "ScopeError",
    "Store",
    "System",
    "Table",
    "Unavailable",
    "Wanted",
    "configures",
    "reads",
    "resource",
    "resource_of",
    "writes",
]
