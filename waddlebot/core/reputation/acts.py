"""What policies did to whom, and appeals against it, in the database."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

import msgspec

from waddlebot.libs.dal import DalError, Edit
from waddlebot.libs.sdk import Column, Refusal, Store, Table, configures, reads, resource, writes

ACTS_MAX = 5_000
"""Acts in force in one community; routers hold who is restricted in memory."""
WARNING_KEPT_S = 30 * 86_400.0
"""How long a warning counts as an act that can be appealed: as long as warnings do."""
APPEAL_KEPT_S = 365 * 86_400.0
STAFF_S = 90 * 86_400.0
"""Who moderated within this time is staff, whatever ranks they have here."""

type Kind = Literal["warn", "restrict", "ban"]

HARSHNESS: dict[str, int] = {"warn": 0, "restrict": 1, "ban": 2}

ACCUSED = Table(
    "accused", (Column("account", "text"), Column("login", "text"), Column("at", "real")), ("community", "account")
)
STAFF = Table("staff", (Column("account", "text"), Column("at", "real")), key=("community", "account"))
ENFORCED = Table(
    "enforced",
    (Column("id", "text"), Column("kind", "text"), Column("accounts", "json"), Column("login", "text")),
    key=("community", "id"),
)
ACTED = Table(
    "acted",
    (Column("account", "text"), Column("kind", "text"), Column("at", "real")),
    key=("community", "account", "kind"),
)
APPEAL = Table(
    "appeal",
    (
        *(Column(name, "text") for name in ("id", "account", "login", "words")),
        Column("at", "real"),
        *(Column(name, "text") for name in ("state", "decided_by", "decision")),
    ),
    key=("community", "id"),
)


@resource(key=("id",), table="act", portable=False)
@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """What a policy does to a person, by all accounts they had at that time; without the record it is undone.

    ``account`` is the one that was punished last. ``until`` is 0 for what does not end; times are in seconds since
    1970.
    """

    id: str
    kind: Kind
    account: str
    login: str
    accounts: tuple[str, ...]
    at: float
    until: float
    score: float
    threshold: float

    @property
    def reason(self) -> str:
        """Why, in words."""
        what = {"warn": "warned", "restrict": "not answered", "ban": "banned"}[self.kind]
        return f"a reputation of {self.score:.1f}: at {self.threshold:g} and below people are {what} here"

    def holds(self, now: float) -> bool:
        """Whether it is in force."""
        return not self.until or self.until > now


@dataclasses.dataclass(frozen=True, slots=True)
class Enforced:
    """What platforms were told: who was banned, or warned."""

    id: str
    kind: Kind
    accounts: tuple[str, ...]
    login: str


@dataclasses.dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal against the act of the same ``id``; its ``state`` is open, accepted or rejected."""

    id: str
    account: str
    login: str
    words: str
    at: float
    state: str
    decided_by: str
    decision: str


@dataclasses.dataclass(frozen=True, slots=True)
class Accused:
    """Somebody who was punished ``at`` that time."""

    community: str
    account: str
    login: str
    at: float


_APPEAL = ", ".join(column.name for column in APPEAL.columns[1:])


def act_id(kind: str, account: str, at: float) -> str:
    """A short name for an act, for people to type."""
    return hashlib.blake2b(f"{kind}/{account}/{at}".encode(), digest_size=4).hexdigest()


