"""Passkeys (WebAuthn Level 3): a key in a device that proves who somebody is without a password.

The challenge is kept on this side by its digest, and is good once. Where a passkey says that it verified its user
it counts as both factors, so that is asked for. py_webauthn is loaded when the first passkey is asked for.
"""

import base64
import importlib
import re
from typing import Any

import msgspec

from waddlebot.core.identity.login.desk import Desk, Request, fresh, note, place_of, store_of, visitor_of
from waddlebot.core.identity.login.factors_store import PASSKEYS_MAX
from waddlebot.core.identity.login.sign_in import SignedIn, open_session
from waddlebot.core.identity.login.tables import Passkey, Ticket
from waddlebot.libs.dal import Conflict
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.origin import host_name
from waddlebot.libs.web.sessions import digest_of, new_token

ENROL, LOGIN = "passkey_enrol", "passkey_login"
CHALLENGE_S = 300.0
"""How long a challenge is good."""
_NAME_MAX = 60
_ID = re.compile(r"[\w-]{1,1400}", re.ASCII)  # 1,023 bytes at most (WebAuthn Level 3 §4), in base64url


class Challenge(msgspec.Struct):
    """What a browser is asked: ``options`` are those of WebAuthn, as JSON (Level 3 §5.1.8 and §5.1.9)."""

    ticket: str
    options: dict[str, Any]


class Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    """What ``navigator.credentials.create()`` gave, as JSON, and what its owner calls it."""

    ticket: str
    credential: dict[str, Any]
    name: str = ""


class Assertion(msgspec.Struct, forbid_unknown_fields=True):
    """What ``navigator.credentials.get()`` gave, as JSON."""

    ticket: str
    credential: dict[str, Any]


class PasskeyItem(msgspec.Struct):
    """A passkey, as its owner is shown it."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None


async def begin_enrolment(ctx: Request, desk: Desk) -> Challenge:
    """Ask for a new passkey, one that the device can find by itself."""
    visitor, webauthn, place = fresh(ctx), _webauthn(), place_of(ctx)
    store = store_of(ctx)
    user, known = await store.user(visitor.user), await store.passkeys(visitor.user)
    if len(known) >= PASSKEYS_MAX:
        raise HttpError(409, "too_many", f"You have {PASSKEYS_MAX} passkeys: remove one first.")
    name = (user.email if user is not None else None) or visitor.user
    structs = importlib.import_module("webauthn.helpers.structs")
    token = await _begun(ctx, desk, Ticket(ENROL, visitor.user, ""))
    options = webauthn.generate_registration_options(
        rp_id=_rp_id(place),
        rp_name="WaddleBot",
        user_name=name,
        user_id=visitor.user.encode(),
        challenge=token.encode(),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=_raw(one.id)) for one in known],
    )
    return Challenge(token, msgspec.json.decode(webauthn.options_to_json(options)))


async def enrol(ctx: Request, desk: Desk, body: Enrolment) -> PasskeyItem:
    """Keep a new passkey."""
    visitor, webauthn, place = fresh(ctx), _webauthn(), place_of(ctx)
    await _spent(ctx, body.ticket, ENROL, visitor.user)
    try:
        found = webauthn.verify_registration_response(
            credential=body.credential,
            expected_challenge=body.ticket.encode(),
            expected_rp_id=_rp_id(place),
            expected_origin=place,
            require_user_verification=True,
        )
    except _errors() as error:
        note(ctx, "passkey_enrol", "DENIED", visitor.user)
        raise HttpError(422, "bad_passkey", f"This is no passkey for us: {error}") from None
    name = "".join(sign for sign in body.name.strip()[:_NAME_MAX] if sign.isprintable()) or "a passkey"
    id_ = _text(found.credential_id)
    passkey = Passkey(id_, visitor.user, found.credential_public_key, found.sign_count, name, ctx.now(), None)
    try:
        kept = await store_of(ctx).put_passkey(passkey)
    except Conflict:
        raise HttpError(409, "known", "This passkey is known already.") from None
    if not kept:
        raise HttpError(409, "too_many", f"You have {PASSKEYS_MAX} passkeys: remove one first.")
    note(ctx, "passkey_enrol", "OK", visitor.user)
    return PasskeyItem(passkey.id, passkey.name, passkey.created_at, None)


async def begin_login(ctx: Request, desk: Desk) -> Challenge:
    """Ask whoever is there for a passkey of theirs; nobody is named, so nobody learns who has one."""
    webauthn, place = _webauthn(), place_of(ctx)
    structs = importlib.import_module("webauthn.helpers.structs")
    token = await _begun(ctx, desk, Ticket(LOGIN, "", ""))
    options = webauthn.generate_authentication_options(
        rp_id=_rp_id(place),
        challenge=token.encode(),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return Challenge(token, msgspec.json.decode(webauthn.options_to_json(options)))


async def login(ctx: Request, desk: Desk, body: Assertion) -> SignedIn:
    """Sign in with a passkey. Whatever is wrong with it, the same is said."""
    webauthn, place = _webauthn(), place_of(ctx)
    desk.admit(ctx.address)
    await _spent(ctx, body.ticket, LOGIN, "")
    store = store_of(ctx)
    id_ = str(body.credential.get("id", ""))
    known = await store.passkey(id_) if _ID.fullmatch(id_) else None
    if known is None:
        note(ctx, "login_passkey", "DENIED")
        raise _wrong()
    try:
        found = webauthn.verify_authentication_response(
            credential=body.credential,
            expected_challenge=body.ticket.encode(),
            expected_rp_id=_rp_id(place),
            expected_origin=place,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except _errors():
        note(ctx, "login_passkey", "DENIED", known.user_id)
        raise _wrong() from None
    if not await store.use_passkey(known.id, known.sign_count, found.new_sign_count, ctx.now()):
        note(ctx, "login_passkey", "DENIED", known.user_id)
        raise _wrong()
    return await open_session(ctx, known.user_id, "passkey")


async def listed(ctx: Request) -> list[PasskeyItem]:
    """The visitor's passkeys."""
    visitor = visitor_of(ctx)
    return [
        PasskeyItem(one.id, one.name, one.created_at, one.last_used_at)
        for one in await store_of(ctx).passkeys(visitor.user)
    ]


