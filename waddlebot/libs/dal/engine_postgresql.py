"""PostgreSQL: a pool of writers and readers on the primary, readers on each replica.

Each unit of work is one transaction. BEGIN and the scope's setting travel in the string of the first statement:
the setting then ends with the transaction (a session's SET would leak through pgbouncer), and costs no round
trip. A lost connection is opened again; the unit is run again if nothing of it can have been committed, or if
its effect key tells whether it was.
"""

import functools
import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from pydal.adapters import adapters
from pydal.adapters.base import SQLAdapter
from pydal.adapters.postgres import PostgrePsycoBoolean

from waddlebot.libs.dal.bulk import postgresql_inserts
from waddlebot.libs.dal.dialect import POSTGRESQL
from waddlebot.libs.dal.errors import Invalid, Unavailable
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.postgresql_connection import connect, in_our_words, is_lost, may_retry
from waddlebot.libs.dal.pydal_tables import open_pydal
from waddlebot.libs.dal.scopes import EVERYBODY, SEPARATOR, Batch, Community, Scope, System
from waddlebot.libs.dal.scoping import Scoping
from waddlebot.libs.dal.statements import Statements, Upsert
from waddlebot.libs.dal.store import Kind
from waddlebot.libs.dal.units import perform
from waddlebot.libs.dal.work import Lane, Work, settle

COLLISION_PAUSE_S = 0.05
TRIES_MAX = 5  # of one unit of work: after a lost connection, a deadlock or a serialization failure

_NO_VALUES = {"_": None}
_BYTEA = 17  # the type's number in pg_type.dat


