"""Disks are full: of the log files, and of the data folder with the file of an embedded bot."""

import asyncio

from drills.faulty import Doors, FaultyWorld, check_answered
from drills.world import BooksError

_FULL_S = (1.0, 3.0)
_FULL_S_MAX = 30.0


async def disk_of_logs_full(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """No log file can be written: nothing else changes."""
    asked, refused = doors.asked, doors.refused
    await asyncio.to_thread(world.logs.fill)
    try:
        await asyncio.sleep(doors.random.uniform(*_FULL_S))
    finally:
        world.logs.clear()
    await check_answered(doors, asked)
    if doors.refused != refused:
        raise BooksError("a door refused events because no log could be written")


async def disk_of_data_full(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """The file of an embedded bot cannot grow: its door refuses until it can."""
    refused = doors.refused
    await asyncio.to_thread(world.disk.fill)
    try:
        async with asyncio.timeout(_FULL_S_MAX):
            while doors.refused == refused:  # noqa: ASYNC110  a counter, in the same loop
                await asyncio.sleep(0.05)
        await asyncio.sleep(doors.random.uniform(*_FULL_S))
    finally:
        world.disk.clear()
