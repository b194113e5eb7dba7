"""OwnerBinding: an owner on an open database, what stores hand their calls to."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from waddlebot.libs.dal.dialect import Dialect
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.statements import Statements
from waddlebot.libs.dal.store import Kind, Method, Store
from waddlebot.libs.dal.work import Work


@dataclass(frozen=True, slots=True)
class TargetState:
    """How a database is, for metrics and readiness. `problem` is "" where all is well.

    `lag_s` is how far a replica is behind at most (None for a primary, and where it is not known); `connections`
    are open now, out of `connections_max`; `waiting` units of work are queued.
    """

    name: str
    place: str
    problem: str
    lag_s: float | None
    connections: int
    connections_max: int
    waiting: int


class Engine(Protocol):
    """What a kind of database offers: lanes for work."""

    dialect: Dialect

    def write(self, work: Work) -> None:
        """Queue work that writes. Raises Busy."""

    def read(self, work: Work) -> None:
        """Queue work that only reads. Raises Busy."""

    def configured(self, communities: Collection[str]) -> None:
        """The communities' configuration changed, here or on another host: reads of them are to see it."""

    def states(self) -> tuple[TargetState, ...]:
        """How each of its servers is, the primary first."""

    def close(self) -> None:
        """Finish what is queued and close every connection. Blocks."""


class OwnerBinding:
    """One owner, opened: its statements, and the lanes its work goes to."""

    __slots__ = ("_engine", "configured", "others", "owner", "statements", "system", "wire_check")

    def __init__(
        self,
        owner: Owner,
        engine: Engine,
        statements: Statements,
        others: Mapping[str, "OwnerBinding"],
        system: Statements,
        wire_check: bool,
    ) -> None:
        self.owner = owner
        self.others = others
        """Every owner on the database by name, this one too."""
        self.statements = statements
        self.system = system
        self.wire_check = wire_check
        self.configured: Callable[[], Awaitable[None]] | None = None
        self._engine = engine

    def submit(
        self, store: Store, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """Queue one call of a store's method; the future resolves in the caller's loop once it is durable."""
        if method.kind is Kind.READS:
            work = Work(self, store, method, "", args, kwargs)
            self._engine.read(work)
        else:
            work = Work(self, store, method, store._step(method.name), args, kwargs)
            self._engine.write(work)
            if method.kind is Kind.CONFIGURES and self.configured is not None:
                return asyncio.ensure_future(_told(work.future, self.configured))
        return work.future


async def _told(done: asyncio.Future[Any], configured: Callable[[], Awaitable[None]]) -> Any:
    """The result of a change of configuration, once this process lives by it."""
    result = await done
    await configured()
    return result
