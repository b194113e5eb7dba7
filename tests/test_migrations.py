"""Every owner's schema, from nothing and from each earlier version, becomes what the code declares; rows stay."""

import asyncio
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from waddlebot.libs.dal.admin import Admin, admin
from waddlebot.libs.dal.dialect import SQLITE
from waddlebot.libs.dal.migrations import migrations, status, upgrade
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.bots import environ_of
from waddlebot.libs.testing.databases import HOST_ROLE, admin_url
from waddlebot.runtime import environment
from waddlebot.runtime.host import database

ROOT = Path(__file__).parents[1]
LOCK = Path(__file__).with_name("migrations.lock")
OWNERS = database(environment.load({}), discover()).owners
VERSIONS = range(max(len(migrations(owner, SQLITE)) for owner in OWNERS) + 1)
NEVER_WRITTEN = {("core.identity", "link")}
"""Tables that no version wrote a row to, and that are gone."""
VALUES: Mapping[str, Any] = {"text": "x", "real": 1.0, "double precision": 1.0, "boolean": True, "blob": b"x"}


def columns(opened: Admin, owner: Owner) -> dict[str, dict[str, str]]:
    """The types of the columns of each of the owner's tables, as they are in the database."""
    if opened.dialect is SQLITE:
        prefix = f"{owner.schema}__"
        rows = opened.run("select name from sqlite_schema where type = 'table'")
        names = [name for (name,) in rows if name.startswith(prefix)]
        return {
            name.removeprefix(prefix): {
                row[1]: row[2].lower() for row in opened.run(f'pragma table_info("{name}")')
            }
            for name in names
        }
    found: dict[str, dict[str, str]] = {}
    query = "select table_name, column_name, data_type from information_schema.columns where table_schema = %(s)s"
    for table, column, kind in opened.run(query, {"s": owner.schema}):
        found.setdefault(table, {})[column] = kind
    return found


def fill(url: str) -> dict[tuple[str, str], int]:
    """Put a row into every table that has none; how many rows each has then."""
    with admin(url) as opened, opened.transaction(exclusive=True):
        counts = {}
        for owner in OWNERS:
            for table, kinds in columns(opened, owner).items():
                qualified = opened.dialect.qualified(owner.name, table)
                if not opened.run(f"select 1 from {qualified} limit 1"):
                    names = ", ".join(f'"{name}"' for name in kinds)
                    bound = ", ".join(opened.dialect.bound(name) for name in kinds)
                    values = {
                        name: VALUES.get(kind, b"x" if kind == "bytea" else 1) for name, kind in kinds.items()
                    }
                    opened.run(f"insert into {qualified} ({names}) values ({bound})", values)
                counts[owner.name, table] = opened.run(f"select count(*) from {qualified}")[0][0]
        return counts


def count(url: str) -> dict[tuple[str, str], int]:
    """How many rows each table has."""
    with admin(url) as opened, opened.transaction(exclusive=False):
        return {
            (owner.name, table): opened.run(f"select count(*) from {opened.dialect.qualified(owner.name, table)}")[
                0
            ][0]
            for owner in OWNERS
            for table in columns(opened, owner)
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_each_earlier_version_becomes_what_is_declared(database_url: str, version: int) -> None:
    url = admin_url(database_url)
    upgrade(url, OWNERS, up_to={owner.name: version for owner in OWNERS})
    before = fill(url)
    upgrade(url, OWNERS, host_role=HOST_ROLE)
    assert all(found.version == found.known for found in status(database_url, OWNERS))
    assert differences(database_url, OWNERS) == []
    after = count(url)
    lost = {table: rows for table, rows in before.items() if after.get(table, 0) < rows}
    assert lost.keys() <= NEVER_WRITTEN, lost


def test_a_migration_that_was_applied_stays_as_it_is() -> None:
    """Databases have it behind them and never read it again: what changes is a migration of its own.

    A folder is held from its first line in the lock on, so a new module, or one that goes, asks for no edit.
    """
    known = dict(line.split("  ")[::-1] for line in LOCK.read_text("utf-8").splitlines())
    folders = {folder for path in known if (folder := (ROOT / path).parent).exists()}
    found = {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in folder.glob("*.sql")
    }
    kept = [path for path in known if (ROOT / path).parent in folders]
    changed = [path for path in kept if found.get(path) != known[path]]
    assert not changed, f"put these back as they were and write the next number instead: {changed}"
    new = [f"{found[path]}  {path}" for path in sorted(found) if path not in known]
    assert not new, "once they are final, add to tests/migrations.lock:\n" + "\n".join(new)


async def test_two_hosts_that_upgrade_at_once_do_it_once(database_url: str, tmp_path: Path) -> None:
    """Real processes, started together: one works, the other waits and finds nothing left to do."""
    environs = [environ_of(tmp_path / name, database_url) for name in ("first", "second")]
    environs[1]["WADDLEBOT_DATA_DIR"] = environs[0]["WADDLEBOT_DATA_DIR"]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "waddlebot", "db", "upgrade",
            env=kept | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        for environ in environs
    ]  # fmt: skip
    outputs = [(await process.communicate())[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    applied = [line for output in outputs for line in output.splitlines() if line.startswith("applied ")]
    known = sum(found.known for found in status(database_url, OWNERS))
    assert len(applied) == len(set(applied)) == known, outputs
    assert differences(database_url, OWNERS) == []
