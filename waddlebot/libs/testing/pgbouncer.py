"""Fixture: Debian's pgbouncer (`apt-get install pgbouncer`) in transaction mode before the run's PostgreSQL."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from waddlebot.libs.testing.databases import HOST_ROLE, PostgreSQLServer
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.server_process import ServerProcess, listens

# Between two transactions a client may be handed any server connection that is free; there are so few of them that
# they are shared all the time. (https://www.pgbouncer.org/config.html)
_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 2
max_client_conn = 500
logfile = {log}
"""


@dataclass(slots=True)
class PgBouncer(ServerProcess):
    """A running pgbouncer, two server connections for each database and role."""

    server: PostgreSQLServer
    folder: Path
    port: int = field(default_factory=free_port)

    def url(self, database: str, role: str = HOST_ROLE) -> str:
        """The URL of a database of the server, through here."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, or start it again on the same port, and wait until it answers. Raises RuntimeError."""
        users = self.folder / "users"
        users.write_text('"waddlebot" ""\n"waddlebot_owner" ""\n')
        file = self.folder / "pgbouncer.ini"
        file.write_text(
            _CONFIGURATION.format(
                server_port=self.server.port, port=self.port, users=users, log=self.folder / "log"
            )
        )
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise RuntimeError("install pgbouncer: apt-get install pgbouncer")
        for path in (self.folder, users, file):
            if self.server.account is not None:  # it refuses to run as root, as PostgreSQL does
                shutil.chown(path, self.server.account)
        self.launch([program, "--quiet", str(file)], account=self.server.account)

    def _answers(self) -> bool:
        return listens(self.port)


@contextlib.contextmanager
def pgbouncer_running(server: PostgreSQLServer) -> Iterator[PgBouncer]:
    """A pgbouncer before a server."""
    folder = Path(tempfile.mkdtemp(prefix="waddlebot-pgbouncer-"))
    bouncer = PgBouncer(server, folder)
    try:
        bouncer.start()
        yield bouncer
    finally:
        bouncer.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def pgbouncer(postgresql_server: PostgreSQLServer) -> Iterator[PgBouncer]:
    """A pgbouncer before the run's server."""
    with pgbouncer_running(postgresql_server) as bouncer:
        yield bouncer
