"""``config/`` and the secrets on the real programs: nginx, PostgreSQL with its replica, Valkey."""

import asyncio
import contextlib
import io
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psycopg2
import pytest
import trustme
from aiohttp import web

from deploy.services import services
from deploy.tests.conftest import ROOT
from waddlebot.libs.adapters.tests.bus_hosts import ROUTER, BusHost, running
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.redis_servers import NewServer
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import database
from waddlebot.runtime.upgrade import bring_up

NAME = "waddlebot.example.org"
_SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"


# --- nginx --------------------------------------------------------------------------------------------------


class Proxy:
    """nginx on the delivered configuration: ports, folders and services' addresses are the test's."""

    def __init__(self, folder: Path, service_port: int) -> None:
        self.http, self.https = free_port(), free_port()
        authority = trustme.CA()
        certificate = authority.issue_cert(NAME)
        certificate.private_key_pem.write_to_path(folder / "tls_key")
        (folder / "tls_certificate").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        places = {
            "/run/secrets": str(folder), "/tmp/": f"{folder}/tmp-", "listen 8080": f"listen 127.0.0.1:{self.http}",
            "listen 8443": f"listen 127.0.0.1:{self.https}", "/dev/stdout": f"{folder}/access.log",
        }  # fmt: skip
        shutil.copytree(ROOT / "config" / "nginx", folder / "nginx")
        for file in (folder / "nginx").iterdir():
            text = file.read_text(encoding="utf-8")
            text = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)
            file.write_text(re.sub(r"http://[a-z-]+-[a-z]+:\d+", f"http://127.0.0.1:{service_port}", text))
        self.folder = folder
        self.command = [shutil.which("nginx", path=_SBIN) or "nginx", "-c", str(folder / "nginx" / "nginx.conf")]


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    """The proxy before one server that stands for all services: it tells what it was asked."""

    async def tell(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path, "host": request.host, "headers": dict(request.headers)})

    app = web.Application(client_max_size=10 * 1024**2)
    app.router.add_route("*", "/{rest:.*}", tell)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    found = Proxy(tmp_path, port)
    process = await asyncio.create_subprocess_exec(
        *found.command, "-g", "daemon off;", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: listens(found.https))
        yield found
    finally:
        process.terminate()
        await process.wait()
        await runner.cleanup()


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@contextlib.asynccontextmanager
async def browser(proxy: Proxy) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody outside, who trusts the certificate and finds its name at the proxy."""

    class Names(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            return [
                {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}
            ]

        async def close(self) -> None:
            pass

    connector = aiohttp.TCPConnector(ssl=proxy.trust, resolver=Names())
    async with aiohttp.ClientSession(f"https://{NAME}:{proxy.https}", connector=connector) as session:
        yield session


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    tested = subprocess.run(
        [*Proxy(tmp_path, 1).command, "-t"], capture_output=True, text=True, check=False, timeout=60
    )
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr


async def test_public_paths_are_passed_on_and_no_others(proxy: Proxy) -> None:
    async with browser(proxy) as session:
        for public in (public for service in services() for public in service.paths):
            asked = public.path if public.exact else f"{public.path.rstrip('/')}/x"
            async with session.get(asked, headers={"X-Forwarded-For": "6.6.6.6"}) as answer:
                told = await answer.json()
                assert (answer.status, told["path"], told["host"]) == (200, asked, NAME)
                assert told["headers"]["X-Forwarded-For"] == "127.0.0.1"  # what a stranger claims is not passed on
                assert "max-age" in answer.headers["Strict-Transport-Security"]
        for path in (
            "/metrics",
            "/health/ready",
            "/api/v1/pushing.irc/x",
            "/_call/processing.router",
            "/x",
        ):
            async with session.get(path) as answer:
                assert answer.status == 404, path
        async with session.post("/api/v1/processing.router/events", data=io.BytesIO(bytes(1024**2 + 1))) as answer:
            assert answer.status == 413


async def test_without_tls_one_is_sent_to_it(proxy: Proxy) -> None:
    url = f"http://127.0.0.1:{proxy.http}/console/login?token=x"
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
        assert answer.status == 308
        assert answer.headers["Location"] == "https://127.0.0.1/console/login?token=x"
    # The query, which may hold a token, is in no log.
    assert "token" not in (proxy.folder / "access.log").read_text()


async def test_who_asks_too_often_is_told_so(proxy: Proxy) -> None:
    async with browser(proxy) as session:

        async def asked() -> int:
            async with session.get("/") as answer:
                return answer.status

        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 5_000:
            statuses += await asyncio.gather(*(asked() for _ in range(100)))
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 200


# --- PostgreSQL ---------------------------------------------------------------------------------------------


class Configured:
    """A primary on the delivered configuration, its roles made by the delivered script."""

    def __init__(self, server: PostgreSQLServer, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.account = server.account
        self._programs = server.programs
        shutil.copytree(ROOT / "config" / "postgres", folder / "config")
        secrets = folder / "secrets"
        secrets.mkdir()
        for role in ("owner", "host", "replication"):
            (secrets / f"postgres_{role}").write_text(f"it's the {role}'s\n")
        self.run("initdb", "-D", folder / "primary", "-U", "postgres", "-A", "trust", "-E", "UTF8")

    def options(self, port: int) -> list[str]:
        """What differs from a container: ports, addresses and folders."""
        config = self.folder / "config"
        settings = {
            "hba_file": config / "pg_hba.conf", "port": port, "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder, "fsync": "off", "shared_buffers": "16MB",
        }  # fmt: skip
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def environ(self, **more: object) -> dict[str, str]:
        """For its programs."""
        path = f"{self._programs}:{os.defpath}"
        found = {"PATH": path, "PGHOST": self.folder, "PGPORT": self.port, "SECRETS": self.folder / "secrets"}
        return {name: str(value) for name, value in (found | more).items()}

    def run(self, *command: object) -> None:
        """Run one of its programs, or a script, as its account."""
        done = subprocess.run(
            [str(part) for part in command], user=self.account, env=self.environ(), cwd="/",
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def start(self, *command: object, **more: object) -> subprocess.Popen[bytes]:
        """Start a server."""
        log = (self.folder / "log").open("ab")
        with log:
            return subprocess.Popen(
                [str(part) for part in command], user=self.account, env=self.environ(**more), cwd="/",
                stdout=log, stderr=log,
            )  # fmt: skip

    def url(self, role: str, port: int = 0) -> str:
        """The URL that an operator would write."""
        return f"postgresql://waddlebot_{role}:it%27s%20the%20{role}%27s@127.0.0.1:{port or self.port}/waddlebot"


@contextlib.contextmanager
def serving(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def configured(postgresql_server: PostgreSQLServer) -> Iterator[Configured]:
    folder = postgresql_server.data.parent / "configured"
    folder.mkdir(mode=0o755)
    try:
        if postgresql_server.account:
            shutil.chown(folder, postgresql_server.account)
        yield Configured(postgresql_server, folder)
    finally:
        shutil.rmtree(folder)


async def test_postgres_with_its_replica_serves_hosts(configured: Configured) -> None:
    folder = configured.folder
    config = f"config_file={folder}/config/postgresql.conf"
    primary = configured.start(
        "postgres", "-D", folder / "primary", "-c", config, *configured.options(configured.port)
    )
    with serving(primary):
        await until(lambda: listens(configured.port))
        await until(lambda: ready(configured))
        configured.run("createdb", "-U", "postgres", "waddlebot")
        configured.run(folder / "config" / "roles.sh")
        # By the network nobody is superuser, and nobody needs no password.
        for url in (f"postgresql://postgres@127.0.0.1:{configured.port}/waddlebot", configured.url("host") + "x"):
            with pytest.raises(psycopg2.OperationalError):
                psycopg2.connect(url.replace("the%20host", "no%20host"))
        environ = {
            "WADDLEBOT_DATA_DIR": str(folder), "DATABASE_URL": configured.url("host"),
            "DATABASE_ADMIN_URL": configured.url("owner"),
        }  # fmt: skip
        environment = load(environ)
        await asyncio.to_thread(bring_up, environment, database(environment, discover()))
        async with database(load({**environ, "DATABASE_ADMIN_URL": ""}), discover()) as dal:
            await dal.ping()
        port = free_port()
        more = {
            "PGDATA": folder / "replica", "PRIMARY_HOST": "127.0.0.1", "PRIMARY_PORT": configured.port,
            "REPLICATION_PASSWORD_FILE": folder / "secrets" / "postgres_replication",
            "CONFIG_FILE": folder / "config" / "postgresql.conf",
        }  # fmt: skip
        for _ in range(2):  # the second start follows on, and copies nothing
            replica = configured.start(folder / "config" / "replica.sh", *configured.options(port), **more)
            with serving(replica):
                await until(lambda: in_recovery(configured.url("host", port)))
        assert (folder / "replica" / "standby.signal").read_text() == "replica\n"


def ready(configured: Configured) -> bool:
    try:
        configured.run("pg_isready", "-q")
    except AssertionError:
        return False
    return True


def in_recovery(url: str) -> bool:
    try:
        connection = psycopg2.connect(url)
    except psycopg2.OperationalError:
        return False
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("select pg_is_in_recovery()")
        return bool(cursor.fetchall()[0][0])


# --- Valkey -------------------------------------------------------------------------------------------------


async def test_the_bots_account_may_do_what_the_bus_needs_and_no_harm(
    tmp_path: Path, new_valkey: NewServer
) -> None:
    shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path)
    made = await asyncio.create_subprocess_exec(tmp_path / "make-secrets", NAME, stdout=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    acl = (tmp_path / "secrets" / "redis_acl").read_text().splitlines()
    assert acl[0] == "user default off"
    server = new_valkey(acl[1])
    password = (tmp_path / "secrets" / "redis_password").read_text().strip()
    url = f"redis://waddlebot:{password}@127.0.0.1:{server.port}"
    lines = range(100)
    first, second = BusHost(url, "h1", ROUTER, "count"), BusHost(url, "h2", "count")
    async with running(first, second):
        await first.announce(lines)
        await until(lambda: len(first.heard(ROUTER)) == len(lines))
        await until(lambda: len(first.heard("count")) + len(second.heard("count")) == len(lines))
    for command in ("FLUSHALL", "SHUTDOWN", "CONFIG GET *", "ACL LIST", "SET elsewhere 1"):
        refused = server.call("ACL", "DRYRUN", "waddlebot", *command.split())
        assert "no permissions" in str(refused), command
