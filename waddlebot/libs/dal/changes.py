"""Changes: who changed which configuration from what to what, and why; and taking it back.

The rows commit with the change itself. `config_clock` holds one row that every change increments: its lock
makes the sequence follow the order of commits, so that a poll of `config_version` never skips a change that
commits late.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from waddlebot.libs.dal.errors import Conflict, DalError, ScopeError
from waddlebot.libs.dal.resource import Resource
from waddlebot.libs.dal.scopes import Batch, Community, Scope
from waddlebot.libs.dal.statements import scope_values
from waddlebot.libs.dal.store import Store, configures, reads, writes
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

_LIKE = re.compile(r"[~%_]")
"""What means something else than itself in a LIKE whose escape is ~."""
_FIELDS = ", ".join(column.name for column in CHANGE.columns)


class Pending(NamedTuple):
    """One record a running unit of work has changed; None stands for "not there"."""

    resource: Resource
    key: tuple[Any, ...]
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change; a value is None where the record was not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One record's change, as it is kept for ever. `before` and `after` are JSON, None where there was no record.

    `at` is in seconds since 1970. `version` is the community's configuration version it made; `undoes` the id
    of the change it took back.
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
    undoes: int | None,
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
                "module": binding.owner.name,
                "resource": change.resource.name,
                "key": _json(change.key),
                "before": None if change.before is None else _json(change.before),
                "after": None if change.after is None else _json(change.after),
                "actor": store.actor,
                "reason": store.reason,
                "at": time.time(),
                "version": version,
                "undoes": undoes,
            },
        )


class SystemStore(Store):
    """The tables of the storage layer itself, owner `system`."""

    __slots__ = ()
    from_primary = True
    tables = (CHANGE, CONFIG_VERSION, CONFIG_CLOCK, SCHEMA_VERSION)

    @reads
    def versions_since(self, seq: int) -> tuple[int, dict[str, int]]:
        """The configuration versions that changed after `seq`, and the sequence number that covers them."""
        ((newest,),) = self.db.execute("select seq from {config_clock} where one = 1")
        if newest == seq:
            return seq, {}
        # A smaller number than the caller's means that a backup was restored: then everything is news.
        since = seq if newest > seq else 0
        rows = self.db.execute(
            "select community, version from {config_version} where {scope} and seq > :since", {"since": since}
        )
        return newest, dict(rows)

    @reads
    def changes(self, limit: int, before: int | None) -> list[Change]:
        """The newest changes, those before the id `before` if it is given."""
        older = "" if before is None else " and id < :before"
        return self.db.fetch(
            Change,
            f"select {_FIELDS} from {{change}} where {{scope}}{older} order by id desc limit :limit",  # noqa: S608  # the columns are constants
            {"limit": limit, "before": before},
        )

    @reads
    def change(self, change_id: int) -> Change | None:
        """The change of that id within the scope."""
        rows = self.db.fetch(
            Change,
            f"select {_FIELDS} from {{change}} where {{scope}} and id = :id",  # noqa: S608  # the columns are constants
            {"id": change_id},
        )
        return rows[0] if rows else None

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """The changes that accounts (``platform:user_id``) made, or that are about them."""
        found: dict[int, dict[str, Any]] = {}
        for account in accounts:
            named = f'%"{_LIKE.sub(r"~\g<0>", account)}"%'
            for change in self.db.fetch(
                Change,
                f"select {_FIELDS} from {{change}} where {{scope}} and (actor = :account "  # noqa: S608  # the columns are constants
                "or cast(key as text) like :named escape '~' or cast(before as text) like :named escape '~' "
                "or cast(after as text) like :named escape '~') order by id",
                {"account": account, "named": named},
            ):
                found[change.id] = asdict(change)
        return {"change": [found[number] for number in sorted(found)]}

    @reads
    def undone_by(self, change_id: int) -> Change | None:
        """The newest change that took the given one back."""
        rows = self.db.fetch(
            Change,
            f"select {_FIELDS} from {{change}} where {{scope}} and undoes = :id order by id desc limit 1",  # noqa: S608  # the columns are constants
            {"id": change_id},
        )
        return rows[0] if rows else None


@configures
def undo_change(store: Store, change: Change, force: bool) -> None:
    """Put the record back as before the change.

    Raises Conflict when it is no longer as the change left it, and what the store's `readmit` raises.
    """
    unit = store._open()
    resource = unit.resource(change.resource)
    key = dict(zip(resource.key, msgspec.json.decode(change.key), strict=True))
    before, after = (_record(resource, text) for text in (change.before, change.after))
    if not force and unit.get(resource, key) != after:
        raise Conflict(
            f"{change.resource} {change.key} was changed again after change {change.id}: "
            "undo the later change first, or force this one"
        )
    unit.undoes = change.id
    if before is None:
        unit.remove(resource, key)
    else:
        store.readmit(before)
        unit.put(resource, before)


@writes
def forget_effects(store: Store, before: float) -> int:
    """Delete some of the owner's effects remembered before that time (seconds since 1970), and count them."""
    return store.db.execute(
        "delete from {_effect} where (key, step) in "
        "(select key, step from {_effect} where at < :before limit :most)",
        {"before": before, "most": FORGET_MAX},
    ).changed


def _record(resource: Resource, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=resource.type)
    except msgspec.ValidationError as error:
        raise DalError(f"the change's {resource.name!r} record no longer fits its class: {error}") from error


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
