"""What was counted: days of accounts for a month, sums and what is left of accounts for a year."""

import dataclasses
import json
import zlib
from collections.abc import Mapping
from typing import Any

from waddlebot.core.analytics.counting import Counted
from waddlebot.core.analytics.days import KEPT_DAYS, RAW_DAYS, Range, Span, start_of
from waddlebot.libs.sdk import Column, Store, System, Table, reads, writes

GATES = 8
"""Batches that may be added at the same moment."""


def _table(name: str, key: tuple[str, ...], *numbers: str) -> Table:
    """A table of numbers: of its key only what is no number is text."""
    texts = {"account", "entity", "command", "span"}
    columns = (*(name for name in key if name != "community"), *numbers)
    return Table(name, tuple(Column(one, "text" if one in texts else "integer") for one in columns), key)


_SUMS = ("lines", "commands", "others")
_OUTCOMES = ("answered", "refused", "failed")

ACTIVITY = _table("activity", ("community", "day", "account"), *_SUMS)
HOURLY = _table("hourly", ("community", "hour"), *_SUMS)
PLACE = _table("place", ("community", "day", "entity"), *_SUMS)
COMMAND_USE = _table("command_use", ("community", "day", "entity", "command"), *_OUTCOMES)
HEADCOUNT = _table("headcount", ("community", "day"), "people")
MEMBER = _table("member", ("community", "account"), "first_day", "last_day", "lines")
PRESENCE = _table("presence", ("community", "span", "start_day", "account"))
OPTOUT = Table("optout", (Column("account", "text"), Column("at", "real")), key=("account",), scoped=False)
GATE = Table("gate", (Column("number", "integer"), Column("passed", "integer")), key=("number",), scoped=False)

_OF_ACCOUNTS = (ACTIVITY, MEMBER, PRESENCE)
_FOLDED = "where {scope} and day = :day and account <= :until"

# A month of days lies in three calendar months at most.
_STARTS: Mapping[Span, str] = {
    "day": "day",
    "week": "day - (day + 3) % 7",
    "month": "case when day >= :third then :third when day >= :second then :second else :first_month end",
}

_SEEN = """(
    select account, min(first_day) as first_day, cast(sum(lines) as bigint) as lines, max(recent) as recent from (
        select account, first_day, lines, 0 as recent from {member} where {scope}
        union all select account, day, lines, case when day >= :recent and lines > 0 then 1 else 0 end
        from {activity} where {scope}
    ) as days group by account
) as seen"""
"""Each account's first day, its lines, and whether it wrote lately."""

_WROTE = """(
    select account, start_day from {presence} where {scope} and span = :span
    union select account, <start> from {activity} where {scope} and lines > 0
) as wrote"""
"""The weeks or months in which each account wrote."""

_WROTE_ON = """(
    select account, day as start_day from {activity}
    where {scope} and lines > 0 and day not in (select day from {headcount} where {scope})
) as wrote"""
"""The days on which each account wrote, where they are not folded."""

_FOLD = (
    "insert into {member} (community, account, first_day, last_day, lines) "
    "select {community}, account, day, day, lines from {activity} <folded> "
    "on conflict (community, account) do update set "
    "first_day = case when excluded.first_day < {member}.first_day "
    "then excluded.first_day else {member}.first_day end, "
    "last_day = case when excluded.last_day > {member}.last_day "
    "then excluded.last_day else {member}.last_day end, "
    "lines = {member}.lines + excluded.lines",
    "insert into {presence} (community, span, start_day, account) "
    "select {community}, 'week', :week, account from {activity} <folded> and lines > 0 on conflict do nothing",
    "insert into {presence} (community, span, start_day, account) "
    "select {community}, 'month', :month, account from {activity} <folded> and lines > 0 on conflict do nothing",
    "delete from {activity} <folded>",
)

_EXPIRE = (
    "delete from {place} where (community, day, entity) in "
    "(select community, day, entity from {place} where day < :oldest and {scope} limit :most) and {scope}",
    "delete from {command_use} where (community, day, entity, command) in "
    "(select community, day, entity, command from {command_use} where day < :oldest and {scope} limit :most) "
    "and {scope}",
    "delete from {headcount} where (community, day) in "
    "(select community, day from {headcount} where day < :oldest and {scope} limit :most) and {scope}",
    "delete from {presence} where (community, span, start_day, account) in "
    "(select community, span, start_day, account from {presence} where start_day < :oldest and {scope} "
    "limit :most) and {scope}",
    "delete from {member} where (community, account) in "
    "(select community, account from {member} where last_day < :oldest and {scope} limit :most) and {scope}",
    # Who came longer ago came long ago.
    "update {member} set first_day = 0 where (community, account) in "
    "(select community, account from {member} where first_day > 0 and first_day < :oldest and {scope} "
    "limit :most) and {scope}",
)


