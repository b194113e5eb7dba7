"""Users, sessions and failures in the database."""

import dataclasses
from typing import Any

from waddlebot.core.identity.login.factors_store import FactorStore
from waddlebot.core.identity.login.tables import (
    LOGIN_TABLES,
    OF_USERS,
    LinkedAccount,
    LinkedIdentity,
    Redeemed,
    Session,
    Ticket,
    Tried,
    User,
)
from waddlebot.libs.sdk import reads, writes
from waddlebot.libs.sdk.visitor import Visitor

IDLE_S = 3_600.0
"""A session that nobody used for so long has ended."""
ABSOLUTE_S = 7 * 24 * 3_600.0
"""The longest that a session lives, however often it is used."""
TOUCH_S = 60.0
"""How often at most a session's use is written down."""
SESSIONS_MAX = 50
"""Sessions of one user; the one unused for longest goes first."""
ACCOUNTS_MAX = 20
"""Platform accounts of one user."""
FREE_TRIES = 5
"""Failures before the first wait."""
WAIT_S = 30.0
"""The first wait; each further failure doubles it."""
WAIT_S_MAX = 900.0
"""The longest wait: about 100 tries a day, for whoever tries that long."""
FORGIVE_S = 24 * 3_600.0
"""After so long without a failure they are forgotten."""

_USER = "id, email, password, active, created_at, last_login_at"
_SESSION = "id, user_id, created_at, last_used_at, proved_at, expires_at, device, address"


