"""Which accounts were written down lately, so that a chatter costs one row every ten minutes, not one a line."""

from collections.abc import Iterable

from waddlebot.libs.sdk import Crowd

REWRITE_AFTER_S = 600.0
ACCOUNTS_MAX = 100_000
"""How many accounts are remembered, about 20 MB. Forgetting costs rows that are written too early, no more."""

type News = tuple[str, str, str, str, str]
"""Platform, server, user id, login and name of an account."""


class Seen:
    """The logins of the accounts that were written lately, by platform, server and user id."""

    def __init__(self, accounts_max: int = ACCOUNTS_MAX) -> None:
        self._accounts_max = accounts_max
        self._began = 0.0
        self._logins: dict[tuple[str, str, str], str] = {}

    def news(self, crowd: Crowd, now: float) -> list[News]:
        """The accounts that must be written: new on their server, renamed, or not written lately."""
        # A clock set back must not keep accounts from being written until it has caught up.
        if not 0 <= now - self._began < REWRITE_AFTER_S:
            self._logins.clear()
            self._began = now
        found: dict[tuple[str, str, str], News] = {}
        logins = self._logins
        for (platform, server), here in crowd.said.items():
            for community, said in here.items():
                for user_id, names in said.names.items():
                    key = platform, server, user_id
                    if logins.get(key) != names.login and user_id and names.login and community:
                        found[key] = (*key, names.login, names.name)
        for e in crowd.others:
            key = e.platform, e.server, e.user_id
            if logins.get(key) != e.user_login and e.user_id and e.user_login and e.community:
                found[key] = (*key, e.user_login, e.user_name)
        return list(found.values())

    def forget(self, accounts: Iterable[str]) -> None:
        """Accounts (``platform:user_id``) are in the database no more."""
        gone = set(accounts)
        for key in [key for key in self._logins if f"{key[0]}:{key[2]}" in gone]:
            del self._logins[key]

    def wrote(self, faces: Iterable[News]) -> None:
        """Remember that these are in the database now."""
        for platform, server, user_id, login, _ in faces:
            if len(self._logins) >= self._accounts_max:
                self._logins.clear()
            self._logins[platform, server, user_id] = login
