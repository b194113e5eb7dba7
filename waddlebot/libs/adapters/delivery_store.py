"""What delivery writes down (ARCHITECTURE §5), the same on both engines. Batches are packed into one row."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from waddlebot.libs.adapters.dead_letters import DeadLettersOfPeople
from waddlebot.libs.dal import Column, Table, reads, writes
from waddlebot.libs.sdk.event import Codec, Event
from waddlebot.libs.sdk.ports import FOLLOWS, PART, EventBatch, EventResult, Send, Sent, partition_of

OWNER = "delivery"

REPLAY = "replay"
"""What the ids of replayed batches begin with; those of accepted ones begin with a hexadecimal digit."""

NOBODY = ""
"""The host of a batch that nobody has begun."""

ADOPTED_MAX = 500
"""Batches that a host takes over in one step; the next one follows a second later."""

PARKED = "parked"
"""Stands for the host of a batch that waits for a group which runs nowhere."""

# An id is remembered for a week: longer than any platform resends (Standard Webhooks: 28 h, Stripe: 3 days).
REMEMBERED_S = 7 * 86_400.0

_EVENT = msgspec.msgpack.Decoder(Event)
_RESULT = msgspec.msgpack.Decoder(EventResult)
_SENDS = msgspec.msgpack.Decoder(list[Send])
_LEAVING = "id, platform, state, sends, at, host"
_ENCODE = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """An accepted batch that is not done: its events, how often it was begun, and by which host last."""

    batch: EventBatch
    tries: int
    host: str


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that could not be processed."""

    id: int
    community: str
    source: str
    event_id: str
    event: Event
    reason: str
    tries: int
    at: float


@dataclass(frozen=True, slots=True)
class Leaving:
    """Replies in the outbox: ``queued``, ``sending`` or ``unknown``."""

    id: str
    platform: str
    state: str
    sends: list[Send]
    at: float
    host: str = NOBODY


