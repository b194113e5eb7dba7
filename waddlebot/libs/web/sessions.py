"""The cookie of people who signed in, and what keeps other sites' pages from using it.

A session's token is 256 random bits; what is stored of it is its SHA-256. Where browsers come by TLS the cookie
has the prefix ``__Host-``: neither a sibling domain nor plain HTTP can plant one (RFC 6265bis §4.1.3.2). What
a page sends along with all that changes something is derived from the token, so that it needs no store of its own.
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Mapping

from waddlebot.libs.web.errors import HttpError

NAME = "waddlebot_session"
CSRF_HEADER = "x-csrf-token"
_TOKEN_LENGTH = 43  # 32 bytes in base64url


def new_token() -> str:
    """A new token: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is stored of a token; random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """What a page of this session shows to prove that it could read an answer of ours."""
    return hashlib.blake2b(token.encode(), digest_size=32, person=b"waddlebot csrf").hexdigest()


def check_csrf(token: str, headers: Mapping[str, str]) -> None:
    """Raise :class:`HttpError` 403 unless the request carries the session's CSRF token."""
    if not hmac.compare_digest(csrf_of(token).encode(), headers.get(CSRF_HEADER, "").encode()):
        raise HttpError(
            403,
            "bad_csrf",
            "Send what GET /api/v1/core.identity/session answers as csrf in the header X-CSRF-Token.",
        )


class Cookie:
    """A cookie of ours that scripts cannot read. ``secure`` where browsers come by TLS alone."""

    def __init__(self, name: str, *, secure: bool) -> None:
        self.name = f"__Host-{name}" if secure else name
        self._attributes = f"Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

    def read(self, headers: Mapping[str, str]) -> str:
        """Its value in a request's headers; empty where there is none, or several."""
        found = [
            value.strip()
            for part in headers.get("cookie", "").split(";")
            for name, equals, value in (part.partition("="),)
            if equals and name.strip() == self.name
        ]
        return found[0] if len(found) == 1 else ""

    def token(self, headers: Mapping[str, str]) -> str:
        """As :meth:`read`, for a value that may be a token; empty for all else."""
        value = self.read(headers)
        return value if len(value) == _TOKEN_LENGTH and value.isascii() else ""

    def set(self, value: str, age_s: float) -> tuple[str, str]:
        """The header that keeps it in the browser for so long."""
        return "Set-Cookie", f"{self.name}={value}; {self._attributes}; Max-Age={int(age_s)}"

    def clear(self) -> tuple[str, str]:
        """The header that takes it out of the browser."""
        return "Set-Cookie", f"{self.name}=; {self._attributes}; Max-Age=0"


type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_of(peer: str, headers: Mapping[str, str], proxies: Iterable[Network]) -> str:
    """The address that a request came from: that of the connection, or what our own proxies say.

    Of ``X-Forwarded-For`` only what a proxy of ours added is believed, from the right: the rest anybody may write.
    An IPv6 client is its /64, of which it has every address (RFC 6177).
    """
    address = peer
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    while hops and _is_of(address, proxies):
        address = hops.pop()
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return peer
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _is_of(address: str, proxies: Iterable[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in proxies)
