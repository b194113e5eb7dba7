"""Signing in and out: passwords, second steps, sessions."""

import secrets

import msgspec

from waddlebot.core.identity.login import codes
from waddlebot.core.identity.login.desk import (
    Desk,
    Request,
    cookie_of,
    email_of,
    fresh,
    note,
    store_of,
    visitor_of,
    wait,
)
from waddlebot.core.identity.login.devices import device_of
from waddlebot.core.identity.login.passwords import LENGTH_MAX, check_password
from waddlebot.core.identity.login.store import ABSOLUTE_S
from waddlebot.core.identity.login.tables import Session, Ticket, User
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.sessions import csrf_of, digest_of, new_token

SECOND_S = 300.0
"""How long somebody has for the second step."""
RESET_S = 48 * 3_600.0
"""How long an operator's code for a new password is good."""
SECOND, RESET = "second", "reset"

_WRONG = "This e-mail address and password do not belong together."


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """Who somebody says they are."""

    email: str
    password: str


class SecondStep(msgspec.Struct, forbid_unknown_fields=True):
    """The code of an authenticator app, or a recovery code, for the ticket that the first step gave."""

    ticket: str
    code: str


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """A password, and a code where the user has an authenticator app."""

    password: str
    code: str = ""


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A new password."""

    password: str


class Reset(msgspec.Struct, forbid_unknown_fields=True):
    """A new password for whom the operator gave the code to."""

    code: str
    password: str


class SignedIn(msgspec.Struct):
    """Whether somebody is signed in (``next`` is ``done``) or a code is asked for (``code``), with its ticket.

    ``csrf`` goes into the header ``X-CSRF-Token`` of all that changes something.
    """

    next: str
    csrf: str = ""
    ticket: str = ""


class SessionItem(msgspec.Struct):
    """A session: its browser, the address it came from, when it began, was used last, and ends at the latest."""

    id: str
    device: str
    address: str
    created_at: float
    last_used_at: float
    expires_at: float
    current: bool


async def with_password(ctx: Request, desk: Desk, body: Credentials) -> SignedIn:
    """The first step. Whoever is unknown, disabled or wrong hears the same, after the same work."""
    email = email_of(body.email)
    user = await checked(ctx, desk, email, body.password)
    if user is None:
        note(ctx, "login", "DENIED")
        raise HttpError(401, "wrong_login", _WRONG)
    totp = await store_of(ctx).totp(user.id)
    if totp is not None and totp.confirmed:
        ticket = await ticketed(ctx, Ticket(SECOND, user.id, ""), SECOND_S)
        note(ctx, "login_password", "OK", user.id)
        return SignedIn("code", ticket=ticket)
    return await open_session(ctx, user.id, "password")


async def checked(ctx: Request, desk: Desk, email: str, password: str) -> User | None:
    """The user whose password it is, or None: one comparison is made in every case.

    Raises :class:`HttpError` 429, before any comparison, after too many failures, of unknown addresses too.
    """
    if len(password) > LENGTH_MAX:
        raise HttpError(400, "bad_password", f"A password has at most {LENGTH_MAX} characters.")
    subject = desk.subject("password", email)
    desk.admit(ctx.address, subject)
    store = store_of(ctx)
    tried = await store.try_password(subject, email, ctx.now())
    if tried.wait_s:
        note(ctx, "login", "LIMITED", tried.user.id if tried.user else "")
        raise wait(tried.wait_s)
    user = tried.user if tried.user is not None and tried.user.active else None
    stored = user.password if user is not None else None
    if not await desk.hasher.verify(stored, password) or user is None or stored is None:
        return None
    await store.forgive(subject)
    if desk.hasher.is_old(stored):
        await store.rehash(user.id, stored, await desk.hasher.hash(password))
    return user


async def with_code(ctx: Request, desk: Desk, body: SecondStep) -> SignedIn:
    """The second step."""
    desk.admit(ctx.address)
    digest = digest_of(body.ticket)
    store = store_of(ctx)
    ticket = await store.ticket(digest, SECOND, ctx.now())
    if ticket is None:
        raise HttpError(401, "no_ticket", "That took too long, or was done already: begin again.")
    how = await codes.checked(ctx, desk, ticket.user_id, body.code)
    if await store.take_ticket(digest, SECOND, ctx.now()) is None:
        raise HttpError(401, "no_ticket", "That took too long, or was done already: begin again.")
    return await open_session(ctx, ticket.user_id, how)


async def open_session(ctx: Request, user: str, how: str) -> SignedIn:
    """A new session with a new token; one that the browser had before ends. Nothing that it sent is taken over."""
    token, now = new_token(), ctx.now()
    device = device_of(ctx.headers.get("user-agent", ""))
    session = Session(secrets.token_hex(8), user, now, now, now, now + ABSOLUTE_S, device, ctx.address)
    before = cookie_of(ctx).token(ctx.headers)
    if not await store_of(ctx).open_session(digest_of(token), session, digest_of(before) if before else ""):
        note(ctx, "login", "DENIED", user, how=how)
        raise HttpError(401, "wrong_login", _WRONG)
    ctx.add_header(*cookie_of(ctx).set(token, ABSOLUTE_S))
    note(ctx, "login", "OK", user, how=how, session=session.id)
    return SignedIn("done", csrf_of(token))


async def prove(ctx: Request, desk: Desk, body: Proof) -> SignedIn:
    """Prove again who one is; the session gets another token."""
    visitor = visitor_of(ctx)
    user = await store_of(ctx).user(visitor.user)
    if user is None or user.email is None or user.password is None:
        raise HttpError(422, "no_password", "You have no password: sign in again the way you did.")
    if await checked(ctx, desk, user.email, body.password) is None:
        note(ctx, "proof", "DENIED", visitor.user)
        raise HttpError(401, "wrong_login", "That is not your password.")
    totp = await store_of(ctx).totp(user.id)
    if totp is not None and totp.confirmed:
        await codes.checked(ctx, desk, user.id, body.code)
    note(ctx, "proof", "OK", user.id)
    return await renewed(ctx)


async def renewed(ctx: Request) -> SignedIn:
    """The session goes on under another token: what was seen of it before opens nothing any more."""
    visitor, token = visitor_of(ctx), new_token()
    await store_of(ctx).renew(visitor.session, digest_of(token), ctx.now())
    ctx.add_header(*cookie_of(ctx).set(token, ABSOLUTE_S))
    return SignedIn("done", csrf_of(token))


async def change_password(ctx: Request, desk: Desk, body: NewPassword) -> SignedIn:
    """A new password, which ends all other sessions."""
    visitor = fresh(ctx)
    store = store_of(ctx)
    user = await store.user(visitor.user)
    if user is None or user.email is None:
        raise HttpError(422, "no_email", "You sign in by another platform and have no e-mail address here.")
    check_password(body.password, user.email)
    await store.set_password(user.id, await desk.hasher.hash(body.password), visitor.session)
    note(ctx, "password_change", "OK", user.id)
    return await renewed(ctx)


async def reset(ctx: Request, desk: Desk, body: Reset) -> None:
    """A password by the operator's code, which is then spent. It signs nobody in: a second factor still counts."""
    desk.admit(ctx.address, desk.subject("reset", ctx.address))
    store, digest = store_of(ctx), digest_of(body.code.strip())
    ticket = await store.ticket(digest, RESET, ctx.now())
    user = await store.user(ticket.user_id) if ticket is not None else None
    if user is None:
        note(ctx, "password_reset", "DENIED")
        raise HttpError(401, "wrong_code", "This code is wrong, spent or too old: ask the operator for another.")
    check_password(body.password, user.email)
    password = await desk.hasher.hash(body.password)
    if await store.take_ticket(digest, RESET, ctx.now()) is None:
        raise HttpError(401, "wrong_code", "This code is wrong, spent or too old: ask the operator for another.")
    await store.set_password(user.id, password)
    await store.forgive(desk.subject("password", user.email or ""))
    note(ctx, "password_reset", "OK", user.id)


