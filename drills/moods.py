"""A module that hangs, is late or answers garbage: others are answered meanwhile, and it is left alone."""

import asyncio
from random import Random
from typing import Any

from drills.cluster import MOODY, ClusterWorld, Traffic, flowing
from drills.kill9_cluster import answered, closed
from drills.load import line
from drills.world import BooksError

MOODS = ("hang", "babble", "late")
BESIDE_S_MAX = 3.0
"""How long others may wait meanwhile, on a busy machine; a call of the module that hangs waits for 1 s."""
_TIMES = 7  # more than the failures after which a module is left alone
_WAIT_S = 25


async def misbehave(world: ClusterWorld, random: Random, rounds: int) -> dict[str, int]:
    """Let a module go wrong under load, until nobody asks it any more; then it starts again and is asked."""
    moody = world.cluster.host_of(MOODY)
    failed: set[str] = set()
    slowest_s = 0.0
    async with flowing(world, random) as traffic:
        for number in range(rounds):
            mood = MOODS[number % len(MOODS)]
            first = await _one(traffic, f"{mood}-{number}", mood, random)
            asking = [
                asyncio.create_task(_one(traffic, f"{mood}-{number}-{n}", mood, random)) for n in range(_TIMES)
            ]
            slowest_s = max(slowest_s, await answered(traffic, f"beside-{number}", BESIDE_S_MAX * world.patience))
            results = [first, *await asyncio.gather(*asking)]
            left_alone = await _one(traffic, f"alone-{number}", "well", random)
            if "failed too often" not in left_alone["reason"]:
                raise BooksError(f"round {number}: after {mood} it was asked: {left_alone}, {results}")
            failed |= {one["event_id"] for one in (*results, left_alone) if one["status"] == "failed"}
            await moody.kill()
            await moody.start()
            well = await _one(traffic, f"well-{number}", "well", random)
            if well["status"] != "answered":
                raise BooksError(f"round {number}: after {mood} and a new start it is not asked: {well}")
    counted = await closed(world, traffic, failed)
    doubled = [id_ for id_, n in world.counts("booking", MOODY).items() if n > 1]
    if doubled:
        raise BooksError(f"booked twice: {doubled}")
    return {**counted, "failed": len(failed), "slowest_beside_ms": int(1000 * slowest_s)}


async def _one(traffic: Traffic, id_: str, word: str, random: Random) -> dict[str, Any]:
    channel = random.choice(traffic.channels)
    [result] = await traffic.ask([line(id_, f"!{word}", channel)], _WAIT_S)
    return result
