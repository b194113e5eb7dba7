"""What a module that keeps points promises. No module does yet, so nothing can cost any."""

import msgspec

from waddlebot.libs.sdk.contract import Contract


class ChargeRequest(msgspec.Struct, frozen=True):
    """Take ``amount`` points (1 or more) from the person of an account, for a ``reason`` in words."""

    account: str
    amount: int
    reason: str


class Charged(msgspec.Struct, frozen=True):
    """Whether they had as much and it was taken, and what they have ``left``."""

    done: bool
    left: int


class Currency(Contract):
    """The points of the asking community."""

    async def charge(self, request: ChargeRequest) -> Charged:
        """Take points, all or none, once for each delivery."""
        raise NotImplementedError
