# ruff: noqa: N818  # plain words: `except Busy` needs no suffix to say that it is an error
"""What can go wrong with storage, in plain words.

Every error that leaves `waddlebot.libs.dal` is a `DalError`; drivers' own exceptions stay inside (as `__cause__`).
"""


class DalError(Exception):
    """Storage failed; the message says what happened and what to do."""


class Unavailable(DalError):
    """The database is gone, full or unreadable. Trying again later may work.

    Nothing was written, unless it is InDoubt.
    """


class InDoubt(Unavailable):
    """The connection was lost while the database committed: whether it was written is not known."""


class Busy(DalError):
    """Somebody else holds what we need, or too much work is waiting. Nothing was written; try again."""


class Conflict(DalError):
    """The write contradicts a stored row: a unique key is taken, or a record changed meanwhile."""


class Refused(DalError):
    """What was asked for must not be; the message tells whoever asked why."""


class Invalid(DalError):
    """A value does not fit its column, or a statement is wrong: a mistake in the calling module."""


class ScopeError(DalError):
    """A unit of work reached beyond the communities or the tables it may touch."""


class SchemaError(DalError):
    """The database's schema cannot be served by this program."""
