"""The scores and activity points of every account in every community, and what they are made of."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from waddlebot.core.reputation.acts import ActStore
from waddlebot.core.reputation.scores import (
    DAILY_COLUMNS,
    DAY_S,
    ENTRY_COLUMNS,
    EXCUSED,
    GAIN_COLUMNS,
    SCORE_START,
    Brought,
    score_of,
)
from waddlebot.libs.dal import resource_of
from waddlebot.libs.sdk import Column, Table, configures, reads, resource, writes

HISTORY_DAYS = 365
"""Days that the history goes back; what is older is one sum for each kind."""

DECAY_LEAST = 0.5
"""A score that is no further from the start does not decay: it would take for ever."""

_BATCH = 2_000  # accounts or rows in one transaction of what runs in the background

SCORE = Table(
    "score",
    (
        Column("account", "text"),
        Column("gained", "real"),
        Column("gained_overall", "real"),
        Column("activity", "real"),
    ),
    key=("account", "community"),
)

DAILY = Table(
    "daily",
    (
        Column("account", "text"),
        Column("day", "integer"),
        Column("kind", "text"),
        Column("number", "real"),
        Column("gained", "real"),
    ),
    key=("account", "community", "day", "kind"),
)

ENTRY = Table(
    "entry",
    (
        Column("account", "text"),
        Column("id", "text"),
        Column("day", "integer"),
        Column("kind", "text"),
        Column("gained", "real"),
        Column("at", "real"),
        Column("login", "text"),
        Column("actor", "text"),
        Column("reason", "text"),
    ),
    key=("account", "community", "id"),
)

DECAY = Table(
    "decay",
    (Column("week", "integer"), Column("target", "integer"), Column("place", "text")),
    key=("community",),
)

_OUT = "(gained < -300 or gained > 250 or gained_overall < -300 or gained_overall > 250) and {scope}"

# The limits stand in the statement because its partial index only serves the very same words.
_CLAMP = f"""
update {{score}} set
    gained = case when gained < -300 then -300 when gained > 250 then 250 else gained end,
    gained_overall = case
        when gained_overall < -300 then -300 when gained_overall > 250 then 250 else gained_overall end
where {_OUT}
"""  # noqa: S608  # of constants alone


@resource(key=("account", "id"), table="adjustment", portable=False)
@dataclasses.dataclass(frozen=True, slots=True)
class Adjustment:
    """What a moderator (``actor``) added to an account's score here, or took from it. Undo takes it back."""

    account: str
    id: str
    amount: float
    reason: str
    login: str
    actor: str
    at: float


@dataclasses.dataclass(frozen=True, slots=True)
class Gained:
    """What an account has gained since its start, in one community and in all, and its activity points there."""

    gained: float = 0.0
    gained_overall: float = 0.0
    activity: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """What one kind of thing added to a score, and how often it happened."""

    kind: str
    number: float
    gained: float


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A punishment or adjustment by itself."""

    kind: str
    gained: float
    at: float
    actor: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Why:
    """What a person's score here is made of: parts, the largest loss first, and single events, newest first."""

    parts: list[Part]
    events: list[Event]

    @property
    def gained(self) -> float:
        """The sum of all parts."""
        return sum(part.gained for part in self.parts)


@dataclasses.dataclass(frozen=True, slots=True)
class Low:
    """An account with a low score, and what it was called when it was last punished."""

    account: str
    login: str


@dataclasses.dataclass(frozen=True, slots=True)
class Decayed:
    """Up to which week the scores of a community moved; where it is on its way to ``target``, to which account."""

    week: int
    target: int
    place: str


