"""A connection to PostgreSQL by psycopg2 (the extra `postgres`), and its errors in our words."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from waddlebot.libs.dal.errors import Busy, Conflict, DalError, Invalid, ScopeError, Unavailable

# Options of libpq; the URL may set each of them otherwise.
# (https://www.postgresql.org/docs/current/libpq-connect.html, "Parameter Key Words")
DEFAULTS: Mapping[str, str] = {
    "connect_timeout": "5",
    "application_name": "waddlebot",
    # A peer that vanished without a word is noticed in half a minute, with and without data under way.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
PRIMARY: Mapping[str, str] = {**DEFAULTS, "target_session_attrs": "primary"}
# Who only stands in for the primary is not waited for.
REPLICA: Mapping[str, str] = {**DEFAULTS, "connect_timeout": "2", "target_session_attrs": "standby"}

READ_ONLY = "25006"
_IDLE_IN_TRANSACTION = "25P03"
_QUERY_CANCELED = "57014"


def driver() -> ModuleType:
    """psycopg2, or DalError that says how to install it."""
    try:
        return importlib.import_module("psycopg2")
    except ModuleNotFoundError as error:
        raise DalError("PostgreSQL needs a driver: install waddlebot[postgres]") from error


def options(url: str) -> dict[str, str]:
    """What the URL says, by libpq's key words. Raises DalError for one that libpq cannot read."""
    psycopg2 = driver()
    try:
        # libpq reads the URL itself, with every option it knows (RFC 3986 form, "Connection URIs" of its manual).
        found: dict[str, str] = psycopg2.extensions.parse_dsn(url)
    except psycopg2.ProgrammingError:
        # libpq's message would show the URL, and so the password.
        raise DalError(
            "PostgreSQL cannot read the database URL: it is postgresql://USER:PASSWORD@HOST/DATABASE, where "
            "/ ? # @ and : of a password are written as %2F %3F %23 %40 and %3A"
        ) from None
    return found


def place(url: str) -> str:
    """Where the URL leads, without what is secret in it: for logs and messages."""
    found = options(url)
    hosts, ports = found.get("host", "localhost").split(","), found.get("port", "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    where = ",".join(f"{host}:{port}" for host, port in zip(hosts, ports, strict=False))
    return f"{where}/{found.get('dbname', '')}"


def connect(url: str, defaults: Mapping[str, str] = DEFAULTS) -> Any:
    """A connection on which transactions begin where we say so. Raises Unavailable."""
    psycopg2 = driver()
    try:
        connection = psycopg2.connect(**{**defaults, **options(url), "client_encoding": "UTF8"})
    except psycopg2.Error as error:
        raise Unavailable(f"cannot connect to PostgreSQL: {_first_line(error)}") from error
    connection.autocommit = True
    return connection


def in_our_words(error: BaseException, *, read_only: bool = False) -> BaseException:
    """The error as a DalError if it is psycopg2's, else the error itself.

    `read_only` tells that it is of a unit of work that only reads.
    """
    if isinstance(error, DalError):
        return error
    words: DalError
    if isinstance(error, driver().Error):
        words = _words(error, read_only)
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
    """Whether the error means that the connection is gone, or is none that takes writes any more."""
    psycopg2 = driver()
    return isinstance(error, psycopg2.Error) and (
        connection.closed != 0
        or isinstance(error, psycopg2.InterfaceError)
        or (code_of(error).startswith(("08", "57P")))
    )


def may_retry(error: BaseException) -> bool:
    """Whether PostgreSQL undid the transaction only because others ran at the same time."""
    return code_of(error) in ("40001", "40P01")  # serialization failure, deadlock


def took_too_long(error: BaseException) -> bool:
    """Whether PostgreSQL ended the unit for its slowness: another try would be as slow."""
    return code_of(error) in (_QUERY_CANCELED, _IDLE_IN_TRANSACTION)


def code_of(error: BaseException) -> str:
    """The error's SQLSTATE, "" where it has none."""
    return getattr(error, "pgcode", None) or ""


def _words(error: Any, read_only: bool) -> DalError:
    code, message = code_of(error), _first_line(error)
    match code[:2]:  # the class; https://www.postgresql.org/docs/current/errcodes-appendix.html
        case "23" if code == "23505":
            return Conflict(f"a row of that key is there already ({message})")
        case "40" | "55":
            return Busy(f"others work on the same rows ({message})")
        case "42" if code == "42501":
            return ScopeError(f"the database refuses it ({message})")
        case "25" if code == READ_ONLY and read_only:
            return Invalid("the database is open for reading: a method that writes is marked @writes")
        case "25" if code == READ_ONLY:
            return Unavailable(
                f"PostgreSQL takes no writes: it stands by for another server, or is full ({message})"
            )
        case "25" | "57" if took_too_long(error):
            return Busy(f"it took too long ({message})")
        case "53" if code == "53100":
            return Unavailable(f"the disk of PostgreSQL is full: nothing was written ({message})")
        case "" | "08" | "53" | "57" | "58":
            return Unavailable(f"PostgreSQL is not available ({message})")
        case _:
            return Invalid(message)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _is_nul(error: BaseException) -> bool:
    """psycopg2 reports a NUL character in a text as a bare ValueError."""
    return isinstance(error, ValueError) and "NUL" in str(error)
