"""A connection to PostgreSQL by psycopg2 (the extra `postgres`), and its errors in our words."""

import contextlib
import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from waddlebot.libs.dal.errors import Busy, Conflict, DalError, Invalid, ScopeError, Unavailable

CONNECT_TIMEOUT_S = 5


def driver() -> ModuleType:
    """psycopg2, or DalError that says how to install it."""
    try:
        return importlib.import_module("psycopg2")
    except ModuleNotFoundError as error:
        raise DalError("PostgreSQL needs a driver: install waddlebot[postgres]") from error


def connect(url: str) -> Any:
    """A connection on which transactions begin where we say so. Raises Unavailable."""
    psycopg2 = driver()
    try:
        # libpq reads the URL itself, with every option it knows (RFC 3986 form, "Connection URIs" of its manual).
        connection = psycopg2.connect(
            url, connect_timeout=CONNECT_TIMEOUT_S, client_encoding="UTF8", application_name="waddlebot"
        )
    except psycopg2.Error as error:
        raise Unavailable(f"cannot connect to PostgreSQL: {_first_line(error)}") from error
    connection.autocommit = True
    return connection


def in_our_words(error: BaseException) -> BaseException:
    """The error as a DalError if it is psycopg2's, else the error itself."""
    if isinstance(error, DalError):
        return error
    words: DalError
    if isinstance(error, driver().Error):
        words = _words(error)
    elif isinstance(error, OverflowError | UnicodeEncodeError) or _is_nul(error):
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
    except driver().Error as error:
        raise in_our_words(error) from error


def is_lost(connection: Any, error: BaseException) -> bool:
    """Whether the error means that the connection is gone."""
    psycopg2 = driver()
    return isinstance(error, psycopg2.Error) and (
        connection.closed != 0
        or isinstance(error, psycopg2.InterfaceError)
        or _code(error).startswith(("08", "57P"))
    )


def may_retry(error: BaseException) -> bool:
    """Whether PostgreSQL undid the transaction only because others ran at the same time."""
    return _code(error) in ("40001", "40P01")  # serialization failure, deadlock


def _words(error: Any) -> DalError:
    code, message = _code(error), _first_line(error)
    match code[:2]:  # the class; https://www.postgresql.org/docs/current/errcodes-appendix.html
        case "23" if code == "23505":
            return Conflict(f"a row of that key is there already ({message})")
        case "40" | "55":
            return Busy(f"others work on the same rows ({message})")
        case "42" if code == "42501":
            return ScopeError(f"the database refuses it ({message})")
        case "25" if code == "25006":
            return Invalid("the database is open for reading: a method that writes is marked @writes")
        case "57" if code == "57014":
            return Busy(f"it took too long ({message})")
        case "" | "08" | "53" | "57" | "58":
            return Unavailable(f"PostgreSQL is not available ({message})")
        case _:
            return Invalid(message)


def _code(error: BaseException) -> str:
    return getattr(error, "pgcode", None) or ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _is_nul(error: BaseException) -> bool:
    """psycopg2 reports a NUL character in a text as a bare ValueError."""
    return isinstance(error, ValueError) and "NUL" in str(error)
