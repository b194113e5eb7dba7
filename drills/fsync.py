"""A kill cannot show a missing fsync: the power stays on. strace can: on disk first, then the 2xx.

The bot's system calls, and those of PostgreSQL where it keeps the data, are recorded while events are posted one
after the other. Between the read that brought a request and the write of its answer the write-ahead log must have
been synchronised, with success.
"""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import psutil

from drills.load import Load, key_of, line
from drills.world import BooksError, World

_CALLS = "trace=read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"
_CALL = re.compile(r"^(?:\[pid +)?(\d+)\]? +([\d.]+) (.*)$")
_SYNCED = re.compile(r"(?:fsync|fdatasync)(?:\(| resumed).*= 0")
_ANSWERED = re.compile(r'(?:write|writev|sendto|sendmsg)\(.*"HTTP/1\.1 2\d\d')
_POSTED = re.compile(r'(?:read|recvfrom|recvmsg)(?:\(| resumed).*"POST /api/v1/processing\.router/events')
_ATTACHED_S = 20.0


async def sync_before_2xx(world: World, random: Random, rounds: int) -> dict[str, int]:
    """Post events one by one under strace, and read what was done when. Raises BooksError."""
    await world.bot.upgrade()
    load = Load(world, await key_of(world), random)
    await world.bot.start()
    await load.ask([line("warm-up", "!book")], 20)
    trace = world.folder / "strace.txt"
    pids = [world.bot.pid, *_server_pids(world)]
    async with _traced(pids, trace):
        for number in range(rounds):
            await load.ask([line(f"synced-{number}", "!book")], 0)
    await world.bot.stop()
    answers = check(trace.read_text("utf-8", "replace"))
    if answers < rounds:
        raise BooksError(f"strace saw {answers} answers of {rounds}")
    return {"answers": answers}


def check(trace: str) -> int:
    """How many 2xx were sent, each after a synchronisation since its request. Raises BooksError."""
    calls = [found.groups() for found in map(_CALL.match, trace.splitlines()) if found]
    posted, synced, answers = False, False, 0
    for _, at, call in sorted(calls, key=lambda call: float(call[1])):
        if _POSTED.search(call):
            posted, synced = True, False
        elif _SYNCED.search(call):
            synced = True
        elif posted and _ANSWERED.search(call):
            if not synced:
                raise BooksError(f"a 2xx was sent at {at} and nothing was synchronised since its request")
            posted = False
            answers += 1
    return answers


def _server_pids(world: World) -> Sequence[int]:
    """The database server's processes, where there is one."""
    if not world.database_url.startswith("postgresql"):
        return []
    port = world.database_url.rpartition(":")[2].partition("/")[0]
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and "-p" in command and command[command.index("-p") + 1] == port:
            return [process.pid, *(child.pid for child in process.children(recursive=True))]
    raise BooksError(f"no PostgreSQL listens on {port}")


@contextlib.asynccontextmanager
async def _traced(pids: Sequence[int], output: Path) -> AsyncIterator[None]:
    """strace on processes and all their threads, attached before the block runs."""
    which = [part for pid in pids for part in ("-p", str(pid))]
    strace = await asyncio.create_subprocess_exec(
        "strace", "-f", "-ttt", "-s", "64", "-e", _CALLS, "-o", str(output), *which,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await _until_attached(strace, len(pids))
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            strace.send_signal(signal.SIGINT)
        await strace.wait()


async def _until_attached(strace: asyncio.subprocess.Process, count: int) -> None:
    assert strace.stderr is not None  # noqa: S101  for the type checker: it is a pipe
    said = b""
    async with asyncio.timeout(_ATTACHED_S):
        while said.count(b"attached") < count:
            piece = await strace.stderr.readline()
            said += piece
            if not piece:
                raise RuntimeError(f"strace cannot attach: {said.decode()}")
