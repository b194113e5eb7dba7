"""Redis fails: it restarts empty, it is flushed, or Sentinel makes a replica master that has nothing.

Commands are answered all the same, lines that come live go on, and readiness says what is wrong.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp

from drills.faulty import Doors, FaultyWorld, check_answered, readiness
from drills.live import Live, talking
from drills.world import BooksError
from waddlebot.libs.testing.redis_servers import RedisServer, Watched

CHECK = "events between hosts"

_AWAY_S = (0.0, 4.0)
_TELLS_S = 3.0
"""Redis is away for so long before readiness has to say so."""
_PATIENT_MS, _HASTY_MS = 60_000, 500
_PROMOTED_S_MAX = 30.0


async def redis_restarted(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """The master crashes, and comes back without any data."""
    master, _ = await asyncio.to_thread(_roles, world.needs.redis)
    away_s = doors.random.uniform(*_AWAY_S)
    async with _answered(world, doors):
        await asyncio.to_thread(master.kill)
        try:
            await asyncio.sleep(away_s)
            if away_s > _TELLS_S:
                await _told(world)
        finally:
            await asyncio.to_thread(master.start)


async def redis_flushed(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """Somebody removes all there is."""
    master, _ = await asyncio.to_thread(_roles, world.needs.redis)
    async with _answered(world, doors):
        await asyncio.to_thread(master.call, "FLUSHALL")


async def redis_failed_over(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """The master is gone, and Sentinel makes the replica master, which has had no time to get anything."""
    redis = world.needs.redis
    master, replica = await asyncio.to_thread(_roles, redis)
    async with _answered(world, doors):
        await asyncio.to_thread(replica.kill)
        await asyncio.to_thread(master.kill)
        await asyncio.to_thread(replica.start)
        await asyncio.to_thread(_be_quick, redis, _HASTY_MS)
        async with asyncio.timeout(_PROMOTED_S_MAX):
            while await asyncio.to_thread(_chosen, redis) != replica.port:  # noqa: ASYNC110  in another process
                await asyncio.sleep(0.05)
        await asyncio.to_thread(_be_quick, redis, _PATIENT_MS)
    await asyncio.to_thread(master.start)
    await asyncio.to_thread(master.call, "REPLICAOF", "127.0.0.1", replica.port)
    await asyncio.to_thread(master.call, "CONFIG", "REWRITE")  # it is a replica when it starts the next time


@contextlib.asynccontextmanager
async def _answered(world: FaultyWorld, doors: Doors) -> AsyncIterator[None]:
    """Nearly every command is answered while the block runs and after, and lines from the console go on."""
    asked = doors.asked
    async with talking(world) as live:
        yield
        await _go_on(live, doors)
    await check_answered(doors, asked)


async def _go_on(live: Live, doors: Doors) -> None:
    """What is said from now on is answered. Raises BooksError."""
    doors.most("slowest_live_line_ms", await live.next_answer())
    doors.figures["live_lines"] += len(live.said)
    doors.figures["live_lines_answered"] += len(live.heard)
    doubled = [name for name, times in live.heard.items() if times > 1]
    if doubled:
        raise BooksError(f"answered twice: {doubled}")


async def _told(world: FaultyWorld) -> None:
    """Readiness says that Redis is away. Raises BooksError."""
    async with aiohttp.ClientSession() as session:
        for host in world.cluster.hosts:
            if CHECK not in await readiness(session, host):
                raise BooksError(f"{host.modules} does not say that Redis is away")


def _roles(redis: Watched) -> tuple[RedisServer, RedisServer]:
    """Which of the two is master, and which is replica."""
    both = redis.master, redis.replica
    return both if _chosen(redis) == redis.master.port else both[::-1]


def _chosen(redis: Watched) -> int:
    """The port of the server that Sentinel takes for the master."""
    return int(redis.sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "waddlebot")[1])


def _be_quick(redis: Watched, down_after_ms: int) -> None:
    """Let Sentinel act after the master was silent for so long."""
    redis.sentinel.call("SENTINEL", "SET", "waddlebot", "down-after-milliseconds", down_after_ms)
