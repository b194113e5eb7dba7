"""The web server: uvicorn in the loop that is already running."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.doors import ASGIScope, Receive, Send

if TYPE_CHECKING:
    import uvicorn

DRAIN_S = 10.0
"""Seconds that requests have to finish when the server stops."""
KEEP_ALIVE_S = 75
"""Seconds an idle connection is kept: longer than the 60 that proxies usually keep theirs, so they close first."""
BACKLOG = 2_048


class Application(Protocol):
    """What is served."""

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Answer one connection's request (ASGI 3)."""

    def close(self) -> None:
        """End the responses that would go on for ever."""


class AddressError(Exception):
    """The server cannot listen there; the text names the variable and says what to do."""


class WebServer:
    """Serves ``app`` on ``HTTP_HOST:HTTP_PORT`` between :meth:`start` and :meth:`stop`.

    It installs no signal handlers and writes no access log.
    """

    def __init__(self, app: Application, config: WebConfig) -> None:
        self._app = app
        self._config = config
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = config.port
        """The port; after :meth:`start` a real one, also where 0 was asked for."""

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        return self._config.url(self.port)

    async def start(self) -> None:
        """Listen and serve. Raises :class:`AddressError` where the address or port cannot be had."""
        listener = bind(self._config)
        self.port = listener.getsockname()[1]
        self._server = _quiet_server(self._app)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="web-server")
        while not self._server.started:  # a few turns of the loop: the socket listens already
            if self._task.done():
                await self._task
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Take no further connections, let requests finish, end streams. Safe to call twice."""
        if self._server is None or self._task is None:
            return
        self._app.close()
        self._server.should_exit = True
        await self._task
        self._server = self._task = None

    async def __aenter__(self) -> "WebServer":
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()


def bind(config: WebConfig) -> socket.socket:
    """A listening socket. Raises :class:`AddressError`."""
    host, port = config.host, config.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        return _listening(socket.socket(family, kind, protocol), address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            words = f"Port {port} is taken by another program: stop that, or set HTTP_PORT to a free one."
        elif error.errno == errno.EACCES:
            words = f"Port {port} is for privileged programs: set HTTP_PORT to one above 1023."
        else:
            words = f"{host!r} is no address of this machine ({error.strerror or error}): set HTTP_HOST to one."
        raise AddressError(words) from error


def _listening(listener: socket.socket, address: Any) -> socket.socket:
    # Not socket.create_server: its socket names no protocol, and asyncio switches Nagle's algorithm off only for
    # sockets that name TCP. With it every second chunk of a stream comes 40 ms late.
    try:
        if os.name == "posix":  # elsewhere the option lets two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _quiet_server(app: Application) -> "uvicorn.Server":
    # Late: the server takes a fifth of a second to import.
    import uvicorn  # noqa: PLC0415  loaded when it is needed

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are the host's

    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it announces itself at INFO
    return Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",  # nothing here speaks WebSocket, and it takes time and memory to load
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(DRAIN_S),
            backlog=BACKLOG,
        )
    )
