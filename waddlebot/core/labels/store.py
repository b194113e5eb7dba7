"""Labels, entity groups and what goes with a platform's roles. All that chat can change is a Resource."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from waddlebot.core.labels.words import group_problem, label_problem, problem_of, role_problem
from waddlebot.libs.contracts.labels import LIMITS, LabelChange, Labelled, LabelsSet, RowError
from waddlebot.libs.dal import Edit
from waddlebot.libs.sdk import Column, Refusal, Store, Table, configures, reads, resource, writes

PEOPLE_MAX = 20_000
"""Labels on people in one community: routers hold them all in memory."""
THINGS_MAX = 200_000
"""Labels on anything else in one community."""
MAPPINGS_MAX = 100
GROUPS_MAX = 100
ENTITIES_MAX = 200
"""Channels in one entity group."""

type Way = Literal["from", "to"]


@resource(key=("kind", "thing", "label"), table="label")
@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """A label on a thing; of a user on one account, for ever. ``name`` is what it was called at that time."""

    kind: str
    thing: str
    label: str
    name: str = ""


@resource(key=("way", "platform", "role", "label"), table="mapping")
@dataclasses.dataclass(frozen=True, slots=True)
class RoleLabel:
    """A label that comes ``from`` a platform's role while it lasts, or one that asks for the role (``to``)."""

    way: Way
    platform: str
    role: str
    label: str


@resource(key=("name",), table="entity_group")
@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Channels (``platform:server:channel``) under one name."""

    name: str
    entities: tuple[str, ...]


GIVEN = Table(
    "given",
    (Column("account", "text"), Column("server", "text"), Column("role", "text"), Column("label", "text")),
    key=("community", "account", "server", "role"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """A role that a platform was asked to give an account on a server, and the label it goes with."""

    account: str
    server: str
    role: str
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Contributed:
    """What one community's routers hold: labels by account, and by ``platform:role``."""

    accounts: dict[str, tuple[str, ...]]
    roles: dict[str, tuple[str, ...]]


