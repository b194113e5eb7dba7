"""Timers, when each is due next, and what platforms tell of channels."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from waddlebot.libs.dal import Edit, resource_of
from waddlebot.libs.sdk import Column, Refusal, Store, Table, configures, reads, resource, writes
from waddlebot.trigger.cron.periodic_messages.lines import BUCKET_S, WINDOW_S, Counts
from waddlebot.trigger.cron.periodic_messages.schedule import REWIND_S_MAX

TIMERS_MAX = 100
"""Timers in one community."""

RUN = Table(
    "run",
    (Column("name", "text"), Column("due_at", "real"), Column("position", "integer")),
    key=("community", "name"),
)

CHANNEL = Table(
    "channel",
    (
        Column("entity", "text"),
        Column("live", "boolean", null=True),
        Column("title", "text", null=True),
        Column("category", "text", null=True),
        Column("told_at", "real"),
    ),
    key=("community", "entity"),
)


LINES = Table(
    "lines",
    (Column("entity", "text"), Column("bucket", "integer"), Column("number", "integer")),
    key=("community", "entity", "bucket"),
)


@resource(key=("name",), table="timer")
@dataclasses.dataclass(frozen=True, slots=True)
class Timer:
    """A message, or several in turn, said every ``interval_s`` seconds or as ``cron`` says in ``zone``.

    It speaks in ``targets`` (entities; none means all channels of the community) where people wrote at least
    ``lines_min`` lines in the last five minutes, and the other conditions hold. Empty conditions always do.
    """

    name: str
    messages: tuple[str, ...]
    interval_s: float = 0.0
    cron: str = ""
    zone: str = "UTC"
    shuffled: bool = False
    lines_min: int = 0
    live_only: bool = False
    quiet: str = ""
    title: str = ""
    category: str = ""
    targets: tuple[str, ...] = ()
    enabled: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """When a timer is due, and how many times it has spoken."""

    community: str
    name: str
    due_at: float
    position: int


@dataclasses.dataclass(frozen=True, slots=True)
class Channel:
    """What the platform told last of a channel; ``None`` where it told nothing."""

    entity: str
    live: bool | None = None
    title: str | None = None
    category: str | None = None


_TIMER_COLUMNS = ", ".join(f"t.{column.name}" for column in resource_of(Timer).table.columns)


class TimerStore(Store):
    """The timers of communities."""

    tables = (RUN, CHANNEL, LINES)
    resources = (Timer,)

    @reads
    def timers(self) -> list[Timer]:
        """All timers of the community."""
        return self.list(Timer)

    @reads
    def timer(self, name: str) -> Timer | None:
        """A timer by name."""
        return self.get(Timer, name=name)

    @reads
    def run(self, name: str) -> Run | None:
        """When a timer is due."""
        rows = self.db.fetch(
            Run,
            "select community, name, due_at, position from {run} where {scope} and name = :name",
            {"name": name},
        )
        return rows[0] if rows else None

    @configures
    def add(self, timer: Timer, due_at: float) -> bool:
        """Keep a new timer; False where the name is taken. Raises ``Refusal`` when there are too many."""
        if self.get(Timer, name=timer.name):
            return False
        if len(self.list(Timer)) >= TIMERS_MAX:
            raise Refusal(f"There are {TIMERS_MAX} timers already. Remove one first.")
        self._keep(timer, due_at)
        return True

    @configures
    def change(self, timer: Timer, due_at: float | None) -> None:
        """Keep a changed timer; with ``due_at`` it is due then."""
        self._keep(timer, due_at)

    @configures
    def drop(self, name: str) -> bool:
        """Remove a timer; False where there is none."""
        self._forget(name)
        return self.remove(Timer, name=name)

    def bring(self, before: Any, after: Any) -> Any:
        """See :class:`Store`: a timer that is brought in holds to what `!timer` holds it to."""
        from waddlebot.trigger.cron.periodic_messages.edits import check  # noqa: PLC0415  # it knows the record above

        if after is not None:
            check(after)
        return after

    def admit(self, edits: Sequence[Edit]) -> None:
        """See :class:`Store`: not too many, and what is due by another plan now is scheduled anew."""
        if len(self.list(Timer)) > TIMERS_MAX:
            raise Refusal(f"There are {TIMERS_MAX} timers at most. Remove one first.")
        for before, after in edits:
            plans = [(one.interval_s, one.cron, one.zone) if one else None for one in (before, after)]
            if plans[0] != plans[1]:
                self._forget((before or after).name)

    @reads
    def due(self, now: float) -> list[Run]:
        """The runs of the scope that are due, the longest waiting first."""
        return self.db.fetch(
            Run,
            "select community, name, due_at, position from {run} "
            "where due_at <= :now and {scope} order by due_at, community, name",
            {"now": now},
        )

    @reads
    def unsettled(self, now: float) -> list[tuple[str, Timer, float | None]]:
        """Enabled timers of all communities that have no run, or one so late that the clock may have been set."""
        rows = self.db.execute(
            f"select {_TIMER_COLUMNS}, r.due_at from {{timer}} t "  # noqa: S608  # declared names
            "left join {run} r on r.community = t.community and r.name = t.name "
            "where t.enabled and (r.due_at is null or r.due_at > :now + "
            "case when t.cron = '' then t.interval_s else :rewind_s end)",
            {"now": now, "rewind_s": REWIND_S_MAX},
        )
        return [(row[0], _timer(row[:-1]), row[-1]) for row in rows]

    @reads
    def gated(self) -> list[str]:
        """The communities of all there are whose timers ask for chat lines."""
        rows = self.db.execute(
            "select distinct community from {timer} where enabled and lines_min > 0 and {scope}"
        )
        return [row[0] for row in rows]

    @writes
    def count(self, counts: Counts) -> None:
        """Add lines that people wrote in channels of the scope's communities."""
        self.db.upsert_many("lines", counts, columns=("community", "entity", "bucket", "number"), add=("number",))

    @reads
    def lines(self, now: float) -> dict[str, int]:
        """How many lines people wrote in the last five minutes, by channel."""
        rows = self.db.execute(
            "select entity, sum(number) from {lines} where {scope} and bucket between :after and :now"
            " group by entity",
            {"after": int((now - WINDOW_S) // BUCKET_S), "now": int(now // BUCKET_S)},
        )
        return {entity: int(number) for entity, number in rows}

    @writes
    def forget_lines(self, now: float) -> None:
        """Forget lines of any community that count no more, and those from before a clock was set back."""
        hour = int(3_600 // BUCKET_S)
        bucket = int(now // BUCKET_S)
        self.db.execute(
            "delete from {lines} where (bucket < :before or bucket > :after) and {scope}",
            {"before": bucket - hour, "after": bucket + hour},
        )

    @writes
    def settle(self, due: list[tuple[str, str, float]]) -> None:
        """Set when timers of any community are due: community, name and time."""
        self.db.upsert_many(
            "run",
            [(*row, 0) for row in due],
            columns=("community", "name", "due_at", "position"),
            set=("due_at",),
        )

    @writes
    def forget(self, name: str) -> None:
        """Forget the run of a timer that is gone or disabled."""
        self._forget(name)

    @writes
    def take(self, run: Run, due_at: float, position: int) -> bool:
        """Take a run's slot by noting the next one; False where somebody else has taken it."""
        return self._moved(run, due_at, position)

    @writes
    def give_back(self, run: Run, due_at: float, position: int) -> bool:
        """Put a run back that was taken by noting ``due_at`` and ``position``."""
        return self._moved(Run(run.community, run.name, due_at, position), run.due_at, run.position)

    @writes
    def told(self, channel: Channel, at: float) -> None:
        """Keep what a platform told of a channel; what it left out stays, and older news changes nothing."""
        self.db.execute(
            "insert into {channel} (community, entity, live, title, category, told_at) "
            "values ({community}, :entity, :live, :title, :category, :at) "
            "on conflict (community, entity) do update set live = coalesce(excluded.live, {channel}.live), "
            "title = coalesce(excluded.title, {channel}.title), "
            "category = coalesce(excluded.category, {channel}.category), told_at = excluded.told_at "
            "where excluded.told_at >= {channel}.told_at",
            {**dataclasses.asdict(channel), "at": at},
        )

    @reads
    def channels(self) -> dict[str, Channel]:
        """What is known of the community's channels, by entity."""
        found = self.db.fetch(Channel, "select entity, live, title, category from {channel} where {scope}")
        return {channel.entity: channel for channel in found}

    def _keep(self, timer: Timer, due_at: float | None) -> None:
        self.put(timer)
        if not timer.enabled:
            self._forget(timer.name)
        elif due_at is not None:
            self.db.upsert_many("run", [{"name": timer.name, "due_at": due_at, "position": 0}], set=("due_at",))

    def _moved(self, run: Run, due_at: float, position: int) -> bool:
        changed = self.db.execute(
            "update {run} set due_at = :next, position = :position "
            "where {scope} and name = :name and due_at = :due_at",
            {"name": run.name, "due_at": run.due_at, "next": due_at, "position": position},
        ).changed
        return changed == 1

    def _forget(self, name: str) -> None:
        self.db.execute("delete from {run} where {scope} and name = :name", {"name": name})


def _timer(row: tuple[Any, ...]) -> Timer:
    declared = resource_of(Timer)
    names = [column.name for column in declared.table.columns]
    record: Timer = declared.record(dict(zip(names, row, strict=True)))
    return record
