"""Ledger: what was configured in a community, set by set; taking a set back, and bringing configuration in.

All changes of one unit of work are a set, and its number is the community's configuration version that they made.
A ledger works on the records of every owner in one transaction, each owner's through its own tables, and asks each
owner's store whether the records may be as they are then.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import msgspec

from waddlebot.libs.dal.changes import CHANGE, CHANGE_FIELDS, CONFIG_CLOCK, CONFIG_VERSION, SCHEMA_VERSION, Change
from waddlebot.libs.dal.errors import Conflict, DalError, Refused
from waddlebot.libs.dal.resource import Resource
from waddlebot.libs.dal.store import ALL_RANKS, Edit, Store, configures, reads

_LIKE = re.compile(r"[~%_]")
"""What means something else than itself in a LIKE whose escape is ~."""

_LOOKED_AT = 100  # sets that are looked through for the last one of somebody

_OF_SETS = (
    f"select {CHANGE_FIELDS} from {{change}} where {{scope}} and version in "  # noqa: S608  # the columns are constants
    "(select distinct version from {change} where {scope} and (:actor = '' or actor = :actor) "
    "and (:before = 0 or version < :before) order by version desc limit :limit) order by version desc, id"
)
_OF_SET = f"select {CHANGE_FIELDS} from {{change}} where {{scope}} and version = :number order by id"  # noqa: S608  # the columns are constants
_SINCE = f"select {CHANGE_FIELDS} from {{change}} where {{scope}} and version > :number order by id"  # noqa: S608  # the columns are constants
_UNDOER = "select max(version) from {change} where {scope} and undoes >= :first and undoes <= :last"
_NEWEST_OF = (
    "select max(version) from {change} where {scope} and module = :module and resource = :resource and key = :key"
)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What somebody changed at once. `at` is in seconds since 1970.

    `undoes` is the number of the set that it took back, 0 for none; `undone` says whether it is taken back itself.
    """

    number: int
    actor: str
    reason: str
    at: float
    changes: tuple[Change, ...]
    undoes: int = 0
    undone: bool = False


class Wanted(NamedTuple):
    """How a record is to be; None for not there. `key` is its natural key."""

    module: str
    resource: str
    key: tuple[Any, ...]
    record: Any


class Rehearsed(DalError):  # noqa: N818  # plain words: nothing went wrong
    """What was rehearsed would go, and nothing was written: the changes it would make, each with its module."""

    def __init__(self, changes: Sequence[tuple[str, str, tuple[Any, ...], Any, Any]]) -> None:
        super().__init__("rehearsed: nothing was written")
        self.changes = changes


@dataclass(frozen=True, slots=True)
class Configuration:
    """All portable records of a community, by module and resource, at a configuration version."""

    version: int
    records: dict[str, dict[str, list[Any]]]


class _Step(NamedTuple):
    """One record to be put in its place. `expected` is how it must be before, as JSON: "" for not there, None for
    however it is.
    """

    module: str
    resource: str
    key: tuple[Any, ...]
    wanted: Callable[[Store, Resource, Any], Any]
    expected: str | None = None
    undoes: Change | None = None


