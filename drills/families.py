"""The families of drills: what is done, on which engine, and how often."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from drills.chance import roll_and_die
from drills.cluster import moody_routers, one_moody, two_ledgers, two_routers
from drills.faults import FAULTS
from drills.fsync import sync_before_2xx
from drills.kill9 import kill_at_random
from drills.kill9_cluster import kill_module, kill_router
from drills.kill9_receiver import irc_world, kill_receiver
from drills.moods import misbehave
from drills.poison import poison
from drills.poison_cluster import poison_module, poison_router
from drills.rolling import roll
from drills.world import DURABLE, World, engine, world


@dataclass(frozen=True, slots=True)
class Family[W: World]:
    """A drill on an engine. ``rounds`` is how often in full; ``round_s`` is what one may take, with its share of
    the start; ``options`` are PostgreSQL's; ``world`` makes the bot in a folder, on a database.
    """

    drill: Callable[[W, Random, int], Awaitable[dict[str, int]]]
    engine: str
    rounds: int
    round_s: float = 15.0
    options: str = ""
    world: Callable[[Path, str], AbstractContextManager[W]] = world  # type: ignore[assignment]  # holds for W = World


def _spread[W: World](
    drill: Callable[[W, Random, int], Awaitable[dict[str, int]]],
    place: Callable[[Path, str], AbstractContextManager[W]],
    round_s: float = 60.0,
) -> Family[W]:
    """A drill of a bot that is several processes."""
    return Family(drill, "postgresql", 20, round_s, world=place)


FAMILIES: dict[str, Family[Any]] = {
    "kill9-sqlite": Family(kill_at_random, "sqlite", 100),
    "kill9-postgresql": Family(kill_at_random, "postgresql", 100),
    "random-sqlite": Family(roll_and_die, "sqlite", 20),
    "random-postgresql": Family(roll_and_die, "postgresql", 20),
    "poison-sqlite": Family(poison, "sqlite", 10, round_s=60.0),
    "poison-postgresql": Family(poison, "postgresql", 10, round_s=60.0),
    "fsync-sqlite": Family(sync_before_2xx, "sqlite", 100),
    "fsync-postgresql": Family(sync_before_2xx, "postgresql", 100, options=DURABLE),
    "kill9-router": _spread(kill_router, two_routers),
    "kill9-module": _spread(kill_module, two_ledgers),
    "kill9-receiver": _spread(kill_receiver, irc_world),
    "misbehaving-module": _spread(misbehave, one_moody),
    "poison-module": _spread(poison_module, one_moody, round_s=120.0),
    "poison-router": _spread(poison_router, moody_routers, round_s=180.0),
    "rolling-restart": _spread(roll, two_routers),
    **{name: Family(fault.drill, "own", 20, fault.round_s, world=fault.world) for name, fault in FAULTS.items()},
}

_START_S = 60.0


def run(name: str, seed: int, rounds: int = 0, patience: float = 1.0) -> dict[str, Any]:
    """Run a family; what it counted, and how long it took in seconds.

    Raises ``BooksError`` where the books do not balance, ``TimeoutError`` where it takes too long.
    """
    family = FAMILIES[name]
    rounds = rounds or family.rounds
    began = time.monotonic()
    with (
        engine(family.engine, family.options) as url,
        tempfile.TemporaryDirectory(prefix="waddlebot-drill-") as folder,
        family.world(Path(folder), url) as running,
    ):
        running = replace(running, patience=patience)
        counted = asyncio.run(_bounded(family, running, Random(f"{name} {seed}"), rounds))  # noqa: S311  to be repeated, not to be secret
    return {"rounds": rounds, **counted, "seconds": round(time.monotonic() - began, 1)}


async def _bounded[W: World](family: Family[W], running: W, random: Random, rounds: int) -> dict[str, int]:
    try:
        async with asyncio.timeout(_START_S + rounds * family.round_s):
            return await family.drill(running, random, rounds)
    except BaseException as error:
        error.add_note(f"The bot's log ends:\n{running.log()}")
        raise
    finally:
        await running.end()