class ReputationStore(ActStore):
    """Scores: facts name the account, for ever."""

    tables = (SCORE, DAILY, ENTRY, DECAY, *ActStore.tables)
    resources = (Adjustment, *ActStore.resources)

    @writes
    def add(self, brought: Brought, now: float) -> None:
        """Add what a batch brought; scores stop at 300 and 850, and what that cuts off is in the history, too."""
        self.db.upsert_many("score", brought.gains, columns=GAIN_COLUMNS, add=GAIN_COLUMNS[2:])
        self.db.upsert_many("daily", brought.daily, columns=DAILY_COLUMNS, add=DAILY_COLUMNS[4:])
        if brought.entries:
            self.db.upsert_many("entry", brought.entries, columns=ENTRY_COLUMNS, add=("gained",))
            self.db.upsert_many(
                "accused", [(*one, now) for one in brought.accused],
                columns=("account", "community", "login", "at"), set=("login", "at"),
            )  # fmt: skip
            self.db.upsert_many(
                "staff",
                [(*one, now) for one in brought.staff],
                columns=("account", "community", "at"),
                set=("at",),
            )
        self._clamp(now)

    def _clamp(self, now: float) -> None:
        rows = self.db.execute(f"select account, community, gained from {{score}} where {_OUT}")  # noqa: S608  # of constants alone
        if rows:
            day = int(now // DAY_S)
            cut = [(account, community, day, "limit", 1.0, _cut(gained)) for account, community, gained in rows]
            self.db.upsert_many("daily", cut, columns=DAILY_COLUMNS, add=DAILY_COLUMNS[4:])
            self.db.execute(_CLAMP)

    @reads
    def known(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that have a score in the scope's communities."""
        statement = "select 1 from {score} where account = :account and {scope} limit 1"
        return tuple(account for account in accounts if self.db.execute(statement, {"account": account}))

    @reads
    def gained(self, accounts: tuple[str, ...], community: str) -> list[Gained]:
        """What each account has gained in a community and in all the scope's communities together."""
        return [self._gained(account, community) for account in accounts]

    def _gained(self, account: str, community: str) -> Gained:
        rows = self.db.fetch(
            Gained,
            "select coalesce(sum(case when community = :community then gained else 0 end), 0) + coalesce((select "
            "sum(amount) from {adjustment} where community = :community and account = :account and {scope}), 0), "
            "coalesce(sum(gained_overall), 0), "
            "coalesce(sum(case when community = :community then activity else 0 end), 0) "
            "from {score} where account = :account and {scope}",
            {"account": account, "community": community},
        )
        return rows[0]

    # What a score is made of

    @reads
    def why(self, accounts: tuple[str, ...], most: int) -> Why:
        """What the score of a person with these accounts is made of, and its newest events."""
        return Why(self._parts(accounts), self._events(accounts, most))

    def _parts(self, accounts: tuple[str, ...]) -> list[Part]:
        found: dict[str, Part] = {}
        for source in (
            "select kind, sum(number), sum(gained) from {daily} where {scope} and account in {each:accounts} "
            "group by kind",
            "select kind, count(*), sum(gained) from {entry} where {scope} and account in {each:accounts} "
            "group by kind",
            "select 'adjust', count(*), sum(amount) from {adjustment} "
            "where {scope} and account in {each:accounts} having count(*) > 0",
        ):
            for part in self.db.fetch(Part, source, {"accounts": json.dumps(accounts)}):
                there = found.get(part.kind, Part(part.kind, 0.0, 0.0))
                found[part.kind] = Part(part.kind, there.number + part.number, there.gained + part.gained)
        return sorted(found.values(), key=lambda part: (part.gained, part.kind))

    def _events(self, accounts: tuple[str, ...], most: int) -> list[Event]:
        values = {"accounts": json.dumps(accounts), "most": most}
        found = self.db.fetch(
            Event,
            "select kind, gained, at, actor, reason from {entry} where {scope} and account in {each:accounts} "
            "order by at desc limit :most",
            values,
        )
        found += self.db.fetch(
            Event,
            "select 'adjust', amount, at, actor, reason from {adjustment} "
            "where {scope} and account in {each:accounts} order by at desc limit :most",
            values,
        )
        return sorted(found, key=lambda event: -event.at)[:most]

    @reads
    def conduct(self, accounts: tuple[str, ...]) -> tuple[float, float] | None:
        """A person's score, and what it would be had using the bot cost nothing; None for who has none here."""
        if not any(self._has_score(account) for account in accounts):
            return None
        gained = sum(self._gained(account, self.community).gained for account in accounts)
        parts = {part.kind: part.gained for part in self._parts(accounts)}
        excused = sum(min(parts.get(kind, 0.0), 0.0) for kind in (*EXCUSED, "earlier"))
        # What was cut off at the lower end is given back where commands alone would have led there.
        excused += max(parts.get("limit", 0.0), 0.0)
        return score_of(gained), SCORE_START + gained - excused

    def _has_score(self, account: str) -> bool:
        values = {"account": account}
        return bool(
            self.db.execute("select 1 from {score} where account = :account and {scope} limit 1", values)
            or self.db.execute("select 1 from {adjustment} where account = :account and {scope} limit 1", values)
        )

    @reads
    def low(self, most: int) -> list[Low]:
        """The accounts with the lowest scores here, and those that moderators took something from."""
        rows = self.db.execute(
            "select account from {score} where {scope} and gained <= -20 order by gained, account limit :most",
            {"most": most},
        )
        adjusted = [(one.account,) for one in self.list(Adjustment) if one.amount < 0]
        return [Low(account, self._login(account)) for (account,) in dict.fromkeys([*rows, *adjusted])]

    def _login(self, account: str) -> str:
        rows = self.db.execute(
            "select login from {entry} where {scope} and account = :account and login <> '' "
            "order by at desc limit 1",
            {"account": account},
        )
        rows = rows or self.db.execute(
            "select login from {adjustment} where {scope} and account = :account order by at desc limit 1",
            {"account": account},
        )
        return str(rows[0][0]) if rows else account

    @configures
    def adjust(self, adjustment: Adjustment) -> None:
        """Keep what a moderator added."""
        self.put(adjustment)

    # In the background

    @reads
    def decaying(self) -> dict[str, Decayed]:
        """How far each of the scope's communities is, where scores decay."""
        rows = self.db.execute("select community, week, target, place from {decay} where {scope}")
        return {community: Decayed(*rest) for community, *rest in rows}

    @writes
    def decay(self, week: int, here: float, overall: float, now: float) -> bool:
        """Move scores towards the start for the weeks since the last time, a batch of them; whether that is all.

        ``here`` and ``overall`` are which share of the distance is lost each week. The first time nothing moves.
        """
        rows = self.db.execute("select week, target, place from {decay} where {scope}")
        if not rows:
            self._decayed(Decayed(week, week, ""))
            return True
        known = Decayed(*rows[0])
        if not known.place and known.target < week:
            known = dataclasses.replace(known, target=week)
        weeks = known.target - known.week
        if weeks <= 0:
            return True
        scores = self.db.execute(
            "select account, gained, gained_overall from {score} where {scope} and account > :place "
            "order by account limit :most",
            {"place": known.place, "most": _BATCH},
        )
        day = int(now // DAY_S)
        moved = [
            (account, self.community, _lost(gained, here, weeks), _lost(gained_overall, overall, weeks))
            for account, gained, gained_overall in scores
        ]
        self.db.upsert_many(
            "daily",
            [(account, name, day, "decay", weeks, lost) for account, name, lost, _ in moved if lost],
            columns=DAILY_COLUMNS,
            add=DAILY_COLUMNS[4:],
        )
        self.db.upsert_many(
            "score",
            [(*one, 0.0) for one in moved if any(one[2:])],
            columns=GAIN_COLUMNS,
            add=GAIN_COLUMNS[2:],
        )
        done = len(scores) < _BATCH
        state = (
            Decayed(known.target, known.target, "") if done else dataclasses.replace(known, place=scores[-1][0])
        )
        self._decayed(state)
        return done

    def _decayed(self, state: Decayed) -> None:
        self.db.upsert_many("decay", [dataclasses.asdict(state)], set=("week", "target", "place"))

    @writes
    def stay(self) -> None:
        """Scores do not decay here any more; should they later, it begins then."""
        self.db.execute("delete from {decay} where {scope}")

    @writes
    def fold(self, now: float) -> bool:
        """Make one sum for each kind of what is older than the history goes back; whether all is done."""
        values: dict[str, Any] = {"before": int(now // DAY_S) - HISTORY_DAYS, "most": _BATCH // 10}
        folded = False
        for table, number in (("daily", "number"), ("entry", "1.0")):
            old = f"from {{{table}}} where {{scope}} and day > 0 and day < :before"
            accounts = self.db.execute(f"select distinct account {old} limit :most", values)
            if not accounts:
                continue
            folded = True
            values["accounts"] = json.dumps([account for (account,) in accounts])
            rows = self.db.execute(
                f"select account, community, 0, kind, {number}, gained {old} "
                "and account in {each:accounts} order by account, community, kind",
                values,
            )
            self.db.upsert_many("daily", rows, columns=DAILY_COLUMNS, add=DAILY_COLUMNS[4:])
            self.db.execute(f"delete {old} and account in {{each:accounts}}", values)
        return not folded

    # Personal data

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts, by table."""
        tables = {
            table.name: table for table in (*self.tables, *(resource_of(cls).table for cls in self.resources))
        }
        return {name: self._held(tables[name], accounts) for name in (*_FORGOTTEN, *_KEPT)}

    def _held(self, table: Table, accounts: Sequence[str]) -> list[dict[str, Any]]:
        names = [column.name for column in table.columns]
        rows = self.db.execute(
            f"select {', '.join(names)} from {{{table.name}}} "  # noqa: S608  # declared names
            f"where {{scope}} and account in {{each:accounts}} order by {', '.join(table.key)}",
            {"accounts": json.dumps(accounts)},
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    @writes
    def forget(self, accounts: tuple[str, ...]) -> int:
        """Delete what is held about accounts, and how they are called in what has to stay; how many rows.

        What a policy did to them holds on, and when it was done: nobody gets rid of a ban by being forgotten.
        """
        values = {"accounts": json.dumps(accounts)}
        count = sum(
            self.db.execute(
                f"delete from {{{name}}} where {{scope}} and account in {{each:accounts}}",  # noqa: S608  # of constants alone
                values,
            ).changed
            for name in _FORGOTTEN
        )
        self.db.execute(
            "update {enforced} set login = '' where {scope} and id in "
            "(select id from {act} where {scope} and account in {each:accounts})",
            values,
        )
        return (
            count
            + self.db.execute(
                "update {act} set login = '' where {scope} and login <> '' and account in {each:accounts}", values
            ).changed
        )


_FORGOTTEN = ("score", "daily", "entry", "adjustment", "accused", "staff", "appeal")
_KEPT = ("act", "acted")


def _cut(gained: float) -> float:
    """What the ends of the scale take from a distance, or add to it."""
    return score_of(gained) - SCORE_START - gained


def _lost(gained: float, share: float, weeks: int) -> float:
    """By how much a distance from the start changes in some weeks."""
    return gained * (1.0 - share) ** weeks - gained if abs(gained) >= DECAY_LEAST else 0.0
