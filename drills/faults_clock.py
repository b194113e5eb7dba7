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
_WAIT_S = 10
_LOST = "was silent for too long and lost what it held"


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
    asked, lost = doors.asked, world.cluster.log().count(_LOST)
    doors.balancer.take_in(host.url)
    off = asyncio.create_task(asyncio.sleep(random.uniform(*_OFF_S)))
    said = 0
    while not off.done():
        await _in_order(world, doors, f"ordered-{number}-{said}")
        said += 1
    await check_answered(doors, asked)
    if world.cluster.log().count(_LOST) > lost:
        raise BooksError("a host lost its leases because of a clock")


async def _in_order(world: FaultyWorld, doors: Doors, name: str) -> None:
    """One person says some commands at once: they are booked in this order. Raises BooksError."""
    channel = doors.random.choice(doors.channels)
    lines = [{**line(f"{name}-{n}", "!book", channel), "user_id": name} for n in range(_SAID_AT_ONCE)]
    results = await doors.ask(lines, _WAIT_S)
    booked = await asyncio.to_thread(world.rows, LEDGER, "booking", "event_id, id")
    order = [event for event, _ in sorted(booked, key=lambda row: row[1]) if event.startswith(f"{name}-")]
    if order != [one["id"] for one in lines]:
        raise BooksError(f"said in another order than booked: {order}: {results}")
