"""An event that kills the bot whenever it is tried kills it five times at most, and holds nobody up."""

import asyncio
import time
from random import Random

import aiohttp

from drills.load import Load, key_of, line
from drills.world import BooksError, World

DEATHS_MAX = 5
ANSWER_S_MAX = 1.0
_LIVES_MAX = 12
_WAIT_S = 20
_POLL_S = 0.05


async def poison(world: World, random: Random, rounds: int) -> dict[str, int]:
    """Poisonous events among good ones. Raises BooksError for a sixth death, a slow neighbour, a lost one."""
    await world.bot.upgrade()
    load = Load(world, await key_of(world), random)
    most = 0
    for number in range(rounds):
        names = [f"poison-{number}", *(f"good-{number}-{n}" for n in range(random.randrange(1, 8)))]
        lines = [line(id_, "!poison" if id_.startswith("poison") else "!book") for id_ in names]
        random.shuffle(lines)
        await world.bot.start()
        try:
            await load.ask(lines, 0)
        except aiohttp.ClientError as error:
            raise BooksError(f"round {number}: died before it acknowledged: {error}") from None
        await world.bot.wait()
        await _outlive(world, load, number)
        deaths = len((world.died / f"poison-{number}").read_text())
        most = max(most, deaths)
        if deaths > DEATHS_MAX:
            raise BooksError(f"round {number}: {deaths} deaths by one event")
        results = await load.ask(lines, _WAIT_S)
        wrong = [r for r in results if (r["status"] == "failed") != r["event_id"].startswith("poison")]
        if wrong:
            raise BooksError(f"round {number}: {wrong}")
        await world.bot.kill()
    doubled = [id_ for id_, n in world.counts("booking").items() if n > 1]
    dead = {row[0] for row in world.rows("delivery", "dead", "event_id")}
    if doubled or dead != {f"poison-{number}" for number in range(rounds)}:
        raise BooksError(f"booked twice: {doubled}; dead letters: {sorted(dead)}")
    return {"poisonous": rounds, "most_deaths": most}


async def _outlive(world: World, load: Load, number: int) -> None:
    """Start it again, as a service manager does, until an event of the same channel is answered, at once."""
    for life in range(_LIVES_MAX):
        try:
            await world.bot.start()
            began = time.monotonic()
            [result] = await load.ask([line(f"next-{number}-{life}", "!book")], _WAIT_S)
            took_s = time.monotonic() - began
            if not result["replies"] or took_s > ANSWER_S_MAX * world.patience:
                raise BooksError(f"round {number}: the next event took {took_s:.2f} s: {result}")
            while True:
                [last] = await load.ask([line(f"poison-{number}", "!poison")], 0)
                if last["status"] == "failed":
                    return
                await asyncio.sleep(_POLL_S)
        except (RuntimeError, aiohttp.ClientError):
            await world.bot.end()  # it died of the poison, before it was ready or before it answered
    raise BooksError(f"round {number}: still dying after {_LIVES_MAX} starts")