class DeliveryStore(DeadLettersOfPeople):
    """Inbox, stored results, outbox and dead letters. System scope only: a batch may hold many communities."""

    from_primary = True  # what another host took over, or left, must be seen
    tables = (
        Table(
            "seen",
            (Column("source", "text"), Column("id", "text"), Column("at", "real")),
            ("source", "id"),
            scoped=False,
        ),
        Table(
            "inbox",
            (
                Column("id", "text"), Column("source", "text"), Column("events", "bytes"),
                Column("number", "integer"), Column("tries", "integer"), Column("at", "real"),
                Column("partition", "integer"), Column("host", "text"),
            ),
            ("id",),
            scoped=False,
        ),
        Table(
            "result",
            (Column("source", "text"), Column("id", "text"), Column("body", "bytes"), Column("at", "real")),
            ("source", "id"),
            scoped=False,
        ),
        Table(
            "outbox",
            (
                Column("id", "text"), Column("platform", "text"), Column("state", "text"),
                Column("sends", "bytes"), Column("at", "real"), Column("host", "text"),
            ),
            ("id",),
            scoped=False,
        ),
        Table("subscriber", (Column("name", "text"), Column("seen_at", "real")), ("name",), scoped=False),
        Table(
            "dead",
            (
                Column("id", "integer"), Column("community", "text"), Column("source", "text"),
                Column("event_id", "text"), Column("event", "bytes"), Column("reason", "text"),
                Column("tries", "integer"), Column("at", "real"),
            ),
            ("id",),
            scoped=False,
        ),
    )  # fmt: skip

    # All of the outbox may have left since the backup was made.
    after_restore = ("update {outbox} set state = 'unknown' where state <> 'unknown'",)

    @writes
    def accept(self, batch_id: str, source: str, events: list[Event], host: str) -> list[EventBatch]:
        """Remember the ids and pack the new events, a row for each partition.

        Returns the new events as those batches, in order, each id once. ``host`` begins them.
        """
        now = time.time()
        values: dict[str, object] = {"source": source, "at": now}
        first: dict[str, Event] = {}
        for event in events:
            first.setdefault(event.id, event)
        values.update({f"i{n}": id_ for n, id_ in enumerate(first)})
        rows = ", ".join(f"(:source, :i{n}, :at)" for n in range(len(first)))
        taken = self.db.execute(
            f"insert into {{seen}} (source, id, at) values {rows} on conflict do nothing returning id",  # noqa: S608  only numbered parameters
            values,
        )
        new = {row[0] for row in taken}
        batches = batches_of(batch_id, source, [event for event in first.values() if event.id in new])
        for batch in batches:
            self._pack(batch, 1, now, host)
        return batches

    def _pack(self, batch: EventBatch, tries: int, at: float, host: str = NOBODY) -> None:
        self.db.execute(
            "insert into {inbox} (id, source, events, number, tries, at, partition, host)"
            " values (:id, :source, :events, :number, :tries, :at, :partition, :host)",
            {
                "id": batch.id, "source": batch.source, "events": Codec.encode(batch.events),
                "number": len(batch.events), "tries": tries, "at": at, "partition": batch.partition, "host": host,
            },
        )  # fmt: skip

    @reads
    def open_batches(self) -> list[OpenBatch]:
        """The accepted batches that are not done, those begun least often first."""
        return self._batches("1 = 1", {})

    @reads
    def beginners(self) -> list[str]:
        """The hosts of the open batches, ``NOBODY`` among them; not of those that are parked."""
        rows = self.db.execute("select distinct host from {inbox} where host <> :parked", {"parked": PARKED})
        return [row[0] for row in rows]

    @reads
    def left_open(self, partitions: list[int], gone: list[str]) -> list[OpenBatch]:
        """Those of some partitions whose host is gone, or that nobody has begun (``NOBODY`` is never there).

        At most some hundred, those begun least often first: after a long absence there may be millions.
        """
        places = {f"p{n}": partition for n, partition in enumerate(partitions)}
        hosts = {f"h{n}": host for n, host in enumerate(gone)}
        return self._batches(f"partition in ({_marks(places)}) and host in ({_marks(hosts)})", {**places, **hosts})

    @writes
    def park(self, batch_ids: list[str]) -> None:
        """These batches wait for groups that run nowhere: nobody died of them."""
        for batch_id in batch_ids:
            self.db.execute(
                "update {inbox} set host = :parked, tries = 0 where id = :id", {"id": batch_id, "parked": PARKED}
            )

    @writes
    def release(self, batch_ids: list[str]) -> None:
        """Whoever began these batches died of them, maybe: the owner of their partition begins them anew."""
        for batch_id in batch_ids:
            self.db.execute(
                "update {inbox} set host = :nobody where id = :id and host <> :parked",
                {"id": batch_id, "nobody": NOBODY, "parked": PARKED},
            )

    @reads
    def holds(self, host: str, batch_id: str) -> bool:
        """Whether a batch is a host's: not begun by another one, nor done."""
        return bool(
            self.db.execute(
                "select 1 from {inbox} where id = :id and host = :host", {"id": batch_id, "host": host}
            )
        )

    @writes
    def unpark(self) -> int:
        """Somebody runs again who did not: what was parked is to be announced anew. Returns how many batches."""
        return self.db.execute(
            "update {inbox} set host = :nobody where host = :parked", {"nobody": NOBODY, "parked": PARKED}
        ).changed

    @writes
    def subscribers(self, names: list[str]) -> list[str]:
        """The names of all groups that ran within a week, ``names`` among them: an accepted batch is for all."""
        now = time.time()
        self.db.upsert_many(
            "subscriber", [(name, now) for name in names], columns=("name", "seen_at"), set=("seen_at",)
        )
        self.db.execute("delete from {subscriber} where seen_at < :before", {"before": now - REMEMBERED_S})
        return [row[0] for row in self.db.execute("select name from {subscriber} order by name")]

    def _batches(self, where: str, values: Mapping[str, object]) -> list[OpenBatch]:
        rows = self.db.execute(
            f"select id, source, events, tries, partition, host from {{inbox}} where {where}"  # noqa: S608  our own words
            " order by tries, at limit :most",
            {**values, "most": ADOPTED_MAX},
        )
        return [
            OpenBatch(EventBatch(r[0], Codec.decode(r[2]), inboxed=True, source=r[1], partition=r[4]), r[3], r[5])
            for r in rows
        ]

    @writes
    def begin_again(self, left: OpenBatch, host: str, done: list[str]) -> bool:
        """Count one more beginning, before it begins: a batch that kills the process is found by its count.

        What is ``done`` goes in the same commit, or it would be counted for the crash as well. ``False``:
        another host has begun it.
        """
        self._delete("inbox", done)
        return bool(
            self.db.execute(
                "update {inbox} set tries = tries + 1, host = :host where id = :id and host = :before",
                {"id": left.batch.id, "host": host, "before": left.host},
            ).changed
        )

    @writes
    def split(self, batch_id: str) -> None:
        """Give each event of a batch a row of its own, so that a poisonous one is found alone."""
        rows = self.db.execute(
            "select source, events, tries, at, partition from {inbox} where id = :id", {"id": batch_id}
        )
        for source, events, tries, at, partition in rows:
            self.db.execute("delete from {inbox} where id = :id", {"id": batch_id})
            for n, event in enumerate(Codec.decode(events)):
                part = EventBatch(
                    f"{batch_id}{PART}{n}", [event], inboxed=True, source=source, partition=partition
                )
                self._pack(part, tries, at)

    @writes
    def answered(
        self, batch: EventBatch, results: list[EventResult], sends: list[Send], following: list[Event], host: str
    ) -> dict[str, EventResult]:
        """Store the results that say more than "ignored", queue the replies that platforms are to get, and keep
        the events that follow, in one batch that ``host`` begins.

        Returns the results that an earlier run has stored already: they hold, their replies have left, and what
        followed has a row.
        """
        now = time.time()
        told = {r.event_id: r for r in results if r.status != "ignored" or r.replies}
        kept = self._keep(batch.source, told, now)
        stored = self._stored(batch.source, [id_ for id_ in told if id_ not in kept])
        self._queue([(s.id, s.platform, "queued", [s], now, host) for s in sends if s.event_id not in stored])
        if following and not stored:
            self._pack(follow_up(batch, following), 1, now, host)
        return stored

    @writes
    def done(self, batch_ids: list[str]) -> None:
        """These batches are processed by all."""
        self._delete("inbox", batch_ids)

    @reads
    def results(self, source: str, ids: list[str]) -> dict[str, EventResult]:
        """Stored results, and "ignored" for those that were accepted and are done without any."""
        found = self._stored(source, ids)
        missing = set(ids) - set(found)
        if missing:
            waiting = self.db.execute("select events from {inbox} where source = :source", {"source": source})
            missing -= {event.id for row in waiting for event in Codec.decode(row[0])}
        return found | {id_: EventResult(id_, "ignored") for id_ in missing}

    def _keep(self, source: str, told: Mapping[str, EventResult], now: float) -> set[str]:
        """Store results; those of which there is one stay. Returns the ids whose results are ours.

        One statement, so that of two hosts which end the same batch at once the second waits for the first, and
        finds its results.
        """
        if not told:
            return set()
        values: dict[str, object] = {"source": source, "at": now}
        for n, id_ in enumerate(sorted(told)):
            values[f"i{n}"], values[f"b{n}"] = id_, _ENCODE(told[id_])
        rows = ", ".join(f"(:source, :i{n}, :b{n}, :at)" for n in range(len(told)))
        kept = self.db.execute(
            f"insert into {{result}} (source, id, body, at) values {rows} on conflict do nothing returning id",  # noqa: S608  only numbered parameters
            values,
        )
        return {row[0] for row in kept}

    def _stored(self, source: str, ids: list[str]) -> dict[str, EventResult]:
        if not ids:
            return {}
        some = {f"i{n}": id_ for n, id_ in enumerate(ids)}
        rows = self.db.execute(
            f"select id, body from {{result}} where source = :source and id in ({_marks(some)})",  # noqa: S608  only numbered parameters
            {"source": source, **some},
        )
        return {row[0]: _RESULT.decode(row[1]) for row in rows}

    @writes
    def sending(self, leaving: Leaving, left: list[str], queued: list[str], in_doubt: bool = False) -> list[Send]:
        """These replies are about to leave; rows of what has ``left`` go. Returns those that may leave.

        A ``queued`` row that is not this host's any more was taken over: another host says what is in it. Where an
        earlier try is ``in_doubt``, what it committed holds.
        """
        self._delete("outbox", left)
        select = "select state, sends from {outbox} where id = :id"
        if in_doubt and (before := self.db.execute(select, {"id": leaving.id})):
            state, sends = before[0]
            return _SENDS.decode(sends) if state == "sending" else []
        theirs = set(queued) - self._of("delete from {outbox}", " returning id", leaving.host, queued)
        sends = [send for send in leaving.sends if send.id not in theirs]
        if sends:
            self._queue([(leaving.id, leaving.platform, "sending", sends, leaving.at, leaving.host)])
        return sends

    def _of(self, what: str, more: str, host: str, ids: list[str]) -> set[str]:
        """Which of these rows a host has queued."""
        if not ids:
            return set()
        some = {f"i{n}": id_ for n, id_ in enumerate(ids)}
        where = f" where state = 'queued' and host = :host and id in ({_marks(some)})"
        return {row[0] for row in self.db.execute(what + where + more, {"host": host, **some})}

    def _queue(self, rows: list[tuple[str, str, str, list[Send], float, str]]) -> None:
        """Put rows into the outbox; of those that are there, nothing changes."""
        self.db.upsert_many(
            "outbox",
            [(id_, platform, state, _ENCODE(sends), at, host) for id_, platform, state, sends, at, host in rows],
            columns=("id", "platform", "state", "sends", "at", "host"),
        )

    @reads
    def queued(self, host: str, ids: list[str]) -> set[str]:
        """Which of these replies a host has queued."""
        return self._of("select id from {outbox}", "", host, ids)

    @writes
    def requeue(self, row: Leaving) -> None:
        """Nobody tried to send these: any host may take them."""
        gone = self.db.execute("delete from {outbox} where id = :id and state = 'sending'", {"id": row.id})
        if gone.changed:
            self._queue([(send.id, row.platform, "queued", [send], row.at, NOBODY) for send in row.sends])

    @writes
    def sent(self, ids: list[str], unknown: list[Leaving]) -> None:
        """These rows left; of some replies nobody knows."""
        self._delete("outbox", ids)
        self.db.upsert_many(
            "outbox",
            [(row.id, row.platform, "unknown", _ENCODE(row.sends), row.at, row.host) for row in unknown],
            columns=("id", "platform", "state", "sends", "at", "host"),
            set=("state", "sends", "at"),
        )

    @reads
    def senders(self) -> list[str]:
        """The hosts of what is queued or being sent."""
        rows = self.db.execute("select distinct host from {outbox} where state in ('queued', 'sending')")
        return [row[0] for row in rows]

    @writes
    def adopt_outbox(self, host: str, gone: list[str]) -> tuple[int, list[Leaving]]:
        """What hosts that are gone left: being sent, it may or may not have left, so it is never sent again;
        only queued, it is ``host``'s from now on. Returns how many rows are doubtful, and what was queued.
        """
        hosts = {f"h{n}": name for n, name in enumerate(gone)}
        theirs = f"host in ({_marks(hosts)})"
        doubtful = self.db.execute(
            f"update {{outbox}} set state = 'unknown' where state = 'sending' and {theirs}",  # noqa: S608  only numbered parameters
            hosts,
        ).changed
        rows = self.db.execute(
            f"select {_LEAVING} from {{outbox}} where state = 'queued' and {theirs} order by at",  # noqa: S608  only numbered parameters
            hosts,
        )
        mine = [row for row in map(_leaving, rows) if self._take_over(row, host)]
        return doubtful, mine

    def _take_over(self, row: Leaving, host: str) -> bool:
        """Make a queued row ours, unless another host was quicker."""
        return bool(
            self.db.execute(
                "update {outbox} set host = :host where id = :id and host = :before",
                {"host": host, "id": row.id, "before": row.host},
            ).changed
        )

    @reads
    def leaving(self, state: str, most: int = 1_000) -> list[Leaving]:
        """Rows of the outbox in a state, oldest first; of many the newest."""
        rows = self.db.execute(
            f"select {_LEAVING} from {{outbox}} where state = :state order by at desc limit :most",  # noqa: S608  our own columns
            {"state": state, "most": most},
        )
        return [_leaving(row) for row in rows][::-1]

    @writes
    def forget_unknown(self, ids: list[str]) -> None:
        """An operator has seen these."""
        self._delete("outbox", ids)

    @writes
    def bury(self, event: Event, reason: str, tries: int) -> None:
        """Keep an event that could not be processed, once."""
        values = {
            "community": event.community, "source": event.source, "event_id": event.id, "event": _ENCODE(event),
            "reason": reason.replace("\0", "")[:2_000], "tries": tries, "at": time.time(),
        }  # fmt: skip
        there = self.db.execute(
            "select id from {dead} where source = :source and event_id = :event_id",
            {"source": event.source, "event_id": event.id},
        )
        if not there:
            self.db.execute(
                "insert into {dead} (community, source, event_id, event, reason, tries, at)"
                " values (:community, :source, :event_id, :event, :reason, :tries, :at)",
                values,
            )

    @reads
    def dead(self, most: int = 100) -> list[Dead]:
        """The dead letters, newest first."""
        rows = self.db.execute(
            "select id, community, source, event_id, event, reason, tries, at from {dead}"
            " order by id desc limit :most",
            {"most": most},
        )
        return [Dead(r[0], r[1], r[2], r[3], _EVENT.decode(r[4]), *r[5:]) for r in rows]

    @writes
    def drop(self, ids: list[int]) -> int:
        """Forget dead letters; all of them when none is named. Returns how many."""
        if not ids:
            return self.db.execute("delete from {dead}").changed
        return sum(self.db.execute("delete from {dead} where id = :id", {"id": id_}).changed for id_ in ids)

    @writes
    def replay(self, ids: list[int], batch_id: str) -> int:
        """Put dead letters back into the inbox, to be processed as if they had just been accepted.

        Effects that they had are not repeated: their keys are remembered. ``ids`` empty means all. A running host
        finds them as what nobody has begun. Returns how many.
        """
        rows = self.db.execute("select id, source, event from {dead}")
        chosen = [row for row in rows if not ids or row[0] in ids]
        for number, source, event in chosen:
            again = _EVENT.decode(event)
            first_at = again.received_at  # as old as its first effect, so that this is not forgotten before
            # A second life is not late: the operator wants its answer.
            again = msgspec.structs.replace(again, received_at=again.occurred_at)
            (batch,) = batches_of(f"{batch_id}.{number}", source, [again])
            self._pack(batch, 0, first_at)
            self.db.execute(
                "delete from {result} where source = :source and id = :id", {"source": source, "id": again.id}
            )
            self.db.execute("delete from {dead} where id = :id", {"id": number})
        return len(chosen)

    @writes
    def forget(self, before: float) -> float:
        """Drop ids and results older than ``before`` that no open batch or dead letter still needs.

        Returns the time before which nothing can be processed again, so that effects can be forgotten, too.
        """
        oldest = self.db.execute("select min(at) from {inbox}")[0][0]
        buried = [_EVENT.decode(row[0]).received_at for row in self.db.execute("select event from {dead}")]
        before = min([before, *buried, *([] if oldest is None else [oldest])])
        self.db.execute("delete from {seen} where at < :before", {"before": before})
        self.db.execute("delete from {result} where at < :before", {"before": before})
        return before

    def _delete(self, table: str, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            values = {f"i{n}": id_ for n, id_ in enumerate(some)}
            self.db.execute(f"delete from {{{table}}} where id in ({_marks(values)})", values)  # noqa: S608  our own table names


def batches_of(batch_id: str, source: str, events: Sequence[Event]) -> list[EventBatch]:
    """Events as inboxed batches, one for each partition; what is of one community stays in one."""
    placed: dict[int, list[Event]] = {}
    for event in events:
        placed.setdefault(partition_of(event.community), []).append(event)
    return [
        EventBatch(
            batch_id if len(placed) == 1 else f"{batch_id}.{partition}", some, inboxed=True, source=source,
            partition=partition,
        )
        for partition, some in placed.items()
    ]  # fmt: skip


def follow_up(batch: EventBatch, following: list[Event]) -> EventBatch:
    """What followed from an inboxed batch, as a batch; a re-run makes the same."""
    return EventBatch(
        f"{FOLLOWS}{batch.id}", following, inboxed=True, source=batch.source, partition=batch.partition
    )


def _marks(names: Iterable[str]) -> str:
    return ", ".join(f":{name}" for name in names)


def unknown_of(row: Leaving, outcomes: Sequence[Sent]) -> list[Leaving]:
    """Of the replies in a row, those that may or may not have left, each as a row of its own."""
    known = {sent.id for sent in outcomes if sent.status != "unknown"}
    return [Leaving(s.id, row.platform, "unknown", [s], row.at, row.host) for s in row.sends if s.id not in known]


def _leaving(row: Sequence[Any]) -> Leaving:
    return Leaving(row[0], row[1], row[2], _SENDS.decode(row[3]), row[4], row[5])
