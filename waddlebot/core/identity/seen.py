"""Which accounts were written down lately, so that a chatter costs one row every few minutes, not one a line.

What a line costs here is one look-up and four comparisons. That an account was seen in a community is written
once while it is remembered: it stays true.
"""

from collections.abc import Iterable, Sequence

from waddlebot.libs.sdk import Event

REWRITE_AFTER_S = 600.0
ACCOUNTS_MAX = 100_000
"""How many accounts are remembered, about 30 MB. Forgetting costs rows that are written too early, no more."""


type _Written = tuple[str, float, frozenset[str]]
"""An account's login, when it was written, and the communities it was written for."""


class Seen:
    """The accounts written lately: platform and server → user id → what was written."""

    def __init__(self, accounts_max: int = ACCOUNTS_MAX) -> None:
        self._accounts_max = accounts_max
        self._count = 0
        self._servers: dict[tuple[str, str], dict[str, _Written]] = {}
        self._single: dict[str, frozenset[str]] = {}  # most are seen in one community: they share its set

    def news(self, events: Sequence[Event], now: float) -> list[Event]:
        """The newest event of each account in each community that must be written, the newest last.

        An account must be written when it is new on its server, new in its community, renamed, or not written
        lately.
        """
        found: dict[tuple[str, str, str, str], Event] = {}
        platform = server = ""
        known: dict[str, _Written] = {}
        for event in events:
            if event.platform != platform or event.server != server:
                platform, server = event.platform, event.server
                known = self._servers.get((platform, server), {})
            user_id, login, community = event.user_id, event.user_login, event.community
            last = known.get(user_id)
            # A clock set back must not keep an account from being written until it has caught up.
            if (
                last is not None
                and last[0] == login
                and community in last[2]
                and 0 <= now - last[1] < REWRITE_AFTER_S
            ):
                continue
            if user_id and login and community:
                key = (platform, server, user_id, community)
                found.pop(key, None)
                found[key] = event
        return list(found.values())

    def wrote(self, events: Iterable[Event], now: float) -> None:
        """Remember that the accounts of these events are in the database now."""
        for event in events:
            if self._count >= self._accounts_max:
                self._servers.clear()
                self._single.clear()
                self._count = 0
            known = self._servers.setdefault((event.platform, event.server), {})
            communities = self._single.setdefault(event.community, frozenset((event.community,)))
            if last := known.get(event.user_id):
                communities = last[2] if event.community in last[2] else last[2] | communities
            else:
                self._count += 1
            known[event.user_id] = (event.user_login, now, communities)
