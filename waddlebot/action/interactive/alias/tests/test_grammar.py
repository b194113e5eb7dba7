"""What people of several bots type, and what is understood."""

from typing import Any

import pytest

from waddlebot.action.interactive.alias import aliases, grammar
from waddlebot.libs.access import levels
from waddlebot.libs.sdk import Rank, Refusal, UsageError, admits

STAFF = admits(Rank.MODERATOR)
EVERYONE = admits(Rank.VIEWER)


@pytest.mark.parametrize(
    ("typed", "name", "text", "fields"),
    [
        # Nightbot
        ("!hi Hello $(user)", "!hi", "Hello $(user)", {}),
        ("!hi -cd=30 -ul=moderator Hello", "!hi", "Hello", {"cooldown_s": 30.0, "least": STAFF}),
        ("-ul=regular -cd=5 !hi Hello", "!hi", "Hello", {"cooldown_s": 5.0, "least": STAFF | 2 | 8}),
        ("!hi -ul=everyone -cd=0 Hello", "!hi", "Hello", {"cooldown_s": 0.0, "least": EVERYONE}),
        ("!lurk /me sees $(user) lurking", "!lurk", "/me sees $(user) lurking", {}),
        # StreamElements
        ("!hi -cd 5 -usercd 10 -level vip Hi", "!hi", "Hi",
         {"cooldown_s": 5.0, "user_cooldown_s": 10.0, "least": STAFF | Rank.VIP}),
        ("!hi -cost 50 -type whisper Hi", "!hi", "Hi", {"cost": 50, "reply": "whisper"}),
        ("!hi -level 250", "!hi", "", {"least": STAFF | 2 | 4 | 8}),
        ("!hi -level supermoderator -disable", "!hi", "", {"least": admits(Rank.ADMIN), "enabled": False}),
        # PhantomBot
        ("hi Hello (sender)", "hi", "Hello (sender)", {}),
        # Firebot
        ('"good morning" Morning, $(user)!', "good morning", "Morning, $(user)!", {}),
        (r'"say \"x\"" y', 'say "x"', "y", {}),
        # Streamlabs Chatbot
        ("!hi +m Hello $username", "!hi", "Hello $username", {"least": STAFF}),
        ("!hi +a Hello", "!hi", "Hello", {"least": EVERYONE}),
        # sogeBot
        ("-p viewers -s true -c !hi -r Hello $sender -r", "!hi", "Hello $sender -r", {"least": EVERYONE}),
        # words that only look like options belong to the text
        ("!temp -5 degrees", "!temp", "-5 degrees", {}),
        ("!dash -wow- nice", "!dash", "-wow- nice", {}),
        ("!vip vip +m $(1)", "!vip", "vip +m $(1)", {}),
        ("!rank rank up", "!rank", "rank up", {}),
        ("!two  spaces   stay", "!two", "spaces   stay", {}),
        ("", "", "", {}),
    ],
)  # fmt: skip
def test_grammars(typed: str, name: str, text: str, fields: dict[str, Any]) -> None:
    edit = grammar.read(typed)
    assert (edit.name, edit.text, edit.fields) == (name, text, fields)


