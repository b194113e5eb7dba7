"""Changes: who changed which configuration from what to what, and why. `ledger` takes them back.

The rows commit with the change itself. `config_clock` holds one row that every change increments: its lock
makes the sequence follow the order of commits, so that a poll of `config_version` never skips a change that
commits late.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from waddlebot.libs.dal.errors import DalError, ScopeError
from waddlebot.libs.dal.resource import Resource
from waddlebot.libs.dal.scopes import Batch, Community, Scope
from waddlebot.libs.dal.statements import scope_values
from waddlebot.libs.dal.store import Store, writes
from waddlebot.libs.dal.table import Column, Table

if TYPE_CHECKING:
    from waddlebot.libs.dal.binding import OwnerBinding
    from waddlebot.libs.dal.session import Session

CHANGE = Table(
    "change",
    (
        Column("id", "integer"),
        Column("community", "text"),
        Column("module", "text"),
        Column("resource", "text"),
        Column("key", "json"),
        Column("before", "json", null=True),
        Column("after", "json", null=True),
        Column("actor", "text"),
        Column("reason", "text"),
        Column("at", "real"),
        Column("version", "integer"),
        Column("undoes", "integer", null=True),
    ),
    key=("id",),
)
CONFIG_VERSION = Table(
    "config_version", (Column("version", "integer"), Column("seq", "integer")), key=("community",)
)
CONFIG_CLOCK = Table("config_clock", (Column("one", "integer"), Column("seq", "integer")), ("one",), scoped=False)
SCHEMA_VERSION = Table(
    "schema_version",
    (
        Column("owner", "text"),
        Column("version", "integer"),
        Column("compat", "integer"),
        Column("at", "real"),
    ),
    key=("owner",),
    scoped=False,
)

FORGET_MAX = 5_000  # effects in one transaction: other writers wait for it


CHANGE_FIELDS = ", ".join(column.name for column in CHANGE.columns)


class Pending(NamedTuple):
    """One record a running unit of work has changed; None stands for "not there".

    `undoes` is the id of the change that it takes back.
    """

    owner: str
    resource: Resource
    key: tuple[Any, ...]
    before: Any
    after: Any
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change; a value is None where the record was not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One record's change, as it is kept for ever. `before` and `after` are JSON, None where there was no record.

    `at` is in seconds since 1970. `version` is the community's configuration version it made, which all changes of
    one unit of work share: the number of their set. `undoes` is the id of the change it took back.
    """

    id: int
    community: str
    module: str
    resource: str
    key: str
    before: str | None
    after: str | None
    actor: str
    reason: str
    at: float
    version: int
    undoes: int | None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The fields that differ, in the order they are declared."""
        before: dict[str, Any] = msgspec.json.decode(self.before) if self.before else {}
        after: dict[str, Any] = msgspec.json.decode(self.after) if self.after else {}
        return tuple(
            Difference(field, before.get(field), after.get(field))
            for field in (before | after)
            if field not in before or field not in after or before[field] != after[field]
        )


def lock_configuration(session: "Session", binding: "OwnerBinding", scope: Scope) -> None:
    """Let one unit at a time configure the community, so that each change's `before` is the last one's `after`."""
    if not isinstance(scope, Community):
        raise DalError("configuration is changed for one community, so the scope must be one")
    _lock(session, binding, scope.id)


def lock_configurations(
    session: "Session", binding: "OwnerBinding", scope: Scope, communities: Sequence[str]
) -> None:
    """Let one unit at a time configure any of some communities, sorted, which must be within the scope."""
    allowed = {scope.id} if isinstance(scope, Community) else scope.ids if isinstance(scope, Batch) else None
    if allowed is not None and not allowed.issuperset(communities):
        raise ScopeError(f"configurations of {', '.join(communities)} in the scope {scope}")
    for community in communities:
        _lock(session, binding, community)


def _lock(session: "Session", binding: "OwnerBinding", community: str) -> None:
    scope = Community(community)
    statement = binding.system.compile(
        "insert into {config_version} (community, version, seq) values ({community}, 0, 0) "
        "on conflict (community) do update set version = {config_version}.version",
        scope,
    )
    session.execute(statement, scope_values(scope))


def raise_versions(session: "Session", binding: "OwnerBinding", communities: Sequence[str]) -> None:
    """Give communities, which are locked, their next configuration version."""
    for community in communities:
        _raise(session, binding, Community(community))


def _raise(session: "Session", binding: "OwnerBinding", scope: Community) -> int:
    """The community's next version: the clock's row goes last, for every change of all communities needs it."""

    def execute(template: str, values: dict[str, Any]) -> Any:
        return session.execute(binding.system.compile(template, scope), {**scope_values(scope), **values})[0]

    ((seq,),) = execute("update {config_clock} set seq = seq + 1 where one = 1 returning seq", {})
    ((version,),) = execute(
        "update {config_version} set version = version + 1, seq = :seq where {scope} returning version",
        {"seq": seq},
    )
    return int(version)


def record_changes(
    session: "Session",
    binding: "OwnerBinding",
    store: Store,
    changes: Sequence[Pending],
) -> None:
    """Store the changes of one unit and give the community its next configuration version."""

    def execute(template: str, values: dict[str, Any]) -> Any:
        statement = binding.system.compile(template, store.scope)
        return session.execute(statement, {**scope_values(store.scope), **values})[0]

    assert isinstance(store.scope, Community)  # noqa: S101  for the type checker: its configuration is locked
    version = _raise(session, binding, store.scope)
    for change in changes:
        execute(
            "insert into {change} "
            "(community, module, resource, key, before, after, actor, reason, at, version, undoes) values "
            "({community}, :module, :resource, :key, :before, :after, :actor, :reason, :at, :version, :undoes)",
            {
                "module": change.owner,
                "resource": change.resource.name,
                "key": _json(change.key),
                "before": None if change.before is None else _json(change.before),
                "after": None if change.after is None else _json(change.after),
                "actor": store.actor,
                "reason": store.reason,
                "at": time.time(),
                "version": version,
                "undoes": change.undoes,
            },
        )


@writes
def forget_effects(store: Store, before: float) -> int:
    """Delete some of the owner's effects remembered before that time (seconds since 1970), and count them."""
    return store.db.execute(
        "delete from {_effect} where (key, step) in "
        "(select key, step from {_effect} where at < :before limit :most)",
        {"before": before, "most": FORGET_MAX},
    ).changed


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
