"""A backup of a large installation, restored into an empty PostgreSQL: how long, and whether every row came back.

A million rows stand for an installation of a thousand channels: half of them accounts, half of them scores. Each
table's rows are summed up by a hash on both sides.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import main
from waddlebot.libs.testing.bots import environ_of
from waddlebot.libs.testing.databases import PostgreSQLServer, postgresql_running

COMMUNITIES = 1_000
_DURABLE = "-c fsync=on -c full_page_writes=on"
_APART = ("outbox", "schema_version")
"""What was in the outbox is set aside, and when a schema was made is another time."""
_FILL = (
    "insert into core_community.communities (community, created_at)"
    " select 'community-' || n, n from generate_series(1, {communities}) n",
    "insert into core_identity.account (account, server, platform, login, name, last_seen)"
    " select 'twitch:' || n, '', 'twitch', 'user' || n, 'User' || n, n from generate_series(1, {rows}) n",
    "insert into core_reputation.score (community, account, gained, gained_overall, activity)"
    " select 'community-' || (1 + n % {communities}), 'twitch:' || n, n % 200, n % 100, n from"
    " generate_series(1, {rows}) n",
)


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return the rows, the size of the file in megabytes, and the seconds that each way took."""
    rows = 5_000 if quick else 500_000
    with tempfile.TemporaryDirectory() as folder, postgresql_running(_DURABLE) as server:
        return _measure(server, Path(folder), rows)


def _measure(server: PostgreSQLServer, folder: Path, rows: int) -> dict[str, float | int | str]:
    one, two = server.create(), server.create()
    file = folder / "all.waddlebot"
    waddlebot(folder / "one", server.url(one), "db", "upgrade")
    for statement in _FILL:
        server.run(statement.format(communities=COMMUNITIES, rows=rows), one)
    backed_up_s = waddlebot(folder / "one", server.url(one), "backup", str(file))
    restored_s = waddlebot(folder / "two", server.url(two), "restore", str(file))
    before, after = sums(server, one), sums(server, two)
    if before != after:
        raise RuntimeError(f"not every row came back: {before}, {after}")
    return {
        "rows": sum(number for number, _ in before.values()),
        "file_mb": file.stat().st_size / 1_000_000,
        "backup_s": backed_up_s,
        "restore_s": restored_s,
    }


def waddlebot(data: Path, url: str, *arguments: str) -> float:
    """Run a command on a database, and return how many seconds it took. Raises `CalledProcessError`."""
    began_s = time.perf_counter()
    environ = {"PATH": os.environ["PATH"], **environ_of(data, url)}
    subprocess.run([sys.executable, "-m", "waddlebot", *arguments], env=environ, check=True, capture_output=True)
    return time.perf_counter() - began_s


def sums(server: PostgreSQLServer, database: str) -> dict[str, tuple[int, str]]:
    """Return the number of rows, and the sum of their hashes, of each table but those apart."""
    tables = server.query(
        "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
        database,
    )
    found = {}
    for schema, table in tables:
        if table not in _APART:
            asked = f'select count(*), sum(hashtextextended(t::text, 0)) from "{schema}"."{table}" t'
            [(number, total)] = server.query(asked, database)
            found[f"{schema}.{table}"] = int(number), str(total)
    return found


if __name__ == "__main__":
    main(measure)
