"""Every level of every bot, and whom it lets in."""

import pytest

from waddlebot.libs.access.levels import exactly, in_words, mask_of, rank_named
from waddlebot.libs.sdk import Rank, Refusal
from waddlebot.libs.templates.levels import LEVELS

OWNER, ADMIN, MOD, VIP, SUB, REG = (
    int(rank) for rank in (Rank.OWNER, Rank.ADMIN, Rank.MODERATOR, Rank.VIP, Rank.SUBSCRIBER, Rank.REGULAR)
)
EDITORS = OWNER | ADMIN
STAFF = EDITORS | MOD
ALL = 127

TABLE = {
    "nightbot": {
        "owner": OWNER, "moderator": STAFF, "twitch_vip": STAFF | VIP, "soop_vip": STAFF | VIP,
        "regular": STAFF | VIP | REG, "subscriber": STAFF | VIP | REG | SUB, "everyone": ALL, "admin": 0,
    },
    "streamelements": {
        "2000": OWNER, "1000": EDITORS, "500": STAFF, "400": STAFF | VIP, "300": STAFF | VIP | REG,
        "250": STAFF | VIP | REG | SUB, "100": ALL,
    },
    "phantombot": {
        "0": OWNER, "1": EDITORS, "2": STAFF, "3": STAFF | SUB, "4": STAFF | SUB, "5": STAFF | SUB | VIP,
        "6": STAFF | SUB | VIP | REG, "7": ALL, "30": 0, "99": 0,
    },
    "phantombot_swapped": {
        "0": OWNER, "1": EDITORS, "2": STAFF, "3": STAFF | VIP, "4": STAFF | VIP, "5": STAFF | SUB | VIP,
        "6": STAFF | SUB | VIP | REG, "7": ALL, "30": 0, "99": 0,
    },
    "slcb": {
        "streamer": OWNER, "+e": EDITORS, "+m": STAFF, "vip": STAFF | VIP, "+r": STAFF | REG, "+s": STAFF | SUB,
        "+gw": STAFF | SUB, "+a": ALL,
    },
    "twir": {
        "BROADCASTER": OWNER, "MODERATOR": OWNER | MOD, "VIP": OWNER | VIP, "SUBSCRIBER": OWNER | SUB,
        "VIEWER": ALL,
    },
}  # fmt: skip


def test_the_table_has_every_level_there_is() -> None:
    assert {bot: set(levels) for bot, levels in TABLE.items()} == {
        bot: set(found) for bot, found in LEVELS.items()
    }


@pytest.mark.parametrize(
    ("bot", "level", "mask"),
    [(bot, level, mask) for bot, levels in TABLE.items() for level, mask in levels.items()],
)
def test_a_level_lets_in_whom_that_bot_would_have_let_in(bot: str, level: str, mask: int) -> None:
    typed = f"{bot}:{level}"
    if mask:
        assert mask_of(typed) == mask
    else:
        with pytest.raises(Refusal, match="lets nobody in"):
            mask_of(typed)


def test_a_regular_is_what_each_bot_means() -> None:
    assert mask_of("phantombot:regular") & SUB, "a subscriber stands above PhantomBot's regular"
    assert not mask_of("nightbot:regular") & SUB, "and below Nightbot's"
    assert mask_of("streamelements:supermoderator") == EDITORS
    assert mask_of("twir:vip") == OWNER | VIP


def test_a_bot_is_told_which_levels_it_has() -> None:
    with pytest.raises(Refusal, match=r"nightbot has no level sultan\. Its levels are: owner, moderator"):
        mask_of("nightbot:sultan")


@pytest.mark.parametrize(
    ("word", "mask"),
    [("everyone", 1), ("sub", SUB), ("vip,sub", VIP | SUB), ("mod", MOD), ("2", STAFF), ("phantombot:6", 127 - 1)],
)
def test_a_rank_that_is_denied_is_that_rank_alone(word: str, mask: int) -> None:
    assert exactly(word) == mask
    assert in_words(mask)


@pytest.mark.parametrize(
    ("word", "rank"),
    [
        ("VIP", Rank.VIP), ("twitch_vip", Rank.VIP), ("5", Rank.VIP), ("reg", Rank.REGULAR), ("6", Rank.REGULAR),
        ("3", Rank.SUBSCRIBER), ("mod", Rank.MODERATOR), ("2", Rank.MODERATOR), ("1", Rank.ADMIN),
        ("administrator", Rank.ADMIN), ("supermoderator", Rank.ADMIN), ("0", Rank.OWNER), ("caster", Rank.OWNER),
        ("broadcaster", Rank.OWNER), ("7", Rank.VIEWER), ("all", Rank.VIEWER), ("4", None), ("sultan", None),
    ],
)  # fmt: skip
def test_the_rank_that_a_word_means(word: str, rank: Rank | None) -> None:
    assert rank_named(word) == rank
