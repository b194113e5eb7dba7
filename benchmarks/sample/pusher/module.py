"""Pusher: counts replies by their text."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from waddlebot.libs.sdk import Module, Send, Sent, ServiceContext


class Pushed:
    """The replies that were handed over for delivery, and by what text; the ids tell repetitions.

    Beside each id stands when it came, in seconds on this machine's monotonic clock.
    """

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        self.ids: dict[str, float] = {}


type Ctx = ServiceContext[None, None]


def pusher(platform: str) -> Module:
    """Return a module that takes all replies to a platform."""
    module = Module(__name__, f"Count replies to {platform}.", http_port=8998, grpc_port=50998, delivers=platform)

    @module.starts
    @asynccontextmanager
    async def begin(ctx: Ctx) -> AsyncIterator[Pushed]:
        yield Pushed()

    @module.pushes
    async def deliver(ctx: Ctx, sends: Sequence[Send]) -> list[Sent]:
        pushed = ctx.state(Pushed)
        pushed.texts.update([send.reply.text for send in sends])
        pushed.ids.update(dict.fromkeys([send.id for send in sends], time.monotonic()))
        return [Sent(send.id, "sent") for send in sends]

    return module
