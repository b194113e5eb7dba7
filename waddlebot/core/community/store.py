"""Communities and all that is configured in them. Every record that chat can change is a Resource."""

import dataclasses
import hmac
from collections.abc import Sequence
from typing import Any

from waddlebot.libs.sdk import Column, Store, Table, configures, reads, resource, writes

CLAIM_VALID_S = 600.0
CLAIM_TRIES = 5

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


@resource(key=("entity",), table="entity")
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


@dataclasses.dataclass(frozen=True, slots=True)
class Records:
    """All records of one community."""

    entities: Sequence[Entity]
    members: Sequence[Member]
    settings: Sequence[Setting]
    switches: Sequence[Switch]
    overrides: Sequence[CommandOverride]


class CommunityStore(Store):
    """What is configured in communities."""

    from_primary = True  # a replica may lag behind a rank that was taken, a module that was switched off
    tables = (COMMUNITY, CLAIM)
    resources = (Entity, Member, Setting, Switch, CommandOverride)

    @reads
    def records(self) -> dict[str, Records]:
        """The records of every community of the scope that exists."""
        entities = self.list_by_community(Entity)
        members = self.list_by_community(Member)
        settings = self.list_by_community(Setting)
        switches = self.list_by_community(Switch)
        overrides = self.list_by_community(CommandOverride)
        rows = self.db.execute("select community from {communities} where {scope} order by community")
        return {
            name: Records(
                entities.get(name, ()), members.get(name, ()), settings.get(name, ()), switches.get(name, ()),
                overrides.get(name, ()),
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
