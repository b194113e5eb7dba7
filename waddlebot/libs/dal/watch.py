"""The watch: it asks each server now and then how it is, so that no unit of work has to find out by waiting.

How far a replica is behind is measured by one clock, the host's own: the watch notes when it asked the primary for
its place in the log. A replica that has replayed that place has all that was committed before that moment. So an
idle primary is no lag, and clocks that disagree do not matter.
"""

import math
import threading
import time
from collections.abc import Sequence
from typing import Any

from waddlebot.libs.dal.errors import DalError
from waddlebot.libs.dal.patience import Patient
from waddlebot.libs.dal.pause import pause
from waddlebot.libs.dal.postgresql_connection import connect, driver, in_our_words
from waddlebot.libs.dal.rowsecurity import ABOVE_THE_WALL
from waddlebot.libs.dal.target import Target

PERIOD_S = 0.5
TICK_S = 0.1  # how often overdue statements are looked for; no look at a server follows another sooner
PRIMARY_PATIENCE_S = 3.0
REPLICA_PATIENCE_S = 1.0
SAMPLES_MAX = 600  # places in the log that are remembered: five minutes

# What is flushed is what replicas are sent; a commit that was acknowledged is flushed.
_PRIMARY = """
    select case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint end
"""
_REPLICA = "select case when pg_is_in_recovery() then pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint end"


class Probe(Patient):
    """A connection of the watch's own, through which it asks one server."""

    def __init__(self, target: Target, patience_s: float) -> None:
        super().__init__(patience_s)
        self.target = target

    def ask(self, statement: str) -> Any:
        """The one value that the statement returns. Raises DalError."""
        try:
            if self.connection is None:
                self.connection = connect(self.target.url, self.target.defaults)
            with self.connection.cursor() as cursor:
                self.send(cursor, statement)
                row = cursor.fetchone()
        except (DalError, driver().Error) as error:
            self.disconnect()
            raise in_our_words(error) from error
        return row[0] if row else None


class PrimaryWatch:
    """Looks after the primary, and remembers when its log had reached which place."""

    patience_s = PRIMARY_PATIENCE_S

    def __init__(self, target: Target) -> None:
        self.target = target
        self.probe = Probe(target, self.patience_s)
        self._samples: tuple[tuple[float, int], ...] = ()

    def look(self) -> None:
        """Ask it once."""
        asked = time.monotonic()
        try:
            place = self.probe.ask(_PRIMARY)
        except DalError as error:
            # Where others are being answered, it is only the watch that got no connection.
            if not self.target.answered_since(asked):
                self.target.fail(str(error), shut=time.monotonic() - asked >= self.patience_s)
            return
        if place is None:
            self.target.fail("it stands by for another server: name the primary in DATABASE_URL", shut=True)
            self.target.abandon()
            self.probe.disconnect()  # the name may lead to another server soon
            return
        self._samples = (*self._samples[1 - SAMPLES_MAX :], (asked, place))
        self.target.recover()

    def as_of(self, place: int) -> float | None:
        """A moment before which whatever was committed stands before that place in the log.

        -inf where it is not known, None before the first look.
        """
        samples = self._samples
        if not samples:
            return None
        return next((moment for moment, reached in reversed(samples) if reached <= place), -math.inf)


class ReplicaWatch:
    """Looks after a replica: whether it answers, and how far it is behind the primary."""

    patience_s = REPLICA_PATIENCE_S

    def __init__(self, target: Target, primary: PrimaryWatch, lag_s_max: float) -> None:
        self.target = target
        self.probe = Probe(target, self.patience_s)
        self.as_of = -math.inf
        """The replica has everything that was committed before this moment, by the monotonic clock."""
        self._primary = primary
        self._lag_s_max = lag_s_max
        self._looked_at = time.monotonic()

    def serves(self, moment: float) -> bool:
        """Whether it may be read by one who has to see what was committed before the moment."""
        return not self.target.problem and self.as_of >= max(moment, time.monotonic() - self._lag_s_max)

    def look(self) -> None:
        """Ask it once."""
        asked = time.monotonic()
        try:
            if self.probe.connection is None and self.probe.ask(ABOVE_THE_WALL):
                self.target.fail("its role is a superuser or has BYPASSRLS: name another in its URL", shut=True)
                self.probe.disconnect()
                return
            place = self.probe.ask(_REPLICA)
        except DalError as error:
            self.target.fail(str(error), shut=True)
            return
        if place is None:
            self.target.fail("it is no replica, or not any more: it takes writes of its own", shut=True)
            self.target.abandon()
            self.probe.disconnect()
            return
        self._judge(place, asked)

    def _judge(self, place: int, now: float) -> None:
        as_of = self._primary.as_of(place)
        if as_of is None:
            return
        self.as_of = as_of
        lag_s = now - max(as_of, self._looked_at)  # what was before the first look is not known to be missing
        # One that was too far behind comes back when it clearly is not: not to and fro.
        if lag_s > self._lag_s_max / (2 if self.target.problem else 1):
            self.target.fail(f"it is {lag_s:.1f} s behind (DATABASE_REPLICA_LAG_S_MAX)", shut=False)
        elif as_of > -math.inf:
            self.target.recover()


type ServerWatch = PrimaryWatch | ReplicaWatch


class Watch:
    """The threads of the watch: one for each server, and one that gives up what takes too long."""

    def __init__(self, watches: Sequence[ServerWatch]) -> None:
        self._watches = watches
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._look_after, args=(watch,), name=f"dal-watch-{watch.target.name}", daemon=True
            )
            for watch in watches
        ]
        self._threads.append(threading.Thread(target=self._give_up, name="dal-watch", daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads. Blocks until they ended."""
        self._ended.set()
        for watch in self._watches:
            watch.target.suspected.set()
        for thread in self._threads:
            thread.join()

    def _look_after(self, watch: ServerWatch) -> None:
        while not self._ended.is_set():
            watch.target.suspected.clear()
            watch.look()
            self._ended.wait(TICK_S)
            watch.target.suspected.wait(PERIOD_S - TICK_S)
        watch.probe.disconnect()

    def _give_up(self) -> None:
        while any(thread.is_alive() for thread in self._threads[:-1]):
            for watch in self._watches:
                watch.probe.give_up()
                before = time.monotonic() - watch.patience_s if watch.target.shut else -math.inf
                for session in watch.target.sessions:
                    session.give_up(before)
            pause(TICK_S, TICK_S)
