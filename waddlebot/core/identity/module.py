"""Identity: the accounts that were seen, and the people they belong to."""

import contextlib
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
from waddlebot.libs.contracts.reputation import KnownRequest, Reputation
from waddlebot.libs.sdk import (
    BatchContext,
    CallError,
    Crowd,
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
    uses=(Reputation,),
    always_on=True,
)


@module.starts
@asynccontextmanager
async def remember(ctx: Ctx) -> AsyncIterator[Seen]:
    """Keep in memory whom the database knows already."""
    yield Seen()


@module.observe("*", into=Crowd)
async def see(ctx: BatchContext[None, IdentityStore], crowd: Crowd) -> None:
    """Write down the accounts that are new, renamed, or not written lately."""
    written, now = ctx.state(Seen), ctx.now()
    if news := written.news(crowd, now):
        await ctx.store_in(_ANYWHERE).saw(news, now)
        written.wrote(news)


@module.answers(Identity.lookup)
async def lookup(ctx: Ctx, request: LookupRequest) -> Accounts:
    """The accounts of logins on one platform, those that the asking community knows before others."""
    _check(request.logins)
    found = await ctx.store_in(_ANYWHERE).by_login(request.platform, request.logins, request.server)
    several = tuple({one.account for accounts in found for one in accounts if len(accounts) > 1})
    here: tuple[str, ...] = ()
    if several and ctx.community:
        with contextlib.suppress(CallError):  # nobody to ask: then the last who had the login
            here = (await ctx.use(Reputation).known(KnownRequest(several))).accounts
    return Accounts(
        tuple(
            next((one for one in accounts if one.account in here), accounts[0]) for accounts in found if accounts
        )
    )


@module.answers(Identity.links)
async def links(ctx: Ctx, request: LinksRequest) -> Links:
    """Which accounts belong to which people."""
    _check(request.accounts)
    return Links(await ctx.store_in(_ANYWHERE).links(request.accounts))


@module.answers(Identity.seen)
async def seen(ctx: Ctx, request: SeenRequest) -> SeenAccounts:
    """Which of some accounts were ever seen."""
    _check(request.accounts)
    return SeenAccounts(await ctx.store_in(_ANYWHERE).seen(request.accounts))


def _check(names: Sequence[Any]) -> None:
    if len(names) > NAMES_MAX:
        raise CallError(f"at most {NAMES_MAX} names a call, not {len(names)}: ask in parts")
