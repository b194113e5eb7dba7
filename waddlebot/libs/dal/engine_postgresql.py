"""PostgreSQL: a pool of writers and readers on the primary, readers on each replica.

A lost connection is opened again; the unit is run again if nothing of it can have been committed, or if its effect
key tells whether it was. A read goes to a replica that is known to have all the read must see, and to the primary
where there is none: a replica that lags, hangs or is gone costs nobody an answer (`watch`, `freshness`).
"""

import functools
import time
from collections.abc import Collection, Sequence
from typing import Any

from waddlebot.libs.dal.binding import TargetState
from waddlebot.libs.dal.budgets import Budget, Budgets
from waddlebot.libs.dal.dialect import POSTGRESQL
from waddlebot.libs.dal.errors import InDoubt, Unavailable
from waddlebot.libs.dal.freshness import Freshness
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.pause import pause
from waddlebot.libs.dal.postgresql_connection import PRIMARY, REPLICA, in_our_words, may_retry, took_too_long
from waddlebot.libs.dal.postgresql_session import PostgreSQLSession
from waddlebot.libs.dal.store import Kind
from waddlebot.libs.dal.target import PATIENCE_S, Target
from waddlebot.libs.dal.units import perform
from waddlebot.libs.dal.watch import PrimaryWatch, ReplicaWatch, Watch
from waddlebot.libs.dal.work import Lane, Work, settle

COLLISION_PAUSE_S = 0.05
TRIES_MAX = 5  # of one unit of work: after a lost connection, a deadlock or a serialization failure


class Replica:
    """A replica: what is known of it, and its readers."""

    def __init__(self, watch: ReplicaWatch, lane: Lane) -> None:
        self.watch = watch
        self.lane = lane


class PostgreSQLEngine:
    """The threads of the primary and of its replicas."""

    dialect = POSTGRESQL

    def __init__(
        self,
        url: str,
        replicas: Sequence[str],
        owners: Sequence[Owner],
        *,
        budgets: Budgets,
        lag_s_max: float,
        waiting_max: int,
    ) -> None:
        self._budgets = budgets
        self._freshness = Freshness(lag_s_max)
        self._primary = Target("primary", url, PRIMARY, owners, patience_s=PATIENCE_S)
        serve = functools.partial(self._serve_primary, budgets.writers, False)
        self._writers = Lane("writer", budgets.writers.threads, serve, waiting_max)
        self._aside = Lane("aside", 1, serve, waiting_max)
        serve = functools.partial(self._serve_primary, budgets.readers, True)
        self._readers = Lane("reader", budgets.readers.threads, serve, waiting_max)
        primary = PrimaryWatch(self._primary)
        self._replicas = []
        for number, replica in enumerate(replicas, 1):
            watch = ReplicaWatch(Target(f"replica {number}", replica, REPLICA, owners), primary, lag_s_max)
            serve = functools.partial(self._serve_replica, watch)
            lane = Lane(f"replica-{number}", budgets.readers.threads, serve, waiting_max)
            self._replicas.append(Replica(watch, lane))
        self._next = 0
        self._watch = Watch([primary, *(replica.watch for replica in self._replicas)])

    def write(self, work: Work) -> None:
        """Queue work for the primary's writers."""
        self._primary.check()
        (self._aside if work.store.aside else self._writers).submit(work)

    def read(self, work: Work) -> None:
        """Queue work for a replica that has what the read must see, or for the primary."""
        if self._replicas and not work.store.primary:
            moment = self._freshness.last(work.binding.owner.name, work.store.scope)
            for _ in self._replicas:
                self._next = (self._next + 1) % len(self._replicas)
                replica = self._replicas[self._next]
                if replica.watch.serves(moment):
                    replica.lane.submit(work)
                    return
        self._primary.check()
        self._readers.submit(work)

    def configured(self, communities: Collection[str]) -> None:
        """The communities' configuration changed: reads of them are to see it."""
        self._freshness.configured(communities, time.monotonic())

    def states(self) -> tuple[TargetState, ...]:
        """How each server is, the primary first."""
        budgets = self._budgets
        waiting = self._readers.waiting + self._writers.waiting
        states = [_state(self._primary, None, budgets.readers.threads + budgets.writers.threads, waiting)]
        for replica in self._replicas:
            lag_s = time.monotonic() - replica.watch.as_of
            states.append(_state(replica.watch.target, lag_s, budgets.readers.threads, replica.lane.waiting))
        return tuple(states)

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        for lane in (*(replica.lane for replica in self._replicas), self._readers, self._writers, self._aside):
            lane.close()
        self._watch.close()

    def _serve_primary(self, budget: Budget, read_only: bool, lane: Lane) -> None:
        session = self._primary.session(budget, read_only=read_only)
        while (work := lane.queue.get()) is not None:
            try:
                self._primary.check()
                work.result = _run(session, work)
            except BaseException as error:  # whatever it is, the caller must hear of it
                work.error = in_our_words(error, read_only=read_only)
            if self._replicas and not read_only:
                # Whatever came of it: a commit in doubt may be one.
                self._freshness.wrote(work.binding.owner.name, work.store.scope, time.monotonic())
            settle((work,))
        session.disconnect()

    def _serve_replica(self, watch: ReplicaWatch, lane: Lane) -> None:
        session = watch.target.session(self._budgets.readers, read_only=True)
        while (work := lane.queue.get()) is not None:
            if not watch.serves(0.0):
                self._readers.queue.put(work)
                continue
            try:
                work.result = _run(session, work, tries_max=1)
            except BaseException as error:  # as above
                work.error = in_our_words(error, read_only=True)
                if isinstance(work.error, Unavailable) or may_retry(error):
                    # It is gone, or it gave up the read to go on replaying: the primary answers.
                    watch.target.suspected.set()
                    work.error = None
                    self._readers.queue.put(work)
                    continue
            settle((work,))
        session.disconnect()


def _state(target: Target, lag_s: float | None, connections_max: int, waiting: int) -> TargetState:
    connections = sum(session.connected for session in target.sessions)
    return TargetState(target.name, target.place, target.problem, lag_s, connections, connections_max, waiting)


def _run(session: PostgreSQLSession, work: Work, tries_max: int = TRIES_MAX) -> Any:
    """One unit in one transaction, again if PostgreSQL or the network broke it through no fault of its own."""
    harmless = work.method.kind is Kind.READS or work.store.effect is not None
    in_doubt = False
    for tries_left in reversed(range(tries_max)):
        committing = False
        try:
            result = perform(session, work)
            committing = True
            session.commit()
            return result
        except BaseException as error:
            lost = session.lost(error)
            in_doubt = in_doubt or (lost and committing and not session.read_only)
            # A connection lost during COMMIT leaves open whether it happened; only an effect key can tell.
            again = lost and (harmless or not committing) and not took_too_long(error)
            if lost:
                session.disconnect()
            if not tries_left or not (again or may_retry(error)):
                if in_doubt and isinstance(in_our_words(error), Unavailable):
                    raise InDoubt("the connection to PostgreSQL was lost while it committed") from error
                raise
            collided = not again
        finally:
            session.end()
        if collided:  # the other party tries again too: not in step with us
            pause(0, COLLISION_PAUSE_S)
    raise AssertionError("unreachable: the last try returns or raises")
