"""From a command's bytes on an IRC socket to its reply's, amid chat at half of the lines that the bot can read."""

import asyncio
import json
import os
import sys

from benchmarks import corpus, hosting, machine
from benchmarks.measuring import main
from benchmarks.sample.ledger.module import ledger

TIMEOUT_S = 120.0


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return the median and the 99th percentile of replies."""
    return hosting.run(lambda: _talk(50 if quick else 500))


async def _talk(probes: int) -> dict[str, float | int | str]:
    port = hosting.free_port()
    other_side = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.irc_side", f"--port={port}", f"--probes={probes}",
        cwd=machine.ROOT, stdout=asyncio.subprocess.PIPE,
        preexec_fn=machine.unpin if hasattr(os, "sched_setaffinity") else None,
    )  # fmt: skip
    try:
        await _listening(port)
        url = f"irc://bench@127.0.0.1:{port}/%23channel0?rate=10000&sasl=off"
        async with hosting.running(ledger(corpus.command_names(30)), IRC_URLS=url):
            output, _ = await asyncio.wait_for(other_side.communicate(), TIMEOUT_S)
    finally:
        if other_side.returncode is None:
            other_side.kill()
            await other_side.wait()
    if other_side.returncode:
        raise RuntimeError("the other side of the connection failed: see above")
    result: dict[str, float | int | str] = json.loads(output)
    return result


async def _listening(port: int) -> None:
    """Wait until somebody listens on a port of this machine."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return


if __name__ == "__main__":
    main(measure)
