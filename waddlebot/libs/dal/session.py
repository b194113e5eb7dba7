"""Session: one thread's connection to one database, through which units of work run."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from waddlebot.libs.dal.scopes import Scope
from waddlebot.libs.dal.statements import Statements, Upsert


class Session(Protocol):
    """What a unit of work needs of an engine. Only the thread that opened a session uses it."""

    tables: Mapping[str, Mapping[str, Any]]
    """The PyDAL tables of each owner, by their short names."""

    def begin(self, owner: str, scope: Scope) -> None:
        """Start a unit of work: from here on the thread is confined to the owner's tables and the scope."""

    def confine(self, owner: str, scope: Scope) -> None:
        """From here on the unit of work touches this owner's tables."""

    def pydal(self, query: Any) -> Any:
        """The PyDAL Set of a query."""

    def execute(self, statement: str, values: Mapping[str, Any]) -> tuple[Sequence[tuple[Any, ...]], int]:
        """Run one statement with bound values: its rows, and how many rows it changed."""

    def insert(self, statements: Statements, upsert: Upsert, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows natively, many at a time."""
