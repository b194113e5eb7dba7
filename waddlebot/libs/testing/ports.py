"""Ports for servers that tests start."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

PORT_MAX = 32_768
"""Higher ports are handed out by the kernel to outgoing connections, so one may be taken at any moment."""

_PORT_MIN = 20_000
_TRIES_MAX = 200
_WORKERS_MAX = 8


def _ports() -> Iterator[int]:
    """This process's own ports in a random order, again and again: whoever got one may not listen on it yet.

    Each worker of pytest-xdist has ports of its own, for several look for one at the same time.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS_MAX
    ports = list(range(_PORT_MIN + worker, PORT_MAX, _WORKERS_MAX))
    random.shuffle(ports)
    return itertools.cycle(ports)


_PORTS = _ports()


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port below PORT_MAX that nobody listens on. Raises OSError when none was found."""
    for port in itertools.islice(_PORTS, _TRIES_MAX):
        with socket.socket() as candidate:
            try:
                candidate.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {_PORT_MIN} to {PORT_MAX} on {host}")
