"""The clock of one host is eleven minutes fast or slow."""

import asyncio

from drills.cluster import LEDGER
from drills.faulty import Doors, FaultyWorld, check_answered
from drills.load import line
from drills.world import BooksError
from waddlebot.libs.testing.skew import skewed

_MINUTES = 11
_OFF_S = (0.5, 2.0)
_LEAVES_S = 1.0
"""A router that is chosen no more has answered by then."""
_SAID_AT_ONCE = 4
_WAIT_S = 30.0
_EXPIRY_S_MAX = 11.0
"""A living host has said until when it lives: ten seconds from then on the database's clock."""
_LEFT_S = "until - extract(epoch from clock_timestamp())"


async def clock_off(world: FaultyWorld, doors: Doors, number: int) -> None:
    """A router comes back with a wrong clock: it takes its share, nobody loses a lease or an answer by it,
    and lines keep their order. It stays so until its next turn.
    """
    random, host = doors.random, doors.random.choice(world.cluster.routers)
    doors.balancer.leave_out(host.url)
    await asyncio.sleep(_LEAVES_S)
    await host.stop()
    host.environ.update(skewed(random.choice((-_MINUTES, 0, _MINUTES))))
    await host.start()
    doors.pids[host] = host.pid
    asked = doors.asked
    doors.balancer.take_in(host.url)
    off = asyncio.create_task(asyncio.sleep(random.uniform(*_OFF_S)))
    said = 0
    while not off.done():
        await _in_order(world, doors, f"ordered-{number}-{said}")
        said += 1
    await check_answered(doors, asked)
    left_s = [row[0] for row in await asyncio.to_thread(world.rows, "coordination", "host", _LEFT_S)]
    if max(left_s) > _EXPIRY_S_MAX:
        raise BooksError(f"a host says by its own clock how long it lives: {left_s}")


async def _in_order(world: FaultyWorld, doors: Doors, name: str) -> None:
    """One person says some commands at once: they are booked in this order. Raises BooksError."""
    channel = doors.random.choice(doors.channels)
    lines = [{**line(f"{name}-{n}", "!book", channel), "user_id": name} for n in range(_SAID_AT_ONCE)]
    results = await doors.outcomes(lines, _WAIT_S)
    booked = await asyncio.to_thread(world.rows, LEDGER, "booking", "event_id, id")
    order = [event for event, _ in sorted(booked, key=lambda row: row[1]) if event.startswith(f"{name}-")]
    if order != [one["id"] for one in lines]:
        raise BooksError(f"said in another order than booked: {order}: {results}")
