"""Migrations: numbered SQL files per owner, applied once, all or nothing, by one process at a time.

`migrations/NNNN_what.sql` serves both engines; where they must differ, `NNNN_what.postgresql.sql` and
`NNNN_what.sqlite.sql` stand side by side. In a file `{aliases}` is the owner's table, `{text}` `{integer}`
`{real}` `{boolean}` `{bytes}` `{json}` `{id}` are column types, and `{index:by_name}` names an index. `{keyed}`
behind a table's closing bracket makes SQLite keep its rows in the order of the key: right for counters.

A line `-- compat: N` says that programs whose newest migration is N can still serve the new schema; without it
only programs that know this migration can.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from waddlebot.libs.dal.admin import Admin, admin, sqlite_path
from waddlebot.libs.dal.changes import SCHEMA_VERSION
from waddlebot.libs.dal.dialect import POSTGRESQL, SQLITE, Dialect
from waddlebot.libs.dal.effects import EFFECT
from waddlebot.libs.dal.errors import SchemaError, ScopeError
from waddlebot.libs.dal.ledger import SystemStore
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.rowsecurity import check_grantee, grant, protect
from waddlebot.libs.dal.table import Table, check_name

SYSTEM = Owner("system", SystemStore, files("waddlebot.libs.dal") / "migrations")

_FILE = re.compile(r"(?P<number>\d{4})_(?P<what>[a-z0-9_]+)(?:\.(?P<engine>postgresql|sqlite))?\.sql")
_COMPAT = re.compile(r"^--\s*compat:\s*(\d+)\s*$", re.MULTILINE)
_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its words, the oldest program that can serve the schema it makes, and its SQL."""

    number: int
    what: str
    compat: int
    sql: str


@dataclass(frozen=True, slots=True)
class Status:
    """One owner's schema: where the database is, and what this program knows.

    `compat` is the oldest program that can serve the database. Version 0 means that nothing was applied.
    """

    owner: str
    version: int
    compat: int
    known: int

    @property
    def problem(self) -> str | None:
        """Why this program cannot serve the schema, and what to do; None when it can."""
        if self.version < self.known:
            return (
                f"{self.owner}: the database is at version {self.version}, this program needs {self.known}: "
                "run `waddlebot db upgrade`"
            )
        if self.compat > self.known:
            return (
                f"{self.owner}: the database is at version {self.version} and needs a program that knows at least "
                f"{self.compat}, this one knows {self.known}: install a newer waddlebot "
                "(after that, `waddlebot db upgrade` has nothing left to do)"
            )
        return None


def with_system(owners: Iterable[Owner]) -> tuple[Owner, ...]:
    """The owners, the storage layer's own tables first."""
    return (SYSTEM, *(owner for owner in owners if owner.name != SYSTEM.name))


def migrations(owner: Owner, dialect: Dialect) -> list[Migration]:
    """The owner's migrations for one engine, in order. Raises SchemaError for a gap, a double, a misnamed file."""
    found: dict[int, Migration] = {}
    for file in owner.migrations.iterdir() if owner.migrations is not None else ():
        if not file.name.endswith(".sql"):
            continue
        name = _FILE.fullmatch(file.name)
        if name is None:
            raise SchemaError(f"{owner.name}: {file.name} should be called NNNN_what.sql")
        if name["engine"] not in (None, dialect.name):
            continue
        number, sql = int(name["number"]), file.read_text(encoding="utf-8")
        if number in found:
            raise SchemaError(f"{owner.name}: two migrations have the number {number:04}")
        compat = _COMPAT.search(sql)
        found[number] = Migration(
            number, name["what"], int(compat[1]) if compat else number, _resolved(sql, owner, dialect)
        )
    if sorted(found) != list(range(1, len(found) + 1)):
        raise SchemaError(f"{owner.name}: migrations are numbered from 0001 without gaps, not {sorted(found)}")
    return [found[number] for number in sorted(found)]


