"""Identity: the accounts that were seen, and the people they belong to. Start here."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from waddlebot.core.identity import linking
from waddlebot.core.identity.linking import EVERYBODY
from waddlebot.core.identity.login import profile, routes
from waddlebot.core.identity.login.config import LoginConfig
from waddlebot.core.identity.login.desk import Desk
from waddlebot.core.identity.login.store import TOUCH_S
from waddlebot.core.identity.seen import Seen
from waddlebot.core.identity.state import State
from waddlebot.core.identity.store import IdentityStore
from waddlebot.libs.contracts.identity import (
    Accounts,
    Identity,
    LookupRequest,
    People,
    PeopleRequest,
    SeenAccounts,
    SeenRequest,
)
from waddlebot.libs.contracts.login import Logins, SessionAnswer, SessionRequest
from waddlebot.libs.contracts.reputation import KnownRequest, Reputation
from waddlebot.libs.sdk import (
    BatchContext,
    CallError,
    Context,
    Crowd,
    Field,
    Login,
    Module,
    Reply,
    ServiceContext,
)

NAMES_MAX = 1_000
"""Logins or accounts in one call."""

type Ctx = ServiceContext[None, IdentityStore]
type Typed = Context[None, IdentityStore]

module = Module(
    __name__,
    "Know the accounts that were seen, and the people they belong to.",
    http_port=8050,
    grpc_port=50030,
    config=LoginConfig,
    store=IdentityStore,
    uses=(Reputation,),
    always_on=True,
)


@module.starts
@asynccontextmanager
async def remember(ctx: Ctx) -> AsyncIterator[State]:
    """Keep in memory whom the database knows already, and open the desk where people sign in."""
    async with Desk(ctx.config, ctx.secret, ctx.now) as desk:
        yield State(Seen(), desk)


@module.observe("*", into=Crowd)
async def see(ctx: BatchContext[None, IdentityStore], crowd: Crowd) -> None:
    """Write down the accounts that are new, renamed, or not written lately."""
    written, now = ctx.state(State).seen, ctx.now()
    if news := written.news(crowd, now):
        await ctx.store_in(EVERYBODY).saw(news, now)
        written.wrote(news)


# What people type


@module.command("identity", user_cooldown_s=5, by_hand=True)
async def show(ctx: Typed) -> Reply:
    """Show which of your accounts are linked."""
    return await linking.shown(ctx)


@module.command("identity link", user_cooldown_s=5, by_hand=True)
async def link(ctx: Typed, platform: str, name: Login, server: str | None = None) -> Reply:
    """Ask for a code that links another account of yours: it is typed there, with verify."""
    return await linking.asked(ctx, platform.lower(), name, server or "")


@module.command("verify", by_hand=True)
async def verify(
    ctx: Typed, code: str, yes: Annotated[str | None, Field("that you are sure", choices=("yes",))] = None
) -> Reply:
    """Link this account with the one that asked for the code, once you are sure."""
    return await linking.verified(ctx, code, bool(yes))


@module.command("identity unlink", user_cooldown_s=5, by_hand=True)
async def unlink(
    ctx: Typed, platform: str | None = None, name: Login | None = None, server: str | None = None
) -> Reply:
    """Take this account, or another one of yours, out of those that are linked."""
    return await linking.parted(ctx, (platform or "").lower(), name or "", server or "")


@module.command("login", user_cooldown_s=5, by_hand=True)
async def login(
    ctx: Typed, code: str, yes: Annotated[str | None, Field("that you are sure", choices=("yes",))] = None
) -> Reply:
    """Connect this account with your sign-in on the bot's pages, by the code you get there."""
    return await profile.redeemed(ctx, ctx.state(State).desk, code, bool(yes))


# How people sign in on the bot's pages

routes.declare(module)


@module.answers(Logins.session)
async def session(ctx: Ctx, request: SessionRequest) -> SessionAnswer:
    """Who is signed in; the use is written down once a minute."""
    store, now = ctx.store_in(EVERYBODY), ctx.now()
    found = await store.visitor(request.digest, now)
    if found is None:
        return SessionAnswer()
    visitor, last_used_at = found
    if now - last_used_at >= TOUCH_S:
        await store.touch(visitor.session, now)
    return SessionAnswer((visitor,))


@module.job(every_s=300)
async def sweep(ctx: Ctx) -> None:
    """Remove sessions, codes and failures that have ended."""
    await ctx.store_in(EVERYBODY).sweep(ctx.now())


# What other modules ask


@module.answers(Identity.lookup)
async def lookup(ctx: Ctx, request: LookupRequest) -> Accounts:
    """The accounts of logins on one platform, those that the asking community knows before others."""
    _check(request.logins)
    found = await ctx.store_in(EVERYBODY).by_login(request.platform, request.logins, request.server)
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


@module.answers(Identity.people)
async def people(ctx: Ctx, request: PeopleRequest) -> People:
    """Which accounts belong together."""
    _check(request.accounts)
    store = ctx.store_in(EVERYBODY)
    groups = await (store.groups_with(request.accounts) if request.accounts else store.groups())
    return People(tuple({group: None for group in groups.values() if len(group) > 1}))


@module.answers(Identity.seen)
async def seen(ctx: Ctx, request: SeenRequest) -> SeenAccounts:
    """Which of some accounts were ever seen."""
    _check(request.accounts)
    return SeenAccounts(await ctx.store_in(EVERYBODY).seen(request.accounts))


def _check(names: Sequence[Any]) -> None:
    if len(names) > NAMES_MAX:
        raise CallError(f"at most {NAMES_MAX} names a call, not {len(names)}: ask in parts")
