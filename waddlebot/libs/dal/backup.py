"""Backups: every owner's rows in one compressed file that either engine can read back.

The file is gzip of JSON lines: a header with the schema versions, then for each table its name and columns, its
rows, and how many they were with their SHA-256. So a torn or altered file is found before anything is touched,
and what was written on SQLite can be restored into PostgreSQL. Bytes are written as base64 (RFC 4648).
"""

import contextlib
import gzip
import hashlib
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from waddlebot.libs.dal.admin import Admin, admin, sqlite_path
from waddlebot.libs.dal.changes import CONFIG_CLOCK, SCHEMA_VERSION
from waddlebot.libs.dal.dialect import POSTGRESQL
from waddlebot.libs.dal.errors import Conflict, DalError, SchemaError
from waddlebot.libs.dal.migrations import Status, status, upgrade, with_system
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.table import Column, Table

FORMAT = 1
_ROWS_MAX = 1_000  # in memory at once
_TYPES: dict[str, type] = {"boolean": bool, "bytes": bytes, "real": float}


class Header(msgspec.Struct, frozen=True):
    """The first line: which format, and at which version each owner's schema was."""

    format: int
    versions: dict[str, int]


class Begin(msgspec.Struct, frozen=True, tag="table"):
    """A table begins: its rows follow, one line each, as lists in the order of the columns."""

    owner: str
    name: str
    columns: list[tuple[str, str, bool]]
    key: list[str]
    scoped: bool

    @property
    def table(self) -> Table:
        """The table as it was declared when the backup was made."""
        columns = tuple(msgspec.convert(column, Column) for column in self._columns())
        return Table(self.name, columns, tuple(self.key), self.scoped)

    def _columns(self) -> Iterator[dict[str, Any]]:
        for name, type_name, null in self.columns:
            yield {"name": name, "type": type_name, "null": null}


class End(msgspec.Struct, frozen=True, tag="end"):
    """A table ends: how many rows it had, and the SHA-256 of their lines."""

    rows: int
    sha256: str


class Whole(msgspec.Struct, frozen=True, tag="whole"):
    """The last line; a file without it was cut off."""

    tables: int


def backup(url: str | None, owners: Iterable[Owner], file: Path) -> int:
    """Write all rows of all owners to the file, as they are at one moment; returns their number.

    Hosts may go on working. The file appears when it is whole and on disk, readable by its owner alone. Raises
    SchemaError when the database is not at this program's version.
    """
    owners = with_system(owners)
    stand = status(url, owners)
    for found in stand:
        if found.version != found.known:
            raise SchemaError(
                found.problem or f"{found.owner}: the database is at {found.version}, not {found.known}"
            )
    total = 0
    with _replacing(file) as new, gzip.open(new, "wb", compresslevel=6) as out, admin(url) as database:
        lines = cast(BinaryIO, out)
        _write(lines, Header(FORMAT, {found.owner: found.version for found in stand}))
        with database.transaction(exclusive=False):
            tables = [(owner, table) for owner in owners for table in _tables(owner)]
            for owner, table in tables:
                total += _dump(lines, database, owner, table)
        _write(lines, Whole(len(tables)))
    return total


def restore(url: str | None, owners: Iterable[Owner], file: Path, *, replace: bool = False) -> int:
    """Read a backup into a database of either engine, all or nothing; returns the number of rows.

    The whole file is checked first. The schema is brought to the backup's version, filled, then brought to this
    program's; what was under way is settled as `Store.after_restore` says. Stop the hosts before. Raises DalError
    when the file is damaged or holds an unknown owner, Conflict when the database has rows and not `replace`.
    """
    owners = with_system(owners)
    header = verify(file)
    known = {owner.name: owner for owner in owners}
    if unknown := sorted(header.versions.keys() - known.keys()):
        raise DalError(f"the backup holds tables of {', '.join(unknown)}, which is not installed")
    # What migrations put into tables that they have just made is nobody's to lose.
    used = {found.owner for found in _stand(url, owners, header) if found.version}
    upgrade(url, owners, up_to={name: header.versions.get(name, 0) for name in known})
    total = 0
    with admin(url) as database, database.transaction(exclusive=True):
        _clear(database, owners, kept=set() if replace else used)
        for begin, rows in _read(file):
            owner, table = known[begin.owner], begin.table
            for part in rows:
                database.insert(owner, table, part)
                total += len(part)
            if table.numbered and database.dialect is POSTGRESQL:
                _continue_numbers(database, owner, table)
        for owner in owners:
            # An owner that the backup does not know has no tables yet.
            for statement in owner.store.after_restore if header.versions.get(owner.name) else ():
                database.execute(owner, statement)
    upgrade(url, owners)
    return total