async def sign_out(ctx: Request) -> None:
    """End this session."""
    visitor = visitor_of(ctx)
    await store_of(ctx).end_session(visitor.user, visitor.session)
    ctx.add_header(*cookie_of(ctx).clear())
    note(ctx, "logout", "OK", visitor.user, session=visitor.session)


async def sessions(ctx: Request) -> list[SessionItem]:
    """The visitor's sessions."""
    visitor = visitor_of(ctx)
    return [
        SessionItem(
            one.id, one.device, one.address, one.created_at, one.last_used_at, one.expires_at,
            one.id == visitor.session,
        )
        for one in await store_of(ctx).sessions(visitor.user, ctx.now())
    ]  # fmt: skip


async def end_session(ctx: Request, session: str) -> None:
    """End one of the visitor's sessions."""
    visitor = visitor_of(ctx)
    if not session.isalnum() or not await store_of(ctx).end_session(visitor.user, session):
        raise HttpError(404, "no_session", "You have no such session; it may have ended.")
    note(ctx, "session_end", "OK", visitor.user, session=session)


async def end_others(ctx: Request) -> int:
    """End all of the visitor's sessions but this one."""
    visitor = visitor_of(ctx)
    ended = await store_of(ctx).end_sessions(visitor.user, visitor.session)
    note(ctx, "sessions_end", "OK", visitor.user, count=ended)
    return ended


async def ticketed(ctx: Request, ticket: Ticket, valid_s: float) -> str:
    """A token with which somebody goes on; it is stored by its digest."""
    token = new_token()
    await store_of(ctx).put_ticket(digest_of(token), ticket, ctx.now() + valid_s)
    return token
