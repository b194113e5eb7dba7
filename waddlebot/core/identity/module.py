"""Identity: the accounts that were seen, and the people they belong to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from waddlebot.core.identity.seen import Seen
from waddlebot.core.identity.store import IdentityStore
from waddlebot.libs.contracts.identity import (
    Accounts,
    Identity,
    Links,
    LinksRequest,
    LookupRequest,
    SeenAccounts,
    SeenRequest,
)
from waddlebot.libs.sdk import (
    Batch,
    BatchContext,
    CallError,
    Community,
    Event,
    Module,
    ServiceContext,
    System,
)

NAMES_MAX = 1_000
"""Logins or accounts in one call."""

# Accounts belong to no community, so no scope can narrow these reads.
_ANYWHERE = System("accounts belong to no community")

type Ctx = ServiceContext[None, IdentityStore]

module = Module(
    __name__,
    "Know the accounts that were seen, and the people they belong to.",
    http_port=8050,
    grpc_port=50030,
    store=IdentityStore,
    always_on=True,
)


@module.starts
@asynccontextmanager
async def remember(ctx: Ctx) -> AsyncIterator[Seen]:
    """Keep in memory whom the database knows already."""
    yield Seen()


@module.observe("*")
async def see(ctx: BatchContext[None, IdentityStore], events: Sequence[Event]) -> None:
    """Write down the accounts of a batch that are new, new in their community, renamed, or not written lately."""
    written, now = ctx.state(Seen), ctx.now()
    if news := written.news(events, now):
        await ctx.store_in(Batch(frozenset(event.community for event in news))).saw(news)
        written.wrote(news, now)


@module.answers(Identity.lookup)
async def lookup(ctx: Ctx, request: LookupRequest) -> Accounts:
    """The accounts of logins on one platform, those that the asking community has seen before others."""
    _check(request.logins)
    scope = Community(ctx.community) if ctx.community else _ANYWHERE
    found = await ctx.store_in(scope).by_login(request.platform, request.logins, request.server)
    return Accounts(tuple(found))


@module.answers(Identity.links)
async def links(ctx: Ctx, request: LinksRequest) -> Links:
    """Which accounts belong to which people."""
    _check(request.accounts)
    return Links(await ctx.store_in(_ANYWHERE).links(request.accounts))


@module.answers(Identity.seen)
async def seen(ctx: Ctx, request: SeenRequest) -> SeenAccounts:
    """Which of some accounts were ever seen, in a community or anywhere."""
    _check(request.accounts)
    if request.community:
        return SeenAccounts(await ctx.store_in(Community(request.community)).seen(request.accounts))
    return SeenAccounts(await ctx.store_in(_ANYWHERE).seen_anywhere(request.accounts))


def _check(names: Sequence[Any]) -> None:
    if len(names) > NAMES_MAX:
        raise CallError(f"at most {NAMES_MAX} names a call, not {len(names)}: ask in parts")