def _filled(template: str, **parts: str) -> str:
    """The template with constant parts of ours in it, which stand there as ``<name>``."""
    for name, part in {"seen": _SEEN, "folded": _FOLDED, **parts}.items():
        template = template.replace(f"<{name}>", part)
    return template


def _wrote(span: Span) -> str:
    """When each account wrote, by the start of the day, week or month."""
    return _WROTE_ON if span == "day" else _filled(_WROTE, start=_STARTS[span])


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """How many went how far: they came, wrote a line, wrote five, and wrote lately."""

    joined: int = 0
    wrote: int = 0
    five: int = 0
    recent: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """An account: its first day, its lines, and whether it wrote lately (1 or 0)."""

    account: str
    first_day: int
    lines: int
    recent: int


@dataclasses.dataclass(frozen=True, slots=True)
class Writer:
    """An account in a range of days: its lines, and whether it wrote before the middle and from there on."""

    account: str
    lines: int
    early: int
    late: int


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """Lines, commands and other events on a day, or in an hour."""

    start: int
    lines: int
    commands: int
    others: int


@dataclasses.dataclass(frozen=True, slots=True)
class Uses:
    """What became of a command on a day."""

    day: int
    command: str
    answered: int
    refused: int
    failed: int


class AnalyticsStore(Store):
    """Counts. Of people with several accounts these are ``linked``, a JSON list: they are told one by one.

    All others are loners, and summed.
    """

    tables = (ACTIVITY, HOURLY, PLACE, COMMAND_USE, HEADCOUNT, MEMBER, PRESENCE, OPTOUT, GATE)

    # Counting and removing

    @writes
    def add(self, counted: Counted, hidden: frozenset[str]) -> None:
        """Add a batch; of ``hidden`` accounts, and of all that opted out, nothing but sums."""
        self._pass(zlib.crc32(str(self.effect).encode()) % GATES)
        hidden |= {row[0] for row in self.db.execute("select account from {optout}")}
        rows = [row for row in counted.activity if row[2] not in hidden] if hidden else counted.activity
        self.db.upsert_many("activity", rows, columns=("community", "day", "account", *_SUMS), add=_SUMS)
        self.db.upsert_many("hourly", counted.hours, columns=("community", "hour", *_SUMS), add=_SUMS)
        self.db.upsert_many("place", counted.places, columns=("community", "day", "entity", *_SUMS), add=_SUMS)
        columns = ("community", "day", "entity", "command", *_OUTCOMES)
        self.db.upsert_many("command_use", counted.uses, columns=columns, add=_OUTCOMES)

    @reads
    def due(self, today: int, most: int) -> list[tuple[str, int]]:
        """Communities and days that are too old to name accounts, the oldest first."""
        rows = self.db.execute(
            "select distinct community, hour / 24 as day from {hourly} where hour < :oldest and {scope} "
            "order by day, community limit :most",
            {"oldest": (today - RAW_DAYS) * 24, "most": most},
        )
        return [(community, day) for community, day in rows]

    @writes
    def fold(self, day: int, people: int, most: int) -> bool:
        """Make what is left of at most so many accounts' day, whose ``people`` were counted; False at the end."""
        self._pass(*range(GATES))
        values: dict[str, Any] = {"day": day, "most": most, "people": people}
        rows = self.db.execute(
            "select max(account) from (select account from {activity} where {scope} and day = :day "
            "order by account limit :most) as part",
            values,
        )
        self.db.upsert_many("headcount", [{"day": day, "people": people}])
        if rows[0][0] is None:
            hours = {"first": day * 24, "last": day * 24 + 23}
            self.db.execute("delete from {hourly} where {scope} and hour between :first and :last", hours)
            return False
        values |= {"until": rows[0][0], "week": start_of("week", day), "month": start_of("month", day)}
        for statement in _FOLD:
            self.db.execute(_filled(statement), values)
        return True

    @writes
    def expire(self, today: int, most: int) -> int:
        """Remove at most so many rows of each table that are too old; how many were changed."""
        values = {"oldest": today - KEPT_DAYS, "most": most}
        return sum(self.db.execute(statement, values).changed for statement in _EXPIRE)

    # Who wants no rows, and who wants none any more

    @reads
    def opted_out(self) -> tuple[str, ...]:
        """The accounts for which somebody opted out."""
        return tuple(row[0] for row in self.db.execute("select account from {optout} order by account"))

    @writes
    def opt_out(self, accounts: tuple[str, ...], at: float) -> bool:
        """Keep no rows of these accounts from now on, and none that are there; False if that held already."""
        self._pass(*range(GATES))
        known = set(self._opted_out(accounts))
        self.db.upsert_many("optout", [{"account": account, "at": at} for account in accounts])
        self._erase(accounts)
        return not known.issuperset(accounts)

    @writes
    def opt_in(self, accounts: tuple[str, ...]) -> bool:
        """Count these accounts again; False if they were counted anyway."""
        statement = "delete from {optout} where account in {each:accounts}"
        return self.db.execute(statement, {"accounts": json.dumps(accounts)}).changed > 0

    @writes
    def forget(self, accounts: tuple[str, ...]) -> int:
        """Delete every row of these accounts but what they chose; sums without names stay. How many there were."""
        self._pass(*range(GATES))
        return self._erase(accounts)

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts, by table; in the scope of the whole installation also who opted out."""
        found = {}
        values = {"accounts": json.dumps(accounts)}
        for table in _OF_ACCOUNTS:
            names = [column.name for column in table.columns]
            statement = "select <names> from {<table>} where account in {each:accounts} and {scope} order by <key>"
            parts = {"names": ", ".join(names), "table": table.name, "key": ", ".join(table.key)}
            rows = self.db.execute(_filled(statement, **parts), values)
            found[table.name] = [dict(zip(names, row, strict=True)) for row in rows]
        if isinstance(self.scope, System):
            rows = self.db.execute("select account, at from {optout} where account in {each:accounts}", values)
            found["optout"] = [{"account": account, "at": at} for account, at in sorted(rows)]
        return found

    def _pass(self, *gates: int) -> None:
        """Wait for who holds these gates, and hold them until the end of the transaction; always the least first.

        A batch reads who opted out after it passed, so none is added while rows are removed: PostgreSQL's READ
        COMMITTED alone would let both miss what the other one does.
        """
        for gate in gates:
            self.db.execute("update {gate} set passed = passed + 1 where number = :gate", {"gate": gate})

    def _opted_out(self, accounts: tuple[str, ...]) -> list[str]:
        statement = "select account from {optout} where account in {each:accounts}"
        return [row[0] for row in self.db.execute(statement, {"accounts": json.dumps(accounts)})]

    def _erase(self, accounts: tuple[str, ...]) -> int:
        values = {"accounts": json.dumps(accounts)}
        statement = "delete from {<table>} where account in {each:accounts} and {scope}"
        return sum(self.db.execute(_filled(statement, table=table.name), values).changed for table in _OF_ACCOUNTS)

    # What can be asked

    @reads
    def sums(self, days: Range, entity: str = "") -> list[Sums]:
        """What was done on each day, everywhere or in one place; days without anything are left out."""
        return self.db.fetch(
            Sums,
            "select day, cast(sum(lines) as bigint), cast(sum(commands) as bigint), cast(sum(others) as bigint) "
            "from {place} where {scope} and day between :first and :last and (entity = :entity or :entity = '') "
            "group by day order by day",
            {"first": days.first, "last": days.last, "entity": entity},
        )

    @reads
    def hours(self, days: Range) -> list[Sums]:
        """What was done in each hour; ``start`` is in hours since 1970."""
        return self.db.fetch(
            Sums,
            "select hour, lines, commands, others from {hourly} "
            "where {scope} and hour between :first and :last order by hour",
            {"first": days.first * 24, "last": days.last * 24 + 23},
        )

    @reads
    def uses(self, days: Range, entity: str, most: int) -> list[Uses]:
        """What became of each command on each day, everywhere or in one place; at most so many rows."""
        return self.db.fetch(
            Uses,
            "select day, command, cast(sum(answered) as bigint), cast(sum(refused) as bigint), "
            "cast(sum(failed) as bigint) from {command_use} where {scope} and day between :first and :last "
            "and (entity = :entity or :entity = '') group by day, command order by day, command limit :most",
            {"first": days.first, "last": days.last, "entity": entity, "most": most},
        )

    @reads
    def began(self) -> int | None:
        """The first day with a line that is known."""
        day: int | None = self.db.execute("select min(day) from {place} where {scope} and lines > 0")[0][0]
        return day

    @reads
    def wrote_by(
        self, span: Span, days: Range, today: int, linked: str
    ) -> tuple[list[tuple[int, int]], list[tuple[int, str]]]:
        """Who wrote in each day, week or month, by its start: how many loners, and each of the linked accounts.

        Of days whose accounts are not known any more, how many people there were then.
        """
        values = self._values(span, today, linked) | {"first": days.first, "last": days.last}
        within = "from <wrote> where start_day between :first and :last and account"
        within = _filled(within, wrote=_wrote(span))
        counting = "select start_day, count(distinct account) <within> not in {each:linked} group by start_day"
        telling = "select distinct start_day, account <within> in {each:linked}"
        loners = self.db.execute(_filled(counting, within=within), values)
        accounts = self.db.execute(_filled(telling, within=within), values)
        counted = list(loners)
        if span == "day":
            counted += self.db.execute(
                "select day, people from {headcount} where {scope} and day between :first and :last", values
            )
        return [(start, people) for start, people in counted], [(start, account) for start, account in accounts]

    @reads
    def wrote_within(self, days: Range, linked: str) -> tuple[int, list[str]]:
        """Who wrote in a range of days within the last month: how many loners, and which linked accounts."""
        within = "from {activity} where {scope} and day between :first and :last and lines > 0 and account"
        values = {"first": days.first, "last": days.last, "linked": linked}
        counting = _filled("select count(distinct account) <within> not in {each:linked}", within=within)
        telling = _filled("select distinct account <within> in {each:linked}", within=within)
        loners, accounts = self.db.execute(counting, values), self.db.execute(telling, values)
        return loners[0][0], [row[0] for row in accounts]

    @reads
    def writers(self, days: Range, middle: int) -> list[Writer]:
        """Everybody seen in a range of days within the last month, a row for each account."""
        return self.db.fetch(
            Writer,
            "select account, cast(sum(lines) as bigint), "
            "max(case when day < :middle and lines > 0 then 1 else 0 end), "
            "max(case when day >= :middle and lines > 0 then 1 else 0 end) from {activity} "
            "where {scope} and day between :first and :last group by account",
            {"first": days.first, "last": days.last, "middle": middle},
        )

    @reads
    def newcomers(self, days: Range, linked: str) -> tuple[list[tuple[int, int]], list[tuple[str, int]]]:
        """How many loners came on each day, and the first day of each linked account, whenever it was."""
        values = {"first": days.first, "last": days.last, "linked": linked, "recent": 0}
        counting = _filled(
            "select first_day, count(*) from <seen> where first_day between :first and :last "
            "and account not in {each:linked} group by first_day"
        )
        telling = _filled("select account, first_day from <seen> where account in {each:linked}")
        loners, accounts = self.db.execute(counting, values), self.db.execute(telling, values)
        return [(day, people) for day, people in loners], [(account, day) for account, day in accounts]

    @reads
    def steps(self, days: Range, recent: int, lines: int, linked: str) -> tuple[Steps, list[Seen]]:
        """How far loners went who came in a range of days, and all linked accounts whenever they came.

        ``recent`` is the first of the last days that count as lately, ``lines`` are those of the third step.
        """
        values = {"first": days.first, "last": days.last, "recent": recent, "many": lines, "linked": linked}
        counting = _filled(
            "select count(*), count(case when lines > 0 then 1 end), count(case when lines >= :many then 1 end), "
            "count(case when lines >= :many and recent > 0 then 1 end) from <seen> "
            "where first_day between :first and :last and account not in {each:linked}"
        )
        telling = _filled("select account, first_day, lines, recent from <seen> where account in {each:linked}")
        return self.db.fetch(Steps, counting, values)[0], self.db.fetch(Seen, telling, values)

    @reads
    def returns(
        self, span: Span, days: Range, today: int, linked: str
    ) -> tuple[list[tuple[int, int, int]], list[tuple[str, int]]]:
        """How many loners who came on a day wrote in which week or month; in which ones linked accounts wrote."""
        values = self._values(span, today, linked) | {"first": days.first, "last": days.last, "recent": 0}
        counting = (
            "select first_day, start_day, count(*) from <seen> join <wrote> on wrote.account = seen.account "
            "where first_day between :first and :last and seen.account not in {each:linked} "
            "group by first_day, start_day"
        )
        telling = "select account, start_day from <wrote> where account in {each:linked}"
        loners = self.db.execute(_filled(counting, wrote=_wrote(span)), values)
        accounts = self.db.execute(_filled(telling, wrote=_wrote(span)), values)
        return (
            [(day, start, people) for day, start, people in loners],
            [(account, start) for account, start in accounts],
        )

    @staticmethod
    def _values(span: Span, today: int, linked: str) -> dict[str, Any]:
        third = start_of("month", today)
        second = start_of("month", third - 1)
        return {
            "span": span,
            "linked": linked,
            "third": third,
            "second": second,
            "first_month": start_of("month", second - 1),
        }
