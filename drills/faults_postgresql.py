"""PostgreSQL fails: the primary crashes or hangs, its disk is full; the replica is gone or lags."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from drills.faulty import Doors, FaultyWorld
from drills.world import BooksError
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.talk import Chat, joined

_LONG_EVERY = 20
"""In full, one of so many rounds is as long as they come."""
_LONG = 10
_DOWN_S = (0.0, 5.0)
_HANGS_S, _HANGS_LONG_S = (1.0, 7.0), 60.0
_LAGS_S, _LAGS_LONG_S = (0.5, 2.0), 30.0
_REFUSES_S = 6.0
"""A hang of so long is seen at the doors."""
_FULL_S = (0.5, 2.5)
_FULL_S_MAX = 30.0
_EFFECT_S_MAX = 1.0
_WATCHED_S = 1.3


async def primary_restarted(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """The primary crashes, and is started again some seconds later."""
    primary = world.needs.primary
    await asyncio.to_thread(primary.stop)
    await asyncio.sleep(doors.random.uniform(*_DOWN_S))
    await asyncio.to_thread(primary.start)


async def primary_hangs(world: FaultyWorld, doors: Doors, number: int) -> None:
    """The primary stands still, for a minute in one round of twenty: the doors refuse meanwhile."""
    long = number % _LONG_EVERY == _LONG
    hangs_s = _HANGS_LONG_S if long else doors.random.uniform(*_HANGS_S)
    refused = doors.refused
    with world.needs.primary.frozen():
        await asyncio.sleep(hangs_s)
    if hangs_s > _REFUSES_S and doors.refused == refused:
        raise BooksError(f"PostgreSQL hung for {hangs_s:.1f} s and no door refused anything")


async def disk_of_postgresql_full(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """The primary's disk is full until the doors have refused something; where it gave up it is started again."""
    primary, refused = world.needs.primary, doors.refused
    await asyncio.to_thread(world.disk.fill)
    try:
        async with asyncio.timeout(_FULL_S_MAX):
            while doors.refused == refused:  # noqa: ASYNC110  a counter, in the same loop
                await asyncio.sleep(0.05)
        await asyncio.sleep(doors.random.uniform(*_FULL_S))
    finally:
        world.disk.clear()
    if not await asyncio.to_thread(_answers, primary):
        with contextlib.suppress(RuntimeError):  # it may have ended by itself
            await asyncio.to_thread(primary.stop)
        await asyncio.to_thread(primary.start)


async def replica_stopped(world: FaultyWorld, doors: Doors, _number: int) -> None:
    """The replica crashes; what is taken away is taken away at once."""
    replica = world.needs.replica
    async with _owned(world) as chat:
        await asyncio.to_thread(replica.stop)
        await _taken_away(chat, doors)
        await asyncio.to_thread(replica.start)


async def replica_lags(world: FaultyWorld, doors: Doors, number: int) -> None:
    """The replica does not replay, for half a minute in one round of twenty; what is taken away is so at once."""
    replica = world.needs.replica
    long = number % _LONG_EVERY == _LONG
    lags_s = _LAGS_LONG_S if long else doors.random.uniform(*_LAGS_S)
    async with _owned(world) as chat:
        await asyncio.to_thread(replica.run, "select pg_wal_replay_pause()")
        try:
            await asyncio.sleep(doors.random.uniform(0, lags_s))
            await _taken_away(chat, doors)
            await asyncio.sleep(lags_s - min(lags_s, _WATCHED_S))
        finally:
            await asyncio.to_thread(replica.run, "select pg_wal_replay_resume()")


@contextlib.asynccontextmanager
async def _owned(world: FaultyWorld) -> AsyncIterator[Chat]:
    """A new community with an owner, boss, and a moderator, mod."""
    async with joined(world.cluster) as chat:
        await chat.own("boss")
        await chat.say("hello", as_="mod")
        await _until(chat, "!rank give mod moderator", "boss")
        await _until(chat, "!rule list", "mod")
        await _until(chat, "!reputation", "viewer")
        yield chat


async def _until(chat: Chat, text: str, as_: str) -> None:
    """Say a command until it is obeyed."""
    async with asyncio.timeout(10):
        while (await chat.say(text, as_=as_)).status != "answered":  # noqa: ASYNC110  a bot elsewhere
            await asyncio.sleep(0.1)
    chat.unheard.clear()


async def _taken_away(chat: Chat, doors: Doors) -> None:
    """Take away a rank and a module; neither is obeyed for long after that was confirmed. Raises BooksError."""
    numbers = iter(range(10**6))
    for change, obeyed, who in (
        ("!rank take mod moderator", "!rule list", lambda: "mod"),
        ("!module off core.reputation", "!reputation", lambda: f"viewer{next(numbers)}"),
    ):
        confirmed = await chat.say(change, as_="boss")
        if confirmed.status != "answered":
            raise BooksError(f"{change} was not done: {confirmed}")
        late_s = await _obeyed_for(chat, obeyed, who)
        doors.most("slowest_effect_ms", late_s)
        if late_s > _EFFECT_S_MAX:
            raise BooksError(f"{obeyed} was obeyed {late_s:.2f} s after {change}")
    chat.unheard.clear()


async def _obeyed_for(chat: Chat, text: str, who: Callable[[], str]) -> float:
    """How long from now on a command is still answered when it is said, in seconds."""
    began_s, last_s = time.monotonic(), 0.0
    while (said_s := time.monotonic() - began_s) < _WATCHED_S:
        if (await chat.say(text, as_=who())).status == "answered":
            last_s = time.monotonic() - began_s if said_s == 0 else said_s
        await asyncio.sleep(0.02)
    return last_s


def _answers(server: PostgreSQLServer) -> bool:
    try:
        server.run("select 1")
    except Exception:  # whatever is wrong with it
        return False
    return True
