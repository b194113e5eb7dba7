"""Replicas that share names and write down what they hold when, to be frozen, killed and lied to about the time.

``python -m waddlebot.libs.testing.coordinated URL NAME FILE``: one replica. A line of the file is the moment, on a
clock that all processes of the machine share, then the host's id and what it held, where that changed.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from waddlebot.libs.testing.leases import coordinating
from waddlebot.runtime.coordination import Coordinator, Timing

KIND = "poller.irc"
NAMES = {f"irc:net:#{n}": n for n in range(40)}
QUICK = Timing(beat_s=0.25, retry_s=0.1, expiry_s=2.0, sure_s=1.4, poll_s=0.1, patience_s=0.6, orderly_s=0.5)
_LOOK_S = 0.005


async def watch(coordinator: Coordinator, file: IO[str]) -> None:
    """Write down what is held, until cancelled."""
    claims, last, who = coordinator.claims(KIND), None, ""
    while True:
        now_s = time.monotonic()  # before the look: what is held at the look was held then
        held = claims.held
        if held is not last or who != coordinator.host:
            last, who = held, coordinator.host
            file.write(json.dumps([now_s, who, dict(held)]) + "\n")
        elif held:
            file.write(f"[{now_s}]\n")
        await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def watched(url: str, name: str, path: Path) -> AsyncIterator[Coordinator]:
    """A replica that wants all names and is watched."""
    with path.open("w", buffering=1) as file:
        async with coordinating(url, name, timing=QUICK) as coordinator:
            coordinator.claims(KIND).want(NAMES)
            watching = asyncio.ensure_future(watch(coordinator, file))
            try:
                yield coordinator
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)


def overlaps(paths: Iterable[Path]) -> list[str]:
    """Each moment at which a name had two holders, or a fence that was not above the last one, in words."""
    moments: list[tuple[float, str, dict[str, int]]] = []
    for path in paths:
        who, held = "", dict[str, int]()
        for line in path.read_text().splitlines():
            try:
                now_s, *changed = json.loads(line)
            except ValueError:  # the line during which it was killed
                continue
            if changed:
                who, held = changed
            moments.append((now_s, who, held))
    found = []
    highest: dict[str, tuple[int, str]] = {}
    for now_s, who, held in sorted(moments, key=lambda moment: moment[0]):
        for name, fence in held.items():
            last, holder = highest.get(name, (0, ""))
            if fence < last or (fence == last and who != holder):
                found.append(f"{now_s:.3f}: {who} holds {name} at {fence}, {holder} has held it at {last}")
            highest[name] = fence, who
    return found


async def _main(url: str, name: str, path: str) -> None:
    async with watched(url, name, Path(path)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
