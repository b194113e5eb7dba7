"""Ranks by the words people use for them, and who may give which."""

from collections.abc import Iterable

from waddlebot.libs.access import levels
from waddlebot.libs.sdk import Rank, Refusal, admits
from waddlebot.libs.sdk.rank import words

# Who may give a rank and take it back: nobody makes their equals, but for the owner's admins.
_GIVERS: dict[Rank, Rank] = {
    Rank.REGULAR: Rank.MODERATOR,
    Rank.SUBSCRIBER: Rank.ADMIN,
    Rank.VIP: Rank.ADMIN,
    Rank.MODERATOR: Rank.ADMIN,
    Rank.ADMIN: Rank.OWNER,
    Rank.OWNER: Rank.OWNER,
}


def rank_of(word: str) -> Rank:
    """The rank that a word means. Raises ``Refusal`` with the words there are."""
    rank = levels.rank_named(word)
    if rank is None:
        known = ", ".join(name(rank) for rank in reversed(Rank))
        raise Refusal(f"There is no rank {word}. Ranks are: {known}.")
    return rank


def name(rank: Rank) -> str:
    """A single rank as it is stored and shown."""
    return str(rank.name).lower()


def check_giver(rank: Rank, ranks: int) -> None:
    """Raise ``Refusal`` unless somebody with the mask ``ranks`` may give this rank and take it back."""
    giver = _GIVERS.get(rank)
    if giver is None:
        raise Refusal("Everybody is a viewer: that rank is neither given nor taken.")
    if not ranks & admits(giver):
        raise Refusal(f"Only {words(giver)}s and above can make or unmake a {name(rank)}.")


def mask_of(names: Iterable[str]) -> int:
    """Stored ranks as a bit mask; a name that is no rank any more counts for nothing."""
    mask = int(Rank.VIEWER)
    for word in names:
        mask |= levels.rank_named(word) or 0
    return mask