class LabelStore(Store):
    """What has labels."""

    tables = (GIVEN,)
    resources = (Label, RoleLabel, Group)
    from_primary = True  # a label that was taken must not open anything any more

    @reads
    def labels(self, kind: str, things: tuple[str, ...]) -> dict[str, Labelled]:
        """The labels of things; what has none is left out."""
        return self._labels(kind, things)

    @reads
    def having(self, label: str, kind: str, after: tuple[str, str], most: int) -> list[Labelled]:
        """Things with a label, sorted by kind and name, after a place; with all their labels."""
        rows = self.db.execute(
            "select kind, thing from {label} where {scope} and label = :label and (:kind = '' or kind = :kind) "
            "and (kind > :after_kind or (kind = :after_kind and thing > :after_thing)) "
            "order by kind, thing limit :most",
            {"label": label, "kind": kind, "after_kind": after[0], "after_thing": after[1], "most": most},
        )
        found: list[Labelled] = []
        for one in dict.fromkeys(kind for kind, _ in rows):
            things = tuple(thing for kind, thing in rows if kind == one)
            known = self._labels(one, things)
            found += [known[thing] for thing in things]
        return found

    @reads
    def counted(self, kind: str) -> list[tuple[str, int]]:
        """The labels in use, of one kind or all, and on how many things each is; the most used first."""
        return [
            (label, count)
            for label, count in self.db.execute(
                "select label, count(*) from {label} where {scope} and (:kind = '' or kind = :kind) "
                "group by label order by count(*) desc, label",
                {"kind": kind},
            )
        ]

    @configures
    def change(
        self, changes: tuple[LabelChange, ...], people: dict[str, tuple[str, ...]], places: tuple[str, ...]
    ) -> LabelsSet:
        """Make changes one after the other, all of them or none.

        ``people`` has all accounts of the person by each linked account; ``places`` are the things of our own
        kinds that exist, such as ``module:core.labels``.
        """
        book = _Book(people)
        for kind in {change.kind for change in changes if change.kind in LIMITS}:
            things = {one for c in changes if c.kind == kind for one in book.all_of(kind, c.thing)}
            book.learn(self._labels(kind, tuple(sorted(things))).values())
        groups = {f"group:{group.name}" for group in self.list(Group)}
        errors = []
        for row, change in enumerate(changes):
            error = problem_of(change, groups.union(places)) or book.make(change)
            if error:
                errors.append(RowError(row, error))
        if not errors and book.added and (error := self._full(book.added)):
            errors.append(RowError(len(changes) - 1, error))
        if errors:
            return LabelsSet(0, tuple(errors))
        for kind, thing, label in book.removed:
            self.remove(Label, kind=kind, thing=thing, label=label)
        for (kind, thing, label), name in book.added.items():
            self.put(Label(kind, thing, label, name))
        return LabelsSet(len(book.removed) + len(book.added))

    def bring(self, before: Any, after: Any) -> Any:
        """See :class:`Store`: groups and mappings are called as commands call them."""
        if isinstance(after, Group) and (not after.entities or len(after.entities) > ENTITIES_MAX):
            raise Refusal(f"The group {after.name} has 1 to {ENTITIES_MAX} channels.")
        if after is None:
            return None
        problem = group_problem(after.name) if isinstance(after, Group) else label_problem(after.label)
        if problem:
            raise Refusal(problem)
        return after

    def admit(self, edits: Sequence[Edit]) -> None:
        """What comes back or is brought in fits the limits there are, and gives nobody a rank."""
        records = [edit.after for edit in edits if edit.after is not None]
        if labels := [record for record in records if isinstance(record, Label)]:
            groups = {f"group:{group.name}" for group in self.list(Group)}
            for label in labels:
                self._check_label(label, groups)
            if error := self._full(()):
                raise Refusal(error)
        for mapping in (record for record in records if isinstance(record, RoleLabel)):
            if error := role_problem(mapping.role) or self._crowded(RoleLabel, MAPPINGS_MAX):
                raise Refusal(error)
        if any(isinstance(record, Group) for record in records) and (error := self._crowded(Group, GROUPS_MAX)):
            raise Refusal(error)

    def _check_label(self, label: Label, groups: set[str]) -> None:
        own = {f"{label.kind}:{label.thing}"} if label.kind != "group" else set()
        # Which modules, channels and communities there are, others know: an unknown one's label does nothing.
        if error := problem_of(LabelChange(label.kind, label.thing, label.label), groups | own):
            raise Refusal(error)
        limit = LIMITS.get(label.kind, 0)
        if len(self._labels(label.kind, (label.thing,))[label.thing].labels) > limit:
            raise Refusal(f"{label.thing} has {limit} labels already: take one off first.")

    def _crowded(self, cls: type, most: int) -> str:
        return f"There are {most} at most: remove one first." if len(self.list(cls)) > most else ""

    def _full(self, added: Iterable[tuple[str, str, str]]) -> str:
        """Why there are too many labels with those that are ``added``; empty where there are not."""
        ((users, all_),) = self.db.execute(
            "select coalesce(sum(case when kind = 'user' then 1 else 0 end), 0), count(*) "
            "from {label} where {scope}"
        )
        for is_user, most, what in ((True, PEOPLE_MAX, "people"), (False, THINGS_MAX, "things")):
            new = sum((kind == "user") is is_user for kind, _, _ in added)
            if (users if is_user else all_ - users) + new > most:
                return f"A community has at most {most:,} labels on {what}: take some off first."
        return ""

    def _labels(self, kind: str, things: Sequence[str]) -> dict[str, Labelled]:
        rows = self.db.execute(
            "select thing, label, name from {label} where {scope} and kind = :kind and thing in {each:things} "
            "order by thing, label",
            {"kind": kind, "things": json.dumps(list(things))},
        )
        found: dict[str, Labelled] = {}
        for thing, label, name in rows:
            there = found.get(thing)
            labels = (*there.labels, label) if there else (label,)
            found[thing] = Labelled(kind, thing, labels, name or (there.name if there else ""))
        return found

    # Roles of platforms

    @reads
    def mappings(self) -> list[RoleLabel]:
        """All labels that come from or go to platforms' roles."""
        return self.list(RoleLabel)

    @configures
    def map(self, mapping: RoleLabel) -> bool:
        """Keep a mapping; False where it is there. Raises ``Refusal`` when there are too many."""
        known = self.list(RoleLabel)
        if mapping in known:
            return False
        if len(known) >= MAPPINGS_MAX:
            raise Refusal(f"There are {MAPPINGS_MAX} mappings already. Remove one first.")
        self.put(mapping)
        return True

    @configures
    def unmap(self, mapping: RoleLabel) -> bool:
        """Remove a mapping; False where there is none."""
        return self.remove(RoleLabel, **dataclasses.asdict(mapping))

    @reads
    def contributed(self) -> dict[str, Contributed]:
        """What the scope's communities contribute to their routers; those without anything are left out."""
        found: dict[str, Contributed] = {}
        rows = self.db.execute(
            "select community, thing, label from {label} where {scope} and kind = 'user' "
            "order by community, thing, label"
        )
        _into(rows, found, lambda one: one.accounts)
        rows = self.db.execute(
            "select community, platform || ':' || role, label from {mapping} where {scope} and way = 'from' "
            "order by community, platform, role, label"
        )
        _into(rows, found, lambda one: one.roles)
        return found

    @reads
    def asking(self) -> list[str]:
        """The communities of the scope where a label asks for a role, or did."""
        rows = self.db.execute(
            "select community from {mapping} where {scope} and way = 'to' "
            "union select community from {given} where {scope} order by 1"
        )
        return [community for (community,) in rows]

    @reads
    def wanted(self) -> tuple[list[RoleLabel], dict[str, tuple[str, ...]], list[Given]]:
        """The mappings to roles, the accounts that have each of their labels, and the roles asked for so far."""
        mappings = [mapping for mapping in self.list(RoleLabel) if mapping.way == "to"]
        accounts: dict[str, tuple[str, ...]] = {}
        for label in {mapping.label for mapping in mappings}:
            rows = self.db.execute(
                "select thing from {label} where {scope} and label = :label and kind = 'user' order by thing",
                {"label": label},
            )
            accounts[label] = tuple(thing for (thing,) in rows)
        given = self.db.fetch(Given, "select account, server, role, label from {given} where {scope}")
        return mappings, accounts, given

    @writes
    def asked(self, added: list[Given], removed: list[Given]) -> None:
        """Remember which roles platforms were asked to give, and to take back."""
        for one in removed:
            self.db.execute(
                "delete from {given} where {scope} and account = :account and server = :server and role = :role",
                {"account": one.account, "server": one.server, "role": one.role},
            )
        self.db.upsert_many("given", [dataclasses.asdict(one) for one in added], set=("label",))

    # Entity groups

    @reads
    def groups(self) -> list[Group]:
        """All entity groups."""
        return self.list(Group)

    @configures
    def gather(self, name: str, entities: tuple[str, ...]) -> tuple[str, ...]:
        """Put channels into a group, which is made where there is none; all it has then. Raises ``Refusal``."""
        group = self.get(Group, name=name)
        if group is None and len(self.list(Group)) >= GROUPS_MAX:
            raise Refusal(f"There are {GROUPS_MAX} groups already. Remove one first.")
        whole = tuple(sorted({*(group.entities if group else ()), *entities}))
        if len(whole) > ENTITIES_MAX:
            raise Refusal(f"A group has at most {ENTITIES_MAX} channels.")
        self.put(Group(name, whole))
        return whole

    @configures
    def scatter(self, name: str, entities: tuple[str, ...]) -> tuple[str, ...] | None:
        """Take channels out of a group, or all of it where none is named; what is left, None for no such group.

        A group without channels goes, with its labels.
        """
        group = self.get(Group, name=name)
        if group is None:
            return None
        left = tuple(one for one in group.entities if entities and one not in entities)
        if left:
            self.put(Group(name, left))
            return left
        self.remove(Group, name=name)
        there = self._labels("group", (name,)).get(name)
        for label in there.labels if there else ():
            self.remove(Label, kind="group", thing=name, label=label)
        return ()

    # Personal data

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts, by table."""
        values = {"accounts": json.dumps(accounts)}
        labels = self.db.execute(
            "select community, thing, label, name from {label} "
            "where {scope} and kind = 'user' and thing in {each:accounts} order by community, thing, label",
            values,
        )
        given = self.db.execute(
            "select community, account, server, role, label from {given} "
            "where {scope} and account in {each:accounts} order by community, account, server, role",
            values,
        )
        return {
            "label": [dict(zip(("community", "account", "label", "name"), row, strict=True)) for row in labels],
            "given": [
                dict(zip(("community", "account", "server", "role", "label"), row, strict=True)) for row in given
            ],
        }

    @writes
    def forget(self, accounts: tuple[str, ...], denied: dict[str, tuple[str, ...]] | None = None) -> int:
        """Delete the labels of accounts, and which roles came with them; how many rows. Views follow.

        By community, labels that are ``denied`` something there stay, and who has them goes without a name: nobody
        gets rid of what they may not do by being forgotten.
        """
        values = {"accounts": json.dumps(accounts)}
        rows = self.db.execute(
            "select community, thing, label from {label} where {scope} and kind = 'user' "
            "and thing in {each:accounts} order by community, thing, label",
            values,
        )
        self.reconfigured(community for community, _, _ in rows)
        gone = self.db.execute("delete from {given} where {scope} and account in {each:accounts}", values).changed
        for community, thing, label in rows:
            stays = label in (denied or {}).get(community, ())
            statement = _FORGET[stays]
            row = {"name": community, "thing": thing, "label": label}
            gone += self.db.execute(statement, row).changed
        return gone


_FORGET = {
    False: "delete from {label} "
    "where {scope} and community = :name and kind = 'user' and thing = :thing and label = :label",
    True: "update {label} set name = '' "
    "where {scope} and community = :name and kind = 'user' and thing = :thing and label = :label and name <> ''",
}
"""What becomes of a label, by whether it stays."""


class _Book:
    """Labels as they are while changes are made to them, one after the other."""

    def __init__(self, people: Mapping[str, tuple[str, ...]]) -> None:
        self.added: dict[tuple[str, str, str], str] = {}
        self.removed: set[tuple[str, str, str]] = set()
        self._people = people
        self._labels: dict[tuple[str, str], set[str]] = {}

    def all_of(self, kind: str, thing: str) -> tuple[str, ...]:
        """The thing; of a user all accounts of the person."""
        return self._people.get(thing, (thing,)) if kind == "user" else (thing,)

    def learn(self, things: Iterable[Labelled]) -> None:
        """Take what is there."""
        for one in things:
            self._labels[one.kind, one.thing] = set(one.labels)

    def make(self, change: LabelChange) -> str:
        """Make a change that is well formed; why it cannot be made, or nothing."""
        kind, label = change.kind, change.label
        mine = [(kind, thing) for thing in self.all_of(kind, change.thing)]
        if change.remove:
            for place in mine:
                self._drop(place, label)
            return ""
        whole = set().union(*(self._labels.get(place, set()) for place in mine))
        if label not in whole and len(whole) >= LIMITS[kind]:
            return f"{change.name or change.thing} has {LIMITS[kind]} labels already, which is all it may have."
        there = self._labels.setdefault((kind, change.thing), set())
        if label not in there:
            there.add(label)
            key = (kind, change.thing, label)
            if key in self.removed:
                self.removed.remove(key)
            else:
                self.added[key] = change.name
        return ""

    def _drop(self, place: tuple[str, str], label: str) -> None:
        there = self._labels.get(place, set())
        if label in there:
            there.remove(label)
            key = (*place, label)
            if self.added.pop(key, None) is None:
                self.removed.add(key)


def _into(rows: Iterable[tuple[Any, ...]], found: dict[str, Contributed], part: Any) -> None:
    for community, key, label in rows:
        labels = part(found.setdefault(community, Contributed({}, {})))
        labels[key] = (*labels.get(key, ()), label)
