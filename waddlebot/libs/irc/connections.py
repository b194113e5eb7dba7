"""Some clients that run together, and what they receive on its way to one consumer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from waddlebot.libs.irc.client import IrcClient, IrcState

ITEMS_MAX = 20_000
"""Items that may wait for the consumer before reading is paused; it goes on when they are taken."""


class Connections[T]:
    """Keeps clients connected from `start` to `close`, and hands what was `put` to whoever runs.

    They stay connected while nobody runs, so that what the host still has to say at its end can be said.
    """

    def __init__(self, items_max: int = ITEMS_MAX) -> None:
        self._items_max = items_max
        self._clients: dict[IrcClient[Any], asyncio.Task[None] | None] = {}
        self._items: list[T] = []
        self._arrived = asyncio.Event()
        self._paused = False

    def add(self, client: IrcClient[Any]) -> None:
        """Have a client run with the others."""
        self._clients[client] = None

    def put(self, items: list[T]) -> None:
        """Take received items over; never waits."""
        self._items += items
        self._arrived.set()
        if len(self._items) > self._items_max and not self._paused:
            self._paused = True
            for client in self._clients:
                client.pause_reading()

    async def run(self, take: Callable[[list[T]], Awaitable[None]], *beside: Coroutine[Any, Any, None]) -> None:
        """Start the clients that do not run, and hand over items in order until cancelled.

        What is to go on `beside` ends with it. Raises what `take`, a client or that raised; call it again then.
        """
        for client, task in self._clients.items():
            if task is None or (task.done() and task.exception() is not None):
                self._clients[client] = asyncio.create_task(client.run())
        own = [asyncio.create_task(work) for work in (self._hand_over(take), *beside)]
        try:
            tasks = {*own, *(task for task in self._clients.values() if task is not None)}
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in own:
                task.cancel()
            await asyncio.gather(*own, return_exceptions=True)

    async def close(self) -> None:
        """Disconnect all."""
        for client in self._clients:
            await client.close()
        tasks = [task for task in self._clients.values() if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _hand_over(self, take: Callable[[list[T]], Awaitable[None]]) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            items, self._items = self._items, []
            await take(items)
            if self._paused and len(self._items) <= self._items_max:
                self._paused = False
                for client in self._clients:
                    client.resume_reading()


class StateLog:
    """Logs how a connection is doing, once per change that an operator should know."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told = ""

    def __call__(self, state: IrcState) -> None:
        """Take the new state in."""
        trouble = "; ".join(filter(None, (state.error, *state.failures.values())))
        if not trouble and not state.ready:
            return
        told = trouble or f"{state.server}: in {state.joined} channels as {state.nick}"
        if told != self._told:
            self._told = told
            self._log.log(logging.WARNING if trouble else logging.INFO, "%s", told)