class Ledger(Store):
    """A store through which all of a community's configuration is read and changed; for one module alone."""

    __slots__ = ()

    @reads
    def change_sets(self, limit: int, before: int = 0, actor: str = "") -> list[ChangeSet]:
        """The newest change sets, newest first: those before that number, and of that actor, where given."""
        rows = self._rows(_OF_SETS, limit=limit, before=before, actor=actor)
        return [self._set_of(changes) for changes in _by_set(rows)]

    @reads
    def change_set(self, number: int) -> ChangeSet | None:
        """The change set of that number."""
        return self._set(number)

    @reads
    def last_set(self, actor: str, *, undo: bool) -> ChangeSet | None:
        """The newest set of an actor that is not taken back: one of their own changes, or their last ``undo``.

        It is looked for among their newest hundred.
        """
        for changes in _by_set(self._rows(_OF_SETS, limit=_LOOKED_AT, before=0, actor=actor)):
            found = self._set_of(changes)
            if bool(found.undoes) is undo and not found.undone and not self._redoes(found):
                return found
        return None

    @reads
    def configuration(self) -> Configuration:
        """All portable records of the community."""
        unit = self._open()
        records: dict[str, dict[str, list[Any]]] = {}
        for name, binding in unit.owners.items():
            portable = [resource for resource in binding.owner.resources.values() if resource.portable]
            if portable:
                with unit.lent(name) as lent:
                    records[name] = {resource.name: lent.list(resource) for resource in portable}
        return Configuration(self._version(), records)

    @configures
    def undo(self, number: int, *, ranks: int = ALL_RANKS, force: bool = False) -> int:
        """Take a set back, whole, and return the number of the set that does; 0 where nothing is left of it.

        Raises Conflict where a record was changed again since, unless forced; Refused where there is no such set,
        and what stores raise where a record must not come back, or not by somebody of those ranks.
        """
        found = self._set(number)
        if found is None:
            raise Refused(f"There is no change {number} in {self.community}.")
        steps = [
            _Step(
                change.module, change.resource, tuple(msgspec.json.decode(change.key)), _as_it_was(change),
                None if force else (change.after or ""), change,
            )
            for change in reversed(found.changes)
        ]  # fmt: skip
        return self._carry_out(steps, ranks)

    @configures
    def bring_in(
        self, wanted: Sequence[Wanted], *, at: int, ranks: int = ALL_RANKS, rehearse: bool = False
    ) -> int:
        """Make records as they are wanted, all or none, and return the number of the set; 0 where they are so.

        `at` is the configuration version that this was decided on: Conflict is raised where it is another by now.
        With `rehearse` nothing is written, and Rehearsed says what would be. Raises what stores raise in `bring`
        and `admit`.
        """
        self._check_version(at)
        return self._carry_out([_Step(w.module, w.resource, w.key, _as_wanted(w.record)) for w in wanted],
                               ranks, rehearse=rehearse)  # fmt: skip

    @configures
    def roll_back(self, number: int, *, at: int, ranks: int = ALL_RANKS, rehearse: bool = False) -> int:
        """Make all portable records as they were right after that set; else as :meth:`bring_in`."""
        self._check_version(at)
        if not 0 <= number <= at:
            raise Refused(f"There is no change {number} in {self.community}: the last one is {at}.")
        first: dict[tuple[str, str, str], Change] = {}
        for change in self._rows(_SINCE, number=number):
            first.setdefault((change.module, change.resource, change.key), change)
        steps = [
            _Step(change.module, change.resource, tuple(msgspec.json.decode(change.key)), _as_it_was(change))
            for change in first.values()
            if self._portable(change)
        ]
        return self._carry_out(steps, ranks, rehearse=rehearse)

    def _carry_out(self, steps: Iterable[_Step], ranks: int, *, rehearse: bool = False) -> int:
        """Put records in their places, ask whether they may be there, and return the set's number."""
        unit = self._open()
        edits: dict[str, list[Edit]] = {}
        for step in steps:
            unit.undoes = step.undoes.id if step.undoes else None
            with unit.lent(step.module) as lent:
                resource = lent.resource(step.resource)
                key = dict(zip(resource.key, step.key, strict=True))
                before = lent.get(resource, key)
                if step.expected is not None and before != _record(resource, step.expected):
                    raise Conflict(self._changed_again(step))
                after = step.wanted(lent.store(ranks), resource, before)
                if after is not None:
                    lent.put(resource, after)
                elif before is not None:
                    lent.remove(resource, key)
            if before != after:
                edits.setdefault(step.module, []).append(Edit(before, after))
        unit.undoes = None
        for module, made in edits.items():
            with unit.lent(module) as lent:
                lent.store(ranks).admit(made)
        if rehearse:
            raise Rehearsed([(c.owner, c.resource.name, c.key, c.before, c.after) for c in unit.changes])
        return self._version() + 1 if unit.changes else 0

    def _check_version(self, at: int) -> None:
        now = self._version()
        if now != at:
            raise Conflict(
                f"{self.community} was changed meanwhile: this was decided on version {at}, and it has {now}. "
                "Look at what would change now, and decide again."
            )

    def _version(self) -> int:
        rows = self._open().system("select version from {config_version} where {scope}", {})
        return int(rows[0][0]) if rows else 0

    def _changed_again(self, step: _Step) -> str:
        assert step.undoes is not None  # noqa: S101  # for the type checker: only who undoes expects something
        change = step.undoes
        values = {"module": change.module, "resource": change.resource, "key": change.key}
        ((newest,),) = self._open().system(_NEWEST_OF, values)
        name = " ".join(str(part) for part in step.key)
        later = f"undo {newest} first" if newest and newest != change.version else "it is not what it was any more"
        return f"{change.resource} {name} was changed again after change {change.version}: {later}."

    def _portable(self, change: Change) -> bool:
        binding = self._open().owners.get(change.module)
        found = binding.owner.resources.get(change.resource) if binding else None
        return found is not None and found.portable

    def _set(self, number: int) -> ChangeSet | None:
        rows = self._rows(_OF_SET, number=number)
        return self._set_of(rows) if rows else None

    def _set_of(self, changes: Sequence[Change]) -> ChangeSet:
        first = changes[0]
        undone = self._undoer_of(changes) != 0
        return ChangeSet(
            first.version, first.actor, first.reason, first.at, tuple(changes), self._undoes_of(changes), undone
        )

    def _undoes_of(self, changes: Sequence[Change]) -> int:
        """The number of the set that these changes take back."""
        undone = next((change.undoes for change in changes if change.undoes is not None), None)
        if undone is None:
            return 0
        rows = self._open().system("select version from {change} where {scope} and id = :id", {"id": undone})
        return int(rows[0][0]) if rows else 0

    def _undoer_of(self, changes: Sequence[Change]) -> int:
        """The number of the set that took these changes back and was not taken back itself; 0 for none."""
        taken_back_by = 0
        while changes:
            # Within a community a set's ids are in a row: one unit at a time configures it.
            ((version,),) = self._open().system(_UNDOER, {"first": changes[0].id, "last": changes[-1].id})
            if version is None:
                break
            # Who takes it back is taken back in turn, or is not: each link turns the answer round.
            changes = self._rows(_OF_SET, number=int(version))
            taken_back_by = 0 if taken_back_by else changes[0].version
        return taken_back_by

    def _redoes(self, found: ChangeSet) -> bool:
        """Whether a set takes an undo back, so that it is neither an undo nor a change of its own."""
        undone = self._set(found.undoes) if found.undoes else None
        return undone is not None and undone.undoes != 0

    def _rows(self, template: str, **values: Any) -> list[Change]:
        return [Change(*row) for row in self._open().system(template, values)]


