"""Events posted to the REST door in batches of 100, over eight connections; an answer means: they are committed.

The clients run in a process of their own, on another core where there is one.
"""

import asyncio
import json
import os
import sys

from benchmarks import corpus, hosting, machine
from benchmarks.measuring import main
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.sdk import Role
from waddlebot.libs.web.ring import KeyRing
from waddlebot.runtime.host import Host

COMMUNITY = "bench"


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return events per second."""
    lines = 2_000 if quick else 60_000
    accepted_s, processed_s = hosting.run(lambda: _post(lines))
    return {
        "rest_events_per_s": lines / accepted_s,
        "rest_events_processed_per_s": lines / processed_s,
        "rest_events_checked": lines,
    }


async def _post(lines: int) -> tuple[float, float]:
    """Return the seconds until all events are accepted, and until all are processed, too."""

    async def prepare(dal: AsyncDAL) -> None:
        channels = tuple(f"bench::{channel}" for channel in corpus.channel_names(100))
        await hosting.store_of(dal, "core.community", COMMUNITY).adopt(channels, 0.0)

    async with hosting.running(prepare=prepare, HTTP_REQUESTS_MAX="1000000") as host:
        key, _ = await KeyRing(host.keys).create("bench", Role.TRIGGER, community=COMMUNITY)
        accepted_s = await _client(host, key, lines)
        clock = hosting.Clock()
        await hosting.written(host, lines)
        rest_s, _ = clock.stop()
        hosting.expect("seen", hosting.scalar(host, "select count(*) from delivery__seen"), lines)
        hosting.expect("ignored", hosting.desk_of(host).router.traces.counts["ignored"], lines)
    return accepted_s, accepted_s + rest_s


async def _client(host: Host, key: str, lines: int) -> float:
    """Run the posting process; return its seconds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.posting",
        f"--port={host.web_config.port}", f"--key={key}", f"--lines={lines}", "--core=0",
        cwd=machine.ROOT, stdout=asyncio.subprocess.PIPE,
        preexec_fn=machine.unpin if hasattr(os, "sched_setaffinity") else None,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("posting failed: see above")
    return float(json.loads(output)["seconds"])


if __name__ == "__main__":
    main(measure)
