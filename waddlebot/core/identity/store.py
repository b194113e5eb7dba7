"""Accounts as last seen, and the person each belongs to."""

from collections.abc import Sequence

from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.sdk import Column, Event, Store, Table, reads, writes

ACCOUNT = Table(
    "account",
    (
        Column("account", "text"),
        Column("platform", "text"),
        Column("login", "text"),
        Column("name", "text"),
        Column("person", "text", null=True),
        Column("last_seen", "real"),
    ),
    key=("account",),
    scoped=False,
)

_FIELDS = "account, login, name, coalesce(person, account)"


class IdentityStore(Store):
    """Accounts cross communities: no row here belongs to one."""

    tables = (ACCOUNT,)

    @writes
    def saw(self, events: Sequence[Event]) -> None:
        """Write down who did these, by the names they go by now. Doing so twice changes nothing."""
        rows = [
            (event.account, event.platform, event.user_login.lower(), event.user_name, event.received_at)
            for event in events
        ]
        self.db.upsert_many(
            "account",
            rows,
            columns=("account", "platform", "login", "name", "last_seen"),
            set=("login", "name", "last_seen"),
        )

    @reads
    def by_login(self, platform: str, logins: tuple[str, ...]) -> list[Account]:
        """The account of each login; one that changed hands is whose it was last."""
        found = []
        for login in logins:
            found += self.db.fetch(
                Account,
                f"select {_FIELDS} from {{account}} "  # noqa: S608  # constants
                "where platform = :platform and login = :login order by last_seen desc, account limit 1",
                {"platform": platform, "login": login.lower()},
            )
        return found

    @reads
    def links(self, accounts: tuple[str, ...]) -> dict[str, str]:
        """Account → person of these accounts, or of all, as far as they are linked."""
        where = "person is not null"
        if not accounts:
            rows = self.db.execute(f"select account, person from {{account}} where {where}")  # noqa: S608  # constants
            return dict(rows)
        found: dict[str, str] = {}
        for account in accounts:
            found |= dict(
                self.db.execute(
                    f"select account, person from {{account}} where account = :account and {where}",  # noqa: S608  # constants
                    {"account": account},
                )
            )
        return found
