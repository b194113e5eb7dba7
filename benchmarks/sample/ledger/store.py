"""The ledger: one row for each command that was executed."""

from waddlebot.libs.sdk import Column, Store, Table, reads, writes

ENTRY = Table(
    "entry",
    (Column("event", "text"), Column("command", "text"), Column("account", "text")),
    key=("community", "event"),
)


class LedgerStore(Store):
    """What was executed."""

    tables = (ENTRY,)

    @writes
    def enter(self, event: str, command: str, account: str) -> None:
        """Add a row. Raises ``Conflict`` for a second one of the same event."""
        self.db.insert_many("entry", [(event, command, account)], columns=("event", "command", "account"))

    @reads
    def entered(self) -> dict[str, int]:
        """How often each command was executed."""
        return dict(self.db.execute("select command, count(*) from {entry} where {scope} group by command"))
