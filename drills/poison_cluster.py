"""Events that raise, or kill the process that handles them: tried five times at most, and they hold nobody up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from random import Random

from drills.cluster import MOODY, ClusterWorld, flowing
from drills.kill9_cluster import TAKE_OVER_S_MAX, answered, closed
from drills.load import line
from drills.poison import ANSWER_S_MAX, DEATHS_MAX
from drills.world import BooksError
from waddlebot.libs.testing.bots import ProcessBot

_TRIES_S = 150.0


async def _poison(
    world: ClusterWorld, random: Random, rounds: int, words: Sequence[str], next_s_max: float
) -> dict[str, int]:
    """Poisonous events among good ones; a service manager starts again what they kill.

    Raises BooksError for a sixth try, a lost or doubled event, or one of the same channel that waits for longer
    than ``next_s_max``.
    """
    dead: set[str] = set()
    slowest_s = 0.0
    async with flowing(world, random) as traffic, _kept([h for h in world.cluster.hosts if MOODY in h.modules]):
        for number in range(rounds):
            channel = random.choice(traffic.channels)
            poisons = [line(f"{word}-{number}", f"!{word}", channel) for word in words]
            good = [line(f"good-{number}-{n}", "!book", channel) for n in range(random.randrange(1, 8))]
            batch = random.sample([*poisons, *good], len(poisons) + len(good))
            asking = asyncio.create_task(traffic.outcomes(batch, _TRIES_S))
            slowest_s = max(slowest_s, await answered(traffic, f"next-{number}", next_s_max * world.patience))
            results = await asking
            bad = {one["id"] for one in poisons}
            if wrong := [r for r in results if (r["status"] == "failed") != (r["event_id"] in bad)]:
                raise BooksError(f"round {number}: {wrong}")
            dead |= bad
    counted = await closed(world, traffic, dead)
    tries = {id_: len((world.died / id_).read_text()) for id_ in dead}
    doubled = [id_ for id_, n in world.counts("booking", MOODY).items() if n > 1]
    if doubled or max(tries.values()) > DEATHS_MAX:
        raise BooksError(f"booked twice: {doubled}; tries: {tries}")
    return {**counted, "most_tries": max(tries.values()), "slowest_next_ms": int(1000 * slowest_s)}


@contextlib.asynccontextmanager
async def _kept(hosts: Sequence[ProcessBot]) -> AsyncIterator[None]:
    """Start each of these hosts again whenever it ends, as a service manager does."""

    async def keep(host: ProcessBot) -> None:
        while True:
            await host.wait()
            with contextlib.suppress(RuntimeError):  # it may die before it is ready
                await host.start()

    keeping = [asyncio.create_task(keep(host)) for host in hosts]
    try:
        yield
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)


poison_module = partial(_poison, words=("fail", "kill"), next_s_max=ANSWER_S_MAX)
poison_router = partial(_poison, words=("kill",), next_s_max=2 * TAKE_OVER_S_MAX)
"""What kills the owner of a partition holds that up until another router owns it. It may kill that one, too: then
the partition waits for the first to be started again.
"""
