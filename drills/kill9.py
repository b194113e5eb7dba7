"""kill -9 at random moments under load: what was acknowledged is processed, and nothing has its effect twice."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from random import Random
from typing import Any

from drills.load import Load, Posted, key_of
from drills.world import BooksError, World

_LIFE_S = (0.05, 1.2)  # how long the bot lives under load before it is killed
EMPTY_S = 30.0


async def kill_at_random(world: World, random: Random, rounds: int) -> dict[str, int]:
    """Start, load, kill, as often as asked; then start once more and balance the books."""
    await world.bot.upgrade()
    load = Load(world, await key_of(world), random)
    for _ in range(rounds):
        await world.bot.start()
        loading = asyncio.create_task(load.run())
        await asyncio.sleep(random.uniform(*_LIFE_S))
        await world.bot.kill()
        await loading
    await world.bot.start()
    await load.settle()
    await until_processed(world)
    await world.bot.stop()
    return balance(world, load)


async def until_processed(world: World, within_s: float = EMPTY_S) -> None:
    """Wait until the inbox is empty and what is queued has left. Raises BooksError after ``within_s``."""
    until = time.monotonic() + within_s
    while True:
        open_batches = await asyncio.to_thread(world.rows, "delivery", "inbox", "id, tries")
        states = Counter(row[0] for row in await asyncio.to_thread(world.rows, "delivery", "outbox", "state"))
        if not open_batches and not states["queued"] + states["sending"]:
            return
        if time.monotonic() > until:
            raise BooksError(f"still open after {within_s:g} s: {open_batches[:5]}, outbox: {dict(states)}")
        await asyncio.sleep(0.05)


def balance(world: World, load: Posted, dead: Collection[str] = ()) -> dict[str, int]:
    """Compare what was acknowledged with what was booked, observed and sent. Raises BooksError.

    ``dead`` are the ids of events that have to be dead letters, and no others.
    """
    letters = set(world.rows("delivery", "dead", "event_id, reason"))
    commands = {id_ for id_, line in load.acknowledged.items() if line["text"] == "!book"}
    booked, observed, sent = world.counts("booking"), world.counts("observation"), world.sent
    unknown = world.replies_in("unknown")  # shown to the operator, never sent again
    known = {_event_of(id_) for id_ in (*sent, *unknown)}
    found: dict[str, set[Any]] = {
        "commands never booked": commands - set(booked),
        "commands booked twice": {id_ for id_, n in booked.items() if n > 1},
        "bookings of nothing": set(booked) - commands,
        "lines never observed": set(load.acknowledged) - set(observed),
        "lines observed twice": {id_ for id_, n in observed.items() if n > 1},
        "replies delivered twice": {id_ for id_, n in sent.items() if n > 1},
        "replies lost": commands - known,
        "dead letters": {letter for letter in letters if letter[0] not in dead},
        "no dead letters": {*dead} - {letter[0] for letter in letters},
    }
    wrong = {what: [*sorted(map(str, ids))[:5], f"{len(ids)} in all"] for what, ids in found.items() if ids}
    if wrong:
        raise BooksError(str(wrong))
    return {
        "acknowledged": len(load.acknowledged), "commands": len(commands), "delivered": len(sent),
        "unknown": len(unknown), "refused_batches": load.refused,
    }  # fmt: skip


def _event_of(reply: str) -> str:
    """The id of the event that a reply is to: a reply's is ``SOURCE/EVENT:NUMBER``."""
    return reply.rpartition("/")[2].rpartition(":")[0]