@adapters.register_for("waddlebot_postgresql")
class ScopedPostgreSQL(Scoping, PostgrePsycoBoolean):  # type: ignore[misc]  # PyDAL publishes no types
    """PyDAL's PostgreSQL adapter on our connections."""

    drivers = ("psycopg2",)

    def _initialize_(self) -> None:
        """Without PyDAL's own reading of the URL, which refuses many, and without its first connection."""
        self.unit = threading.local()
        SQLAdapter._initialize_(self)

    def _driver_from_uri(self) -> None:
        return None

    def _config_json(self) -> None:
        self.dialect = self._get_json_dialect()(self)
        self.parser = self._get_json_parser()(self)

    def connector(self) -> Any:
        """Open this thread's connection."""
        return connect(f"postgresql://{self.uri.partition('://')[2]}")

    def after_connection(self) -> None:
        """Nothing: a SET would leak to other clients of a pgbouncer, and the connection says UTF-8 already."""

    def execute(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Run what PyDAL built, in the session's transaction."""
        self.unit.session.run(command.encode())


class PostgreSQLSession:
    """One thread's connection: opened when first needed, and again after it was lost."""

    def __init__(
        self, db: Any, tables: Mapping[str, Mapping[str, Any]], *, read_only: bool, statement_timeout_s: float
    ) -> None:
        self._db = db
        self._adapter = db._adapter
        self._adapter.unit.session = self
        self._begin = (
            "begin isolation level repeatable read read only" if read_only else "begin"
        )  # a reader sees one snapshot
        self._timeout = f"{round(statement_timeout_s * 1000)}ms"
        self._connection: Any = None
        self._pending = b""
        self._began = False
        self.tables = tables

    def begin(self, owner: str, scope: Scope) -> None:
        """Confine the thread; the transaction itself begins with the first statement."""
        if self._connection is None:
            self._connection = self._adapter.get_connection()
            self._cursor = self._adapter.cursor
        self._adapter.confine(owner, scope)
        self._began = False
        self._pending = self._prefix(scope)

    def commit(self) -> None:
        """Make the unit durable. Raises Invalid when its body hid an error."""
        if self._began:
            self._cursor.execute("commit")
            if self._cursor.statusmessage != "COMMIT":  # PostgreSQL answers ROLLBACK to an aborted transaction
                raise Invalid("a statement of this unit failed and the method went on: nothing was written")

    def end(self) -> None:
        """The unit is over: whatever is still open is undone."""
        self._pending = b""
        self._adapter.release()
        if self._connection is None:
            return
        try:
            if self._connection.closed:
                self.disconnect()
            elif self._connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
                self._cursor.execute("rollback")
        except self._adapter.driver.Error:
            self.disconnect()

    def disconnect(self) -> None:
        """Close the connection, or what is left of it."""
        self._adapter.close(action=None)
        self._connection = None

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self._connection is not None

    def lost(self, error: BaseException) -> bool:
        """Whether the error means that the connection is gone."""
        return self._connection is not None and is_lost(self._connection, error)

    def pydal(self, query: Any) -> Any:
        """The PyDAL Set of a query."""
        return self._db(query)

    def execute(self, statement: str, values: Mapping[str, Any]) -> tuple[Sequence[tuple[Any, ...]], int]:
        """Run one statement: its rows, and how many it changed."""
        cursor = self._cursor
        # Never without values: psycopg2 would leave the doubled % signs as they are.
        self.run(cursor.mogrify(statement, values or _NO_VALUES))
        if cursor.description is None:
            return (), cursor.rowcount
        rows = cursor.fetchall()
        if any(column.type_code == _BYTEA for column in cursor.description):
            rows = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]
        return rows, cursor.rowcount

    def insert(self, statements: Statements, upsert: Upsert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows natively, many at a time."""
        for statement, values in postgresql_inserts(statements, upsert, rows):
            self.execute(statement, values)

    def run(self, statement: bytes) -> None:
        """Run a statement that is complete; the unit's first one brings the BEGIN along."""
        if self._pending:
            statement, self._pending, self._began = self._pending + statement, b"", True
        self._cursor.execute(statement)

    def _prefix(self, scope: Scope) -> bytes:
        match scope:
            case Community(id=community):
                communities = community
            case Batch(ids=ids):
                communities = SEPARATOR.join(sorted(ids))
            case System():
                communities = EVERYBODY
        prefix: bytes = self._cursor.mogrify(
            f"{self._begin}; select set_config('waddlebot.communities', %s, true), "
            "set_config('statement_timeout', %s, true); ",
            (communities, self._timeout),
        )
        return prefix


class PostgreSQLEngine:
    """The threads of the primary and of its replicas."""

    dialect = POSTGRESQL

    def __init__(
        self,
        url: str,
        replicas: Sequence[str],
        owners: Sequence[Owner],
        *,
        readers: int,
        writers: int,
        waiting_max: int,
        statement_timeout_s: float,
    ) -> None:
        self._timeout_s = statement_timeout_s
        primary = _opened(url, owners)
        self._writers = Lane("writer", writers, functools.partial(self._serve, primary, False), waiting_max)
        self._primary = Lane("reader", readers, functools.partial(self._serve, primary, True), waiting_max)
        self._replicas = [
            Lane(
                f"replica-{number}",
                readers,
                functools.partial(self._serve, _opened(replica, owners), True),
                waiting_max,
            )
            for number, replica in enumerate(replicas)
        ]
        self._next = 0

    def write(self, work: Work) -> None:
        """Queue work for the primary's writers."""
        self._writers.submit(work)

    def read(self, work: Work) -> None:
        """Queue work for a replica in turn, or for the primary if there is none or the store asks for it."""
        if work.store.primary or not self._replicas:
            self._primary.submit(work)
            return
        self._next = (self._next + 1) % len(self._replicas)
        self._replicas[self._next].submit(work)

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        for lane in (*self._replicas, self._primary, self._writers):
            lane.close()

    def _serve(self, target: tuple[Any, Any], read_only: bool, lane: Lane) -> None:
        db, tables = target
        session = PostgreSQLSession(db, tables, read_only=read_only, statement_timeout_s=self._timeout_s)
        while (work := lane.queue.get()) is not None:
            try:
                work.result = _run(session, work)
            except BaseException as error:  # whatever it is, the caller must hear of it
                work.error = in_our_words(error)
            if isinstance(work.error, Unavailable) and lane in self._replicas:
                work.error = None
                self._primary.queue.put(work)  # the primary answers for a replica that is gone
                continue
            settle((work,))
        if session.connected:
            session.disconnect()


def _opened(url: str, owners: Sequence[Owner]) -> tuple[Any, Mapping[str, Mapping[str, Any]]]:
    return open_pydal(f"waddlebot_postgresql://{url.partition('://')[2]}", POSTGRESQL, owners)


def _run(session: PostgreSQLSession, work: Work) -> Any:
    """One unit in one transaction, again if PostgreSQL or the network broke it through no fault of its own."""
    harmless = work.method.kind is Kind.READS or work.store.effect is not None
    for tries_left in reversed(range(TRIES_MAX)):
        committing = False
        try:
            result = perform(session, work)
            committing = True
            session.commit()
            return result
        except BaseException as error:
            # A connection lost during COMMIT leaves open whether it happened; only an effect key can tell.
            again = session.lost(error) and (harmless or not committing)
            if session.lost(error):
                session.disconnect()
            if not tries_left or not (again or may_retry(error)):
                raise
            collided = not again
        finally:
            session.end()
        if collided:  # the other party tries again too: not in step with us
            time.sleep(random.uniform(0, COLLISION_PAUSE_S))  # noqa: S311  # jitter, no secret
    raise AssertionError("unreachable: the last try returns or raises")
