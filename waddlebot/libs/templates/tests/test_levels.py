"""Levels of other bots."""

import pytest

from waddlebot.libs.templates.levels import EVERYONE, LEVELS, level_of, ranks_of


@pytest.mark.parametrize(
    ("bot", "level", "inside", "outside"),
    [
        ("nightbot", "regular", "regular", "subscriber"),
        ("nightbot", "subscriber", "regular", "everyone"),
        ("nightbot", "twitch_vip", "moderator", "regular"),
        ("nightbot", "owner", "owner", "moderator"),
        ("streamelements", "300", "vip", "subscriber"),
        ("streamelements", "1000", "admin", "moderator"),
        ("phantombot", "3", "subscriber", "vip"),
        ("phantombot", "6", "subscriber", "everyone"),
        ("phantombot_swapped", "3", "vip", "subscriber"),
        ("phantombot", "2", "moderator", "donator"),
        ("slcb", "+r", "regular", "subscriber"),
        ("twir", "VIP", "vip", "moderator"),
    ],
)
def test_a_level_lets_in_whom_that_bot_would(bot: str, level: str, inside: str, outside: str) -> None:
    ranks = ranks_of(bot, level)
    assert ranks is not None
    assert inside in ranks
    assert outside not in ranks


def test_unknown_levels_let_nobody_in() -> None:
    assert ranks_of("nightbot", "sultan") is None
    assert ranks_of("phantombot", "99") == frozenset()
    assert ranks_of("streamelements", "100") == EVERYONE


@pytest.mark.parametrize(
    ("bot", "ranks", "level"),
    [
        ("nightbot", set(), "everyone"),
        ("nightbot", {"subscriber"}, "subscriber"),
        ("nightbot", {"subscriber", "regular"}, "regular"),
        ("nightbot", {"moderator", "vip"}, "moderator"),
        ("nightbot", {"owner"}, "owner"),
        ("streamelements", {"vip"}, "400"),
        ("streamelements", {"custom"}, "100"),
    ],
)
def test_the_level_of_ranks(bot: str, ranks: set[str], level: str) -> None:
    assert level_of(bot, ranks) == level


def test_every_bot_has_a_level_for_owners() -> None:
    assert all(any("owner" in ranks for ranks in levels.values()) for levels in LEVELS.values())