def upgrade(
    url: str | None,
    owners: Iterable[Owner],
    *,
    up_to: Mapping[str, int] | None = None,
    host_role: str = "",
) -> list[str]:
    """Bring the database to this program's schema; returns what was applied, as `owner 0001_what`.

    Safe when several processes call it at once: one works, the others wait and find nothing left to do. All or
    nothing. `up_to` stops an owner at a version (a restore needs that). On PostgreSQL `host_role`, where one is
    named, is granted what running hosts need, and no more. Raises SchemaError, Busy, Unavailable.
    """
    applied: list[str] = []
    with admin(url) as database, database.transaction(exclusive=True):
        dialect = database.dialect
        if host_role and dialect is POSTGRESQL:
            check_grantee(database, host_role)
        for owner in with_system(owners):
            if dialect is POSTGRESQL:
                database.run(f'create schema if not exists "{owner.schema}"')
            if owner.name == SYSTEM.name:
                database.script(_create(owner, SCHEMA_VERSION, dialect))
            database.script(_create(owner, EFFECT, dialect))
            version = _versions(database).get(owner.name, (0, 0))[0]
            last = (up_to or {}).get(owner.name)
            for migration in migrations(owner, dialect):
                if version < migration.number and (last is None or migration.number <= last):
                    _apply(database, owner, migration)
                    applied.append(f"{owner.name} {migration.number:04}_{migration.what}")
            if dialect is POSTGRESQL:
                protect(database, owner)
                if host_role:
                    grant(database, owner, host_role)
    return applied


def status(url: str | None, owners: Iterable[Owner]) -> list[Status]:
    """Where each owner's schema stands. Creates nothing."""
    owners = with_system(owners)
    path = sqlite_path(url)
    dialect = POSTGRESQL if path is None else SQLITE
    known = {owner.name: len(migrations(owner, dialect)) for owner in owners}
    if path is not None and not path.exists():
        return [Status(owner.name, 0, 0, known[owner.name]) for owner in owners]
    with admin(url) as database:
        versions = _versions(database) if _has_versions(database) else {}
    return [Status(owner.name, *versions.get(owner.name, (0, 0)), known[owner.name]) for owner in owners]


def check(url: str | None, owners: Iterable[Owner]) -> None:
    """Raise SchemaError unless this program can serve the database as it is."""
    try:
        problems = [found.problem for found in status(url, owners) if found.problem]
    except ScopeError as error:
        raise SchemaError(f"{error}: run `waddlebot db upgrade`, which grants hosts what they need") from error
    if problems:
        raise SchemaError("\n".join(problems))


def _apply(database: Admin, owner: Owner, migration: Migration) -> None:
    database.script(migration.sql)
    database.execute(
        SYSTEM,
        "insert into {schema_version} (owner, version, compat, at) values (:owner, :version, :compat, :at) "
        "on conflict (owner) do update set version = excluded.version, compat = excluded.compat, at = excluded.at",
        {"owner": owner.name, "version": migration.number, "compat": migration.compat, "at": time.time()},
    )


def _has_versions(database: Admin) -> bool:
    if database.dialect is POSTGRESQL:
        return bool(
            database.run("select 1 from pg_tables where schemaname = 'system' and tablename = 'schema_version'")
        )
    return bool(database.run("select 1 from sqlite_schema where name = 'system__schema_version'"))


def _versions(database: Admin) -> dict[str, tuple[int, int]]:
    rows: Sequence[tuple[str, int, int]] = database.execute(
        SYSTEM, "select owner, version, compat from {schema_version}"
    )
    return {owner: (version, compat) for owner, version, compat in rows}


def _create(owner: Owner, table: Table, dialect: Dialect) -> str:
    columns = [
        f"{column.name} {dialect.types[column.type]}{'' if column.null else ' not null'}"
        for column in table.columns
    ]
    return (
        f"create table if not exists {dialect.qualified(owner.name, table.name)} "
        f"({', '.join(columns)}, primary key ({', '.join(table.key)})) {dialect.types['keyed']};"
    )


def _resolved(sql: str, owner: Owner, dialect: Dialect) -> str:
    def replace(place: re.Match[str]) -> str:
        name, index = place[1], place[2]
        if index is not None:
            # PostgreSQL keeps an index in its table's schema; SQLite has one name space for all of them.
            check_name(index, "index")
            return f'"{index}"' if dialect is POSTGRESQL else f'"{owner.schema}__{index}"'
        # A migration may name tables that are no longer declared, so any good name will do.
        if name in dialect.types:
            return dialect.types[name]
        return dialect.qualified(owner.name, check_name(name, "table"))

    return _PLACE.sub(replace, sql)