class ActStore(Store):
    """Acts and appeals. Facts name accounts: who is linked later is not meant."""

    tables: ClassVar[tuple[Table, ...]] = (ACCUSED, STAFF, ENFORCED, ACTED, APPEAL)
    resources: ClassVar[tuple[type, ...]] = (Act,)

    @reads
    def accused(self, most: int) -> list[Accused]:
        """Who was punished and is to be looked at, the first to be accused first."""
        return self.db.fetch(
            Accused,
            "select community, account, login, at from {accused} where {scope} order by at, account limit :most",
            {"most": most},
        )

    @writes
    def judged(self, accused: list[Accused]) -> None:
        """These were looked at; who was punished again meanwhile stays."""
        for one in accused:
            self.db.execute(
                "delete from {accused} "
                "where {scope} and community = :community and account = :account and at <= :at",
                {"community": one.community, "account": one.account, "at": one.at},
            )

    @reads
    def moderated(self, accounts: tuple[str, ...], since: float) -> bool:
        """Whether one of the accounts punished somebody since that time."""
        return bool(
            self.db.execute(
                "select 1 from {staff} where {scope} and at > :since and account in {each:accounts} limit 1",
                {"accounts": json.dumps(accounts), "since": since},
            )
        )

    @configures
    def act(self, act: Act, since: float) -> bool:
        """Do something to a person; False where the same or worse was done to them since that time.

        It makes no difference whether that was undone: nobody is to be punished twice in a short time.
        """
        rows = self.db.execute(
            "select kind from {acted} where {scope} and at > :since and account in {each:accounts}",
            {"accounts": json.dumps(act.accounts), "since": since},
        )
        if any(HARSHNESS[kind] >= HARSHNESS[act.kind] for (kind,) in rows):
            return False
        if len(self.list(Act)) >= ACTS_MAX:
            raise DalError(f"{ACTS_MAX} people are under a policy here already: no more follow")
        self.put(act)
        self.db.upsert_many(
            "acted", [{"account": one, "kind": act.kind, "at": act.at} for one in act.accounts], set=("at",)
        )
        return True

    @reads
    def acts(self, accounts: tuple[str, ...] = ()) -> list[Act]:
        """The acts that hold, on these accounts or on anybody's, the newest first."""
        return self._acts(accounts)

    @reads
    def acts_by_community(self) -> dict[str, Sequence[Act]]:
        """All acts of the scope's communities."""
        return dict(self.list_by_community(Act))

    @reads
    def unsettled(self) -> list[str]:
        """The communities where platforms do not know yet what was done, or that it was undone."""
        rows = self.db.execute(
            "select community from {act} a where {scope:a} and not exists "
            "(select 1 from {enforced} e where e.community = a.community and e.id = a.id and {scope:e}) "
            "union select community from {enforced} e where {scope:e} and not exists "
            "(select 1 from {act} a where a.community = e.community and a.id = e.id and {scope:a}) order by 1"
        )
        return [community for (community,) in rows]

    @reads
    def to_settle(self) -> tuple[list[Act], list[Enforced]]:
        """What platforms are to be told: acts they do not know, and those they know that are undone."""
        acts = {act.id: act for act in self.list(Act)}
        told = self.db.fetch(_Told, "select id, kind, accounts, login from {enforced} where {scope} order by id")
        known = {one.id for one in told}
        gone = [
            Enforced(one.id, one.kind, msgspec.json.decode(one.accounts, type=tuple[str, ...]), one.login)
            for one in told
            if one.id not in acts
        ]
        return [act for id_, act in acts.items() if id_ not in known], gone

    @writes
    def settled(self, acts: list[Act], gone: list[Enforced]) -> None:
        """Platforms were told."""
        self.db.upsert_many(
            "enforced",
            [
                {"id": act.id, "kind": act.kind, "accounts": json.dumps(act.accounts), "login": act.login}
                for act in acts
            ],
        )
        for one in gone:
            self.db.execute("delete from {enforced} where {scope} and id = :id", {"id": one.id})

    @reads
    def ended(self, now: float) -> list[str]:
        """The communities where an act is over by now."""
        rows = self.db.execute(
            "select distinct community from {act} where {scope} and ((until > 0 and until <= :now) "
            "or (kind = 'warn' and at <= :warned)) order by community",
            {"now": now, "warned": now - WARNING_KEPT_S},
        )
        return [community for (community,) in rows]

    @configures
    def end(self, now: float) -> int:
        """Remove the acts that are over, and count them; forget what happened long ago."""
        over = [act for act in self.list(Act) if not act.holds(now) or _old_warning(act, now)]
        for act in over:
            self.remove(Act, id=act.id)
        self.db.execute("delete from {staff} where {scope} and at <= :before", {"before": now - STAFF_S})
        before = {"before": now - APPEAL_KEPT_S}
        self.db.execute("delete from {acted} where {scope} and at <= :before", before)
        self.db.execute("delete from {appeal} where {scope} and at <= :before and state <> 'open'", before)
        return len(over)

    @configures
    def pardon(self, accounts: tuple[str, ...]) -> list[Act]:
        """Undo what holds against these accounts; what was undone."""
        gone = self._acts(accounts)
        for act in gone:
            self.remove(Act, id=act.id)
        return gone

    # Appeals

    @writes
    def appeal(self, act: Act, account: str, login: str, words: str, now: float) -> Appeal | None:
        """Appeal against an act; None where that was done before."""
        if self._appeal(act.id) is not None:
            return None
        row = Appeal(act.id, account, login, words, now, "open", "", "")
        self.db.insert_many("appeal", [dataclasses.asdict(row)])
        return row

    @reads
    def appeals(self) -> list[Appeal]:
        """The open appeals, the oldest first."""
        return self.db.fetch(
            Appeal,
            f"select {_APPEAL} from {{appeal}} where {{scope}} and state = 'open' order by at, id",  # noqa: S608  # declared columns
        )

    @configures
    def decide(self, id_: str, accepted: bool, by: str, decision: str) -> Appeal | None:
        """Accept an open appeal, which undoes the act, or reject it; None where there is none."""
        appeal = self._appeal(id_)
        if appeal is None or appeal.state != "open":
            return None
        state = "accepted" if accepted else "rejected"
        self.db.execute(
            "update {appeal} set state = :state, decided_by = :by, decision = :decision "
            "where {scope} and id = :id",
            {"state": state, "by": by, "decision": decision, "id": id_},
        )
        if accepted:
            self.remove(Act, id=id_)
        return dataclasses.replace(appeal, state=state, decided_by=by, decision=decision)

    def admit(self, edits: Sequence[Edit]) -> None:
        """An act that comes back is one of so many at most."""
        if any(isinstance(edit.after, Act) for edit in edits) and len(self.list(Act)) > ACTS_MAX:
            raise Refusal(f"{ACTS_MAX} people are under a policy here already.")

    def _acts(self, accounts: Iterable[str]) -> list[Act]:
        wanted = set(accounts)
        found = [act for act in self.list(Act) if not wanted or not wanted.isdisjoint(act.accounts)]
        return sorted(found, key=lambda act: (-act.at, act.id))

    def _appeal(self, id_: str) -> Appeal | None:
        rows = self.db.fetch(
            Appeal,
            f"select {_APPEAL} from {{appeal}} where {{scope}} and id = :id",  # noqa: S608  # declared columns
            {"id": id_},
        )
        return rows[0] if rows else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    id: str
    kind: Kind
    accounts: str
    login: str


def _old_warning(act: Act, now: float) -> bool:
    return act.kind == "warn" and act.at <= now - WARNING_KEPT_S