def verify(file: Path) -> Header:
    """Read a whole backup and check every sum. Raises DalError when it is damaged or of another format."""
    for _, rows in _read(file):
        for _ in rows:
            pass
    return _header(_lines(file), file)


def snapshot(url: str | None, file: Path) -> None:
    """Copy a live SQLite database to a file, by SQLite's own backup: a database itself, ready to be opened.

    Raises DalError for PostgreSQL, whose own tools do that.
    """
    path = sqlite_path(url)
    if path is None:
        raise DalError("a snapshot is for SQLite; use `backup`, or pg_basebackup for a whole PostgreSQL server")
    with (
        admin(url) as database,
        _replacing(file) as new,
        contextlib.closing(sqlite3.connect(new)) as copy,
    ):
        database.connection.backup(copy)


def _tables(owner: Owner) -> list[Table]:
    # The schema's own versions are the header's; a restored database has its own.
    return [table for table in owner.tables.values() if table is not SCHEMA_VERSION]


def _dump(lines: BinaryIO, database: Admin, owner: Owner, table: Table) -> int:
    columns = [(column.name, column.type, column.null) for column in table.columns]
    _write(lines, Begin(owner.name, table.name, cast(Any, columns), list(table.key), table.scoped))
    names = ", ".join(column.name for column in table.columns)
    order = ", ".join(table.key)
    convert = [(place, _TYPES[column.type]) for place, column in enumerate(table.columns) if column.type in _TYPES]
    sums, count = hashlib.sha256(), 0
    with contextlib.closing(_cursor(database)) as cursor:
        cursor.execute(
            f"select {names} from {database.dialect.qualified(owner.name, table.name)} order by {order}"  # noqa: S608  # declared names
        )
        while part := cursor.fetchmany(_ROWS_MAX):
            for row in part:
                values = list(row)
                for place, kind in convert:
                    if values[place] is not None:
                        values[place] = kind(values[place])
                line = msgspec.json.encode(values) + b"\n"
                sums.update(line)
                lines.write(line)
            count += len(part)
    _write(lines, End(count, sums.hexdigest()))
    return count


def _cursor(database: Admin) -> Any:
    """A cursor that does not fetch a whole table at once."""
    if database.dialect is POSTGRESQL:
        # Declared inside our own BEGIN, of which psycopg2 does not know: hence `withhold`.
        return database.connection.cursor("waddlebot_backup", withhold=True)
    return database.connection.cursor()


def _read(file: Path) -> Iterator[tuple[Begin, Iterator[list[list[Any]]]]]:
    """Each table with its rows in parts. A table's rows must be used up before the next is asked for."""
    lines = _lines(file)
    _header(lines, file)
    for tables, line in enumerate(lines):
        head = _decoded(line, Begin | Whole, file)
        if isinstance(head, Whole):
            if head.tables != tables:
                raise DalError(f"{file} is damaged: {tables} tables instead of {head.tables}")
            return
        yield head, _rows(lines, head, file)
    raise DalError(f"{file} is cut off")


