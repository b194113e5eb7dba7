"""A connection to the SQLite file, with the settings the whole program relies on, and its errors in our words."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from waddlebot.libs.dal.errors import Busy, Conflict, DalError, Invalid, Unavailable
from waddlebot.libs.dal.pause import pause

BUSY_TIMEOUT_S = 10.0

_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the settings every part of the program relies on. Raises Unavailable."""
    connection = None
    try:
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,  # transactions begin where we say so
            check_same_thread=False,  # the closing thread closes them all
            cached_statements=512,
        )
        _use_wal(connection)
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        # Counters of many accounts touch pages all over the file: with SQLite's own 2 MB of cache and a checkpoint
        # every 4 MB, much of a batch's time went into reading and copying the same pages again and again.
        connection.execute("pragma cache_size = -32768")
        connection.execute("pragma wal_autocheckpoint = 8192")
        if read_only:
            connection.execute("pragma query_only = on")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise Unavailable(f"cannot open the database {path}: {error}") from error
    return connection


def in_our_words(error: BaseException) -> BaseException:
    """The error as a DalError if it is SQLite's or its driver's, else the error itself."""
    words: DalError
    if isinstance(error, sqlite3.Error):
        words = _words(error)
    elif isinstance(error, OverflowError | UnicodeEncodeError):
        words = Invalid(f"a value does not fit the database: {error}")
    else:
        return error
    words.__cause__ = error
    return words


@contextlib.contextmanager
def plain_words() -> Iterator[None]:
    """Raise the driver's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise in_our_words(error) from error


def _words(error: sqlite3.Error) -> DalError:
    code = getattr(error, "sqlite_errorcode", 0)
    match code & 0xFF:  # the primary code; https://sqlite.org/rescode.html
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy(f"another process is writing the database ({error})")
        case sqlite3.SQLITE_READONLY:
            return Invalid("the database is open for reading: a method that writes is marked @writes")
        case sqlite3.SQLITE_CONSTRAINT if code in _UNIQUE:
            return Conflict(f"a row of that key is there already ({error})")
        case sqlite3.SQLITE_FULL:
            return Unavailable("the disk is full: nothing was written")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Unavailable(f"the database file cannot be used ({error})")
        case _:
            return Invalid(str(error))


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to the write-ahead log; SQLite's own patience does not cover that, so we have some.

    Raises ``sqlite3.OperationalError`` where another process holds the file for longer than the busy timeout.
    """
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            pause(0.005, 0.02)
        else:
            return
