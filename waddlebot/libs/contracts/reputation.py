"""What core.reputation promises."""

import msgspec

from waddlebot.libs.sdk.contract import Contract

MEMBER_PARDONED = "member.pardoned"
"""What a policy did to somebody was undone, or is over: ``data`` has the ``target_id`` and ``target_login``, the
``act`` (``warn``, ``restrict`` or ``ban``) and the ``reason``."""


class StandingsRequest(msgspec.Struct, frozen=True):
    """Accounts (``platform:user_id``) to look up; at most 1,000.

    ``together``: as if they were one person, whatever else these are linked with; there is one standing then.
    """

    accounts: tuple[str, ...]
    together: bool = False


class Standing(msgspec.Struct, frozen=True):
    """How the person of an account stands, by all their accounts.

    Scores from 300 to 850 here and overall, their tiers, and activity points here.
    """

    account: str
    score: float
    tier: str
    overall: float
    overall_tier: str
    activity: float


class Standings(msgspec.Struct, frozen=True):
    """One standing for each account asked for, in that order; who was never seen stands at the start, 600."""

    items: tuple[Standing, ...]


class KnownRequest(msgspec.Struct, frozen=True):
    """Accounts (``platform:user_id``) to look up; at most 1,000."""

    accounts: tuple[str, ...]


class Known(msgspec.Struct, frozen=True):
    """Those of the accounts that ever did something here, while reputation was switched on."""

    accounts: tuple[str, ...]


class Reputation(Contract):
    """How accounts behave, in the asking community and overall."""

    async def standings(self, request: StandingsRequest) -> Standings:
        """The standings of accounts."""
        raise NotImplementedError

    async def known(self, request: KnownRequest) -> Known:
        """Which of some accounts have a reputation in the asking community."""
        raise NotImplementedError
