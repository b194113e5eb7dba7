"""Commands executed on another host, which is another process: batched on one stream, one by one, and over HTTP.

Each way asks the same callee for the same answer. Where there is another core the callee has it. Processor time
of both sides is measured beside the rate, for on a machine with other work the rate says little.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc.aio
import psutil

from benchmarks import hosting, machine
from benchmarks.measuring import main
from waddlebot.libs.grpc_protos.codec import Codec
from waddlebot.libs.sdk.ports import Call, Result
from waddlebot.libs.testing.callee import ACTION, call_of, peers_of, tokens_of

COMMUNITIES = 32
EXECUTE = "/waddlebot.action.Action/Execute"

type Execute = Callable[[Call], Awaitable[Result]]


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return calls per second and microseconds of each side, for each way."""
    return hosting.run(lambda: _measure(2_000 if quick else 150_000))


async def _measure(calls: int) -> dict[str, float | int | str]:
    port, http_port = hosting.free_port(), hosting.free_port() + 1
    figures: dict[str, float | int | str] = {}
    async with _callee(port, http_port) as callee:
        address, url = f"127.0.0.1:{port}", f"http://127.0.0.1:{http_port}"
        peers = peers_of()
        batched, by_http = peers.endpoint(ACTION, address), peers.endpoint(ACTION, "", url)
        unary = _Unary(address)
        figures |= await _rate("calls_batched", callee, batched.execute, calls, window=1_024)
        figures |= await _rate("calls_batched_window_64", callee, batched.execute, calls // 4, window=64)
        figures |= await _rate("calls_unary", callee, unary.execute, calls // 20, window=64)
        figures |= await _rate("calls_rest", callee, by_http.execute, calls // 20, window=32)
        await unary.close()
        await peers.close()
    return figures


class _Unary:
    """Single calls, as a stub made of the protos does them."""

    def __init__(self, address: str) -> None:
        codec = Codec()
        self._call, self._result = codec.of(Call), codec.of(Result)
        self._channel = grpc.aio.insecure_channel(address)
        self._ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(EXECUTE)
        self._metadata = (("authorization", f"Bearer {tokens_of('bench').make(address)}"),)

    async def execute(self, call: Call) -> Result:
        """As `Endpoint.execute`."""
        result: Result = self._result.loads(await self._ask(self._call.dumps(call), metadata=self._metadata))
        return result

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()


async def _rate(
    name: str, callee: psutil.Process, execute: Execute, calls: int, window: int
) -> dict[str, float | int | str]:
    """Keep so many calls waiting until all are answered; return what they took."""
    varied = [call_of(community=f"c{number}") for number in range(COMMUNITIES)]

    async def lane(number: int) -> None:
        call = varied[number % COMMUNITIES]
        for _ in range(calls // window):
            result = await execute(call)
            if result.status != "ok":
                raise RuntimeError(f"{name}: {result.reason}")

    await asyncio.gather(*(execute(call) for call in varied))  # connected, and everything built
    done = calls // window * window
    times = callee.cpu_times()
    began_s, caller_s, callee_s = time.perf_counter(), time.process_time(), times.user + times.system
    await asyncio.gather(*(lane(number) for number in range(window)))
    took_s = time.perf_counter() - began_s
    times = callee.cpu_times()
    return {
        f"{name}_per_s": done / took_s,
        f"{name}_caller_us": (time.process_time() - caller_s) / done * 1e6,
        f"{name}_callee_us": (times.user + times.system - callee_s) / done * 1e6,
    }


def _on_the_first_core() -> None:
    """The cases themselves run on the last one."""
    machine.unpin()
    machine.pin(0)


@asynccontextmanager
async def _callee(port: int, http_port: int) -> AsyncIterator[psutil.Process]:
    """The other host, ready, on another core where there is one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "waddlebot.libs.testing.callee", f"--port={port}", f"--http-port={http_port}",
        cwd=machine.ROOT, stdout=asyncio.subprocess.PIPE,
        preexec_fn=_on_the_first_core if hasattr(os, "sched_setaffinity") else None,
    )  # fmt: skip
    try:
        if process.stdout is None or await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the callee did not start: see above")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.communicate()


if __name__ == "__main__":
    main(measure)
