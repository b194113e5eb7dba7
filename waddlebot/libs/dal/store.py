"""Store: a module's queries, each a synchronous method that runs whole on one database thread."""

import functools
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, NamedTuple, Protocol

import msgspec

from waddlebot.libs.dal.effects import EffectKey
from waddlebot.libs.dal.errors import DalError, ScopeError
from waddlebot.libs.dal.resource import resource_of
from waddlebot.libs.dal.scopes import Community, Scope
from waddlebot.libs.dal.table import Table

if TYPE_CHECKING:
    from waddlebot.libs.dal.facade import Facade
    from waddlebot.libs.dal.units import Unit


ALL_RANKS = -1
"""A mask with every bit: of the operator, whom no rank binds."""


class Edit(NamedTuple):
    """One record that was put back, brought in or removed; None stands for "not there"."""

    before: Any
    after: Any


class Kind(Enum):
    """What a method of a store may do."""

    READS = "reads"
    WRITES = "writes"
    CONFIGURES = "configures"


class Method:
    """One decorated method: its body, and how its result is stored and found again."""

    __slots__ = ("_decoder", "body", "kind", "name")

    def __init__(self, body: Callable[..., Any], kind: Kind) -> None:
        self.body = body
        self.kind = kind
        self.name: str = body.__name__
        self._decoder: msgspec.msgpack.Decoder[Any] | None = None
        if kind is not Kind.READS and "return" not in body.__annotations__:
            raise TypeError(f"{body.__qualname__} needs a return annotation: its stored result is decoded by it")

    def encode(self, result: Any) -> bytes | None:
        """The result as an effect stores it. Raises TypeError for a type msgspec does not know."""
        return None if result is None else msgspec.msgpack.encode(result)

    def decode(self, stored: bytes | None) -> Any:
        """A stored result as the type the method is annotated with."""
        if stored is None:
            return None
        if self._decoder is None:  # late: the annotation may name what is defined after the method
            self._decoder = msgspec.msgpack.Decoder(typing.get_type_hints(self.body)["return"])
        return self._decoder.decode(stored)


