"""SQLite: one file, one writer thread that commits in groups, readers on snapshots.

Write-ahead logging with `synchronous=FULL` makes every commit survive a loss of power
(https://sqlite.org/wal.html, "Durability"). One fdatasync costs as much as dozens of writes, so the writer
takes everything that waits, gives each unit its savepoint, and commits once; callers hear of it only then.
"""

import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from pydal.adapters import adapters
from pydal.adapters.base import SQLAdapter
from pydal.adapters.sqlite import SQLite

from waddlebot.libs.dal.binding import TargetState
from waddlebot.libs.dal.bulk import sqlite_inserts
from waddlebot.libs.dal.dialect import SQLITE
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.pydal_tables import open_pydal
from waddlebot.libs.dal.scopes import Scope
from waddlebot.libs.dal.scoping import Scoping
from waddlebot.libs.dal.sqlite_connection import connect, in_our_words
from waddlebot.libs.dal.statements import Statements, Upsert
from waddlebot.libs.dal.units import perform
from waddlebot.libs.dal.work import Lane, Work, settle

GROUP_MAX = 1_000  # units in one commit
GROUP_S = 0.05  # a group that has worked this long commits, so that the first in it does not wait for the last


@adapters.register_for("waddlebot_sqlite")
class ScopedSQLite(Scoping, SQLite):  # type: ignore[misc]  # PyDAL publishes no types
    """PyDAL's SQLite adapter on our connections."""

    def connector(self) -> sqlite3.Connection:
        """Open this thread's connection."""
        return connect(Path(self.dbpath), read_only=getattr(self.unit, "read_only", False))

    def after_connection(self) -> None:
        """Nothing: PyDAL would register a REGEXP that runs without a time limit."""

    def select(self, query: Any, fields: Any, attributes: dict[str, Any]) -> Any:
        """Without `for_update`: PyDAL would begin a transaction inside ours, and there is one writer anyway."""
        return super().select(query, fields, {**attributes, "for_update": False})

    def delete(self, table: Any, query: Any) -> Any:
        """Delete rows; PyDAL's own would first select them by an `id` that tables with a natural key lack."""
        return SQLAdapter.delete(self, table, query)


class SQLiteSession:
    """One thread's connection."""

    def __init__(self, db: Any, tables: Mapping[str, Mapping[str, Any]], *, read_only: bool) -> None:
        self._db = db
        self._adapter = db._adapter
        self._adapter.unit.read_only = read_only
        self.tables = tables
        self.connection: sqlite3.Connection = self._adapter.get_connection()

    def begin(self, owner: str, scope: Scope) -> None:
        """Confine the thread to the owner and the scope; the transaction is open already."""
        self.confine(owner, scope)

    def confine(self, owner: str, scope: Scope) -> None:
        """From here on the unit of work touches this owner's tables."""
        self._adapter.confine(owner, scope)

    def end(self) -> None:
        """The unit of work is over."""
        self._adapter.release()

    def pydal(self, query: Any) -> Any:
        """The PyDAL Set of a query."""
        return self._db(query)

    def execute(self, statement: str, values: Mapping[str, Any]) -> tuple[Sequence[tuple[Any, ...]], int]:
        """Run one statement: its rows, and how many it changed."""
        cursor = self.connection.execute(statement, values)
        return (cursor.fetchall() if cursor.description else ()), cursor.rowcount

    def insert(self, statements: Statements, upsert: Upsert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows natively, many at a time."""
        for statement, values in sqlite_inserts(statements, upsert, rows):
            self.connection.execute(statement, values)

    def close(self) -> None:
        """Close the connection and let PyDAL forget it."""
        self._adapter.close(action=None)


class SQLiteEngine:
    """The database's threads: one writer, some readers."""

    dialect = SQLITE

    def __init__(self, path: Path, owners: Sequence[Owner], *, readers: int, waiting_max: int) -> None:
        self._path = path
        self._db, self._tables = open_pydal(f"waddlebot_sqlite://{path}", SQLITE, owners)
        self._writer = Lane("writer", 1, self._serve_writes, waiting_max)
        self._readers = Lane("reader", readers, self._serve_reads, waiting_max)

    def write(self, work: Work) -> None:
        """Queue work for the writer."""
        self._writer.submit(work)

    def read(self, work: Work) -> None:
        """Queue work for a reader. All see what is committed, so there is no primary to ask for."""
        self._readers.submit(work)

    def configured(self, communities: Collection[str]) -> None:
        """Nothing: every reader sees what is committed."""

    def states(self) -> tuple[TargetState, ...]:
        """The file, which its threads hold open all the time."""
        threads = self._writer.threads + self._readers.threads
        waiting = self._writer.waiting + self._readers.waiting
        return (TargetState("file", str(self._path), "", None, threads, threads, waiting),)

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        self._readers.close()
        self._writer.close()

    def _serve_writes(self, lane: Lane) -> None:
        session = SQLiteSession(self._db, self._tables, read_only=False)
        while (first := lane.queue.get()) is not None:
            group, last = self._run_group(lane, session, first)
            settle(group)
            if last:
                break
        session.close()

    def _run_group(self, lane: Lane, session: SQLiteSession, first: Work) -> tuple[list[Work], bool]:
        """Run all that waits in one transaction; whether the lane is to end with it."""
        group, work, last = [first], first, False
        until = time.monotonic() + GROUP_S
        try:
            session.connection.execute("begin immediate")
            while True:
                _run_in_savepoint(session, work)
                if len(group) >= GROUP_MAX or time.monotonic() > until:
                    break
                try:
                    following = lane.queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    last = True
                    break
                work = following
                group.append(work)
            session.connection.execute("commit")
        except BaseException as error:  # whatever it is, the callers must hear of it
            if session.connection.in_transaction:
                session.connection.execute("rollback")
            for failed in group:
                failed.error = in_our_words(error)
        return group, last

    def _serve_reads(self, lane: Lane) -> None:
        session = SQLiteSession(self._db, self._tables, read_only=True)
        while (work := lane.queue.get()) is not None:
            try:
                session.connection.execute("begin")
                work.result = perform(session, work)
            except BaseException as error:  # as above
                work.error = in_our_words(error)
            finally:
                session.end()
                if session.connection.in_transaction:
                    session.connection.execute("rollback")  # there is nothing to keep: it read
            settle((work,))
        session.close()


def _run_in_savepoint(session: SQLiteSession, work: Work) -> None:
    """Run one unit so that its failure undoes it alone.

    Raises when SQLite itself ended the transaction (disk full, input/output error): then the whole group is
    undone.
    """
    connection = session.connection
    connection.execute("savepoint unit")
    try:
        work.result = perform(session, work)
    except BaseException as error:  # the body may raise anything; its caller gets it
        if not connection.in_transaction:
            raise
        work.error = in_our_words(error)
        connection.execute("rollback to unit")
    finally:
        session.end()
    connection.execute("release unit")