def test_a_count_and_an_alias_are_read() -> None:
    assert grammar.read("!hi -count 12").count == 12
    edit = grammar.read("-a=!poll !ask Which? | a | b")
    assert (edit.name, edit.alias, edit.text) == ("!ask", "!poll", "Which? | a | b")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("!hi -cd=soon x", "no cooldown"),
        ("!hi -cd=8d x", "a week at most"),
        ("!hi -cost -1 x", "no number"),
        ("!hi -count 9999999999999", "no number"),
        ("!hi -level emperor x", "Levels are: everyone, owner"),
        ("!hi -type shout x", "say, reply or whisper"),
        ("!hi -dialect klingon x", "nightbot, streamelements or native"),
        ("!hi -maycommand maybe x", "on or off"),
        ("!hi +p 100", "asks for time or points"),
        ("!hi -cd", "needs a value"),
    ],
)
def test_wrong_values_say_what_they_take(typed: str, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        grammar.read(typed)


def test_options_alone_take_no_text() -> None:
    with pytest.raises(Refusal, match="no option hello"):
        grammar.read("!hi -cd 5 hello", options_only=True)


@pytest.mark.parametrize(
    ("typed", "prefix", "nightbot", "name", "bare"),
    [
        ("!Hi x", "!", False, "hi", False),
        ("hi x", "!", False, "hi", False),
        ("hi x", "!", True, "hi", True),
        ("!hi x", "!", True, "hi", False),
        ("?hi x", "?", False, "hi", False),
        ("!hi x", "?", False, "!hi", True),
        ('"Good  Morning" x', "!", False, "good morning", True),
        ('"hi" x', "!", False, "hi", True),
        ("-bare gg x", "!", False, "gg", True),
        ("!🎉 x", "!", False, "🎉", False),
    ],
)
def test_triggers(typed: str, prefix: str, nightbot: bool, name: str, bare: bool) -> None:
    assert grammar.trigger(grammar.read(typed), prefix, bare_without_prefix=nightbot) == (name, bare)


@pytest.mark.parametrize("name", ["!", "", "a" * 101, "a\u202eb"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(Refusal, match="1 to 100 characters"):
        grammar.trigger(grammar.Edit(name), "!")


@pytest.mark.parametrize(
    ("level", "mask"),
    [
        ("everyone", 127), ("all", 127), ("100", 127), ("7", 127), ("+a", 127),
        ("subscriber", STAFF | 2 | 4 | 8),  # Nightbot's: regulars and VIPs stand above
        ("3", STAFF | 4),  # PhantomBot's: they stand below
        ("twitch_vip", STAFF | 8), ("vip", STAFF | 8), ("Mod", STAFF), ("500", STAFF), ("2", STAFF),
        ("admin", admits(Rank.ADMIN)), ("1000", admits(Rank.ADMIN)), ("1", admits(Rank.ADMIN)),
        ("owner", 64), ("broadcaster", 64), ("0", 64), ("2000", 64), ("streamer", 64),
        ("Sub,Mod", STAFF | 2 | 4 | 8), ("vip, streamer", STAFF | 8),
    ],
)  # fmt: skip
def test_levels(level: str, mask: int) -> None:
    assert levels.mask_of(level) == mask


@pytest.mark.parametrize("level", ["", "99", "30", "donator-ish", "4000"])
def test_a_level_that_nobody_knows_lets_nobody_in(level: str) -> None:
    with pytest.raises(Refusal, match="no level"):
        levels.mask_of(level)


@pytest.mark.parametrize(
    ("mask", "said"),
    [(127, "everyone"), (STAFF, "moderator"), (STAFF | 8, "vip"), (STAFF | 12, "vip, subscriber"), (96, "admin"),
     (64, "owner"), (0, "nobody")],
)  # fmt: skip
def test_levels_in_words(mask: int, said: str) -> None:
    assert levels.in_words(mask) == said


@pytest.mark.parametrize(
    ("typed", "name", "line"),
    [
        ("greet !hi", "greet", "!hi"),
        ('greet "!hi"', "greet", "!hi"),
        ("greet='!hi {user}'", "greet", "!hi {user}"),
        ("!greet=hi there", "!greet", "hi there"),
        ("""say !echo "it's" """, "say", """!echo "it's\""""),
        ("""q '!a' and '!b'""", "q", "'!a' and '!b'"),
        ("w !x a=b", "w", "!x a=b"),
    ],
)
def test_aliases_are_read(typed: str, name: str, line: str) -> None:
    assert aliases.read(typed) == (name, line)


@pytest.mark.parametrize("typed", ["", "greet", "greet=", "=hi"])
def test_half_an_alias_says_how_to_write_one(typed: str) -> None:
    with pytest.raises(UsageError, match="alias add <name>"):
        aliases.read(typed)


def test_variables_of_other_bots_in_aliases() -> None:
    text = "!poll $(query) $(1) ${2} $(1:) $(user) $(1|sender) $(urlfetch x)"
    assert aliases.native(text) == "!poll {args} {arg1} {arg2} {args} {user} {touser} $(urlfetch x)"
    assert aliases.unknown_places("so {arg1} {arg12} {x}") == ["{arg12}", "{x}"]
