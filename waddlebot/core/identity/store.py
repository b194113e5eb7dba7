"""Accounts as last seen on each server, and the bonds between those of one person."""

import dataclasses
import hmac
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from waddlebot.core.identity.login.store import LoginStore
from waddlebot.core.identity.login.tables import LOGIN_TABLES
from waddlebot.core.identity.people import ACCOUNTS_MAX, groups_of, last_bond, pair_of
from waddlebot.core.identity.seen import News
from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.dal import Edit
from waddlebot.libs.sdk import Column, Person, Refusal, Table, configures, reads, resource, writes

ACCOUNT = Table(
    "account",
    (
        Column("account", "text"),
        Column("server", "text"),
        Column("platform", "text"),
        Column("login", "text"),
        Column("name", "text"),
        Column("last_seen", "real"),
    ),
    key=("account", "server"),
    scoped=False,
)

REQUEST = Table(
    "request",
    (
        Column("account", "text"),
        Column("digest", "text"),
        Column("target", "text"),
        Column("login", "text"),
        Column("at", "real"),
        Column("tries_left", "integer"),
    ),
    key=("account", "digest"),
    scoped=False,
)

EXPORTS, FORGETS = "mydata", "forget"
"""Tickets for somebody's data, and to have it deleted; what they hold is a person."""

FORGETTING = Table(
    "forgetting",
    (Column("id", "text"), Column("person", "json"), Column("due_at", "real"), Column("tries", "integer")),
    key=("id",),
    scoped=False,
)
"""People who asked to be forgotten, until every module has done so."""

_REQUEST = tuple(column.name for column in REQUEST.columns)

VALID_S = 600.0
"""How long a code is good for."""
TRIES = 5
"""How often one may be typed wrongly."""
REQUESTS_MAX = 3
"""Codes in an hour that an account may ask for."""
_REQUESTS_S = 3_600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Forgetting:
    """Somebody who is to be forgotten, and how often that was tried."""

    id: str
    person: Person
    tries: int


@resource(key=("account", "other"), table="bond", portable=False)
@dataclasses.dataclass(frozen=True, slots=True)
class Bond:
    """Two accounts, the lesser first, that somebody proved ``at`` that time (seconds since 1970) to be theirs.

    All bonds belong to ``waddlebot-global``, of which everybody is a member.
    """

    account: str
    other: str
    at: float


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """An account as it was last seen on a server."""

    account: str
    server: str
    login: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Verified:
    """Whose code it is and whether it ``linked`` both, or how many tries are left, or why it could not."""

    account: str = ""
    linked: bool = False
    tries_left: int = 0
    refusal: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Parted:
    """Whom an account was linked with, which of them was named, and the accounts that are on that side now.

    Without a side nothing was parted; ``several`` accounts may have been meant then.
    """

    others: list[Face]
    named: Face | None = None
    side: tuple[str, ...] = ()
    several: bool = False


