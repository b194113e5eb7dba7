"""Accounts as last seen on each server, and the person a linked account belongs to."""

from collections.abc import Sequence

from waddlebot.core.identity.seen import Face
from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.sdk import Column, Store, Table, reads, writes

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

LINK = Table("link", (Column("account", "text"), Column("person", "text")), key=("account",), scoped=False)


class IdentityStore(Store):
    """Accounts cross communities: no row here belongs to one."""

    tables = (ACCOUNT, LINK)

    @writes
    def saw(self, faces: Sequence[Face], at: float) -> None:
        """Write down the names that accounts go by now. Doing so twice changes nothing."""
        self.db.upsert_many(
            "account",
            [
                (f"{platform}:{user_id}", server, platform, login.lower(), name, at)
                for platform, server, user_id, login, name in faces
            ],
            columns=("account", "server", "platform", "login", "name", "last_seen"),
            set=("login", "name", "last_seen"),
        )

    @reads
    def by_login(self, platform: str, logins: tuple[str, ...], server: str = "") -> list[list[Account]]:
        """Who has or had each login, on one server or any, the last to have it first; at most ten."""
        return [
            self.db.fetch(
                Account,
                "select a.account, a.login, a.name, coalesce(l.person, a.account) from {account} a "
                "left join {link} l on l.account = a.account "
                "where a.platform = :platform and a.login = :login and (a.server = :server or :server = '') "
                "order by a.last_seen desc, a.account limit 10",
                {"platform": platform, "login": login.lower(), "server": server},
            )
            for login in logins
        ]

    @reads
    def seen(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that were ever seen."""
        statement = "select 1 from {account} where account = :account limit 1"
        return tuple(account for account in accounts if self.db.execute(statement, {"account": account}))

    @reads
    def links(self, accounts: tuple[str, ...]) -> dict[str, str]:
        """Account → person of these accounts, or of all, as far as they are linked."""
        if not accounts:
            return dict(self.db.execute("select account, person from {link}"))
        found: dict[str, str] = {}
        for account in accounts:
            found |= dict(
                self.db.execute(
                    "select account, person from {link} where account = :account", {"account": account}
                )
            )
        return found
