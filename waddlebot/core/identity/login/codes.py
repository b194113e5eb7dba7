"""Codes as a second factor: those of an authenticator app (TOTP, RFC 6238), and recovery codes.

A TOTP secret is stored nowhere: it derives from the installation's secret and a random seed, which is stored. So
who reads the database has no secret, and nothing needs to be decrypted.
"""

import base64
import hmac
import secrets

import msgspec
import pyotp

from waddlebot.core.identity.login.desk import Desk, Request, fresh, note, store_of
from waddlebot.libs.sdk.codes import ALPHABET, digest_of
from waddlebot.libs.web.errors import HttpError

STEP_S = 30
STEPS_OFF = 1
"""Steps that a clock may be ahead or behind (RFC 6238 §5.2)."""
CODES = 10
"""Recovery codes of a user."""
_HALF = 5
"""Characters of each half of one: 50 bits in all."""

_ISSUER = "WaddleBot"


class TotpOffer(msgspec.Struct):
    """The secret of an authenticator app, shown until a code of it comes back: as text, and as a QR code's URI."""

    secret: str
    uri: str


class TotpCode(msgspec.Struct, forbid_unknown_fields=True):
    """A code of the app."""

    code: str


class RecoveryCodes(msgspec.Struct):
    """Codes that each open once where the app is lost. They are shown this once."""

    codes: list[str]


async def checked(ctx: Request, desk: Desk, user: str, code: str) -> str:
    """Use a code of a user; how it was one. Raises :class:`HttpError` 401 for a wrong one, 429 after too many."""
    subject = await desk.take_try(ctx, "code", user)
    plain = code.replace(" ", "").replace("-", "")
    if plain.isdecimal() and len(plain) == 6:
        how, right = "totp", await _is_right(ctx, desk, user, plain)
    else:
        how = "recovery"
        right = await store_of(ctx).use_recovery(user, _digest(desk, user, plain))
    if not right:
        note(ctx, f"login_{how}", "DENIED", user)
        raise HttpError(401, "wrong_code", "That is not the code, or it was used before. Wait for the next one.")
    await store_of(ctx).forgive(subject)
    return how


async def _is_right(ctx: Request, desk: Desk, user: str, code: str, *, confirms: bool = False) -> bool:
    totp = await store_of(ctx).totp(user)
    if totp is None or totp.confirmed == confirms:
        return False
    app = pyotp.TOTP(secret_of(desk, user, totp.seed), interval=STEP_S)
    now = int(ctx.now()) // STEP_S
    found = [
        step
        for step in range(now - STEPS_OFF, now + STEPS_OFF + 1)
        if hmac.compare_digest(app.generate_otp(step), code)
    ]
    return bool(found) and await store_of(ctx).use_step(user, found[0], confirms=confirms)


def secret_of(desk: Desk, user: str, seed: str) -> str:
    """The secret of an app: 160 bits, as RFC 4226 (§4) recommends, in base 32."""
    return base64.b32encode(desk.raw_keyed("totp", f"{user}\n{seed}", 20)).decode()


async def begin(ctx: Request, desk: Desk) -> TotpOffer:
    """Offer a secret for an app; nothing changes until it is confirmed."""
    visitor = fresh(ctx)
    seed = secrets.token_hex(16)
    if not await store_of(ctx).begin_totp(visitor.user, seed):
        raise HttpError(409, "enrolled", "You have an authenticator app already: remove it first.")
    user = await store_of(ctx).user(visitor.user)
    secret = secret_of(desk, visitor.user, seed)
    name = (user.email if user is not None else None) or visitor.user
    return TotpOffer(secret, pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=name, issuer_name=_ISSUER))


async def confirm(ctx: Request, desk: Desk, body: TotpCode) -> RecoveryCodes:
    """The app works: from now on it is asked for."""
    visitor = fresh(ctx)
    subject = await desk.take_try(ctx, "code", visitor.user)
    if not await _is_right(ctx, desk, visitor.user, body.code.replace(" ", ""), confirms=True):
        raise HttpError(401, "wrong_code", "That is not the app's code: is the device's clock right?")
    await store_of(ctx).forgive(subject)
    note(ctx, "totp_enrol", "OK", visitor.user)
    return await _new_codes(ctx, desk, visitor.user)


async def remove(ctx: Request) -> None:
    """Take the app away, and the recovery codes with it."""
    visitor = fresh(ctx)
    if not await store_of(ctx).remove_totp(visitor.user):
        raise HttpError(404, "not_enrolled", "You have no authenticator app.")
    note(ctx, "totp_remove", "OK", visitor.user)


async def renew_codes(ctx: Request, desk: Desk) -> RecoveryCodes:
    """New recovery codes; those before open nothing any more."""
    visitor = fresh(ctx)
    totp = await store_of(ctx).totp(visitor.user)
    if totp is None or not totp.confirmed:
        raise HttpError(409, "not_enrolled", "Recovery codes stand in for an authenticator app: enrol one first.")
    note(ctx, "recovery_codes", "OK", visitor.user)
    return await _new_codes(ctx, desk, visitor.user)


async def _new_codes(ctx: Request, desk: Desk, user: str) -> RecoveryCodes:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(2 * _HALF)) for _ in range(CODES)]
    await store_of(ctx).put_recovery(user, tuple(_digest(desk, user, code) for code in codes))
    return RecoveryCodes([f"{code[:_HALF]}-{code[_HALF:]}" for code in codes])


def _digest(desk: Desk, user: str, code: str) -> str:
    return digest_of(desk.raw_keyed("recovery", ""), code, user)
