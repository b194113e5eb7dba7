"""Signing in with an account of a provider, and connecting one: by issuer and subject, never by e-mail."""

import hmac
import json
import secrets
import unicodedata
from urllib.parse import urlsplit

import msgspec

from waddlebot.core.identity.login.desk import (
    Desk,
    Request,
    cookie_of,
    fresh,
    note,
    place_of,
    store_of,
    visitor_of,
)
from waddlebot.core.identity.login.oidc import Asking, Claimed
from waddlebot.core.identity.login.providers import Provider
from waddlebot.core.identity.login.sign_in import open_session
from waddlebot.core.identity.login.tables import LinkedIdentity, Ticket
from waddlebot.libs.web.answers import Page
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.sessions import digest_of, new_token

FLOW = "oauth"
FLOW_S = 600.0
"""How long somebody has at the provider."""
_COOKIE = "waddlebot_flow"
HOME = "/api/v1/core.identity/session"


class Begin(msgspec.Struct, forbid_unknown_fields=True):
    """Where the browser is to end up: a path of ours."""

    return_to: str = HOME


class Away(msgspec.Struct):
    """Where the browser goes now."""

    url: str


class ProviderItem(msgspec.Struct):
    """A provider that one can sign in with."""

    key: str
    title: str


async def begin_login(ctx: Request, desk: Desk, key: str, body: Begin) -> Away:
    """Begin to sign in."""
    return await _begin(ctx, desk, key, body, "")


async def begin_connect(ctx: Request, desk: Desk, key: str, body: Begin) -> Away:
    """Begin to connect an account with the visitor."""
    return await _begin(ctx, desk, key, body, fresh(ctx).user)


async def _begin(ctx: Request, desk: Desk, key: str, body: Begin, user: str) -> Away:
    asking, state = _asking(desk, key), new_token()
    _check_path(body.return_to)
    desk.begin(ctx.address)
    url = await asking.url(state, *_derived(desk, state), _redirect_uri(ctx, key))
    data = json.dumps({"provider": key, "return_to": body.return_to})
    await store_of(ctx).put_ticket(digest_of(state), Ticket(FLOW, user, data), ctx.now() + FLOW_S)
    ctx.add_header(*cookie_of(ctx, _COOKIE).set(state, FLOW_S))
    return Away(url)


async def back(ctx: Request, desk: Desk, key: str) -> Page:
    """Somebody comes back from a provider: who is it, and what was it that they began?"""
    desk.admit(ctx.address)
    asking, state = _asking(desk, key), ctx.query.get("state", "")
    begun_here = cookie_of(ctx, _COOKIE).token(ctx.headers)
    ctx.add_header(*cookie_of(ctx, _COOKIE).clear())
    if not begun_here or not hmac.compare_digest(begun_here.encode(), state.encode()):
        note(ctx, "oauth", "DENIED", provider=key)
        raise HttpError(403, "not_begun", "This was not begun in this browser. Begin again.")
    ticket = await store_of(ctx).take_ticket(digest_of(state), FLOW, ctx.now())
    if ticket is None:
        raise HttpError(401, "no_ticket", "That took too long, or was done already: begin again.")
    begun = json.loads(ticket.data)
    provider = await asking.provider()
    names = ctx.query.get("iss", "" if provider.names_issuer else provider.issuer)
    if begun["provider"] != key or names != provider.issuer:
        note(ctx, "oauth", "DENIED", provider=key)
        raise HttpError(403, "mixed_up", "Another provider answered than the one that was asked. Begin again.")
    if "error" in ctx.query or not ctx.query.get("code"):
        raise HttpError(403, "not_granted", f"{provider.title} did not let you through. Begin again.")
    nonce, verifier = _derived(desk, state)
    claimed = await asking.claimed(ctx.query["code"], nonce, verifier, _redirect_uri(ctx, key), ctx.now())
    if ticket.user_id:
        await _connect(ctx, provider, claimed, ticket.user_id)
    else:
        await _sign_in(ctx, desk, provider, claimed)
    return Page("", status=303, headers=(("Location", begun["return_to"]),))


