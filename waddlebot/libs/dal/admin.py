"""A plain connection for an operator's work: migrations, checks, backups. Hosts do not use it."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from waddlebot.libs.dal import postgresql_connection, sqlite_connection
from waddlebot.libs.dal.bulk import postgresql_inserts, sqlite_insert
from waddlebot.libs.dal.dialect import POSTGRESQL, SQLITE, Dialect
from waddlebot.libs.dal.errors import DalError, SchemaError, Unavailable
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.scopes import EVERYBODY, System
from waddlebot.libs.dal.statements import Statements, Upsert
from waddlebot.libs.dal.table import Table

UPGRADE_LOCK = 0x57414444  # "WADD": the advisory lock of whoever changes the schema or its whole content
LOCK_TIMEOUT_S = 30
_ADMIN = System("operator")


def sqlite_path(url: str | None) -> Path | None:
    """The file a SQLite URL names (`sqlite:///relative`, `sqlite:////absolute`), None for PostgreSQL.

    No URL means `waddlebot.db` in the platform's user data folder. Raises DalError for any other scheme.
    """
    if not url:
        return platformdirs.user_data_path("waddlebot") / "waddlebot.db"
    scheme = urlsplit(url).scheme
    if scheme == "sqlite" and url.startswith("sqlite:///") and url != "sqlite:///":
        return Path(url.removeprefix("sqlite:///")).absolute()
    if scheme in ("postgresql", "postgres"):
        return None
    raise DalError("the database URL must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")


def user_of(url: str | None) -> str:
    """The account a PostgreSQL URL names, "" for a file. Raises SchemaError where the URL names none."""
    if sqlite_path(url) is not None:
        return ""
    user: str = postgresql_connection.options(str(url)).get("user", "")
    if not user:
        raise SchemaError("DATABASE_URL does not name the hosts' account: name it there, or by --host-role")
    return user


class Admin:
    """One connection that sees every row."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self.connection = connection
        self.dialect = dialect

    def execute(
        self, owner: Owner, template: str, values: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """Run one statement template on the owner's tables and return its rows."""
        return self.run(Statements(owner, self.dialect).compile(template, _ADMIN), values)

    def run(self, statement: str, values: Mapping[str, Any] | None = None) -> Sequence[tuple[Any, ...]]:
        """Run one statement in the engine's own words and return its rows."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(statement, {"_": None, **(values or {})})
            return list(cursor.fetchall()) if cursor.description else ()
        finally:
            cursor.close()

    def insert(self, owner: Owner, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Insert whole rows, in the order of the table's columns."""
        statements = Statements(owner, self.dialect, {table.name: table})
        upsert = Upsert(table, tuple(column.name for column in table.columns), strict=True)
        if self.dialect is SQLITE:
            self.connection.executemany(sqlite_insert(statements, upsert), rows)
            return
        for statement, values in postgresql_inserts(statements, upsert, rows):
            self.run(statement, values)

    def script(self, text: str) -> None:
        """Run statements that take no values, within the open transaction."""
        if self.dialect is POSTGRESQL:
            with self.connection.cursor() as cursor:
                cursor.execute(text)
            return
        # sqlite3's executescript would commit the open transaction first.
        statement = ""
        for piece in text.split(";"):
            statement += piece + ";"
            if sqlite3.complete_statement(statement):
                self.connection.execute(statement)
                statement = ""

    @contextlib.contextmanager
    def transaction(self, *, exclusive: bool) -> Iterator[None]:
        """One transaction: alone on the database, or on one snapshot of it."""
        if self.dialect is SQLITE:
            self.connection.execute("begin exclusive" if exclusive else "begin")
        else:
            self.run("begin isolation level " + ("read committed" if exclusive else "repeatable read read only"))
            self.run(f"select set_config('waddlebot.communities', '{EVERYBODY}', true)")
            if exclusive:
                self.run("select set_config('statement_timeout', '0', true)")
                self.run(f"select pg_advisory_xact_lock({UPGRADE_LOCK})")
                # Who waits for a table's lock holds up all who come after it: better to give up, and try again.
                self.run(f"select set_config('lock_timeout', '{LOCK_TIMEOUT_S}s', true)")
        try:
            yield
        except BaseException:
            self.run("rollback")
            raise
        self.run("commit")


@contextlib.contextmanager
def admin(url: str | None) -> Iterator[Admin]:
    """An operator's connection to the database at the URL. Raises Unavailable, and the driver's errors as ours."""
    path = sqlite_path(url)
    if path is None:
        with postgresql_connection.plain_words():
            connection = postgresql_connection.connect(str(url))
            try:
                yield Admin(connection, POSTGRESQL)
            finally:
                connection.close()
        return
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # it holds what people said
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be made ({error.strerror}): set WADDLEBOT_DATA_DIR to a folder of yours"
        ) from error
    with sqlite_connection.plain_words():
        opened = sqlite_connection.connect(path)
        try:
            yield Admin(opened, SQLITE)
        finally:
            opened.close()
