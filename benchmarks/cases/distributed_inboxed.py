"""Events posted to a router's REST door in batches of 100: an answer means that they are committed in PostgreSQL.

They are processed by all when the router has their results and observers have counted them, each batch under its
own key, so that nothing is counted twice after a crash. Communities are several, for each is one partition's.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks import cluster, hosting, machine, posting
from benchmarks.cluster import Cluster
from benchmarks.measuring import main
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.sdk import Role
from waddlebot.libs.web.ring import FRESH_S
from waddlebot.runtime.environment import load
from waddlebot.runtime.installation import opened

COMMUNITIES = 16
WARM_UP_LINES = 2_000


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return events per second, accepted and processed, and the cost of each process for one."""
    return hosting.run(lambda: _measure(5_000 if quick else 100_000))


async def _measure(lines: int) -> dict[str, float | int | str]:
    async with cluster.running(_prepare) as bot:
        keys = await _keys(bot)
        await _post(bot, keys, WARM_UP_LINES, seed=2)
        await bot.written(WARM_UP_LINES)
        ends, before = Counter(await bot.ends()), bot.cpu_s()
        posted = await _post(bot, keys, lines, seed=1)
        await bot.written(WARM_UP_LINES + lines)
        took_s = time.monotonic() - posted["began_s"]
        spent = {"client": posted["cpu_s"] / lines * 1e6, **cluster.spent_us(before, bot.cpu_s(), lines)}
        seen = bot.scalar("select count(*) from delivery.seen")
        hosting.expect("seen", seen, WARM_UP_LINES + lines)
        hosting.expect("routed", Counter(await bot.ends()) - ends, Counter(ignored=lines))
    per_s = lines / took_s
    return {
        "distributed_eps_inboxed": per_s,
        "distributed_accepted_per_s": lines / posted["seconds"],
        **{f"distributed_inboxed_{name}_us": cost for name, cost in spent.items()},
        "distributed_inboxed_cores": sum(spent.values()) * per_s / 1e6,
        "distributed_inboxed_checked": lines,
    }


async def _keys(bot: Cluster) -> list[str]:
    """A key for each community."""
    async with opened(load(bot.variables)) as installation:
        keys = [
            (await installation.keys.create(f"bench {n}", Role.TRIGGER, community=f"c-{n}"))[0]
            for n in range(COMMUNITIES)
        ]
    # Nothing tells when the bot has noticed, and trying wrong keys is what it counts.
    await asyncio.sleep(FRESH_S)
    return keys


async def _post(bot: Cluster, keys: Sequence[str], lines: int, seed: int) -> dict[str, float]:
    """Run the posting process; return what it says of itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.posting", f"--port={bot.variables['HTTP_PORT']}",
        *(f"--key={key}" for key in keys), f"--lines={lines}", f"--seed={seed}",
        cwd=machine.ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("posting failed: see above")
    found: dict[str, float] = json.loads(output)
    return found


async def _prepare(dal: AsyncDAL) -> None:
    for number, channels in enumerate(posting.channels_of(COMMUNITIES)):
        entities = tuple(f"bench::{channel}" for channel in channels)
        await hosting.store_of(dal, "core.community", f"c-{number}").adopt(entities, 0.0)


if __name__ == "__main__":
    main(measure)
