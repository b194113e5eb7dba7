"""Communities and all that is configured in them. Every record that chat can change is a Resource."""

import dataclasses
import hmac
import json
from collections.abc import Sequence
from typing import Any

from waddlebot.libs.access.levels import ALL
from waddlebot.libs.dal import Edit, Ledger
from waddlebot.libs.sdk import Column, Rank, Refusal, Table, configures, reads, resource, writes
from waddlebot.libs.sdk.view import AccessRule, Conditions, Effect

CLAIM_VALID_S = 600.0
CLAIM_TRIES = 5

RULES_MAX = 500
"""Access rules in one community."""
ROLES_MAX = 50
"""Custom roles in one community."""

COMMUNITY = Table("communities", (Column("created_at", "real"),), key=("community",))

CLAIM = Table(
    "claim",
    (
        Column("account", "text"),
        Column("digest", "text"),
        Column("expires_at", "real"),
        Column("tries_left", "integer"),
    ),
    key=("community", "account"),
)

KNOWN = Table("known", (Column("account", "text"), Column("since", "real")), key=("community", "account"))
"""When accounts first did something, in communities where that matters to somebody."""

LIVE = Table(
    "live",
    (Column("entity", "text"), Column("live", "boolean"), Column("told_at", "real")),
    key=("community", "entity"),
)


_HELD = (("member", "ranks"), ("role_holder", "role, earned"), ("known", "since"), ("claim", "expires_at"))
_FORGET = (
    "delete from {known} where {scope} and account = :account",
    "delete from {claim} where {scope} and account = :account",
    "delete from {role_holder} where {scope} and account = :account",
    "delete from {member} where {scope} and account = :account and cast(ranks as text) not like '%owner%'",
)


@resource(key=("entity",), table="entity", portable=False)
@dataclasses.dataclass(frozen=True, slots=True)
class Entity:
    """Where something happens, ``platform:server:channel``; it belongs to one community.

    ``brought_by`` is empty where a receiver of ours brought it in, else the API key that did: ``key:NAME``.
    """

    entity: str
    brought_by: str = ""


@resource(key=("account",), table="member")
@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """The ranks an account was given here. Who has none is a member all the same, and needs no record."""

    account: str
    ranks: tuple[str, ...]


@resource(key=("module", "name"), table="setting")
@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A module's setting that differs from its default."""

    module: str
    name: str
    value: Any


@resource(key=("module",), table="switch")
@dataclasses.dataclass(frozen=True, slots=True)
class Switch:
    """Whether a module is on; one without a record is."""

    module: str
    enabled: bool


@resource(key=("command",), table="override")
@dataclasses.dataclass(frozen=True, slots=True)
class CommandOverride:
    """What is changed of a built-in command; ``None`` keeps what its module declares."""

    command: str
    name: str | None = None
    enabled: bool | None = None
    least: int | None = None
    cooldown_s: float | None = None
    user_cooldown_s: float | None = None
    say_limited: bool | None = None