async def _sign_in(ctx: Request, desk: Desk, provider: Provider, claimed: Claimed) -> None:
    store = store_of(ctx)
    user = await store.user_of(provider.issuer, claimed.subject)
    if user is None:
        email = unicodedata.normalize("NFKC", claimed.email).strip().lower()
        known = email and await store.user_by_email(email)
        if desk.config.registration != "open" or known:
            note(ctx, "login", "DENIED", how=provider.key)
            raise HttpError(
                403,
                "not_connected",
                f"Nobody signs in here with this account of {provider.title}, whatever e-mail address it has. "
                "Sign in the way you usually do first, then connect it.",
            )
        user_id = secrets.token_hex(8)
        await store.register(user_id, _identity(ctx, provider, claimed))
        note(ctx, "register", "OK", user_id, how=provider.key)
    else:
        user_id = user.id
    await open_session(ctx, user_id, provider.key)


async def _connect(ctx: Request, provider: Provider, claimed: Claimed, user: str) -> None:
    if refusal := await store_of(ctx).connect(user, _identity(ctx, provider, claimed)):
        note(ctx, "connect", "DENIED", user, provider=provider.key)
        raise HttpError(409, "taken", refusal)
    note(ctx, "connect", "OK", user, provider=provider.key)


async def disconnect(ctx: Request, desk: Desk, key: str) -> None:
    """Take the visitor's accounts at a provider away, as long as another way in is left."""
    visitor, store = fresh(ctx), store_of(ctx)
    issuer = _provider(desk, key).issuer
    user = await store.user(visitor.user)
    others = [one for one in await store.identities(visitor.user) if one.issuer != issuer]
    if not (others or (user is not None and user.password) or await store.passkeys(visitor.user)):
        raise HttpError(409, "last_way_in", "That is your only way to sign in: add a passkey first.")
    if not await store.disconnect(visitor.user, issuer):
        raise HttpError(404, "no_identity", "You have connected no account there.")
    note(ctx, "disconnect", "OK", visitor_of(ctx).user, provider=key)


def listed(desk: Desk) -> list[ProviderItem]:
    """The providers that one can sign in with."""
    return [ProviderItem(one.key, one.title) for one in desk.providers.values()]


def _identity(ctx: Request, provider: Provider, claimed: Claimed) -> LinkedIdentity:
    account = f"{provider.platform}:{claimed.subject}" if provider.platform else ""
    return LinkedIdentity(provider.issuer, claimed.subject, claimed.name, account, ctx.now())


def _provider(desk: Desk, key: str) -> Provider:
    provider = desk.providers.get(key)
    if provider is None:
        raise HttpError(404, "no_provider", f"The operator configured no provider {key!r}.")
    return provider


def _asking(desk: Desk, key: str) -> Asking:
    provider = _provider(desk, key)
    if key not in desk.asking:
        desk.asking[key] = Asking(provider)
    return desk.asking[key]


def _redirect_uri(ctx: Request, key: str) -> str:
    """Each provider has its own, so that none can pass on another's answer (RFC 9700 §4.4.2.2)."""
    return f"{place_of(ctx)}/api/v1/core.identity/oauth/{key}"


def _derived(desk: Desk, state: str) -> tuple[str, str]:
    """The nonce and the PKCE verifier (64 characters; RFC 7636 §4.1 asks for 43 to 128)."""
    return desk.keyed("oauth nonce", state), desk.keyed("oauth verifier", state)


def _check_path(path: str) -> None:
    """Raise :class:`HttpError` 400 for what would lead a browser elsewhere."""
    parts = urlsplit(path)
    odd = "\\" in path or not path.isprintable() or not path.isascii() or " " in path
    if not path.startswith("/") or path.startswith("//") or parts.scheme or parts.netloc or odd or len(path) > 500:
        raise HttpError(400, "bad_path", "return_to is a path of ours, such as /hub.")
