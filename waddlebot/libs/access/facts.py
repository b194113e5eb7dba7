"""What is known of who asks and of the occasion, when a rule is to decide."""

import dataclasses
from collections.abc import Set

ALL_RANKS = 127


@dataclasses.dataclass(frozen=True, slots=True)
class Who:
    """Somebody: their accounts, their ranks as a mask, the roles and labels they have in the community."""

    accounts: Set[str] = frozenset()
    ranks: int = 1
    roles: Set[str] = frozenset()
    labels: Set[str] = frozenset()


NOBODY = Who()


@dataclasses.dataclass(slots=True)
class Facts:
    """What rules ask for; ``None`` is what nobody knows.

    ``who`` is who asks, by all that may be true of them; ``sure`` is what of it is beyond doubt, by which alone
    something is allowed (a key may say anybody's name). ``bound`` is the mask of who lets them ask, where an alias
    or a string rule does, or a key: no rule gives more than those ranks. Times are seconds since 1970.
    """

    who: Who
    sure: Who
    platform: str = ""
    entity: str = ""
    now: float = 0.0
    bound: int = ALL_RANKS
    live: bool | None = None
    score: float | None = None
    tier: str | None = None
    points: float | None = None
    age_s: float | None = None
    payable: bool = False


EVERYWHERE = "*"
"""The target of rules for all there is."""
