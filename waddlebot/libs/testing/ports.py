"""Ports for servers that tests start."""

import random
import socket

PORT_MAX = 32_768
"""Higher ports are handed out by the kernel to outgoing connections, so one may be taken at any moment."""

_PORT_MIN = 20_000
_TRIES_MAX = 200


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port below PORT_MAX that nobody listens on. Raises OSError when none was found."""
    for _ in range(_TRIES_MAX):
        port = random.randrange(_PORT_MIN, PORT_MAX)  # noqa: S311  no secret, only a place that is seldom taken
        with socket.socket() as candidate:
            try:
                candidate.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {_PORT_MIN} to {PORT_MAX} on {host}")
