"""The desk: what signing in keeps in memory, and what every way of it asks first."""

import hashlib
import time
import unicodedata
from collections.abc import Callable
from typing import Any, Self, cast

from waddlebot.core.identity.login.config import LoginConfig
from waddlebot.core.identity.login.oidc import Asking
from waddlebot.core.identity.login.passwords import Hasher
from waddlebot.core.identity.login.providers import providers_of
from waddlebot.core.identity.login.store import LoginStore
from waddlebot.libs import audit
from waddlebot.libs.contracts.community import GLOBAL
from waddlebot.libs.sdk import Community, RouteContext
from waddlebot.libs.sdk.visitor import FRESH_S, Visitor
from waddlebot.libs.web.errors import HttpError, too_many
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.libs.web.sessions import NAME, Cookie

EVERYBODY = Community(GLOBAL)
"""Users are of no community, so of the one that everybody belongs to."""
WINDOW_S = 900.0
OF_ADDRESS_MAX = 40
"""Tries of any kind that one address has in a window."""
OF_SUBJECT_MAX = 12
"""Tries of one kind for one user or e-mail address in a window, from wherever they come."""
BEGUN_MAX = 60
"""Things that one address may begin in a window: challenges, sign-ins at providers."""
EMAIL_MAX = 254

type Request = RouteContext[Any, Any]


class Desk:
    """Limits and hashing of one host, and whom it asks. ``secret`` derives a key for each purpose."""

    def __init__(
        self, config: LoginConfig, secret: Callable[[str], bytes], clock: Callable[[], float] = time.time
    ) -> None:
        self.config = config
        self.hasher = Hasher()
        self.providers = providers_of(config)
        self.asking: dict[str, Asking] = {}
        self._secret = secret
        self._of_address = SlidingWindow(OF_ADDRESS_MAX, WINDOW_S, clock=clock)
        self._of_subject = SlidingWindow(OF_SUBJECT_MAX, WINDOW_S, clock=clock)
        self._begun = SlidingWindow(BEGUN_MAX, WINDOW_S, clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.hasher.close()
        for asking in self.asking.values():
            await asking.close()

    def subject(self, kind: str, whose: str) -> str:
        """What failures of somebody are counted under; nobody without the secret learns whose they are."""
        return self.keyed("failures", f"{kind}\n{whose}")

    def keyed(self, purpose: str, text: str, size: int = 32) -> str:
        """A digest of a text that only this installation can make, in hexadecimal."""
        return self.raw_keyed(purpose, text, size).hex()

    def raw_keyed(self, purpose: str, text: str, size: int = 32) -> bytes:
        """As :meth:`keyed`, in bytes."""
        return hashlib.blake2b(text.encode(), key=self._secret(f"login/{purpose}"), digest_size=size).digest()

    def admit(self, address: str, subject: str = "") -> None:
        """Count a try. Raises :class:`HttpError` 429 where an address, or a subject, had too many."""
        wait_s = self._of_address.take(address) or (self._of_subject.take(subject) if subject else 0.0)
        if wait_s:
            raise wait(wait_s)

    def begin(self, address: str) -> None:
        """Count something begun. Raises :class:`HttpError` 429 where an address began too much."""
        if wait_s := self._begun.take(address):
            raise wait(wait_s)

    async def take_try(self, ctx: Request, kind: str, user: str) -> str:
        """Count a try for a user, here and in the database; what to forgive when it was right.

        Raises :class:`HttpError` 429 after too many.
        """
        subject = self.subject(kind, user)
        self.admit(ctx.address, subject)
        if wait_s := await store_of(ctx).take_try(subject, ctx.now()):
            note(ctx, kind, "LIMITED", user)
            raise wait(wait_s)
        return subject


def place_of(ctx: Request) -> str:
    """Where browsers reach us, without a slash at the end. Raises :class:`HttpError` 409 where nobody said."""
    if not ctx.place:
        raise HttpError(
            409, "no_public_url", "The operator has not said where browsers reach the bot: HTTP_PUBLIC_URL."
        )
    return ctx.place


def cookie_of(ctx: Request, name: str = NAME) -> Cookie:
    """A cookie of ours, for TLS alone where browsers come by it."""
    return Cookie(name, secure=ctx.place.startswith("https://"))


def wait(wait_s: float) -> HttpError:
    """A refusal of tries that came too often, the same for everybody."""
    return too_many(wait_s, "Too many tries. Wait as many seconds as the header Retry-After says.")


def store_of(ctx: Request) -> LoginStore:
    """The users' tables, for one request."""
    return cast("LoginStore", ctx.store_in(EVERYBODY))


def visitor_of(ctx: Request) -> Visitor:
    """Who is signed in: the gate lets nobody else into such routes."""
    if ctx.visitor is None:
        raise HttpError(401, "not_signed_in", "Sign in first: POST /api/v1/core.identity/login.")
    return ctx.visitor


def fresh(ctx: Request) -> Visitor:
    """Who is signed in and proved it lately. Raises :class:`HttpError` 403 where that is too long ago."""
    visitor = visitor_of(ctx)
    if ctx.now() - visitor.proved_at > FRESH_S:
        raise HttpError(
            403, "prove_again", "Prove again who you are: POST /api/v1/core.identity/proof, or sign in again."
        )
    return visitor


def note(ctx: Request, action: str, result: str, user: str = "", **details: Any) -> None:
    """Put something about signing in into the audit log; never an e-mail address: it may be a password."""
    who = f"user:{user}" if user else ""
    audit.event(audit.Category.AUTH, "core.identity", "", who, action, result, address=ctx.address, **details)


def email_of(text: str) -> str:
    """An e-mail address in the one form in which it is stored. Raises :class:`HttpError` 400 for what is none."""
    email = unicodedata.normalize("NFKC", text).strip().lower()
    name, at, host = email.rpartition("@")
    plain = email.isprintable() and not any(sign.isspace() for sign in email)
    if not (at and name and "." in host.strip(".") and len(email) <= EMAIL_MAX and plain and "@" not in name):
        raise HttpError(400, "bad_email", "Write an e-mail address such as ann@example.org.")
    return email
