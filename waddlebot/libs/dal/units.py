"""Unit: one method's body at work on a session, with its effect key and the changes it makes."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from waddlebot.libs.dal.changes import (
    Pending,
    lock_configuration,
    lock_configurations,
    raise_versions,
    record_changes,
)
from waddlebot.libs.dal.effects import EffectKey
from waddlebot.libs.dal.errors import DalError, Invalid, Refused
from waddlebot.libs.dal.facade import Facade, Rows
from waddlebot.libs.dal.resource import Resource
from waddlebot.libs.dal.statements import scope_values
from waddlebot.libs.dal.store import Kind, Store
from waddlebot.libs.dal.work import Work

if TYPE_CHECKING:
    from waddlebot.libs.dal.binding import OwnerBinding
    from waddlebot.libs.dal.session import Session

_REMEMBER = (
    "insert into {_effect} (key, step, result, at) values (:key, :step, null, :at) "
    "on conflict (key, step) do nothing"
)
_RECALL = "select result from {_effect} where key = :key and step = :step"
_COMPLETE = "update {_effect} set result = :result where key = :key and step = :step"


def perform(session: "Session", work: Work) -> Any:
    """Run the work's body in the transaction the session has open, and return its result.

    With an effect key the row that remembers it is inserted first: where another process runs the same delivery at
    this moment, the database makes us wait for its outcome, and the body runs once.
    """
    binding: OwnerBinding = work.binding
    store, method = work.store, work.method
    unit = Unit(binding, session, work)
    session.begin(binding.owner.name, store.scope)
    if method.kind is Kind.READS or store.effect is None:
        return unit.run()
    values = {"key": str(store.effect), "step": work.step, "at": time.time()}
    if store.effect.whole:
        whole = {"key": str(EffectKey(store.effect.whole, store.effect.handler)), "step": work.step}
        rows, _ = session.execute(binding.statements.compile(_RECALL, store.scope), whole)
        if rows:
            return method.decode(rows[0][0])
    _, inserted = session.execute(binding.statements.compile(_REMEMBER, store.scope), values)
    if not inserted:
        rows, _ = session.execute(binding.statements.compile(_RECALL, store.scope), values)
        return method.decode(rows[0][0])
    result = unit.run()
    encoded = method.encode(result)
    if encoded is not None:
        values["result"] = encoded
        session.execute(binding.statements.compile(_COMPLETE, store.scope), values)
    if binding.wire_check:
        return method.decode(encoded)
    return result


class Unit:
    """What the store of a running body works through."""

    __slots__ = ("_binding", "_reconfigured", "_session", "_work", "changes", "facade", "undoes")

    def __init__(self, binding: "OwnerBinding", session: "Session", work: Work) -> None:
        self._binding = binding
        self._session = session
        self._work = work
        self.changes: list[Pending] = []
        self._reconfigured: Sequence[str] = ()
        self.undoes: int | None = None
        """The id of the change that what follows takes back."""
        scope = work.store.scope
        self.facade = Facade(session, binding.statements, session.tables[binding.owner.name], scope)

    def run(self) -> Any:
        """Run the body, and store what it changed in the transaction of the change itself."""
        work = self._work
        if work.method.kind is Kind.CONFIGURES:
            lock_configuration(self._session, self._binding, work.store.scope)
        result = work.method.body(work.store._inside(self), *work.args, **work.kwargs)
        if self.changes:
            record_changes(self._session, self._binding, work.store, self.changes)
        if self._reconfigured:
            raise_versions(self._session, self._binding, self._reconfigured)
        return result

    @property
    def owners(self) -> Mapping[str, "OwnerBinding"]:
        """Every owner on this database, opened."""
        return self._binding.others

    @contextlib.contextmanager
    def lent(self, owner: str) -> Iterator["Unit"]:
        """The same transaction, for a moment confined to another owner, whose changes count with ours.

        Raises Refused where no such owner is installed.
        """
        binding = self._binding.others.get(owner)
        if binding is None:
            raise Refused(f"The module {owner} is not installed.")
        scope = self._work.store.scope
        unit = Unit(binding, self._session, self._work)
        unit.changes, unit.undoes = self.changes, self.undoes
        self._session.confine(owner, scope)
        try:
            yield unit
        finally:
            self._session.confine(self._binding.owner.name, scope)

    def store(self, ranks: int) -> Store:
        """The owner's own store at work in this unit, for somebody of those ranks."""
        store = self._work.store
        made = self._binding.owner.store(self._binding, store.scope, store.actor, store.reason)
        made.ranks = ranks
        return made._inside(self)

    def system(self, template: str, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Run a statement on the storage layer's own tables: its rows."""
        scope = self._work.store.scope
        statement = self._binding.system.compile(template, scope)
        return self._session.execute(statement, {**scope_values(scope), **values})[0]

    def reconfigure(self, communities: Sequence[str]) -> None:
        """Lock the configuration of communities, in order; each gets its next version after the body."""
        if self._work.method.kind is not Kind.WRITES or self._reconfigured:
            raise DalError(
                f"{self._work.method.name}: `reconfigured` is for @writes, once and for all communities"
            )
        lock_configurations(self._session, self._binding, self._work.store.scope, communities)
        self._reconfigured = communities

    def resource(self, name: str) -> Resource:
        """The owner's resource of that name. Raises Refused when it is gone."""
        found = self._binding.owner.resources.get(name)
        if found is None:
            raise Refused(f"{self._binding.owner.name} does not own the resource {name!r}")
        return found

    def get(self, resource: Resource, key: dict[str, Any]) -> Any:
        """The record of that key, or None."""
        self._check(resource, key)
        columns = ", ".join(column.name for column in resource.table.columns)
        where = " and ".join(f"{name} = :{name}" for name in resource.key)
        rows = self.facade.execute(
            f"select {columns} from {{{resource.name}}} where {{scope}} and {where}",  # noqa: S608  # declared names, bound values
            key,
        )
        return self._record(resource, rows[0]) if rows else None

    def list(self, resource: Resource) -> list[Any]:
        """All records of the scope, sorted by key."""
        return [self._record(resource, row) for row in self._rows(resource)]

    def list_by_community(self, resource: Resource) -> dict[str, Any]:
        """All records of the scope by community, sorted by key."""
        found: dict[str, Any] = {}
        for row in self._rows(resource):  # `community` is every resource's first column
            found.setdefault(row[0], []).append(self._record(resource, row))
        return found

    def _rows(self, resource: Resource) -> Rows:
        self._check(resource)
        columns = ", ".join(column.name for column in resource.table.columns)
        order = ", ".join(resource.table.key)
        return self.facade.execute(
            f"select {columns} from {{{resource.name}}} where {{scope}} order by {order}"  # noqa: S608  # declared names
        )

    def put(self, resource: Resource, record: Any) -> None:
        """Write a record; nothing happens when it is there already, word for word."""
        self._configures(resource)
        key = dict(zip(resource.key, resource.key_of(record), strict=True))
        before = self.get(resource, key)
        if before == record:
            return
        columns = tuple(column.name for column in resource.table.columns)
        changed = tuple(name for name in columns if name not in resource.table.key)
        self.facade.upsert_many(
            resource.name, [resource.row(record, self._work.store.community)], columns=columns, set=changed
        )
        self._note(resource, tuple(key.values()), before, record)

    def remove(self, resource: Resource, key: dict[str, Any]) -> bool:
        """Delete the record of that key; False if there is none."""
        self._configures(resource)
        before = self.get(resource, key)
        if before is None:
            return False
        where = " and ".join(f"{name} = :{name}" for name in resource.key)
        self.facade.execute(f"delete from {{{resource.name}}} where {{scope}} and {where}", key)  # noqa: S608  # declared names, bound values
        self._note(resource, tuple(key[name] for name in resource.key), before, None)
        return True

    def _note(self, resource: Resource, key: tuple[Any, ...], before: Any, after: Any) -> None:
        self.changes.append(Pending(self._binding.owner.name, resource, key, before, after, self.undoes))

    def _record(self, resource: Resource, row: tuple[Any, ...]) -> Any:
        names = (column.name for column in resource.table.columns)
        return resource.record(dict(zip(names, row, strict=True)))

    def _configures(self, resource: Resource) -> None:
        self._check(resource)
        if self._work.method.kind is not Kind.CONFIGURES:
            raise DalError(f"{self._work.method.name} changes the resource {resource.name!r}: mark it @configures")

    def _check(self, resource: Resource, key: dict[str, Any] | None = None) -> None:
        if self.resource(resource.name) is not resource:
            raise DalError(f"{resource.type.__name__} is not {self._binding.owner.name}'s {resource.name!r}")
        if key is not None and set(key) != set(resource.key):
            raise Invalid(f"a {resource.name!r} record is found by {resource.key}, not by {tuple(key)}")
