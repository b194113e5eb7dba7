"""What every drill stands on: a bot with the ledger installed, its database, and what the books say."""

import contextlib
import importlib.resources
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from waddlebot.libs.dal.admin import admin
from waddlebot.libs.sdk.ports import Send
from waddlebot.libs.testing.bots import ProcessBot, environ_of
from waddlebot.libs.testing.databases import PostgreSQLServer, postgresql_running

DURABLE = "-c fsync=on -c full_page_writes=on -c synchronous_commit=on -c wal_sync_method=fdatasync"
PLATFORM = "drill"
COMMUNITY = "drill"

_METADATA = "Metadata-Version: 2.1\nName: waddledrill\nVersion: 1\n"
_ENTRY_POINTS = "".join(
    ("[waddlebot.modules]\n", *(f"{name} = waddledrill.{name}.module:module\n" for name in ("ledger", "moody")))
)


class BooksError(AssertionError):
    """The books do not balance: the text says what is lost or there twice."""


@dataclass(frozen=True, slots=True)
class World:
    """One bot's folder, database and environment.

    ``patience`` multiplies what an answer may take: other tests share the machine with those of `make test`.
    """

    folder: Path
    database_url: str
    bot: ProcessBot
    patience: float = field(default=1.0, kw_only=True)

    def log(self) -> str:
        """What the bot logged last."""
        return self.bot.log()[-4_000:]

    async def end(self) -> None:
        """Leave nothing running, whatever happened."""
        await self.bot.end()

    @property
    def sent(self) -> Counter[str]:
        """How often each reply was delivered, by its id."""
        file = self.folder / "sent.txt"
        return Counter(file.read_text().split("\n")[:-1] if file.exists() else [])

    @property
    def died(self) -> Path:
        """Files named after the events that killed the bot; their lengths count how often."""
        return self.folder / "died"

    def rows(self, owner: str, table: str, columns: str) -> list[tuple[Any, ...]]:
        """A table's rows, read as an operator would."""
        with admin(self.database_url) as database, database.transaction(exclusive=False):
            name = database.dialect.qualified(owner, table)
            return [tuple(row) for row in database.run(f"select {columns} from {name}")]  # noqa: S608  our own names

    def replies_in(self, state: str) -> set[str]:
        """The ids of the replies in the outbox that are in a state."""
        rows = self.rows("delivery", "outbox", "state, sends")
        packed = [msgspec.msgpack.decode(sends, type=list[Send]) for found, sends in rows if found == state]
        return {send.id for sends in packed for send in sends}

    def counts(self, table: str, owner: str = "waddledrill.ledger") -> Counter[object]:
        """How many rows of the ledger, or of another module, each event has."""
        return Counter(row[0] for row in self.rows(owner, table, "event_id"))


@contextlib.contextmanager
def world(folder: Path, database_url: str = "") -> Iterator[World]:
    """A bot with the ledger, not started yet, in an empty folder."""
    environ = environ_of(folder / "data", database_url, **installed(folder))
    url = database_url or f"sqlite:///{folder / 'data' / 'waddlebot.db'}"
    yield World(folder, url, ProcessBot(environ))


def installed(folder: Path) -> dict[str, str]:
    """The variables of a bot that has the drills' own modules installed, in a folder of this drill."""
    site = folder / "site"
    with importlib.resources.as_file(importlib.resources.files("drills") / "outside") as outside:
        shutil.copytree(outside, site, ignore=shutil.ignore_patterns("__pycache__"))
    package = site / "waddledrill-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(_METADATA)
    (package / "entry_points.txt").write_text(_ENTRY_POINTS)
    (folder / "died").mkdir()
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH", ""))))
    return {
        "PYTHONPATH": path, "WIRE_CHECK": "0",
        "WADDLEDRILL_LEDGER_SENT": str(folder / "sent.txt"), "WADDLEDRILL_LEDGER_DIED": str(folder / "died"),
        "WADDLEDRILL_MOODY_DIED": str(folder / "died"),
    }  # fmt: skip


@contextlib.contextmanager
def engine(name: str, options: str = "") -> Iterator[str]:
    """A database URL of an engine; empty for the bot's own file, and for a drill that has its own servers."""
    if name in ("sqlite", "own"):
        yield ""
        return
    with postgresql_running(options) as server:
        yield _new_database(server)


def _new_database(server: PostgreSQLServer) -> str:
    return server.url(server.create())
