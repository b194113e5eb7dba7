"""A whole host in this process, on a database of its own, for doors that need one."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Coroutine
from functools import cache
from typing import Any

from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.web.ring import KeyRing
from waddlebot.processing.router.desk import Desk
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import Host

RUNS_MAX = 1_000
"""Works that one host does: what they change, such as a switched-off module, must not be in the way for ever."""


class Stage:
    """Runs one piece of work after the other on a host, which is replaced by a new one now and then."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._exits = contextlib.AsyncExitStack()
        self._runs = itertools.count()
        self.host: Host
        self.key = ""
        """An API key of the role admin, bound to `home`."""

    @property
    def desk(self) -> Desk:
        """The router's."""
        desk: Desk = self.host.runners["processing.router"].services.state()
        return desk

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives."""
        if next(self._runs) % RUNS_MAX == 0:
            self._loop.run_until_complete(self._renew())
        return self._loop.run_until_complete(work)

    async def _renew(self) -> None:
        await self._exits.aclose()
        self.host = await self._exits.enter_async_context(_started())
        async with KeyRing(self.host.keys) as ring:
            self.key, _ = await ring.create("fuzz", Role.ADMIN)

    def close(self) -> None:
        """Stop the host."""
        self._loop.run_until_complete(self._exits.aclose())
        self._loop.close()


@cache
def stage() -> Stage:
    """The one of this process."""
    return Stage()


def close() -> None:
    """Close the stage of this process, where there is one. Threads are gone when `atexit` would do it."""
    if stage.cache_info().currsize:
        stage().close()
        stage.cache_clear()


@contextlib.asynccontextmanager
async def _started() -> AsyncIterator[Host]:
    with tempfile.TemporaryDirectory(prefix="waddlebot-fuzz-") as folder:
        environ = {
            "WADDLEBOT_DATA_DIR": folder, "HTTP_PORT": str(free_port()), "HTTP_REQUESTS_MAX": "1000000",
            "WIRE_CHECK": "1",
        }  # fmt: skip
        host = Host(load(environ), environ)
        await host.start()
        try:
            yield host
        finally:
            await host.stop()
