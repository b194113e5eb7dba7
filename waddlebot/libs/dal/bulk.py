"""Many rows by one native call, in each engine's fastest way."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from waddlebot.libs.dal.dialect import POSTGRESQL
from waddlebot.libs.dal.statements import Statements, Upsert, merged

SQLITE_ROWS = 100  # in one INSERT; times a table's columns it stays far below SQLite's 32,766 values
_ROWS_MAX = 5_000  # in one INSERT on PostgreSQL


def sqlite_insert(statements: Statements, upsert: Upsert, count: int = 1) -> str:
    """The statement for so many rows, whose values follow one another."""
    names = ", ".join(f'"{name}"' for name in upsert.columns)
    marks = ", ".join(["(" + ", ".join("?" * len(upsert.columns)) + ")"] * count)
    table = statements.qualified[upsert.table.name]
    return f"insert into {table} ({names}) values {marks}{statements.conflict(upsert)}"  # noqa: S608  # declared names, bound values


def sqlite_inserts(
    statements: Statements, upsert: Upsert, rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, list[Any]]]:
    """Statements and their values. Measured per row: 1.5 µs by the hundred, 2.4 one by one.

    The driver lets go of the interpreter for each statement, so a row each would also wait for its turn each time.
    """
    whole = len(rows) - len(rows) % SQLITE_ROWS
    if whole:
        statement = sqlite_insert(statements, upsert, SQLITE_ROWS)
        for start in range(0, whole, SQLITE_ROWS):
            yield statement, list(chain.from_iterable(rows[start : start + SQLITE_ROWS]))
    statement = sqlite_insert(statements, upsert)
    for row in rows[whole:]:
        yield statement, list(row)


def postgresql_inserts(
    statements: Statements, upsert: Upsert, rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Statements and their values: the rows travel as one JSON text for thousands of them.

    Measured per row: 0.8 µs here and 7 µs in all, against 3.5 and 10 for VALUES (psycopg2's `execute_values`).
    """
    names = ", ".join(f'"{name}"' for name in upsert.columns)
    columns = [upsert.table.column(name) for name in upsert.columns]
    typed = ", ".join(f'"{column.name}" {POSTGRESQL.types[column.type]}' for column in columns)
    statement = (
        f"insert into {statements.qualified[upsert.table.name]} ({names}) "  # noqa: S608  # declared names, bound values
        f"select {names} from json_to_recordset(%(rows)s::json) as given({typed}){statements.conflict(upsert)}"
    )
    octets = [column.name for column in columns if column.type == "bytes"]
    rows = merged(upsert, rows)
    for start in range(0, len(rows), _ROWS_MAX):
        part = [dict(zip(upsert.columns, row, strict=True)) for row in rows[start : start + _ROWS_MAX]]
        for name in octets:
            for row in part:
                row[name] = None if row[name] is None else f"\\x{row[name].hex()}"
        yield statement, {"rows": msgspec.json.encode(part).decode()}
