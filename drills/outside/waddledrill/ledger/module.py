"""Ledger: commands with an effect that can be counted, and two that kill the bot."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from waddlebot.libs.sdk import (
    Batch,
    BatchContext,
    Context,
    Event,
    Field,
    Module,
    Reply,
    Send,
    Sent,
    ServiceContext,
)

from .store import LedgerStore

_CHANCES = 10**12


@dataclass(frozen=True, slots=True)
class Config:
    """Where a drill looks."""

    sent: Annotated[str, Field("The file that gets the id of each delivered reply.")]
    died: Annotated[str, Field("The folder that gets a file for each roll that killed the bot.")]


type Ctx = Context[None, LedgerStore]

module = Module(
    __name__,
    "Book what happened, so that a drill can count it.",
    http_port=8990,
    grpc_port=50990,
    config=Config,
    store=LedgerStore,
    delivers="drill",
)


@module.command("book")
async def book(ctx: Ctx) -> Reply:
    """Book this event."""
    times = await ctx.store.book(ctx.event.id, 0)
    return Reply(f"booked {times}")


@module.command("roll")
async def roll(ctx: Ctx) -> Reply:
    """Roll a value and book it; the first time the bot dies between the effect and its result."""
    value = ctx.random.randrange(_CHANCES)
    await ctx.store.book(ctx.event.id, value)
    mark = Path(ctx.config.died) / ctx.event.id
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Reply(f"rolled {value}")


@module.command("poison")
async def poison(ctx: Ctx) -> None:
    """Kill the bot, however often it is tried."""
    with (Path(ctx.config.died) / ctx.event.id).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


@module.observe("chat.message")
async def observe(ctx: BatchContext[None, LedgerStore], events: Sequence[Event]) -> None:
    """Book every line."""
    store = ctx.store_in(Batch(frozenset(event.community for event in events)), key=ctx.call_scope.key)
    await store.observe([(event.community, event.id) for event in events])


@module.pushes
async def deliver(ctx: ServiceContext[None, LedgerStore], sends: Sequence[Send]) -> list[Sent]:
    """Write down the ids, as a platform would show the replies: once it has them, they are out."""
    line = "".join(f"{send.id}\n" for send in sends).encode()
    file = os.open(ctx.config.sent, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)
    return [Sent(send.id, "sent") for send in sends]
