"""The ledger: one row for each effect, with nothing that would keep a second one out."""

import time

from waddlebot.libs.sdk import Column, Store, Table, writes


class LedgerStore(Store):
    """Bookings of commands and of observed events."""

    tables = (
        Table(
            "booking",
            (
                Column("id", "integer"),
                Column("event_id", "text"),
                Column("value", "integer"),
                Column("at", "real"),
            ),
            ("id",),
        ),
        Table("observation", (Column("id", "integer"), Column("event_id", "text")), ("id",)),
    )

    @writes
    def book(self, event_id: str, value: int) -> int:
        """Book a command; how many bookings its event has now, itself included."""
        self.db.execute(
            "insert into {booking} (community, event_id, value, at) values ({community}, :event_id, :value, :at)",
            {"event_id": event_id, "value": value, "at": time.time()},
        )
        rows = self.db.execute(
            "select count(*) from {booking} where {scope} and event_id = :event_id", {"event_id": event_id}
        )
        return int(rows[0][0])

    @writes
    def observe(self, events: list[tuple[str, str]]) -> None:
        """Book observed events, each a community and an id."""
        self.db.insert_many("observation", events, columns=("community", "event_id"))
