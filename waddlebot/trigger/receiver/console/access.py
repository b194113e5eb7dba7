"""Who may use the console's page: somebody at this machine, or somebody with the token."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from waddlebot.libs import audit
from waddlebot.libs.contracts.console import access_token
from waddlebot.libs.web.errors import HttpError, too_many
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.libs.web.origin import is_local

COOKIE = "waddlebot_console"
SESSION_S = 30 * 24 * 3600
WRONG_TOKENS_MAX = 10
"""Wrong tokens that one address may try in a minute."""


class Access:
    """Checks tokens, sessions and the pages' CSRF tokens, all made from one secret.

    A session is its end and a signature, so hosts share it and none must be stored.
    """

    def __init__(self, secret: bytes, token_only: bool = False) -> None:
        self._secret = secret
        self._token_only = token_only
        self.token = access_token(secret)
        self.wrong = SlidingWindow(WRONG_TOKENS_MAX, 60)

    def session(self, peer: str, headers: Mapping[str, str]) -> str | None:
        """The session of a browser's request: its cookie's, ``local`` at this machine, None for nobody known."""
        cookie = _cookie(headers)
        if cookie and self._is_good(cookie):
            return cookie
        return "local" if not self._token_only and is_local(peer, headers) else None

    def csrf(self, session: str) -> str:
        """What a page of this session sends along with what it does."""
        return self._sign("csrf", session)

    def check_csrf(self, session: str, presented: str) -> None:
        """Raise :class:`HttpError` 403 unless the request comes from a page we gave to this session."""
        if not hmac.compare_digest(self.csrf(session).encode(), presented.encode()):
            raise HttpError(403, "stale_page", "This page is out of date. Load it again.")

    def check_token(self, presented: str, peer: str) -> None:
        """Raise :class:`HttpError` 401 for a wrong token, 429 after too many of them."""
        if not hmac.compare_digest(self.token.encode(), presented.encode()):
            wait_s = self.wrong.take(peer)
            if wait_s:
                raise too_many(wait_s, "Too many wrong tokens came from your address. Wait a minute.")
            audit.event(
                audit.Category.AUTH, "receiver.console", "home", "", "console_token", "DENIED", address=peer
            )
            raise HttpError(
                401, "wrong_token", "This is not the console's token. The bot prints the link when it starts."
            )

    def cookie(self, headers: Mapping[str, str]) -> str:
        """A new session as a ``Set-Cookie`` value (RFC 6265 §4.1)."""
        end = str(int(time.time()) + SESSION_S)
        # Behind a proxy with TLS the cookie is for TLS alone; without TLS a Secure cookie would never come back.
        secure = "; Secure" if headers.get("x-forwarded-proto") == "https" else ""
        return (
            f"{COOKIE}={end}.{self._sign('session', end)}; Path=/; HttpOnly; SameSite=Strict; "
            f"Max-Age={SESSION_S}{secure}"
        )

    def _is_good(self, session: str) -> bool:
        end, _, signature = session.partition(".")
        return (
            hmac.compare_digest(self._sign("session", end).encode(), signature.encode())
            and end.isdigit()
            and int(end) > time.time()
        )

    def _sign(self, what: str, text: str) -> str:
        return hmac.new(self._secret, f"{what}\0{text}".encode(), hashlib.sha256).hexdigest()


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
