"""How the operator's commands ask a running host: tokens that live a minute, made from the installation's secret.

Whoever can read the secret file is the operator, so nothing has to be stored, and a host whose database is away
still answers. A token is ``wbo_``, its claims as base64url JSON, a dot, and their HMAC-SHA-256 (RFC 2104).
"""

import base64
import binascii
import hashlib
import hmac
import time

import msgspec

from waddlebot.libs.sdk.rank import OPERATOR, Role
from waddlebot.libs.web.keys import KeyInfo

PREFIX = "wbo_"
PURPOSE = "web/operator"
"""What the secret derives from the installation's."""
VALID_S = 60.0
"""How long a token opens anything."""
_LENGTH_MAX = 1_000


class _Claims(msgspec.Struct, forbid_unknown_fields=True):
    """What a token says of itself: the role, the community, when it was made (seconds since the epoch)."""

    role: Role
    community: str
    at: float


class OperatorTokens:
    """Makes and checks the operator's tokens."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, role: Role, community: str) -> str:
        """A token that counts as a key of that role, bound to that community, for a minute from now.

        Without a community it is bound to none and acts for all, where a route knows how.
        """
        claims = _encode(msgspec.json.encode(_Claims(role, community, time.time())))
        return f"{PREFIX}{claims}.{self._sign(claims)}"

    def find(self, raw: str) -> KeyInfo | None:
        """What a token counts as, or None for one that is forged, too old or from the future."""
        claims, dot, signature = raw.removeprefix(PREFIX).partition(".")
        if not raw.startswith(PREFIX) or not dot or len(raw) > _LENGTH_MAX or not raw.isascii():
            return None
        if not hmac.compare_digest(self._sign(claims), signature):
            return None
        try:
            found = msgspec.json.decode(base64.urlsafe_b64decode(claims + "=="), type=_Claims)
        except (msgspec.DecodeError, binascii.Error):
            return None
        if abs(time.time() - found.at) > VALID_S:
            return None
        return KeyInfo(OPERATOR, OPERATOR, found.role, found.community, "", found.at, OPERATOR, found.at + VALID_S)

    def _sign(self, claims: str) -> str:
        return _encode(hmac.new(self._secret, claims.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
