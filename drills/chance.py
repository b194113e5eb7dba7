"""A rolled value keeps its value when the bot dies between the roll's effect and its result."""

from random import Random

from drills.load import Load, key_of, line
from drills.world import BooksError, World

_WAIT_S = 20


async def roll_and_die(world: World, random: Random, rounds: int) -> dict[str, int]:
    """Roll, die, start again and ask for the result, as often as asked. Raises BooksError."""
    await world.bot.upgrade()
    load = Load(world, await key_of(world), random)
    for number in range(rounds):
        event_id = f"roll-{number}-{random.getrandbits(32):08x}"
        await world.bot.start()
        try:
            await load.ask([line(event_id, "!roll")], 0)
        finally:
            await world.bot.wait()  # the roll kills it, between the acknowledgement and the result
        await world.bot.start()
        [result] = await load.ask([line(event_id, "!roll")], _WAIT_S)
        said = result["replies"][0]["text"]
        booked = world.rows("waddledrill.ledger", "booking", "event_id, value")
        values = [value for id_, value in booked if id_ == event_id]
        if [said] != [f"rolled {value}" for value in values]:
            raise BooksError(f"round {number}: {said!r} was said, {values} booked")
        await world.bot.kill()
    return {"rolls": rounds}
