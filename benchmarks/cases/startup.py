"""`waddlebot run` in an empty data folder: seconds from the process's start to its first answer, and idle memory.

Every module runs, also those that connect to platforms (their servers refuse). Memory is the proportional set size
(PSS), which counts shared pages by their share: https://docs.kernel.org/filesystems/proc.html, smaps_rollup.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import corpus, hosting, machine, posting
from benchmarks.measuring import main
from waddlebot.libs.sdk import Role
from waddlebot.libs.web.operator import PURPOSE, OperatorTokens
from waddlebot.runtime.secret import load as load_secret

IDLE_S = 5.0
_ANSWER_S_MAX = 30.0


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return the seconds and the megabytes."""
    return asyncio.run(_start(1.0 if quick else IDLE_S))


async def _start(idle_s: float) -> dict[str, float | int | str]:
    with tempfile.TemporaryDirectory(prefix="waddlebot-bench-") as folder:
        port, refused = hosting.free_port(), hosting.free_port() + 1
        token = OperatorTokens(load_secret(Path(folder)).derive(PURPOSE)).make(Role.ADMIN, "home")
        variables = {
            "WADDLEBOT_DATA_DIR": folder,
            "HTTP_PORT": str(port),
            "IRC_URLS": f"irc://bench@127.0.0.1:{refused}/%23bench",
            "TWITCH_CHANNELS": "bench",
            "TWITCH_IRC_URL": f"irc://127.0.0.1:{refused}",
        }
        began_s = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "waddlebot", "run",
            cwd=machine.ROOT, env={**os.environ, **variables}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            answer = await _answer(port, token)
            startup_s = time.perf_counter() - began_s
            await asyncio.sleep(idle_s)
            return {"startup_s": startup_s, "idle_pss_mb": pss_mb(process.pid), "first_answer": answer}
        finally:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


async def _answer(port: int, token: str) -> str:
    """The start of the reply to `!help`, asked as soon as anybody listens. Raises `RuntimeError` without one."""
    message = next(iter(corpus.Corpus(lines=1)))._replace(text="!help")
    request = posting.request(port, token, [message], "?wait=10")
    give_up_s = time.monotonic() + _ANSWER_S_MAX
    while time.monotonic() < give_up_s:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        status, body = await posting.ask(reader, writer, request)
        writer.close()
        if status != 200 or b'"status":"answered"' not in body or b"!help" not in body:
            raise RuntimeError(f"!help was answered with {status}: {body[:500]!r}")
        return body.decode()[:200]
    raise RuntimeError(f"nobody listens after {_ANSWER_S_MAX:.0f} s")


def pss_mb(pid: int) -> float:
    """The proportional set size of a process in MB (10^6 bytes); Linux alone tells."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1_024 / 1e6
    raise RuntimeError("the kernel does not tell the PSS")


if __name__ == "__main__":
    main(measure)
