"""Tasks that live as long as the host: started again when they fail, never silently gone."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.ports import CallError

_PAUSE_FIRST_S = 0.5
_PAUSE_MAX_S = 60.0
_HEALTHY_S = 60.0

type Work = Callable[[], Coroutine[Any, Any, None]]


_PASSING = (CallError, DalError)
"""What passes by itself: another host, or the database, is away. Their words say all there is."""
_PASSED_S = 1.0
"""A task that has run for so long since is taken to have got over it."""
_PAUSE_PASSING_S = 2.0
"""The longest pause then: who was away for a minute is not waited for another one once it is back."""


class Supervisor:
    """The host's long-running tasks by name.

    A task that has run for ``healthy_s`` since it failed is taken for healthy; the first pause after a failure
    is ``pause_s``.
    """

    def __init__(
        self, log: logging.Logger, *, healthy_s: float = _HEALTHY_S, pause_s: float = _PAUSE_FIRST_S
    ) -> None:
        self._log = log
        self._healthy_s = healthy_s
        self._pause_s = pause_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._draining = False
        self._failed: dict[str, tuple[str, float]] = {}

    @property
    def errors(self) -> dict[str, str]:
        """What went wrong with each task that has not run well since."""
        now = time.monotonic()
        return {name: error for name, (error, well_at) in self._failed.items() if now < well_at}

    def start(self, name: str, work: Work) -> None:
        """Run ``work`` until it returns; when it fails, again after a growing pause with jitter."""
        self._tasks[name] = asyncio.get_running_loop().create_task(self._keep(name, work), name=name)

    def every(self, name: str, seconds: float, work: Work) -> None:
        """Run ``work`` every so many seconds; a run that takes longer delays the next, none are made up for."""

        async def repeat() -> None:
            while not self._draining:
                await asyncio.sleep(seconds)
                await work()

        self.start(name, repeat)

    async def _keep(self, name: str, work: Work) -> None:
        pause_s = self._pause_s
        while True:
            began = time.monotonic()
            try:
                await work()
            except Exception as error:
                passing = isinstance(error, _PASSING)
                healthy_s = min(self._healthy_s, _PASSED_S) if passing else self._healthy_s
                if time.monotonic() - began > healthy_s:
                    pause_s = self._pause_s
                pause_s = min(pause_s, _PAUSE_PASSING_S if passing else _PAUSE_MAX_S)
                self._failed[name] = (
                    f"{type(error).__name__}: {error}", time.monotonic() + pause_s + healthy_s,
                )  # fmt: skip
                self._log.log(
                    logging.WARNING if passing else logging.ERROR,
                    "%s failed and starts again in %.1f s: %s", name, pause_s, error, exc_info=not passing,
                )  # fmt: skip
                await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311  jitter, no secret
                pause_s *= 2
            else:
                self._failed.pop(name, None)
                return

    async def stop(self, names: Sequence[str] | None = None) -> None:
        """Cancel tasks, all or those named (and their jobs), and wait until they are gone."""
        chosen = {
            name: task
            for name, task in self._tasks.items()
            if names is None or name in names or name.startswith("job ")
        }
        for task in chosen.values():
            task.cancel()
        await asyncio.gather(*chosen.values(), return_exceptions=True)
        for name in chosen:
            del self._tasks[name]

    async def drain(self, seconds: float) -> None:
        """Wait for tasks that end by themselves now; those for ever go on."""
        self._draining = True
        ending = [t for name, t in self._tasks.items() if name.startswith(("observer ", "outbox ", "inbox"))]
        if ending:
            await asyncio.wait(ending, timeout=seconds)
