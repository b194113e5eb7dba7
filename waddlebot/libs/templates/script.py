"""JavaScript for `$(eval …)`, in a process that can be killed.

The engine is QuickJS-ng (the extra `javascript`). It stops loops, deep recursion, memory bombs and regular
expressions that backtrack without end by itself; and since an engine written in C may still be wrong, it runs in
a worker process without environment or files of WaddleBot's, which is killed when its time is over.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from waddlebot.libs.templates.ports import ServiceError

WALL_S = 1.0
"""Seconds a program may run (Nightbot's limit, docs.nightbot.tv/variables/eval)."""

START_S = 10.0
"""Seconds a worker may take to start."""

WAITING_MAX = 32
"""Programs that may wait for a worker; more are turned away, so that nobody's hogs all."""

_WORKER = Path(__file__).with_name("script_worker.py")
_LINE_MAX = 64 * 1024


def is_installed() -> bool:
    """Whether the engine is there (the extra `javascript`)."""
    return importlib.util.find_spec("quickjs") is not None


class JavaScript:
    """Runs programs, one at a time, in one worker that is started when first needed; implements `ports.Script`.

    Args:
        wall_s: Seconds a program may run.
        worker: The file that the worker process runs.
    """

    def __init__(self, wall_s: float = WALL_S, worker: Path = _WORKER) -> None:
        self._wall_s = wall_s
        self._worker = worker
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def run(self, source: str, seed: int) -> str:
        """The program's last value, as JavaScript writes it as text.

        Raises:
            ServiceError: It failed, was stopped at a limit, or too many are waiting.
        """
        if self._waiting >= WAITING_MAX:
            raise ServiceError("too many programs are waiting, try again later")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(source, seed)
        finally:
            self._waiting -= 1

    async def _run(self, source: str, seed: int) -> str:
        process = await self._started()
        request = json.dumps({"source": source, "seed": seed}) + "\n"
        try:
            async with asyncio.timeout(self._wall_s):
                answer = await _exchange(process, request)
        except TimeoutError:
            await self._stop()
            raise ServiceError("the program took too long") from None
        except asyncio.CancelledError:
            await self._stop()  # its answer would be taken for the next program's
            raise
        if answer is None:
            await self._stop()
            raise ServiceError("the program was stopped")
        if "error" in answer:
            raise ServiceError(answer["error"])
        return answer["value"]

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # Isolated (-I): no user site, no PYTHON* variables, not our directory. Windows needs SYSTEMROOT to start.
        environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(self._worker),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            limit=_LINE_MAX,
        )
        try:
            async with asyncio.timeout(START_S):
                ready = await _exchange(self._process, json.dumps({"source": "1", "seed": 0}) + "\n")
        except TimeoutError:
            ready = None
        if ready is None:
            await self._stop()
            raise ServiceError("JavaScript does not start: the operator can install waddlebot[javascript]")
        return self._process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Reads what is left and closes the pipes.
        await process.communicate()


async def _exchange(process: asyncio.subprocess.Process, request: str) -> dict[str, str] | None:
    """Send a request and read its answer; None if the process has ended."""
    assert process.stdin is not None  # noqa: S101 -- it was started with pipes
    assert process.stdout is not None  # noqa: S101 -- for the type checker
    try:
        process.stdin.write(request.encode())
        await process.stdin.drain()
        line = await process.stdout.readline()
    except (ConnectionError, ValueError):
        return None
    if not line.endswith(b"\n"):
        return None
    answer: dict[str, str] = json.loads(line)
    return answer
