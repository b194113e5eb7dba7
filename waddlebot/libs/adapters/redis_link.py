"""The way to Redis: up or down, why, and up again as soon as it can be."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from redis import exceptions

from waddlebot.libs.adapters.redis_streams import FAILURES
from waddlebot.libs.adapters.redis_url import Client, RedisUrl

ACL = "~wb:* &wb:* +@stream +@scripting +@pubsub +@connection +info +get +set"
"""What a user of the bus has to be allowed (ACL SETUSER); ``wb`` is the prefix of the keys."""

_PAUSE_FIRST_S = 0.02
_PAUSE_MAX_S = 1.0


class Link:
    """One for all who talk with Redis: who sees a failure says :meth:`lost`, and all wait until it is :attr:`up`.

    ``problem`` says what is wrong and what to do, without a secret; empty while all is well.
    """

    def __init__(self, client: Client, url: RedisUrl, counts: Counter[str], log: logging.Logger) -> None:
        self.client = client
        self.up = asyncio.Event()
        self.problem = "not connected to Redis yet"
        self.down_since_s = self.up_since_s = time.monotonic()
        self._url = url
        self._counts = counts
        self._log = log
        self._down = asyncio.Event()
        self._down.set()
        self._said = False

    def lost(self, error: BaseException) -> None:
        """A command failed. Everything waits until a connection is made anew and what was lost is restored."""
        if self.up.is_set():
            self._counts["lost"] += 1
            self.up.clear()
            self.down_since_s = time.monotonic()
            self.problem = self._words(error)
            self._down.set()

    async def run(self, restore: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Connect, and again whenever the connection is lost, with growing pauses and jitter; for ever.

        ``restore`` are steps in order, each of which may fail; only after all of them everybody goes on.
        """
        pause_s = _PAUSE_FIRST_S
        while True:
            await self._down.wait()
            try:
                await self._disconnect()
                for step in restore:
                    await step()
            except FAILURES as error:
                self.problem = self._words(error)
                self._say(pause_s)
                await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311  jitter, no secret
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
                continue
            if self._said:
                self._log.warning(
                    "Redis at %s is back after %.1f s", self._url, time.monotonic() - self.down_since_s
                )
            self._said, self.problem, pause_s = False, "", _PAUSE_FIRST_S
            self.up_since_s = time.monotonic()
            self._down.clear()
            self.up.set()

    def _say(self, pause_s: float) -> None:
        """Once for each time it is away, and not for a hiccup."""
        if not self._said and pause_s > _PAUSE_FIRST_S:
            self._said = True
            self._log.warning("Redis at %s is away: %s", self._url, self.problem)

    async def _disconnect(self) -> None:
        """Close idle connections: they may lead to a server that is not the master any more."""
        pool = getattr(self.client, "connection_pool", None)  # of a Cluster each node has its own, and knows
        if pool is not None:
            await pool.disconnect(inuse_connections=False)

    def _words(self, error: BaseException) -> str:
        return f"{type(error).__name__}: {error}{_ADVICE.get(type(error), '')}"


_ADVICE: dict[type[BaseException], str] = {
    exceptions.AuthenticationError: " (check user and password in REDIS_URL)",
    exceptions.NoPermissionError: f" (the ACL user needs {ACL})",
    exceptions.ConnectionError: " (is the server running, and REDIS_URL right?)",
    exceptions.TimeoutError: " (the server hangs or cannot be reached)",
}
