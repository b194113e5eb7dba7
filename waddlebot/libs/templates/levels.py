"""The levels of other bots as sets of our ranks.

A level becomes the set of ranks that *that* bot would have let in. The bots do not agree on one ladder: Nightbot
puts regulars above subscribers, PhantomBot below subscribers and VIPs. Where a bot's own rules are
not documented, the smaller set is taken. (`reference/conventions.md` 5.3 lists the sources.)
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

EVERYONE = frozenset({"everyone"})
"""Stands for all ranks, and for people with none."""


def _ladder(*steps: tuple[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """From the highest level down, each lets in all above it; a step that adds nobody lets everyone in."""
    levels: dict[str, frozenset[str]] = {}
    ranks: frozenset[str] = frozenset()
    for level, added in steps:
        ranks |= frozenset(added)
        levels[level] = ranks if added else EVERYONE
    return levels


_STAFF = {"owner", "admin", "moderator"}

_NIGHTBOT = _ladder(
    ("owner", ["owner"]),
    ("moderator", ["admin", "moderator"]),
    ("twitch_vip", ["vip"]),
    ("regular", ["regular"]),
    ("subscriber", ["subscriber"]),
    ("everyone", []),
)

_PHANTOMBOT_TOP = (("0", ["owner"]), ("1", ["admin"]), ("2", ["moderator"]))

LEVELS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        # `admin` is Nightbot's own staff: nobody of a community.
        "nightbot": _NIGHTBOT | {"soop_vip": _NIGHTBOT["twitch_vip"], "admin": frozenset()},
        "streamelements": _ladder(
            ("2000", ["owner"]),
            ("1000", ["admin"]),
            ("500", ["moderator"]),
            ("400", ["vip"]),
            ("300", ["regular"]),
            ("250", ["subscriber"]),
            ("100", []),
        ),
        "phantombot": _ladder(
            *_PHANTOMBOT_TOP,
            ("3", ["subscriber"]),
            ("4", ["donator"]),
            ("5", ["vip"]),
            ("6", ["regular"]),
            ("7", []),
        )
        | {"30": frozenset(), "99": frozenset()},  # the panel alone, and nobody
        # The same with its setting "swap subscribers and VIPs".
        "phantombot_swapped": _ladder(
            *_PHANTOMBOT_TOP,
            ("3", ["vip"]),
            ("4", ["donator"]),
            ("5", ["subscriber"]),
            ("6", ["regular"]),
            ("7", []),
        )
        | {"30": frozenset(), "99": frozenset()},
        "slcb": {
            "streamer": frozenset({"owner"}),
            "+e": frozenset({"owner", "admin"}),
            "+m": frozenset(_STAFF),
            "vip": frozenset(_STAFF | {"vip"}),
            "+r": frozenset(_STAFF | {"regular"}),
            "+s": frozenset(_STAFF | {"subscriber"}),
            "+gw": frozenset(_STAFF | {"subscriber"}),
            "+a": EVERYONE,
        },
        # Twir names roles, not levels: only those roles and the broadcaster.
        "twir": {
            "BROADCASTER": frozenset({"owner"}),
            "MODERATOR": frozenset({"owner", "moderator"}),
            "VIP": frozenset({"owner", "vip"}),
            "SUBSCRIBER": frozenset({"owner", "subscriber"}),
            "VIEWER": EVERYONE,
        },
    }
)
"""Bot → its level → our ranks."""

SLCB_CONDITIONS: Mapping[str, str] = MappingProxyType(
    {"+i": "invisible", "+u": "user", "+p": "points_min", "+h": "hours_min", "rank": "rank_min"}
)
"""Streamlabs Chatbot permissions that are conditions of a rule, not ranks."""


def ranks_of(bot: str, level: str) -> frozenset[str] | None:
    """The ranks that a level of another bot lets in; None for an unknown level: let nobody in, and ask."""
    return LEVELS[bot].get(level)


def level_of(bot: str, ranks: Iterable[str]) -> str:
    """The highest level of another bot that a person with these ranks has."""
    have = {*ranks, "everyone"}
    known = LEVELS[bot]
    return min((level for level in known if known[level] & have), key=lambda level: _reach(known[level]))


def _reach(ranks: frozenset[str]) -> int:
    return 1_000 if ranks == EVERYONE else len(ranks)
