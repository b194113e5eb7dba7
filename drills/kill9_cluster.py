"""kill -9 of one process among several, at random moments under load: the others take over or wait for it."""

import asyncio
import time
from collections.abc import Collection, Sequence
from random import Random

from drills.cluster import ClusterWorld, Traffic, flowing
from drills.kill9 import balance, until_processed
from drills.load import line
from drills.world import BooksError
from waddlebot.libs.testing.bots import ProcessBot

TAKE_OVER_S_MAX = 15.0
"""On a busy machine. On a quiet one it takes about one, for it is seen that a process has ended."""
_LIFE_S = (0.3, 1.5)
_AWAY_S = 6.0  # every other time, longer than five tries take
_ANSWER_S = 30.0
_EMPTY_S = 90.0


async def kill_router(world: ClusterWorld, random: Random, rounds: int) -> dict[str, int]:
    """Kill one of two routers: either the other one takes over, or a new one comes first."""
    routers = world.cluster.routers
    slowest_s = 0.0
    async with flowing(world, random) as traffic:
        for number in range(rounds):
            victim = routers[random.randrange(len(routers))]
            await _killed(victim, random)
            if number % 2:
                slowest_s = max(slowest_s, await answered(traffic, f"after-{number}"))
            await victim.start()
            await traffic.balancer.all_ready()
    return {**await closed(world, traffic), "slowest_take_over_ms": int(1000 * slowest_s)}


async def kill_module(world: ClusterWorld, random: Random, rounds: int) -> dict[str, int]:
    """Kill the processes of modules: one of two replicas, both of them, or the one that all others ask."""
    modules = [host for host in world.cluster.hosts if host not in world.cluster.routers]
    async with flowing(world, random) as traffic:
        for number in range(rounds):
            victims: Sequence[ProcessBot] = random.sample(modules, random.randint(1, 2))
            await asyncio.gather(*(_killed(victim, random) for victim in victims))
            await asyncio.sleep(_AWAY_S * (number % 2))
            await asyncio.gather(*(victim.start() for victim in victims))
            await answered(traffic, f"after-{number}")
    return await closed(world, traffic)


async def _killed(victim: ProcessBot, random: Random) -> None:
    await asyncio.sleep(random.uniform(*_LIFE_S))
    await victim.kill()


async def answered(traffic: Traffic, name: str, within_s: float = TAKE_OVER_S_MAX) -> float:
    """The seconds until a command is answered in every community. Raises BooksError where that is late."""

    async def one(channel: str) -> None:
        [result] = await traffic.outcomes([line(f"{name}-{channel}", "!book", channel)], _ANSWER_S)
        if not result["replies"]:
            raise BooksError(f"no answer in {channel}: {result}")

    began_s = time.monotonic()
    await asyncio.gather(*(one(channel) for channel in traffic.channels))
    took_s = time.monotonic() - began_s
    if took_s > within_s:
        raise BooksError(f"{name}: it took {took_s:.1f} s until everybody was answered again")
    return took_s


async def closed(world: ClusterWorld, traffic: Traffic, dead: Collection[str] = ()) -> dict[str, int]:
    """Wait for what is open, stop, and balance the books, with these dead letters. Raises BooksError."""
    await until_processed(world, _EMPTY_S)
    await world.cluster.stop()
    return {**balance(world, traffic, dead), "requests_failed": len(traffic.failures)}
