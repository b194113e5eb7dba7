"""What users see and change of themselves, and how chat proves whose an account is."""

import contextlib
import math
import random
from typing import cast

import msgspec

from waddlebot.core.identity.linking import Ctx as Typed
from waddlebot.core.identity.linking import called, check_proven, prefix_of, tell
from waddlebot.core.identity.login.desk import (
    EVERYBODY,
    Desk,
    Request,
    cookie_of,
    fresh,
    note,
    store_of,
    visitor_of,
)
from waddlebot.core.identity.login.tables import Ticket
from waddlebot.core.identity.store import Face, IdentityStore
from waddlebot.libs import audit
from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk import Refusal, Reply
from waddlebot.libs.sdk.codes import new_code
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.sessions import csrf_of

CHAT = "chat"
CHAT_S = 600.0
"""How long a code for chat is good."""


class AccountItem(msgspec.Struct):
    """A platform account that is proved to be the user's, and how: by ``chat`` or by ``oauth``."""

    account: str
    how: str
    linked_at: float


class IdentityItem(msgspec.Struct):
    """An account at a provider of sign-in."""

    issuer: str
    name: str
    linked_at: float


class Me(msgspec.Struct):
    """Who is signed in, how they may sign in, and as whom they act. ``csrf`` is for ``X-CSRF-Token``."""

    user: str
    email: str | None
    roles: tuple[str, ...]
    password: bool
    totp: bool
    recovery_codes: int
    passkeys: int
    accounts: list[AccountItem]
    identities: list[IdentityItem]
    csrf: str


class ChatCode(msgspec.Struct):
    """What to type on a platform, within ten minutes, with the account that is to be connected."""

    code: str
    line: str


async def me(ctx: Request) -> Me:
    """Who is signed in."""
    visitor, store = visitor_of(ctx), store_of(ctx)
    user = await store.user(visitor.user)
    if user is None:
        raise HttpError(401, "not_signed_in", "Sign in first: POST /api/v1/core.identity/login.")
    totp = await store.totp(user.id)
    return Me(
        user.id,
        user.email,
        visitor.roles,
        user.password is not None,
        totp is not None and totp.confirmed,
        await store.recovery_left(user.id),
        len(await store.passkeys(user.id)),
        [AccountItem(one.account, one.how, one.linked_at) for one in await store.accounts(user.id)],
        [IdentityItem(one.issuer, one.name, one.linked_at) for one in await store.identities(user.id)],
        csrf_of(cookie_of(ctx).token(ctx.headers)),
    )


async def chat_code(ctx: Request, desk: Desk) -> ChatCode:
    """A code that connects the account which types it in chat."""
    visitor = fresh(ctx)
    desk.begin(ctx.address)
    code = new_code(random.SystemRandom())
    await store_of(ctx).put_ticket(_digest(desk, code), Ticket(CHAT, visitor.user, ""), ctx.now() + CHAT_S)
    return ChatCode(code, f"!login {code}")


async def redeemed(ctx: Typed, desk: Desk, code: str, sure: bool) -> Reply:
    """What ``!login CODE`` does: first it says what that means, then the account is the user's who asked."""
    event = ctx.event
    check_proven(event)
    digest, store = _digest(desk, code.strip().upper()), ctx.store_in(EVERYBODY)
    # Such a code is nobody's until it is typed, so an account that guesses is slowed down, on whatever host.
    subject = desk.subject("chat code", event.account)
    if wait_s := await store.take_try(subject, ctx.now()):
        _note_typed(ctx, "LIMITED")
        raise Refusal(f"You typed too many wrong codes. Wait {math.ceil(wait_s / 60)} min, then try again.")
    if not sure:
        if await store.ticket(digest, CHAT, ctx.now()) is None:
            raise Refusal(_NO_CODE)
        await store.forgive(subject)
        return Reply(
            "Whoever asked for this code may then do on the bot's pages whatever you may do. Only if you asked "
            f"for it yourself, type {prefix_of(ctx)}login {code.upper()} yes"
        )
    done = await store.redeem(digest, event.account, ctx.now())
    _note_typed(ctx, "OK" if done.user_id and not done.refusal else "DENIED", done.user_id)
    if not done.user_id:
        raise Refusal(_NO_CODE)
    await store.forgive(subject)
    if done.refusal:
        raise Refusal(done.refusal)
    with contextlib.suppress(DalError):  # it is done, whoever hears of it
        words = f"{event.user_name} on {event.platform} is connected now with the sign-in that you are, too."
        await tell(ctx, await _others(ctx, done.user_id, event.account), f"{words} The bot's pages take it away.")
    return Reply(f"{event.user_name} is connected with your sign-in now. The bot's pages take it away again.")


def _note_typed(ctx: Typed, result: str, user: str = "") -> None:
    event = ctx.event
    who = f"user:{user}" if user else ""
    audit.event(
        audit.Category.AUTH, "core.identity", event.community, who, "account_link", result, account=event.account
    )


async def _others(ctx: Typed | Request, user: str, account: str) -> list[Face]:
    """A user's other accounts, as they were seen."""
    store = cast("IdentityStore", ctx.store_in(EVERYBODY))
    accounts = tuple(one.account for one in await store.accounts(user) if one.account != account)
    return await store.faces_of(accounts)


_NO_CODE = "There is no such code that is still good. Sign in on the bot's pages to get one."


async def unlink(ctx: Request, account: str) -> None:
    """Take a platform account from the visitor."""
    visitor = fresh(ctx)
    if not account.isprintable() or not await store_of(ctx).unlink_account(visitor.user, account):
        raise HttpError(404, "no_account", "You have no such account here.")
    note(ctx, "account_unlink", "OK", visitor.user, account=account)
    with contextlib.suppress(DalError):  # as above
        gone = await cast("IdentityStore", store_of(ctx)).faces_of((account,))
        name = called(gone[0]) if gone else account
        words = f"{name} is not connected any more with a sign-in on the bot's pages."
        await tell(ctx, [*gone, *await _others(ctx, visitor.user, account)], words)


def _digest(desk: Desk, code: str) -> str:
    return desk.keyed("chat", code)
