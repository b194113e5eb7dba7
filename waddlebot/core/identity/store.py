"""Accounts as last seen on each server, where they were seen, and the person a linked account belongs to."""

from collections.abc import Sequence

from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.sdk import Column, Event, Store, Table, reads, writes

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

SIGHTING = Table("sighting", (Column("account", "text"),), key=("account", "community"))

LINK = Table("link", (Column("account", "text"), Column("person", "text")), key=("account",), scoped=False)


class IdentityStore(Store):
    """Accounts cross communities: only that one was seen in a community belongs to it."""

    tables = (ACCOUNT, SIGHTING, LINK)

    @writes
    def saw(self, events: Sequence[Event]) -> None:
        """Write down who did these, by the names they go by now, and where. Doing so twice changes nothing.

        Of several events of one account the last one counts.
        """
        self.db.upsert_many(
            "account",
            [(e.account, e.server, e.platform, e.user_login.lower(), e.user_name, e.received_at) for e in events],
            columns=("account", "server", "platform", "login", "name", "last_seen"),
            set=("login", "name", "last_seen"),
        )
        self.db.upsert_many(
            "sighting", [(e.community, e.account) for e in events], columns=("community", "account")
        )

    @reads
    def by_login(self, platform: str, logins: tuple[str, ...], server: str = "") -> list[Account]:
        """The account of each login, on one server or any: one seen in the scope's communities before others.

        Among equals a login that changed hands is whose it was last.
        """
        found = []
        for login in logins:
            found += self.db.fetch(
                Account,
                "select a.account, a.login, a.name, coalesce(l.person, a.account) from {account} a "
                "left join {link} l on l.account = a.account "
                "where a.platform = :platform and a.login = :login and (a.server = :server or :server = '') "
                "order by exists (select 1 from {sighting} s where s.account = a.account and {scope:s}) desc, "
                "a.last_seen desc, a.account limit 1",
                {"platform": platform, "login": login.lower(), "server": server},
            )
        return found

    @reads
    def seen(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that were seen in the scope's communities."""
        return self._known(accounts, "select 1 from {sighting} where account = :account and {scope} limit 1")

    @reads
    def seen_anywhere(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that were ever seen."""
        return self._known(accounts, "select 1 from {account} where account = :account limit 1")

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

    def _known(self, accounts: tuple[str, ...], statement: str) -> tuple[str, ...]:
        return tuple(account for account in accounts if self.db.execute(statement, {"account": account}))
