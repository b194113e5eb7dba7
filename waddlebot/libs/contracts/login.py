"""What core.identity promises about who is signed in."""

import msgspec

from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.visitor import Visitor

ADMIN = "admin"
"""The role of a user who may do in every community what its owner may; the operator gives it."""


class SessionRequest(msgspec.Struct, frozen=True):
    """A session, by the SHA-256 of its token in hexadecimal: the token itself goes nowhere."""

    digest: str


class SessionAnswer(msgspec.Struct, frozen=True):
    """Who is signed in with it: one visitor, or none where the session has ended or never was."""

    visitors: tuple[Visitor, ...] = ()


class Logins(Contract):
    """The sessions of people who signed in."""

    async def session(self, request: SessionRequest) -> SessionAnswer:
        """Whose session it is; a use of it, which keeps it alive."""
        raise NotImplementedError
