"""Which accounts were written down lately, so that a chatter costs one row every few minutes, not one a line."""

from collections.abc import Iterable, Sequence

from waddlebot.libs.sdk import Event

REWRITE_AFTER_S = 600.0
ACCOUNTS_MAX = 100_000
"""How many accounts are remembered, about 30 MB. Forgetting costs rows that are written too early, no more."""


class Seen:
    """The accounts written lately: platform and server → user id → login and when."""

    def __init__(self, accounts_max: int = ACCOUNTS_MAX) -> None:
        self._accounts_max = accounts_max
        self._count = 0
        self._servers: dict[tuple[str, str], dict[str, tuple[str, float]]] = {}

    def news(self, events: Sequence[Event], now: float) -> list[Event]:
        """The newest event of each account that must be written: new there, renamed, or not written lately."""
        found: dict[tuple[str, str, str], Event] = {}
        platform = server = ""
        known: dict[str, tuple[str, float]] = {}
        for event in events:
            if event.platform != platform or event.server != server:
                platform, server = event.platform, event.server
                known = self._servers.get((platform, server), {})
            user_id, login = event.user_id, event.user_login
            last = known.get(user_id)
            # A clock set back must not keep an account from being written until it has caught up.
            if last is not None and last[0] == login and 0 <= now - last[1] < REWRITE_AFTER_S:
                continue
            if user_id and login and event.community:
                found[platform, server, user_id] = event
        return list(found.values())

    def wrote(self, events: Iterable[Event], now: float) -> None:
        """Remember that the accounts of these events are in the database now."""
        for event in events:
            if self._count >= self._accounts_max:
                self._servers.clear()
                self._count = 0
            known = self._servers.setdefault((event.platform, event.server), {})
            self._count += event.user_id not in known
            known[event.user_id] = (event.user_login, now)