async def remove(ctx: Request, id_: str) -> None:
    """Take a passkey away."""
    visitor = fresh(ctx)
    if not _ID.fullmatch(id_) or not await store_of(ctx).remove_passkey(visitor.user, id_):
        raise HttpError(404, "no_passkey", "You have no such passkey.")
    note(ctx, "passkey_remove", "OK", visitor.user)


async def _begun(ctx: Request, desk: Desk, ticket: Ticket) -> str:
    desk.begin(ctx.address)
    token = new_token()
    await store_of(ctx).put_ticket(digest_of(token), ticket, ctx.now() + CHALLENGE_S)
    return token


async def _spent(ctx: Request, token: str, kind: str, user: str) -> None:
    """A challenge is good once, for whom it was made: whatever comes of it, it is no more."""
    ticket = await store_of(ctx).take_ticket(digest_of(token), kind, ctx.now())
    if ticket is None or ticket.user_id != user:
        raise HttpError(401, "no_ticket", "That took too long, or was done already: begin again.")


def _wrong() -> HttpError:
    return HttpError(401, "wrong_passkey", "This passkey opens nothing here.")


def _rp_id(place: str) -> str:
    """The name that passkeys are bound to: the host of the public URL."""
    return host_name(place.partition("://")[2])


def _webauthn() -> Any:
    try:
        return importlib.import_module("webauthn")
    except ImportError:
        raise HttpError(
            409, "no_passkeys", "Passkeys need the extra: pip install 'waddlebot[passkeys]'."
        ) from None


def _errors() -> tuple[type[Exception], ...]:
    """What py_webauthn raises for what is wrong, and its parsers for what makes no sense."""
    base: type[Exception] = importlib.import_module("webauthn.helpers.exceptions").WebAuthnException
    return base, ValueError, KeyError, TypeError, IndexError


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
