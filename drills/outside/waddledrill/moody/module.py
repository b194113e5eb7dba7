"""Moody: has its effect, and then hangs, is late, fails, or answers what nobody can read."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from waddlebot.libs.adapters.answering import Answering
from waddlebot.libs.sdk import Context, Field, Module, Reply

from .store import MoodyStore

_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Config:
    """Where a drill looks."""

    died: Annotated[str, Field("The folder that gets a file for each event that killed a process.")]


type Ctx = Context[None, MoodyStore]

module = Module(
    __name__,
    "Answer as modules should not.",
    http_port=8991,
    grpc_port=50991,
    config=Config,
    store=MoodyStore,
)


@module.command("well")
async def well(ctx: Ctx) -> Reply:
    """Do as one should."""
    await ctx.store.book(ctx.event.id)
    return Reply("well")


@module.command("echo")
async def echo(ctx: Ctx, word: str) -> Reply:
    """Say a word that tells which line this answers."""
    await ctx.store.book(ctx.event.id)
    return Reply(word)


@module.command("hang", timeout_s=_TIMEOUT_S)
async def hang(ctx: Ctx) -> None:
    """Never answer."""
    await ctx.store.book(ctx.event.id)
    await asyncio.Event().wait()


@module.command("late", timeout_s=_TIMEOUT_S)
async def late(ctx: Ctx) -> Reply:
    """Stop the whole process for a while, and answer when nobody waits any more."""
    await ctx.store.book(ctx.event.id)
    time.sleep(1.5 * _TIMEOUT_S)  # noqa: ASYNC251  as a module does that computes for too long
    return Reply("late")


@module.command("babble")
async def babble(ctx: Ctx) -> Reply:
    """From now on, this process answers calls with what is no result."""
    await ctx.store.book(ctx.event.id)

    def garbled(_self: Answering, number: int, put: Any) -> Any:
        return lambda _: put({"id": number, "answer": b"\xff\x00"})

    cast("Any", Answering)._executed = garbled  # as wrong as can be
    return Reply("blah")


@module.command("fail")
async def fail(ctx: Ctx) -> None:
    """Raise, however often it is tried."""
    await ctx.store.book(ctx.event.id)
    _mark(ctx)
    raise ValueError("on purpose")


@module.command("kill")
async def kill(ctx: Ctx) -> None:
    """Kill the process, however often it is tried."""
    await ctx.store.book(ctx.event.id)
    _mark(ctx)
    os.kill(os.getpid(), signal.SIGKILL)


def _mark(ctx: Ctx) -> None:
    """Count a try where the process's end does not undo it."""
    with (Path(ctx.config.died) / ctx.event.id).open("a") as file:
        file.write("x")
