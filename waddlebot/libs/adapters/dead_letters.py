"""Dead letters as what is held about people: each is an event that somebody caused."""

from typing import Any

import msgspec

from waddlebot.libs.dal import Store, reads, writes
from waddlebot.libs.sdk.event import Event

_EVENT = msgspec.msgpack.Decoder(Event)


class DeadLettersOfPeople(Store):
    """The part of :class:`~waddlebot.libs.adapters.delivery_store.DeliveryStore` that people ask for."""

    @reads
    def held_of(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """The dead letters of accounts, by table."""
        return {
            "dead": [msgspec.structs.asdict(event) | {"why": why} for _, event, why in self._dead_of(accounts)]
        }

    @writes
    def forget_of(self, accounts: tuple[str, ...]) -> int:
        """Delete them; how many."""
        return sum(
            self.db.execute("delete from {dead} where id = :id", {"id": number}).changed
            for number, _, _ in self._dead_of(accounts)
        )

    def _dead_of(self, accounts: tuple[str, ...]) -> list[tuple[int, Event, str]]:
        rows = self.db.execute("select id, event, reason from {dead} order by id")
        found = [(number, _EVENT.decode(packed), reason) for number, packed, reason in rows]
        return [row for row in found if row[1].account in accounts]