def _rows(lines: Iterator[bytes], head: Begin, file: Path) -> Iterator[list[list[Any]]]:
    octets = [place for place, (_, kind, _) in enumerate(head.columns) if kind == "bytes"]
    sums = hashlib.sha256()
    part: list[list[Any]] = []
    for count, line in enumerate(lines):
        if line.startswith(b"{"):
            end = _decoded(line, End, file)
            if end.rows != count or end.sha256 != sums.hexdigest():
                raise DalError(f"{file} is damaged: other rows in {head.owner}.{head.name} than were written")
            yield part
            return
        sums.update(line)
        row: list[Any] = _decoded(line, list, file)
        for place in octets:
            row[place] = msgspec.convert(row[place], bytes | None)
        part.append(row)
        if len(part) >= _ROWS_MAX:
            yield part
            part = []
    raise DalError(f"{file} is cut off")


def _stand(url: str | None, owners: Sequence[Owner], header: Header) -> list[Status]:
    """Where the database stands. Raises DalError where it, or the backup, is too new for the other."""
    stand = status(url, owners)
    for found in stand:
        if found.version > header.versions.get(found.owner, 0):
            raise DalError(
                f"{found.owner}: the database is at version {found.version}, the backup at "
                f"{header.versions.get(found.owner, 0)}: restore it into an empty database"
            )
        newest = found.known
        if header.versions.get(found.owner, 0) > newest:
            raise DalError(
                f"{found.owner}: the backup is of a newer version than this program: install that first"
            )
    return stand


def _clear(database: Admin, owners: Sequence[Owner], *, kept: Collection[str]) -> None:
    """Delete all rows. Raises Conflict where an owner of those ``kept`` has any."""
    for owner in reversed(owners):
        existing = _existing(database, owner)
        for table in reversed(_tables(owner)):
            if table.name not in existing:  # a later migration creates it
                continue
            qualified = database.dialect.qualified(owner.name, table.name)
            # The clock's one row comes with the schema.
            if owner.name in kept and table.name != CONFIG_CLOCK.name and _has_rows(database, qualified):
                raise Conflict(f"the database holds rows of {owner.name}: restoring would replace them")
            database.run(f"delete from {qualified}")  # noqa: S608  # declared names


def _has_rows(database: Admin, qualified: str) -> bool:
    return bool(database.run(f"select 1 from {qualified} limit 1"))  # noqa: S608  # declared names


def _existing(database: Admin, owner: Owner) -> set[str]:
    if database.dialect is POSTGRESQL:
        rows = database.run(
            "select tablename from pg_tables where schemaname = %(schema)s", {"schema": owner.schema}
        )
        return {name for (name,) in rows}
    prefix = f"{owner.schema}__"
    rows = database.run("select name from sqlite_schema where type = 'table'")
    return {name.removeprefix(prefix) for (name,) in rows if name.startswith(prefix)}


def _continue_numbers(database: Admin, owner: Owner, table: Table) -> None:
    qualified = database.dialect.qualified(owner.name, table.name)
    database.run(
        f"select setval(pg_get_serial_sequence('{qualified}', 'id'), "  # noqa: S608  # declared names
        f"coalesce(max(id), 0) + 1, false) from {qualified}"
    )


@contextlib.contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """A new file that takes the name when it is whole and on disk."""
    descriptor, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")  # mode 0600
    os.close(descriptor)
    try:
        yield Path(name)
        with open(name, "r+b") as written:
            os.fsync(written.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file, "rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise DalError(f"{file} cannot be read as a backup: {error}") from error


def _header(lines: Iterator[bytes], file: Path) -> Header:
    header: Header = _decoded(next(lines, b""), Header, file)
    if header.format != FORMAT:
        raise DalError(f"{file} has the format {header.format}, this program reads {FORMAT}")
    return header


def _write(lines: BinaryIO, record: msgspec.Struct) -> None:
    lines.write(msgspec.json.encode(record) + b"\n")


def _decoded(line: bytes, kind: Any, file: Path) -> Any:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise DalError(f"{file} is not a backup, or damaged: {error}") from error
