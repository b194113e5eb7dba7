"""A small owner with every column type and every kind of key, for the suites beside it."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waddlebot.libs.dal import Column, Store, Table, configures, reads, resource, writes
from waddlebot.libs.dal.owner import Owner


class Level(enum.IntEnum):
    EVERYBODY = 0
    MODERATOR = 50


@resource(key=("name",), table="aliases")
@dataclass(frozen=True, slots=True)
class Alias:
    name: str
    target: str
    level: Level = Level.EVERYBODY
    enabled: bool = True
    cooldown_s: float = 0.0
    words: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    account: str
    points: float


class SampleStore(Store):
    tables = (
        Table(
            "points",
            (Column("account", "text"), Column("points", "real"), Column("name", "text", null=True)),
            key=("community", "account"),
        ),
        Table(
            "items",
            (
                Column("id", "integer"),
                Column("community", "text"),
                Column("label", "text"),
                Column("data", "bytes", null=True),
                Column("info", "json", null=True),
                Column("big", "integer", null=True),
                Column("lent", "boolean", null=True),
            ),
            key=("id",),
        ),
        Table("seen", (Column("source", "text"), Column("key", "text")), key=("source", "key"), scoped=False),
    )
    resources = (Alias,)

    @writes
    def add(self, account: str, points: float) -> float:
        self.db.upsert_many("points", [{"account": account, "points": points}], add=("points",))
        return self._points(account)

    @writes
    def add_quietly(self, account: str, points: float) -> None:
        self.db.upsert_many("points", [{"account": account, "points": points}], add=("points",))

    @writes
    def add_and_fail(self, account: str) -> None:
        self.db.upsert_many("points", [{"account": account, "points": 1.0}], add=("points",))
        raise RuntimeError("after the write")

    @writes
    def total(self, account: str) -> Total:
        self.db.upsert_many("points", [{"account": account, "points": 1.0}], add=("points",))
        return Total(account, self._points(account))

    @reads
    def points(self) -> dict[str, float]:
        return dict(self.db.execute("select account, points from {points} where {scope} order by account"))

    @reads
    def totals(self) -> list[Total]:
        return self.db.fetch(Total, "select account, points from {points} where {scope} order by account")

    @reads
    def run(self, what: Any) -> Any:
        """Whatever a test wants to read with an open database."""
        return what(self)

    @writes
    def change(self, what: Any) -> Any:
        """Whatever a test wants to do with an open database."""
        return what(self)

    @configures
    def save(self, *records: Alias) -> None:
        for record in records:
            self.put(record)

    @configures
    def drop(self, name: str) -> bool:
        return self.remove(Alias, name=name)

    @writes
    def erase(self, name: str, communities: tuple[str, ...]) -> int:
        self.reconfigured(communities)
        return self.db.execute("delete from {aliases} where {scope} and name = :name", {"name": name}).changed

    @writes
    def erase_twice(self, communities: tuple[str, ...]) -> None:
        self.reconfigured(communities)
        self.reconfigured(communities)

    @configures
    def save_and_fail(self, record: Alias) -> None:
        self.put(record)
        raise RuntimeError("after the change")

    @reads
    def alias(self, name: str) -> Alias | None:
        return self.get(Alias, name=name)

    @reads
    def aliases(self) -> list[Alias]:
        return self.list(Alias)

    def _points(self, account: str) -> float:
        rows = self.db.execute(
            "select points from {points} where {scope} and account = :account", {"account": account}
        )
        points: float = rows[0][0]
        return points


SAMPLE = Owner("interactive.sample", SampleStore, Path(__file__).parent / "sample_migrations")