class IdentityStore(LoginStore):
    """Accounts cross communities: no row here belongs to one but bonds, which belong to all."""

    from_primary = True  # who was parted a moment ago must not share a rank any more
    tables = (ACCOUNT, REQUEST, FORGETTING, *LOGIN_TABLES)
    resources = (Bond,)

    @writes
    def saw(self, news: Sequence[News], at: float) -> None:
        """Write down the names that accounts go by now. Doing so twice changes nothing."""
        self.db.upsert_many(
            "account",
            [
                (f"{platform}:{user_id}", server, platform, login.lower(), name, at)
                for platform, server, user_id, login, name in news
            ],
            columns=("account", "server", "platform", "login", "name", "last_seen"),
            set=("login", "name", "last_seen"),
        )

    @reads
    def by_login(self, platform: str, logins: tuple[str, ...], server: str = "") -> list[list[Account]]:
        """Who has or had each login, on one server or any, the last to have it first; at most ten."""
        return [
            [
                Account(face.account, face.login, face.name, self._group(face.account)[0])
                for face in self._faces(platform, login, server)
            ]
            for login in logins
        ]

    @reads
    def faces(self, platform: str, login: str, server: str = "") -> list[Face]:
        """As :meth:`by_login` for one login, with the servers."""
        return self._faces(platform, login, server)

    def _faces(self, platform: str, login: str, server: str) -> list[Face]:
        return self.db.fetch(
            Face,
            "select account, server, login, name from {account} "
            "where platform = :platform and login = :login and (server = :server or :server = '') "
            "order by last_seen desc, account limit 10",
            {"platform": platform, "login": login.lower(), "server": server},
        )

    @reads
    def faces_of(self, accounts: tuple[str, ...]) -> list[Face]:
        """How each of these accounts was seen last; those that never were are left out."""
        return self._faces_of(accounts)

    def _faces_of(self, accounts: tuple[str, ...]) -> list[Face]:
        found: list[Face] = []
        for account in accounts:
            found += self.db.fetch(
                Face,
                "select account, server, login, name from {account} where account = :account "
                "order by last_seen desc limit 1",
                {"account": account},
            )
        return found

    @reads
    def seen(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that were ever seen."""
        statement = "select 1 from {account} where account = :account limit 1"
        return tuple(account for account in accounts if self.db.execute(statement, {"account": account}))

    @reads
    def groups(self) -> dict[str, tuple[str, ...]]:
        """All accounts of the person, sorted, by each linked account; the first of them names the person."""
        return groups_of((bond.account, bond.other) for bond in self.list(Bond))

    @reads
    def groups_with(self, accounts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """As :meth:`groups`, for some accounts: those that are not linked are alone in theirs."""
        return {account: self._group(account) for account in accounts}

    def _group(self, account: str) -> tuple[str, ...]:
        found, waiting = {account}, [account]
        while waiting:
            statement = (
                "select account from {bond} where {scope} and other = :one "
                "union all select other from {bond} where {scope} and account = :one"
            )
            new = {row[0] for row in self.db.execute(statement, {"one": waiting.pop()})} - found
            found |= new
            waiting += new
        return tuple(sorted(found))

    @writes
    def ask(self, account: str, target: str, login: str, digest: str, now: float) -> bool:
        """Keep a code with which ``target``, as long as it has that login, links itself to ``account``.

        False after too many within an hour.
        """
        self.db.execute("delete from {request} where at < :before", {"before": now - _REQUESTS_S})
        asked = self.db.execute("select count(*) from {request} where account = :account", {"account": account})
        if asked[0][0] >= REQUESTS_MAX:
            return False
        self.db.execute(
            "update {request} set tries_left = 0 where account = :account and target = :target",
            {"account": account, "target": target},
        )
        row = (account, digest, target, login.lower(), now, TRIES)
        self.db.upsert_many("request", [row], columns=_REQUEST, set=_REQUEST[2:])
        return True

    @configures
    def verify(self, target: str, login: str, digest: str, now: float, sure: bool) -> Verified:
        """Link ``target``, once it is ``sure``, to whoever asked; a wrong code is a try of all open ones."""
        rows = self.db.execute(
            "select account, digest, tries_left from {request} where target = :target and login = :login "
            "and tries_left > 0 and at > :since",
            {"target": target, "login": login.lower(), "since": now - VALID_S},
        )
        left = 0
        for account, expected, tries_left in rows:
            if hmac.compare_digest(expected, digest):
                return self._bind(account, target, expected, now) if sure else Verified(account)
            self._tries(target, expected, tries_left - 1)
            left = max(left, tries_left - 1)
        return Verified(tries_left=left)

    def _tries(self, target: str, digest: str, left: int) -> None:
        self.db.execute(
            "update {request} set tries_left = :left where target = :target and digest = :digest",
            {"left": left, "target": target, "digest": digest},
        )

    def admit(self, edits: Sequence[Edit]) -> None:
        """A bond that comes back closes no ring, and makes nobody have more accounts than one person may."""
        for bond in (edit.after for edit in edits if isinstance(edit.after, Bond)):
            group = self._group(bond.account)
            if len(group) > ACCOUNTS_MAX:
                raise Refusal(f"One person has {ACCOUNTS_MAX} accounts at most: unlink one first.")
            bonds = sum(one.account in group for one in self.list(Bond))
            if bonds >= len(group):
                raise Refusal("These accounts are linked already.")

    def _refusal(self, account: str, other: str) -> str:
        mine, theirs = self._group(account), self._group(other)
        if other in mine:
            return "These accounts are linked already."
        if len(mine) + len(theirs) > ACCOUNTS_MAX:
            return f"One person has {ACCOUNTS_MAX} accounts at most: unlink one first."
        return ""

    def _bind(self, account: str, target: str, digest: str, now: float) -> Verified:
        self._tries(target, digest, 0)
        if refusal := self._refusal(account, target):
            return Verified(refusal=refusal)
        self.put(Bond(*pair_of(account, target), now))
        return Verified(account, linked=True)

    @configures
    def part(self, account: str, platform: str = "", login: str = "", server: str = "") -> Parted:
        """Take an account out of the person that ``account`` is: the one that is named, or itself."""
        others = self._faces_of(tuple(one for one in self._group(account) if one != account))
        named = [
            face
            for face in others
            if face.account.startswith(f"{platform}:")
            and face.login.lower() == login
            and server in ("", face.server)
        ]
        if not others or (platform and len(named) != 1):
            return Parted(others, several=len(named) > 1)
        bonds = [(bond.account, bond.other) for bond in self.list(Bond)]
        gone = [pair for pair in bonds if account in pair]
        if platform:
            gone, left = [], list(bonds)
            while (last := last_bond(left, account, named[0].account)) is not None:
                gone.append(last)
                left.remove(last)
        for one, two in gone:
            self.remove(Bond, account=one, other=two)
        return Parted(
            others, named[0] if platform else None, self._group(named[0].account if platform else account)
        )

    # Personal data

    @reads
    def person(self, accounts: tuple[str, ...], user: str = "") -> Person:
        """All accounts of the person that some accounts, or a user's, belong to; the user is theirs, too."""
        mine = (*accounts, *(one.account for one in self._accounts(user)))
        return Person(
            tuple(dict.fromkeys(one for account in mine for one in self._group(account))), (user,) if user else ()
        )

    @reads
    def person_of_operator(self, account: str) -> Person:
        """As :meth:`person`, with users that are connected with any of the accounts: the operator knows whose."""
        accounts = self._group(account)
        return Person(accounts, self._owners(accounts))

    @reads
    def held(self, accounts: tuple[str, ...], users: tuple[str, ...] = ()) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts and users, by table; secrets are left out."""
        found = {}
        for table, where in _OF_PERSON.items():
            columns = _TOLD[table]
            rows = self.db.execute(
                f"select {', '.join(columns)} from {{{table}}} where {where} order by {', '.join(columns[:2])}",  # noqa: S608  constant names and conditions
                {"accounts": json.dumps(accounts)},
            )
            found[table] = [dict(zip(columns, row, strict=True)) for row in rows]
        return found | self._held_of_users(accounts, users)

    @writes
    def forget(self, accounts: tuple[str, ...], users: tuple[str, ...] = ()) -> int:
        """Delete all of it, and tickets that tell accounts; how many rows. Everybody lives by it soon."""
        values = {"accounts": json.dumps(accounts)}
        if self.db.execute(f"select 1 from {{bond}} where {_OF_PERSON['bond']} limit 1", values):  # noqa: S608  constant names and conditions
            self.reconfigured([self.community])
        gone = sum(
            self.db.execute(f"delete from {{{table}}} where {where}", values).changed  # noqa: S608  constant names and conditions
            for table, where in _OF_PERSON.items()
        )
        kinds = {"exports": EXPORTS, "forgets": FORGETS}
        tickets = "select digest, data from {login_ticket} where kind in (:exports, :forgets)"
        for digest, data in self.db.execute(tickets, kinds):
            if set(msgspec.json.decode(data, type=Person).accounts) & set(accounts):
                gone += self.db.execute(
                    "delete from {login_ticket} where digest = :digest", {"digest": digest}
                ).changed
        return gone + self._forget_users(accounts, users)

    @writes
    def begin_forgetting(self, id: str, person: Person, due_at: float) -> None:  # noqa: A002  the column's name
        """Note that somebody is to be forgotten, whatever happens, and when that is to be done again."""
        packed = msgspec.json.encode(person).decode()
        row = {"id": id, "person": packed, "due_at": due_at, "tries": 0}
        self.db.insert_many("forgetting", [row])

    @reads
    def due_forgettings(self, now: float) -> list[Forgetting]:
        """Who is to be forgotten by now."""
        rows = self.db.execute(
            "select id, person, tries from {forgetting} where due_at <= :now order by due_at limit 100",
            {"now": now},
        )
        return [Forgetting(id_, msgspec.json.decode(person, type=Person), tries) for id_, person, tries in rows]

    @writes
    def put_off_forgetting(self, id: str, due_at: float) -> None:  # noqa: A002  the column's name
        """Not every module could do it: try again then."""
        self.db.execute(
            "update {forgetting} set due_at = :at, tries = tries + 1 where id = :id", {"at": due_at, "id": id}
        )

    @writes
    def end_forgetting(self, id: str) -> None:  # noqa: A002  the column's name
        """Everybody has forgotten them."""
        self.db.execute("delete from {forgetting} where id = :id", {"id": id})


_OF_PERSON = {
    "account": "account in {each:accounts}",
    "request": "(account in {each:accounts} or target in {each:accounts})",
    "bond": "{scope} and (account in {each:accounts} or other in {each:accounts})",
}
"""Which rows are about somebody."""
_TOLD = {
    "account": ("account", "server", "platform", "login", "name", "last_seen"),
    "request": ("account", "target", "login", "at", "tries_left"),
    "bond": ("account", "other", "at"),
}
"""What they are told of these."""
