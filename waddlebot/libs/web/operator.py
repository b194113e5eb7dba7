"""How the operator's commands ask a running host: tokens that live a minute, made from the installation's secret.

Whoever can read the secret file is the operator, so nothing has to be stored, and a host whose database is away
still answers.
"""

import time

import msgspec

from waddlebot.libs.sdk.rank import OPERATOR, Role
from waddlebot.libs.web.keys import KeyInfo
from waddlebot.libs.web.signed import Signer

PREFIX = "wbo_"
PURPOSE = "web/operator"
"""What the secret derives from the installation's."""
VALID_S = 60.0
"""How long a token opens anything."""


class _Claims(msgspec.Struct, forbid_unknown_fields=True):
    """What a token says of itself: the role, the community, when it was made (seconds since the epoch)."""

    role: Role
    community: str
    at: float


class OperatorTokens:
    """Makes and checks the operator's tokens."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(PREFIX, secret, _Claims)

    def make(self, role: Role, community: str) -> str:
        """A token that counts as a key of that role, bound to that community, for a minute from now.

        Without a community it is bound to none and acts for all, where a route knows how.
        """
        return self._signer.sign(_Claims(role, community, time.time()))

    def find(self, raw: str) -> KeyInfo | None:
        """What a token counts as, or None for one that is forged, too old or from the future."""
        found = self._signer.read(raw)
        if found is None or abs(time.time() - found.at) > VALID_S:
            return None
        return KeyInfo(OPERATOR, OPERATOR, found.role, found.community, "", found.at, OPERATOR, found.at + VALID_S)