class Binding(Protocol):
    """What a store hands its calls to: its owner, opened on a database."""

    def submit(
        self, store: "Store", method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Awaitable[Any]:
        """Run the method on a database thread."""


class Store:
    """Base of every module's store: it names the module's tables and holds its queries.

    A handler receives a store bound to one delivery: to a scope, to whom acts, and to the effect key. Its
    methods are marked `@reads`, `@writes` or `@configures`; the body is ordinary synchronous code on `self.db`,
    the caller awaits it. Results leave as plain types or frozen dataclasses.
    """

    __slots__ = ("_binding", "_steps", "_unit", "actor", "effect", "primary", "ranks", "reason", "scope")

    tables: ClassVar[tuple[Table, ...]] = ()
    resources: ClassVar[tuple[type, ...]] = ()
    from_primary: ClassVar[bool] = False
    """Whether every `@reads` goes to the primary: where a decision depends on it that another host's write may
    have turned a moment ago (ranks, switches, keys, work that is handed over)."""
    aside: ClassVar[bool] = False
    """Whether writes have a connection of their own to PostgreSQL: small ones that must not wait behind others."""
    after_restore: ClassVar[tuple[str, ...]] = ()
    """Statements on the tables that a restored backup needs, in its transaction: what was under way when the
    backup was made may have ended since, and must not be done again."""

    def __init__(
        self,
        binding: Binding,
        scope: Scope,
        actor: str = "",
        reason: str = "",
        effect: EffectKey | None = None,
    ) -> None:
        self._binding = binding
        self._unit: Unit | None = None
        self._steps = 0
        self.primary = self.from_primary
        """Whether `@reads` goes to the primary: after a write of this delivery, so that it sees what it wrote."""
        self.scope = scope
        self.actor = actor
        self.reason = reason
        self.effect = effect
        self.ranks = ALL_RANKS
        """In `bring` and `admit`: the ranks of who acts, as a mask."""

    @property
    def community(self) -> str:
        """The one community this store works for. Raises ScopeError when the scope is a batch or the system."""
        if isinstance(self.scope, Community):
            return self.scope.id
        raise ScopeError(f"the scope {self.scope} is not one community")

    @property
    def db(self) -> "Facade":
        """The module's tables. Raises DalError outside the body of a decorated method."""
        return self._open().facade

    def put(self, record: object) -> None:
        """Write a resource record, new or changed, and its change row. Only in the body of a `@configures`."""
        self._open().put(resource_of(type(record)), record)

    def remove(self, cls: type, **key: Any) -> bool:
        """Delete the record of that key, with its change row; False if there is none. Only in `@configures`."""
        return self._open().remove(resource_of(cls), key)

    def reconfigured(self, communities: Iterable[str]) -> None:
        """Let the configuration of communities be a new one, without a record of what changed. Only in `@writes`.

        For what must leave no trace, such as what somebody wants forgotten. Call it before what it is about is
        changed: others who configure take the community's lock first, too.
        """
        self._open().reconfigure(sorted(set(communities)))

    def get[T](self, cls: type[T], **key: Any) -> T | None:
        """The record of that key, or None. In the body of any decorated method."""
        record: T | None = self._open().get(resource_of(cls), key)
        return record

    def list[T](self, cls: type[T]) -> list[T]:
        """All records of the scope, sorted by key. In the body of any decorated method."""
        return self._open().list(resource_of(cls))

    def list_by_community[T](self, cls: type[T]) -> Mapping[str, Sequence[T]]:
        """All records of the scope by community, each list sorted by key; communities without any are left out."""
        return self._open().list_by_community(resource_of(cls))

    def bring(self, before: Any, after: Any) -> Any:
        """What becomes of a record that is brought in from outside, such as a file, or of one that is removed so.

        `before` is the record there is, `after` the one to be, None for none. Returns `after` with what the
        resource says of its makers (`own`) filled in. Raises, in words for whoever brings it, where `ranks` may
        not do that, or the record cannot be.
        """
        return after

    def admit(self, edits: "Sequence[Edit]") -> None:
        """Raise, in words for whoever did it, where records must not stay as they are now.

        Asked in the transaction that took changes back or brought records in, forced or not, when all of them are
        in their places: what holds between records must hold then, too, and `ranks` must allow each edit.
        """

    def _open(self) -> "Unit":
        if self._unit is None:
            raise DalError("the database is open only in the body of a @reads, @writes or @configures method")
        return self._unit

    def _inside(self, unit: "Unit") -> "Store":
        """A copy for the body to run on: two calls of one delivery may run on two threads at once."""
        cls = type(self)
        inner = cls.__new__(cls)
        Store.__init__(inner, self._binding, self.scope, self.actor, self.reason, self.effect)
        inner._unit = unit
        inner.ranks = self.ranks
        return inner

    def _step(self, name: str) -> str:
        """The name of the delivery's next write: handlers are deterministic, so a re-run counts alike."""
        self._steps += 1
        self.primary = True
        return f"{name}.{self._steps}"


def reads[S: Store, **P, R](
    body: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], Awaitable[R]]:
    """The method only reads: it runs in one read-only snapshot, on a replica where one is configured.

    A delivery sees what it wrote, and a scope what this host wrote in it; of other hosts' writes it may miss those
    of the last DATABASE_REPLICA_LAG_S_MAX seconds. Where that would be wrong the store says `from_primary`.
    """
    return _decorated(body, Kind.READS)


def writes[S: Store, **P, R](
    body: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], Awaitable[R]]:
    """The method writes, all or nothing, on the primary, and returns once the write is durable.

    With an effect key it runs once per delivery: a re-run gets the stored result, decoded by the return
    annotation.
    """
    return _decorated(body, Kind.WRITES)


def configures[S: Store, **P, R](
    body: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], Awaitable[R]]:
    """A `@writes` that changes configuration by `put` and `remove`, for one community.

    Who changed what from what to what, and why, is stored in the same transaction, and the community's
    configuration version grows by one.
    """
    return _decorated(body, Kind.CONFIGURES)


def _decorated[S: Store, **P, R](
    body: Callable[Concatenate[S, P], R], kind: Kind
) -> Callable[Concatenate[S, P], Awaitable[R]]:
    method = Method(body, kind)

    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        if self._unit is not None:
            raise DalError(
                f"{method.name} is called inside another unit of work: "
                "move what both share into an undecorated method"
            )
        return self._binding.submit(self, method, args, kwargs)

    functools.update_wrapper(call, body)
    return call
