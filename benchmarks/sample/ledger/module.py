"""Ledger: commands that reply with their name, and commands that leave a row as well."""

from collections.abc import Sequence

from benchmarks.sample.ledger.store import LedgerStore
from waddlebot.libs.sdk import Context, Module, Reply, Rest

type Ctx = Context[None, LedgerStore]


def ledger(names: Sequence[str], *, durable: bool = False) -> Module:
    """Return the module with these commands; `durable` ones write a row, once per delivery, before they reply."""
    module = Module(__name__, "Reply with the command's name.", http_port=8999, grpc_port=50999, store=LedgerStore)
    for name in names:
        _declare(module, name, durable)
    return module


def _declare(module: Module, name: str, durable: bool) -> None:
    reply = f"{name} done"

    async def say(ctx: Ctx, words: Rest | None = None) -> Reply:
        """Reply with the command's name."""
        return Reply(reply)

    async def enter_and_say(ctx: Ctx, words: Rest | None = None) -> Reply:
        """Leave a row, then reply with the command's name."""
        await ctx.store.enter(ctx.event.id, name, ctx.event.account)
        return Reply(reply)

    module.command(name)(enter_and_say if durable else say)
