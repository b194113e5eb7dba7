"""One thread's connection to PostgreSQL, through which units of work run, and PyDAL's adapter on it.

Each unit of work is one transaction. BEGIN and its settings travel in the string of the first statement: they
end with the transaction (a session's SET would leak to other clients of a pgbouncer), and cost no round trip.
Nothing is prepared, and nothing is kept in the session.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from pydal.adapters import adapters
from pydal.adapters.base import SQLAdapter
from pydal.adapters.postgres import PostgrePsycoBoolean

from waddlebot.libs.dal.budgets import Budget
from waddlebot.libs.dal.bulk import postgresql_inserts
from waddlebot.libs.dal.errors import Busy, Invalid
from waddlebot.libs.dal.patience import Patient
from waddlebot.libs.dal.postgresql_connection import READ_ONLY, code_of, is_lost
from waddlebot.libs.dal.scopes import EVERYBODY, SEPARATOR, Batch, Community, Scope, System
from waddlebot.libs.dal.scoping import Scoping
from waddlebot.libs.dal.statements import Statements, Upsert

LATE_S = 2.0  # how much later than PostgreSQL's own statement timeout we give up waiting for its word

_NO_VALUES = {"_": None}
_BYTEA = 17  # the type's number in pg_type.dat


@adapters.register_for("waddlebot_postgresql")
class ScopedPostgreSQL(Scoping, PostgrePsycoBoolean):  # type: ignore[misc]  # PyDAL publishes no types
    """PyDAL's PostgreSQL adapter on our connections."""

    drivers = ("psycopg2",)
    connector: Callable[[], Any]
    """Opens this thread's connection; the adapter's target sets it."""

    def _initialize_(self) -> None:
        """Without PyDAL's own reading of the URL, which refuses many, and without its first connection."""
        self.unit = threading.local()
        SQLAdapter._initialize_(self)

    def _driver_from_uri(self) -> None:
        return None

    def _config_json(self) -> None:
        self.dialect = self._get_json_dialect()(self)
        self.parser = self._get_json_parser()(self)

    def after_connection(self) -> None:
        """Nothing: a SET would leak to other clients of a pgbouncer, and the connection says UTF-8 already."""

    def execute(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Run what PyDAL built, in the session's transaction."""
        self.unit.session.run(command.encode())


class PostgreSQLSession(Patient):
    """One thread's connection: opened when first needed, and again after it was lost."""

    def __init__(
        self, db: Any, tables: Mapping[str, Mapping[str, Any]], budget: Budget, *, read_only: bool
    ) -> None:
        super().__init__(budget.timeout_s + LATE_S)
        self._db = db
        self._adapter = db._adapter
        self._adapter.unit.session = self
        self._begin = (
            "begin isolation level repeatable read read only" if read_only else "begin"
        )  # a reader sees one snapshot
        self._timeout_s = budget.timeout_s
        self._timeout = f"{round(budget.timeout_s * 1000)}ms"
        self._pending = b""
        self._began = False
        self._failed = False
        self.tables = tables
        self.read_only = read_only
        self.stale = False
        """Set by another thread: the connection leads to a server that changed its part, so it is not used."""

    def begin(self, owner: str, scope: Scope) -> None:
        """Confine the thread; the transaction itself begins with the first statement. Raises Unavailable."""
        if self.stale:
            self.stale = False
            self.disconnect()
        if self.connection is None:
            self.connection = self._adapter.get_connection()
            self._cursor = self._adapter.cursor
        self.confine(owner, scope)
        self._began = self._failed = False
        self._pending = self._prefix(scope)

    def confine(self, owner: str, scope: Scope) -> None:
        """From here on the unit of work touches this owner's tables."""
        self._adapter.confine(owner, scope)

    def commit(self) -> None:
        """Make the unit durable. Raises Invalid when its body hid an error."""
        if self._failed:
            raise Invalid("a statement of this unit failed and the method went on: nothing was written")
        if self._began:
            self.send(self._cursor, "commit")

    def end(self) -> None:
        """The unit is over: whatever is still open is undone."""
        self._pending = b""
        self._adapter.release()
        if self.connection is None:
            return
        try:
            if self.connection.closed:
                self.disconnect()
            elif self.connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
                self.send(self._cursor, "rollback")
        except self._adapter.driver.Error:
            self.disconnect()

    def close(self) -> None:
        """Close the open connection, and let PyDAL forget it."""
        self._adapter.close(action=None)

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self.connection is not None

    def lost(self, error: BaseException) -> bool:
        """Whether the error means that the connection is gone, or that its server takes no writes any more."""
        return self.connection is not None and (
            is_lost(self.connection, error) or (code_of(error) == READ_ONLY and not self.read_only)
        )

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
        if self._failed:  # where even BEGIN was not understood, this would run outside of any transaction
            raise Invalid("a statement of this unit failed before, and PostgreSQL takes no other after it")
        first = bool(self._pending)
        if first:
            statement, self._pending, self._began = self._pending + statement, b"", True
        try:
            self.send(self._cursor, statement)
        except BaseException as error:
            self._failed = True
            if not first and self.lost(error) and time.monotonic() - self.answered_at > self._timeout_s:
                # PostgreSQL's own word for that (25P03) is often lost with the connection.
                raise Busy("it took too long: the transaction stood idle, and was ended") from error
            raise

    def _prefix(self, scope: Scope) -> bytes:
        match scope:
            case Community(id=community):
                communities = community
            case Batch(ids=ids):
                communities = SEPARATOR.join(sorted(ids))
            case System():
                communities = EVERYBODY
        prefix: bytes = self._cursor.mogrify(
            f"{self._begin}; select set_config('waddlebot.communities', %(communities)s, true), "
            "set_config('statement_timeout', %(timeout)s, true), "
            "set_config('idle_in_transaction_session_timeout', %(timeout)s, true); ",
            {"communities": communities, "timeout": self._timeout},
        )
        return prefix
