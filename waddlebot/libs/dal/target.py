"""A target: one PostgreSQL server, or a pgbouncer before it, with PyDAL on it and what is known of its health."""

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from waddlebot.libs.dal.budgets import Budget
from waddlebot.libs.dal.dialect import POSTGRESQL
from waddlebot.libs.dal.errors import Unavailable
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.pause import pause
from waddlebot.libs.dal.postgresql_connection import connect, place
from waddlebot.libs.dal.postgresql_session import PostgreSQLSession
from waddlebot.libs.dal.pydal_tables import open_pydal

PATIENCE_S = 3.0
"""How long work waits for a primary that refuses connections: most restarts take less."""
TRIAL_S = 1.0

_PAUSE_S = (0.05, 0.2)

_log = logging.getLogger(__name__)


class Target:
    """One server. Sessions ask it for connections; a watch tells it what it finds."""

    def __init__(
        self, name: str, url: str, defaults: Mapping[str, str], owners: Sequence[Owner], *, patience_s: float = 0.0
    ) -> None:
        self.name = name
        self.url = url
        self.defaults = defaults
        self.place = place(url)
        self.sessions: list[PostgreSQLSession] = []
        self.problem = ""
        self.shut = False
        """No work may go there at all: it hangs, or is none of what it should be."""
        self.suspected = threading.Event()
        """Somebody could not connect: the watch is to look at once."""
        self._failed_at = self._tried_at = -math.inf
        self._patience_s = patience_s
        self._db, self._tables = open_pydal(f"waddlebot_postgresql://{name}", POSTGRESQL, owners)
        self._db._adapter.connector = self._connect

    def session(self, budget: Budget, *, read_only: bool) -> PostgreSQLSession:
        """A session of the calling thread."""
        session = PostgreSQLSession(self._db, self._tables, budget, read_only=read_only)
        self.sessions.append(session)
        return session

    def check(self) -> None:
        """Raise Unavailable at once where waiting for the server would be in vain.

        Now and then one unit of work is let through all the same: its connection may be better than the watch's.
        """
        if not self.problem:
            return
        now = time.monotonic()
        if not self.shut:
            patient_since = now - self._patience_s
            if self._failed_at >= patient_since or self.answered_since(patient_since):
                return
            if now - self._tried_at >= TRIAL_S:
                self._tried_at = now
                return
        raise Unavailable(f"the {self.name} ({self.place}) is not available: {self.problem}")

    def answered_since(self, moment: float) -> bool:
        """Whether it answered a statement that was sent after that moment, by the monotonic clock."""
        return any(session.answered_at >= moment for session in self.sessions)

    def fail(self, problem: str, *, shut: bool) -> None:
        """Note that it cannot be used."""
        if not self.problem:
            self._failed_at = self._tried_at = time.monotonic()
            _log.warning("the %s (%s) is not used: %s", self.name, self.place, problem)
        self.problem, self.shut = problem, shut

    def recover(self) -> None:
        """Note that it can be used."""
        if self.problem:
            _log.info("the %s (%s) is used again", self.name, self.place)  # first: from the next line on it is
            self.problem, self.shut = "", False

    def abandon(self) -> None:
        """Let every session connect anew: this server is not what it was."""
        for session in self.sessions:
            session.stale = True

    def _connect(self) -> Any:
        """A connection for a session. Raises Unavailable, after some patience with a server that restarts."""
        until = time.monotonic() + self._patience_s
        while True:
            self.check()
            try:
                return connect(self.url, self.defaults)
            except Unavailable:
                self.suspected.set()
                if time.monotonic() >= until:
                    raise
            pause(*_PAUSE_S)
