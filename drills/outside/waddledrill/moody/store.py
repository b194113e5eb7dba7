"""What was done before it went wrong: one row for each effect, with nothing that would keep a second one out."""

from waddlebot.libs.sdk import Column, Store, Table, writes


class MoodyStore(Store):
    """Bookings of commands."""

    tables = (Table("booking", (Column("id", "integer"), Column("event_id", "text")), ("id",)),)

    @writes
    def book(self, event_id: str) -> None:
        """Book a command."""
        self.db.insert_many("booking", [{"event_id": event_id}])
