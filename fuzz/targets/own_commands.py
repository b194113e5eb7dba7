"""How communities write their own commands and aliases: the grammars of several bots."""

from functools import cache

from waddlebot.action.interactive.alias import aliases, grammar
from waddlebot.action.interactive.alias.names import BuiltIns, Here
from waddlebot.action.interactive.alias.store import NAME_LENGTH_MAX, CommandAlias, CustomCommand, Made
from waddlebot.libs.access import levels
from waddlebot.libs.sdk import Rank, Refusal
from waddlebot.libs.sdk.discovery import discover

from fuzz.inputs import Input

DOOR = (
    "waddlebot.action.interactive.alias.grammar", "waddlebot.action.interactive.alias.aliases",
    "waddlebot.libs.access.levels",
)  # fmt: skip
SIZE_MAX = 600
TEXT_MAX = 5_000
SEEDS = (
    b"\0\0!hi -ul=moderator -cd=5 Hello $(user)",
    b"\0\0!hi -cd 5 -usercd 1m -level vip -type reply Hello ${user}", b"\0\0\"good morning\" hello there",
    b"\0\0!hi +m text", b"\0\0-p 1 -c !hi -r text -s", b"\0\0!hi -a=!help rank",
    b"\1\0!hi -cost 5 -count 3 -hide -disable -dialect se -headers on -maycommand on -bare", b"\0\7!hi -r=a b",
    b"\2\0greet='!hi {user}'", b"\2\0greet !hi {nope} {arg1}", b"\2\0x=\"#help\"", b"\2\0a good morning all",
    b"\2\0{user}={user}", b"\2\7!x !rank give {user} admin", b"\3\0moderator", b"\3\0>=vip", b"\x03\x00500",
    b"\3\0-regular",
)  # fmt: skip
WORDS = (
    "-cd ", "-usercd ", "-ul ", "-p ", "-cost ", "-type ", "-count ", "-dialect ", "-a ", "-c ", "-r ", "-s ",
    "-ul=", "-cd=", "--", "-bare", "-hide", "-show", "-enable", "-disable", "+m", "+u", "\"", "\\\"", "'", "=",
    "!", "#", "{user}", "{arg1}", "$(query)", "${1:}", "moderator", "vip", "everyone", "owner", "regular",
    "subscriber", "500", "1500", "5m", "1h30m", "99999999999999", "good morning", "greet", "hi", "help", "rank",
    "İ", "\u200b", "\u3000", "²", "٣",
)  # fmt: skip


@cache
def _here(prefix: str) -> Here:
    return Here(prefix, "#", BuiltIns(discover(), ()))


@cache
def _made() -> Made:
    commands = (
        CustomCommand("hi", "Hello"),
        CustomCommand("good morning", "Hello", bare=True, least=int(Rank.OWNER)),
    )
    alias = CommandAlias("greet", "hi {user}", "main", int(Rank.OWNER))
    return Made({command.name: command for command in commands}, {alias.name: alias})


def check(data: bytes) -> None:
    """What somebody writes is read or refused in words, and no alias calls what its maker may not use."""
    given = Input(data)
    door = given.choice((_edit, _options, _alias, _level))
    text = Input(data[2:]).texts(1)[0]
    try:
        door(given.long(text, TEXT_MAX))
    except Refusal as refusal:
        assert refusal.text


def _edit(text: str) -> None:
    edit = grammar.read(text)
    assert edit.text in text
    assert edit.text == edit.text.strip()
    name, _ = grammar.trigger(edit, "!")
    assert 0 < len(name) <= NAME_LENGTH_MAX
    assert name.isprintable()


def _options(text: str) -> None:
    assert not grammar.read(text, options_only=True).fields.get("may_command") or "maycommand" in text.lower()


def _alias(text: str) -> None:
    here, made = _here("!"), _made()
    typed, line = aliases.read(aliases.native(text))
    name = aliases.name_of(typed, here)
    alias = aliases.alias_of(name, line, here, made, int(Rank.VIEWER))
    aliases.unknown_places(line)
    aliases.leading_to(name, made)
    built_in = here.built_in.find(alias.line, community=alias.target == "community")
    if built_in is not None and alias.target != "bare":
        assert built_in.least & Rank.VIEWER, alias


def _level(text: str) -> None:
    mask = levels.mask_of(text)
    assert 0 < mask <= 127
    assert levels.in_words(mask)