class SystemStore(Ledger):
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
        return self._rows(
            f"select {CHANGE_FIELDS} from {{change}} where {{scope}}{older} order by id desc limit :limit",  # noqa: S608  # the columns are constants
            limit=limit,
            before=before,
        )

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """The changes that accounts (``platform:user_id``) made, or that are about them."""
        found: dict[int, dict[str, Any]] = {}
        for account in accounts:
            named = f'%"{_LIKE.sub(r"~\g<0>", account)}"%'
            for change in self.db.fetch(
                Change,
                f"select {CHANGE_FIELDS} from {{change}} where {{scope}} and (actor = :account "  # noqa: S608  # the columns are constants
                "or cast(key as text) like :named escape '~' or cast(before as text) like :named escape '~' "
                "or cast(after as text) like :named escape '~') order by id",
                {"account": account, "named": named},
            ):
                found[change.id] = asdict(change)
        return {"change": [found[number] for number in sorted(found)]}


def _by_set(changes: Iterable[Change]) -> list[list[Change]]:
    found: dict[int, list[Change]] = {}
    for change in changes:
        found.setdefault(change.version, []).append(change)
    return list(found.values())


def _as_it_was(change: Change) -> Callable[[Store, Resource, Any], Any]:
    return lambda store, resource, before: _record(resource, change.before or "")


def _as_wanted(record: Any) -> Callable[[Store, Resource, Any], Any]:
    def wanted(store: Store, resource: Resource, before: Any) -> Any:
        return before if resource.alike(before, record) else store.bring(before, record)

    return wanted


def _record(resource: Resource, text: str) -> Any:
    """The record that a change row holds; None for the empty text."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=resource.type)
    except msgspec.ValidationError as error:
        raise Refused(f"The change's {resource.name} no longer fits its class: {error}") from error