@resource(key=("id",), table="access", own=("ranks",))
@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Who may use what, and when. ``ranks`` is the mask of who made it: it gives nobody more than that."""

    id: str
    effect: Effect
    target: str
    conditions: Conditions = Conditions()  # noqa: RUF009  it is frozen
    ranks: int = int(Rank.VIEWER)

    def compiled(self) -> AccessRule:
        """The rule as it is decided by."""
        return AccessRule(self.id, self.effect, self.target, self.conditions, self.ranks)


@resource(key=("name",), table="role")
@dataclasses.dataclass(frozen=True, slots=True)
class CustomRole:
    """A role that the community made. ``rank`` is what its holders count as, empty for nothing.

    ``earn`` is how it is earned by itself (``points``, ``score`` or ``days``; empty: it is not) and ``earn_min``
    how much of that it takes.
    """

    name: str
    rank: str = ""
    earn: str = ""
    earn_min: float = 0.0


@resource(key=("role", "account"), table="role_holder")
@dataclasses.dataclass(frozen=True, slots=True)
class RoleHolder:
    """Somebody who has a custom role; ``earned`` where nobody gave it."""

    role: str
    account: str
    earned: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Records:
    """All records of one community."""

    entities: Sequence[Entity]
    members: Sequence[Member]
    settings: Sequence[Setting]
    switches: Sequence[Switch]
    overrides: Sequence[CommandOverride]
    access: Sequence[Access] = ()
    roles: Sequence[CustomRole] = ()
    holders: Sequence[RoleHolder] = ()


class CommunityStore(Ledger):
    """What is configured in communities, by all modules: it lists changes of all records, and takes them back."""

    from_primary = True  # a replica may lag behind a rank that was taken, a module that was switched off
    tables = (COMMUNITY, CLAIM, KNOWN, LIVE)
    resources = (Entity, Member, Setting, Switch, CommandOverride, Access, CustomRole, RoleHolder)

    @reads
    def records(self) -> dict[str, Records]:
        """The records of every community of the scope that exists."""
        entities = self.list_by_community(Entity)
        members = self.list_by_community(Member)
        settings = self.list_by_community(Setting)
        switches = self.list_by_community(Switch)
        overrides = self.list_by_community(CommandOverride)
        access = self.list_by_community(Access)
        roles = self.list_by_community(CustomRole)
        holders = self.list_by_community(RoleHolder)
        rows = self.db.execute("select community from {communities} where {scope} order by community")
        return {
            name: Records(
                entities.get(name, ()), members.get(name, ()), settings.get(name, ()), switches.get(name, ()),
                overrides.get(name, ()), access.get(name, ()), roles.get(name, ()), holders.get(name, ()),
            )
            for (name,) in rows
        }  # fmt: skip

    @reads
    def owners_of(self, entities: tuple[str, ...]) -> dict[str, str]:
        """The communities of those entities that belong to one."""
        found: dict[str, str] = {}
        for entity in entities:
            rows = self.db.execute(
                "select entity, community from {entity} where {scope} and entity = :entity", {"entity": entity}
            )
            found |= dict(rows)
        return found

    @configures
    def adopt(self, entities: tuple[str, ...], now: float, brought_by: str = "") -> None:
        """Bring entities in, and found the community where there is none. Raises Conflict for one taken."""
        self.db.upsert_many("communities", [{"created_at": now}])
        for entity in entities:
            self.put(Entity(entity, brought_by))

    @configures
    def receive(self, entities: tuple[str, ...]) -> None:
        """Note that a receiver of ours reads entities of the community now, whoever brought them in."""
        for entity in entities:
            if self.get(Entity, entity=entity) is not None:
                self.put(Entity(entity))

    @configures
    def dissolve(self) -> int:
        """Let all entities go, and count them. What was configured and counted stays."""
        entities = self.list(Entity)
        for entity in entities:
            self.remove(Entity, entity=entity.entity)
        return len(entities)

    @reads
    def member(self, account: str) -> Member:
        """The ranks an account was given."""
        return self.get(Member, account=account) or Member(account, ())

    @reads
    def ranked(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that have a rank here."""
        return tuple(account for account in accounts if self.get(Member, account=account))

    @reads
    def summary(self) -> tuple[list[Entity], list[Member]]:
        """The community's entities, and everybody with a rank."""
        return self.list(Entity), self.list(Member)

    @configures
    def give_rank(self, account: str, rank: str) -> bool:
        """Give a rank; False where the account has it already."""
        return self._give(account, rank)

    @configures
    def take_rank(self, account: str, rank: str) -> bool:
        """Take a rank back; False where the account was not given it. The last owner's stays: also False."""
        ranks = self._ranks(account)
        if rank not in ranks or (rank == "owner" and self._owners() == {account}):
            return False
        self._keep(account, tuple(name for name in ranks if name != rank))
        return True

    @configures
    def give_up_ranks(self, account: str) -> tuple[str, ...]:
        """Take all ranks of an account and tell which; the last owner stays owner."""
        ranks = self._ranks(account)
        kept = tuple(name for name in ranks if name == "owner" and self._owners() == {account})
        self._keep(account, kept)
        return tuple(name for name in ranks if name not in kept)

    @writes
    def open_claim(self, account: str, digest: str, now: float) -> bool:
        """Keep a code's digest for its ten minutes; False while an earlier code of the account is still good."""
        rows = self.db.execute(
            "select expires_at from {claim} where {scope} and account = :account", {"account": account}
        )
        if rows and now < rows[0][0]:
            return False
        self.db.execute("delete from {claim} where {scope} and expires_at <= :now", {"now": now})
        self.db.insert_many(
            "claim",
            [{"account": account, "digest": digest, "expires_at": now + CLAIM_VALID_S, "tries_left": CLAIM_TRIES}],
        )
        return True

    @configures
    def claim(self, account: str, digest: str, now: float) -> int:
        """Try a code: the account becomes an owner, or a try is gone.

        Returns how many tries are left: 0 where no code is (any more) good, -1 when it was the right one.
        """
        rows = self.db.execute(
            "select digest, tries_left from {claim} where {scope} and account = :account and expires_at > :now",
            {"account": account, "now": now},
        )
        if not rows or rows[0][1] < 1:
            return 0
        (kept, tries_left) = rows[0]
        values = {"account": account, "tries_left": tries_left - 1}
        if hmac.compare_digest(kept, digest):
            self.db.execute("delete from {claim} where {scope} and account = :account", values)
            self._give(account, "owner")
            return -1
        self.db.execute("update {claim} set tries_left = :tries_left where {scope} and account = :account", values)
        return int(tries_left) - 1

    @reads
    def settings(self, module: str) -> dict[str, Any]:
        """A module's changed settings."""
        return {record.name: record.value for record in self.list(Setting) if record.module == module}

    @reads
    def changed_settings(self) -> list[Setting]:
        """Every changed setting."""
        return self.list(Setting)

    @configures
    def set_setting(self, module: str, name: str, value: Any) -> None:
        """Change a setting."""
        self.put(Setting(module, name, value))

    @configures
    def reset_setting(self, module: str, name: str) -> bool:
        """Return a setting to its default; False where it has it."""
        return self.remove(Setting, module=module, name=name)

    @reads
    def switched_off(self) -> list[str]:
        """The modules that are switched off."""
        return [record.module for record in self.list(Switch) if not record.enabled]

    @configures
    def switch(self, module: str, enabled: bool) -> bool:
        """Switch a module; False where it stood so already."""
        before = self.get(Switch, module=module)
        if (before is None or before.enabled) == enabled:
            return False
        self.put(Switch(module, enabled))
        return True

    @reads
    def overrides(self) -> list[CommandOverride]:
        """Everything changed of built-in commands."""
        return self.list(CommandOverride)

    @configures
    def override(self, command: str, changes: dict[str, Any]) -> None:
        """Change parts of a built-in command; a record that changes nothing any more goes."""
        record = self.get(CommandOverride, command=command) or CommandOverride(command)
        record = dataclasses.replace(record, **changes)
        if record == CommandOverride(command):
            self.remove(CommandOverride, command=command)
        else:
            self.put(record)

    @reads
    def access(self) -> list[Access]:
        """The access rules of the community."""
        return self.list(Access)

    @configures
    def add_access(self, rule: Access) -> str:
        """Keep a new rule, under a name with a number where its own is taken; the name it got.

        Raises ``Refusal`` when there are too many.
        """
        taken = {record.id for record in self.list(Access)}
        if len(taken) >= RULES_MAX:
            raise Refusal(f"There are {RULES_MAX} access rules already. Remove one first.")
        name = next(n for n in (rule.id, *(f"{rule.id}-{k}" for k in range(2, RULES_MAX + 2))) if n not in taken)
        self.put(dataclasses.replace(rule, id=name))
        return name

    @configures
    def put_access(self, rule: Access) -> None:
        """Keep a rule under its own name, in the place of one that has it. Raises ``Refusal`` for too many."""
        if self.get(Access, id=rule.id) is None and len(self.list(Access)) >= RULES_MAX:
            raise Refusal(f"There are {RULES_MAX} access rules already. Remove one first.")
        self.put(rule)

    @configures
    def drop_access(self, name: str) -> bool:
        """Remove a rule; False where there is none."""
        return self.remove(Access, id=name)

    @reads
    def roles(self) -> tuple[list[CustomRole], list[RoleHolder]]:
        """The community's roles, and who has them."""
        return self.list(CustomRole), self.list(RoleHolder)

    @configures
    def keep_role(self, role: CustomRole, *, new: bool) -> bool:
        """Keep a role; with ``new`` False where there is one of that name. Raises ``Refusal`` for too many."""
        if new and self.get(CustomRole, name=role.name) is not None:
            return False
        if new and len(self.list(CustomRole)) >= ROLES_MAX:
            raise Refusal(f"There are {ROLES_MAX} roles already. Remove one first.")
        self.put(role)
        return True

    @configures
    def drop_role(self, name: str) -> int:
        """Remove a role from all who have it; how many had it, -1 where there is no such role."""
        if not self.remove(CustomRole, name=name):
            return -1
        holders = [one for one in self.list(RoleHolder) if one.role == name]
        for one in holders:
            self.remove(RoleHolder, role=name, account=one.account)
        return len(holders)

    @configures
    def give_role(self, role: str, account: str) -> bool:
        """Give a role; False where the account has it already, and was not left to earn it."""
        held = self.get(RoleHolder, role=role, account=account)
        if held is not None and not held.earned:
            return False
        self.put(RoleHolder(role, account))
        return True

    @configures
    def take_role(self, role: str, account: str) -> bool:
        """Take a role; False where the account does not have it."""
        return self.remove(RoleHolder, role=role, account=account)

    @configures
    def earn(self, won: list[tuple[str, str]], lost: list[tuple[str, str]]) -> None:
        """Note who earns which role now, and who does no more: role and account. What was given stays given."""
        for role, account in won:
            known = self.get(CustomRole, name=role) is not None
            if known and self.get(RoleHolder, role=role, account=account) is None:
                self.put(RoleHolder(role, account, earned=True))
        for role, account in lost:
            held = self.get(RoleHolder, role=role, account=account)
            if held is not None and held.earned:
                self.remove(RoleHolder, role=role, account=account)

    @reads
    def watched(self) -> dict[str, Records]:
        """Of the scope's communities those with roles that are earned or rules that ask how old accounts are."""
        roles, access = self.list_by_community(CustomRole), self.list_by_community(Access)
        holders = self.list_by_community(RoleHolder)
        found = {}
        for name in roles.keys() | access.keys():
            earned = [role for role in roles.get(name, ()) if role.earn]
            aged = [rule for rule in access.get(name, ()) if rule.conditions.age_s is not None]
            if earned or aged:
                kept = holders.get(name, ()) if earned else ()
                found[name] = Records((), (), (), (), (), access=aged, roles=earned, holders=kept)
        return found

    @writes
    def met(self, accounts: list[tuple[str, str]], now: float) -> None:
        """Note when accounts (each with its community) were first seen; who is known already stays so."""
        rows = [(community, account, now) for community, account in accounts]
        self.db.upsert_many("known", rows, columns=("community", "account", "since"))

    @reads
    def known_since(self, account: str) -> float | None:
        """When an account was first seen in the community, if that was noted."""
        rows = self.db.execute(
            "select since from {known} where {scope} and account = :account", {"account": account}
        )
        return rows[0][0] if rows else None

    @writes
    def told_live(self, entity: str, live: bool, at: float) -> None:
        """Keep whether a channel is live; older news changes nothing."""
        self.db.execute(
            "insert into {live} (community, entity, live, told_at) values ({community}, :entity, :live, :at) "
            "on conflict (community, entity) do update set live = excluded.live, told_at = excluded.told_at "
            "where excluded.told_at >= {live}.told_at",
            {"entity": entity, "live": live, "at": at},
        )

    @reads
    def is_live(self, entity: str) -> bool | None:
        """Whether a channel is live; None where nobody said."""
        rows = self.db.execute("select live from {live} where {scope} and entity = :entity", {"entity": entity})
        return bool(rows[0][0]) if rows else None

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is kept of accounts in the scope, by table."""
        found: dict[str, list[dict[str, Any]]] = {}
        for table, columns in _HELD:
            names = ["community", "account", *columns.split(", ")]
            for account in accounts:
                statement = f"select {', '.join(names)} from {{{table}}} where {{scope}} and account = :account"  # noqa: S608  names of our own
                for row in self.db.execute(statement, {"account": account}):
                    found.setdefault(table, []).append(dict(zip(names, row, strict=True)))
        return found

    @writes
    def forget(self, accounts: tuple[str, ...]) -> int:
        """Delete what is kept of accounts, but who owns a community; rows. Views follow."""
        values = {"accounts": json.dumps(accounts)}
        changed = self.db.execute(
            "select community from {member} where {scope} and account in {each:accounts} "
            "union select community from {role_holder} where {scope} and account in {each:accounts}",
            values,
        )
        self.reconfigured(community for (community,) in changed)
        return sum(
            self.db.execute(statement, {"account": account}).changed
            for account in accounts
            for statement in _FORGET
        )

    @reads
    def ranks_of(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """The ranks that accounts were given together, by roles too."""
        given = {rank for account in accounts for rank in self._ranks(account)}
        roles = {role.name: role.rank for role in self.list(CustomRole) if role.rank}
        given |= {
            roles[one.role] for one in self.list(RoleHolder) if one.account in accounts and one.role in roles
        }
        return tuple(sorted(given))

    def bring(self, before: Any, after: Any) -> Any:
        """See :class:`Store`: a rule gives nobody more than who brings it in has."""
        return dataclasses.replace(after, ranks=self.ranks & ALL) if isinstance(after, Access) else after

    def admit(self, edits: Sequence[Edit]) -> None:
        """See :class:`Store`: nobody gives or takes by undoing what they could not give or take."""
        from waddlebot.core.community.admission import check  # noqa: PLC0415  # it knows the records above

        check(self, edits)

    def _ranks(self, account: str) -> tuple[str, ...]:
        member = self.get(Member, account=account)
        return member.ranks if member else ()

    def _owners(self) -> set[str]:
        return {member.account for member in self.list(Member) if "owner" in member.ranks}

    def _give(self, account: str, rank: str) -> bool:
        ranks = self._ranks(account)
        if rank in ranks:
            return False
        self._keep(account, tuple(sorted({*ranks, rank})))
        return True

    def _keep(self, account: str, ranks: tuple[str, ...]) -> None:
        if ranks:
            self.put(Member(account, ranks))
        else:
            self.remove(Member, account=account)
