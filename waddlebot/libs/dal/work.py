"""Work: one call of a store's method on its way to a database thread and back."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

from waddlebot.libs.dal.errors import Busy, DalError
from waddlebot.libs.dal.store import Method, Store


class Work:
    """One call: what to run, and the future its caller awaits."""

    __slots__ = ("args", "binding", "error", "future", "kwargs", "loop", "method", "result", "step", "store")

    def __init__(
        self,
        binding: Any,
        store: Store,
        method: Method,
        step: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.binding = binding
        self.store = store
        self.method = method
        self.step = step
        self.args = args
        self.kwargs = kwargs
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Hand the outcome to the caller, in the caller's loop; one who gave up waiting is not disturbed."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def settle(done: Iterable[Work]) -> None:
    """Settle finished work: one wake-up for each loop, not one for each future."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Work]] = {}
    for work in done:
        by_loop.setdefault(work.loop, []).append(work)
    for loop, group in by_loop.items():
        # A loop that was closed meanwhile has nobody left who waits.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, group)


def _settle_all(group: list[Work]) -> None:
    for work in group:
        work.settle()


class Lane:
    """A bounded queue of work and the threads that serve it."""

    def __init__(self, name: str, threads: int, serve: Callable[["Lane"], None], waiting_max: int) -> None:
        self.name = name
        self.waiting_max = waiting_max
        self.queue: SimpleQueue[Work | None] = SimpleQueue()
        self._open = True
        self._threads = [
            threading.Thread(target=serve, args=(self,), name=f"dal-{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work) -> None:
        """Queue the work. Raises Busy when too much waits already."""
        if not self._open:
            raise DalError("the database is closed")
        if self.queue.qsize() >= self.waiting_max:
            raise Busy(f"{self.waiting_max} units of work are waiting for the database ({self.name})")
        self.queue.put(work)

    @property
    def threads(self) -> int:
        """How many threads serve it."""
        return len(self._threads)

    @property
    def waiting(self) -> int:
        """How many units of work are queued, about."""
        return self.queue.qsize()

    def close(self) -> None:
        """Finish what is queued, then end the threads. Blocks until they ended."""
        self._open = False
        for _ in self._threads:
            self.queue.put(None)
        for thread in self._threads:
            thread.join()
