"""What core.analytics promises."""

import msgspec

from waddlebot.libs.sdk.contract import Contract


class HealthRequest(msgspec.Struct, frozen=True):
    """The health of the asking community, as of now."""


class HealthPart(msgspec.Struct, frozen=True):
    """One part: from 0 to 100, its weight in the score (they add up to 1), and what a low value means."""

    name: str
    score: float
    weight: float
    meaning: str


class Health(msgspec.Struct, frozen=True):
    """How healthy a community is: a score from 0 to 100, and its grade from A to F.

    It looks at so many whole ``days`` before today and the ``people`` seen in them. Where there is no grade (an
    empty or new community, or one person alone) ``grade`` and ``parts`` are empty, and ``words`` say why.
    """

    grade: str
    score: float
    parts: tuple[HealthPart, ...]
    days: int
    people: int
    words: str


class Analytics(Contract):
    """What is counted of a community, without names."""

    async def health(self, request: HealthRequest) -> Health:
        """How healthy the asking community is."""
        raise NotImplementedError
