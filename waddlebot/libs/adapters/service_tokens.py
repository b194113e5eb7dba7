"""How one host proves to another that it belongs to the same installation: tokens that live a minute.

A token names the host that made it and the address of the host that it is for, so that what one host was shown
opens no other.
"""

import time
from collections.abc import Callable, Collection

import msgspec

from waddlebot.libs.web.signed import Signer

PREFIX = "wbs_"
VALID_S = 60.0
"""How long a token opens anything."""
RENEW_S = 20.0
"""After how long whoever shows a token makes a new one."""


class _Claims(msgspec.Struct, forbid_unknown_fields=True):
    """What a token says of itself: the host that made it, the address it is for, when (seconds)."""

    host: str
    audience: str
    at: float


class TokenError(Exception):
    """A token opens nothing; the text says why, for the other host's log."""


class ServiceTokens:
    """Makes the tokens of one host, and checks those of others.

    ``host`` says its id. ``audiences`` are the addresses under which it is known to others. ``clock`` has to be
    one that all hosts agree on (the database's), for machines' own clocks do not.
    """

    def __init__(
        self,
        secret: bytes,
        host: Callable[[], str],
        audiences: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signer = Signer(PREFIX, secret, _Claims)
        self._host = host
        self._audiences = audiences
        self._clock = clock

    def make(self, audience: str) -> str:
        """A token for the host that is known by this address."""
        return self._signer.sign(_Claims(self._host(), audience, self._clock()))

    def check(self, raw: str) -> "Proof":
        """Whose token it is and when it is over. Raises :class:`TokenError`."""
        claims = self._signer.read(raw)
        if claims is None:
            raise TokenError("there is no service token, or one of another installation")
        if claims.audience not in self._audiences:
            raise TokenError(f"the service token is for {claims.audience}, which is not this host")
        if not self.holds(claims.at):
            raise TokenError("the service token is over: do the clocks of the hosts agree?")
        return Proof(claims.host, claims.at)

    def holds(self, at: float) -> bool:
        """Whether a token made at this time still opens anything."""
        return abs(self._clock() - at) <= VALID_S


class Proof(msgspec.Struct, frozen=True):
    """A checked token: the host that made it, and when."""

    host: str
    at: float


def bearer_of(authorization: str) -> str:
    """The token in an ``Authorization`` header or its metadata; empty where there is none (RFC 6750 §2.1)."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