class LoginStore(FactorStore):
    """What signing in needs of core.identity's tables; statements name no community, for users belong to none."""

    tables = LOGIN_TABLES

    # Users

    @reads
    def users(self) -> list[tuple[User, tuple[str, ...], int]]:
        """Every user, with their roles and how many sessions there are."""
        found = self.db.fetch(User, f"select {_USER} from {{login_user}} order by email, id")  # noqa: S608  constant column names
        counted = self.db.execute("select user_id, count(*) from {login_session} group by user_id")
        sessions: dict[str, int] = {row[0]: row[1] for row in counted}
        return [(user, self._roles(user.id), sessions.get(user.id, 0)) for user in found]

    @reads
    def user(self, id_: str) -> User | None:
        """The user of an id."""
        return self._user("id", id_)

    @reads
    def user_by_email(self, email: str) -> User | None:
        """The user of an address, which is normalised."""
        return self._user("email", email)

    def _user(self, column: str, value: str) -> User | None:
        rows = self.db.fetch(
            User,
            f"select {_USER} from {{login_user}} where {column} = :value",  # noqa: S608  constant column names
            {"value": value},
        )
        return rows[0] if rows else None

    @writes
    def add_user(self, user: str, email: str | None, roles: tuple[str, ...], now: float) -> None:
        """A new user of that id, without a password. Raises ``Conflict`` where the address has one."""
        self._add_user(user, email, roles, now)

    def _add_user(self, user: str, email: str | None, roles: tuple[str, ...], now: float) -> None:
        self.db.insert_many("login_user", [dataclasses.asdict(User(user, email, None, True, now, None))])
        for role in roles:
            self.db.insert_many("login_role", [{"user_id": user, "role": role}])

    @writes
    def set_active(self, user: str, active: bool) -> bool:
        """Let a user in, or not; who is not has no session left. False where it was so."""
        changed = self.db.execute(
            "update {login_user} set active = :active where id = :id and active <> :active returning id",
            {"active": active, "id": user},
        )
        if not active:
            self._end_all(user)
        return bool(changed)

    @writes
    def set_password(self, user: str, password: str, keep: str = "") -> None:
        """A new password (its hash); ends every session but ``keep``, and what others were halfway through."""
        self.db.execute("update {login_user} set password = :hash where id = :id", {"hash": password, "id": user})
        self._end_all(user, keep)
        self.db.execute("delete from {login_ticket} where user_id = :user", {"user": user})

    @writes
    def rehash(self, user: str, before: str, after: str) -> None:
        """The same password hashed anew, unless it was changed meanwhile."""
        self.db.execute(
            "update {login_user} set password = :after where id = :id and password = :before",
            {"after": after, "before": before, "id": user},
        )

    def _roles(self, user: str) -> tuple[str, ...]:
        rows = self.db.execute("select role from {login_role} where user_id = :user order by role", {"user": user})
        return tuple(row[0] for row in rows)

    @writes
    def remove_user(self, user: str) -> int:
        """Forget a user, with all that is theirs; returns how many rows that were."""
        return self._remove_user(user)

    def _remove_user(self, user: str) -> int:
        gone = self.db.execute("delete from {login_user} where id = :user", {"user": user}).changed
        for table in OF_USERS:
            statement = f"delete from {{{table.name}}} where user_id = :user"  # noqa: S608  constant table names
            gone += self.db.execute(statement, {"user": user}).changed
        return gone

    # Failures

    @writes
    def try_password(self, subject: str, email: str, now: float) -> Tried:
        """Count a try of a password, before it is looked at: many at once are many."""
        return Tried(self._take(subject, now), self._user("email", email))

    @writes
    def take_try(self, subject: str, now: float) -> float:
        """Count a try of something else; 0, or the seconds to wait, and then nothing is counted."""
        return self._take(subject, now)

    @writes
    def forgive(self, subject: str) -> None:
        """Forget the failures: the right one came."""
        self.db.execute("delete from {login_failure} where subject = :subject", {"subject": subject})

    def _take(self, subject: str, now: float) -> float:
        # To add nothing takes the row: of two tries at once, or a try and its pardon, one waits for the other.
        row = (subject, 0, now, 0.0)
        columns = ("subject", "tries", "last_at", "locked_until")
        self.db.upsert_many("login_failure", [row], columns=columns, add=("tries",))
        ((tries, last_at, locked_until),) = self.db.execute(
            "select tries, last_at, locked_until from {login_failure} where subject = :subject",
            {"subject": subject},
        )
        if locked_until > now:
            return float(locked_until - now)
        tries = 1 if now - last_at > FORGIVE_S else tries + 1
        wait_s = 0.0 if tries < FREE_TRIES else min(WAIT_S_MAX, WAIT_S * 2.0 ** min(tries - FREE_TRIES, 16))
        self.db.execute(
            "update {login_failure} set tries = :tries, last_at = :now, locked_until = :until "
            "where subject = :subject",
            {"tries": tries, "now": now, "until": now + wait_s, "subject": subject},
        )
        return 0.0

    # Tickets

    @writes
    def put_ticket(self, digest: str, ticket: Ticket, expires_at: float) -> None:
        """Keep something that can be ended once."""
        row = (digest, ticket.kind, ticket.user_id, ticket.data, expires_at)
        self.db.insert_many("login_ticket", [row], columns=("digest", "kind", "user_id", "data", "expires_at"))

    @reads
    def ticket(self, digest: str, kind: str, now: float) -> Ticket | None:
        """A ticket that still holds, which it goes on to do."""
        found = self.db.fetch(
            Ticket,
            "select kind, user_id, data from {login_ticket} "
            "where digest = :digest and kind = :kind and expires_at > :now",
            {"digest": digest, "kind": kind, "now": now},
        )
        return found[0] if found else None

    @writes
    def take_ticket(self, digest: str, kind: str, now: float) -> Ticket | None:
        """A ticket that still holds, and does no more: of two who come with it one gets it."""
        return self._take_ticket(digest, kind, now)

    def _take_ticket(self, digest: str, kind: str, now: float) -> Ticket | None:
        found = self.db.fetch(
            Ticket,
            "delete from {login_ticket} where digest = :digest and kind = :kind and expires_at > :now "
            "returning kind, user_id, data",
            {"digest": digest, "kind": kind, "now": now},
        )
        return found[0] if found else None

    @writes
    def sweep(self, now: float) -> int:
        """Remove what has ended: sessions, tickets, failures that are forgotten. Returns how many rows."""
        return sum(
            self.db.execute(statement, {"before": before}).changed
            for statement, before in (
                ("delete from {login_ticket} where expires_at < :before", now),
                ("delete from {login_session} where expires_at < :before", now),
                ("delete from {login_session} where last_used_at < :before", now - IDLE_S - TOUCH_S),
                ("delete from {login_failure} where last_at < :before", now - FORGIVE_S),
            )
        )

    # Sessions

    @writes
    def open_session(self, digest: str, session: Session, replaces: str = "") -> bool:
        """Keep a new session, in the place of one that the browser had; False for a user who may not sign in."""
        user = self._user("id", session.user_id)
        if user is None or not user.active:
            return False
        if replaces:
            self.db.execute("delete from {login_session} where digest = :digest", {"digest": replaces})
        self.db.execute(
            "delete from {login_session} where user_id = :user and id in (select id from {login_session} "
            "where user_id = :user order by last_used_at desc limit 1000 offset :kept)",
            {"user": user.id, "kept": SESSIONS_MAX - 1},
        )
        self.db.insert_many("login_session", [dataclasses.asdict(session) | {"digest": digest}])
        self.db.execute(
            "update {login_user} set last_login_at = :now where id = :id",
            {"now": session.created_at, "id": user.id},
        )
        return True

    @reads
    def visitor(self, digest: str, now: float) -> tuple[Visitor, float] | None:
        """Whose session it is, with all accounts of the person, and when it was last used."""
        rows = self.db.execute(
            "select {login_session}.id, user_id, proved_at, last_used_at from {login_session} "
            "join {login_user} on {login_user}.id = user_id "
            "where digest = :digest and expires_at > :now and last_used_at > :idle and active = :yes",
            {"digest": digest, "now": now, "idle": now - IDLE_S, "yes": True},
        )
        if not rows:
            return None
        id_, user, proved_at, last_used_at = rows[0]
        accounts: dict[str, None] = {}
        for linked in self._accounts(user):
            accounts |= dict.fromkeys((linked.account, *self._group(linked.account)))
        return Visitor(user, id_, tuple(accounts), self._roles(user), proved_at), last_used_at

    def _group(self, account: str) -> tuple[str, ...]:
        """All accounts of the person."""
        raise NotImplementedError

    @writes
    def touch(self, session: str, now: float) -> None:
        """Note that a session was used."""
        self.db.execute(
            "update {login_session} set last_used_at = :now where id = :id", {"now": now, "id": session}
        )

    @writes
    def renew(self, session: str, digest: str, proved_at: float) -> None:
        """Another token for a session, whose user proved anew who they are at that time."""
        self.db.execute(
            "update {login_session} set digest = :digest, proved_at = :at where id = :id",
            {"digest": digest, "at": proved_at, "id": session},
        )

    @reads
    def sessions(self, user: str, now: float) -> list[Session]:
        """The sessions of a user that have not ended, the last used first."""
        return self.db.fetch(
            Session,
            f"select {_SESSION} from {{login_session}} "  # noqa: S608  constant column names
            "where user_id = :user and expires_at > :now and last_used_at > :idle order by last_used_at desc, id",
            {"user": user, "now": now, "idle": now - IDLE_S},
        )

    @writes
    def end_session(self, user: str, session: str) -> bool:
        """End one session of a user; False where there is none of that id."""
        return bool(
            self.db.execute(
                "delete from {login_session} where user_id = :user and id = :id", {"user": user, "id": session}
            ).changed
        )

    @writes
    def end_sessions(self, user: str, keep: str = "") -> int:
        """End the sessions of a user, but for one; returns how many."""
        return self._end_all(user, keep)

    def _end_all(self, user: str, keep: str = "") -> int:
        return self.db.execute(
            "delete from {login_session} where user_id = :user and id <> :keep", {"user": user, "keep": keep}
        ).changed

    # Accounts and identities

    @reads
    def accounts(self, user: str) -> list[LinkedAccount]:
        """The platform accounts that a user proved to own, the first first."""
        return self._accounts(user)

    def _accounts(self, user: str) -> list[LinkedAccount]:
        return self.db.fetch(
            LinkedAccount,
            "select account, linked_at, how from {login_account} where user_id = :user "
            "order by linked_at, account",
            {"user": user},
        )

    @writes
    def link_account(self, user: str, account: str, how: str, now: float) -> str:
        """An account is a user's, and no other user's from now on; a refusal in words, or nothing."""
        return self._link_account(user, account, how, now)

    def _link_account(self, user: str, account: str, how: str, now: float) -> str:
        known = self._accounts(user)
        if len(known) >= ACCOUNTS_MAX and account not in (one.account for one in known):
            return f"One user has {ACCOUNTS_MAX} accounts at most: take one away first."
        row = {"account": account, "user_id": user, "linked_at": now, "how": how}
        self.db.upsert_many("login_account", [row], set=("user_id", "linked_at", "how"))
        return ""

    @writes
    def redeem(self, digest: str, account: str, now: float) -> Redeemed:
        """Connect the account that typed a code with the user who asked for it, once."""
        ticket = self._take_ticket(digest, "chat", now)
        if ticket is None:
            return Redeemed()
        return Redeemed(ticket.user_id, self._link_account(ticket.user_id, account, "chat", now))

    @writes
    def unlink_account(self, user: str, account: str) -> bool:
        """Take an account from a user; False where it is not theirs."""
        return bool(
            self.db.execute(
                "delete from {login_account} where user_id = :user and account = :account",
                {"user": user, "account": account},
            ).changed
        )

    @reads
    def identities(self, user: str) -> list[LinkedIdentity]:
        """A user's identities at providers."""
        return self.db.fetch(
            LinkedIdentity,
            "select issuer, subject, name, account, linked_at from {login_identity} where user_id = :user "
            "order by linked_at, issuer, subject",
            {"user": user},
        )

    @reads
    def user_of(self, issuer: str, subject: str) -> User | None:
        """Whose identity it is."""
        rows = self.db.execute(
            "select user_id from {login_identity} where issuer = :issuer and subject = :subject",
            {"issuer": issuer, "subject": subject},
        )
        return self._user("id", rows[0][0]) if rows else None

    @writes
    def connect(self, user: str, identity: LinkedIdentity) -> str:
        """An identity, and the platform account that it proves, are a user's; a refusal in words, or nothing."""
        return self._connect(user, identity)

    def _connect(self, user: str, identity: LinkedIdentity) -> str:
        row = dataclasses.asdict(identity) | {"user_id": user}
        self.db.upsert_many("login_identity", [row])
        ((owner,),) = self.db.execute(
            "select user_id from {login_identity} where issuer = :issuer and subject = :subject",
            {"issuer": identity.issuer, "subject": identity.subject},
        )
        if owner != user:
            return "Another user is connected with that account: take it away there first."
        if not identity.account:
            return ""
        return self._link_account(user, identity.account, "oauth", identity.linked_at)

    @writes
    def register(self, user: str, identity: LinkedIdentity) -> None:
        """A new user of that id who signs in by an identity alone."""
        self._add_user(user, None, (), identity.linked_at)
        self._connect(user, identity)

    @writes
    def disconnect(self, user: str, issuer: str) -> bool:
        """Take a user's identities at an issuer; what they proved stays. False where there are none."""
        return bool(
            self.db.execute(
                "delete from {login_identity} where user_id = :user and issuer = :issuer",
                {"user": user, "issuer": issuer},
            ).changed
        )

    # Personal data

    @reads
    def held_of_users(
        self, accounts: tuple[str, ...], users: tuple[str, ...] = ()
    ) -> dict[str, list[dict[str, Any]]]:
        """What is held of users, and that accounts are somebody's, by table; secrets are left out."""
        return self._held_of_users(accounts, users)

    def _held_of_users(self, accounts: tuple[str, ...], users: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}

        def look(table: str, where: str, value: str) -> None:
            columns = _HELD[table]
            statement = f"select {', '.join(columns)} from {{{table}}} where {where} = :value"  # noqa: S608  constant names
            rows = self.db.execute(statement, {"value": value})
            if rows:
                found.setdefault(table, []).extend(dict(zip(columns, row, strict=True)) for row in rows)

        for user in users:
            for table in _HELD:
                look(table, "id" if table == "login_user" else "user_id", user)
        for account in accounts:
            if not set(self._owners((account,))) & set(users):
                for table in _OF_ACCOUNT:
                    look(table, "account", account)
        return found

    @writes
    def forget_users(self, accounts: tuple[str, ...], users: tuple[str, ...] = ()) -> int:
        """Forget users, and take these accounts from theirs: those stay, unless they could not sign in any more.

        An account alone does not prove whose sign-in it is connected with: somebody else may have typed the code.
        """
        return self._forget_users(accounts, users)

    def _forget_users(self, accounts: tuple[str, ...], users: tuple[str, ...]) -> int:
        owners, gone = self._owners(accounts), 0
        for account in accounts:
            for table in _OF_ACCOUNT:
                statement = f"delete from {{{table}}} where account = :account"  # noqa: S608  constant table names
                gone += self.db.execute(statement, {"account": account}).changed
        for user in dict.fromkeys((*users, *owners)):
            if user in users or self._is_left_alone(user):
                gone += self._remove_user(user)
        return gone

    def _is_left_alone(self, user: str) -> bool:
        """Whether nothing is left by which a user could sign in, or be found."""
        known = self._user("id", user)
        ways = "select 1 from {login_identity} where user_id = :user union all select 1 from {login_passkey} "
        left = self.db.execute(ways + "where user_id = :user", {"user": user})
        return not self._accounts(user) and not left and (known is None or known.email is None)

    def _owners(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        statement = "select user_id from {login_account} where account = :account"
        found = (self.db.execute(statement, {"account": account}) for account in accounts)
        return tuple(dict.fromkeys(row[0] for rows in found for row in rows))


_HELD = {
    "login_user": ("id", "email", "active", "created_at", "last_login_at"),
    "login_role": ("role",),
    "login_account": ("account", "linked_at", "how"),
    "login_identity": ("issuer", "subject", "name", "account", "linked_at"),
    "login_session": ("id", "created_at", "last_used_at", "expires_at", "device", "address"),
    "login_totp": ("confirmed",),
    "login_passkey": ("id", "sign_count", "name", "created_at", "last_used_at"),
}
"""What a person is shown of their own, by table."""
_OF_ACCOUNT = ("login_account", "login_identity")
"""What of it says which account it is about."""
