"""How people of several bots write commands: one reader for the grammars in the guide.

    Nightbot       !commands add|edit|delete !name [-ul=LEVEL] [-cd=SECONDS] [-a=!alias] TEXT
    StreamElements !command add|edit|options !name [-cd 5] [-level vip] … TEXT
    PhantomBot     !addcom NAME TEXT
    Firebot        !command add !name|"some words" TEXT
    Streamlabs     !command add !name +m TEXT
    sogeBot        !command add -p LEVEL -c !name -r TEXT

They differ in where options stand and how values are joined to them, so all forms are taken everywhere.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from waddlebot.action.interactive.alias.store import COOLDOWN_S_MAX, COST_MAX, NAME_LENGTH_MAX
from waddlebot.libs.access import levels
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.sdk.options import Word, switch, value_of, word_at
from waddlebot.libs.templates import Dialect
from waddlebot.libs.templates.levels import LEVELS, SLCB_CONDITIONS

COUNT_MAX = 999_999_999_999
"""Largest value that a counter may be set to."""


@dataclasses.dataclass(slots=True)
class Edit:
    """What somebody wrote: which command, its text if any, and changed fields of ``CustomCommand``.

    ``count`` is a new value of its counter and ``alias`` the command whose input the text is to be.
    """

    name: str = ""
    quoted: bool = False
    text: str = ""
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    count: int | None = None
    alias: str = ""


def read(raw: str, *, options_only: bool = False) -> Edit:
    """Read what follows ``!command add``, ``!addcom`` and the like. Raises ``Refusal`` for a value that is wrong.

    Words that look like options but are none belong to the text; with ``options_only`` they are refused.
    """
    edit, at = Edit(), 0
    while (word := word_at(raw, at)) is not None:
        level = word.text if edit.name and word.text.startswith("+") and not word.quoted else ""
        if word.option in ("r", "response"):
            edit.text = f"{word.value or ''}{raw[word.end :]}".strip()
            break
        if word.option in _OPTIONS:
            at = _take(edit, word, raw)
        elif level in LEVELS["slcb"]:
            edit.fields["least"], at = levels.mask_of(level), word.end
        elif level in SLCB_CONDITIONS:
            raise Refusal(f"{level} asks for time or points, which commands here cannot.")
        elif not edit.name:
            edit.name, edit.quoted, at = word.text, word.quoted, word.end
        elif options_only:
            raise Refusal(f"There is no option {word.text}. Options are: {OPTIONS}.")
        else:
            edit.text = raw[at:].strip()
            break
    return edit


def _take(edit: Edit, option: Word, raw: str) -> int:
    """Take an option with its value; where the text goes on."""
    wants, take = _OPTIONS[option.option]
    value, end = value_of(option, raw, wants)
    take(edit, value)
    return end


def seconds(text: str) -> float:
    """A cooldown such as ``30`` or ``5m`` in seconds. Raises ``Refusal``."""
    try:
        value = parse_duration(text)
    except ValueError:
        value = COOLDOWN_S_MAX + 1
    if value > COOLDOWN_S_MAX:
        raise Refusal(f"{text} is no cooldown. Write a time such as 30, 5m or 1h, of a week at most.")
    return value


def whole_number(text: str, most: int) -> int:
    """A number from 0 to ``most``. Raises ``Refusal``."""
    if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) > most:
        raise Refusal(f"{text} is no number from 0 to {most}.")
    return int(text)


def _field(name: str, value: Callable[[str], Any]) -> Callable[[Edit, str], None]:
    def take(edit: Edit, text: str) -> None:
        edit.fields[name] = value(text)

    return take


def _reply(text: str) -> str:
    if text.lower() not in ("say", "reply", "whisper", "default"):
        raise Refusal(f"A command answers by say, reply or whisper, not {text}.")
    return text.lower().replace("default", "")


def _dialect(text: str) -> str:
    known = {"se": "streamelements", "nb": "nightbot", "waddlebot": "native"} | {str(d): str(d) for d in Dialect}
    if text.lower() not in known:
        raise Refusal(f"Variables are written as in nightbot, streamelements or native, not {text}.")
    return known[text.lower()]


def _name(edit: Edit, text: str) -> None:
    edit.name = text


def _count(edit: Edit, text: str) -> None:
    edit.count = whole_number(text, COUNT_MAX)


def _alias(edit: Edit, text: str) -> None:
    edit.alias = text


def _nothing(edit: Edit, text: str) -> None:
    """sogeBot's "stop if executed": there is one command to a line here."""


type Option = tuple[str, Callable[[Edit, str], None]]

_TIME = "seconds, or a time such as 5m"
_LEVEL: Option = ("a level such as moderator", _field("least", levels.mask_of))
_COOLDOWN: Option = (_TIME, _field("cooldown_s", seconds))

# What an option asks for (empty: it stands alone), and what it does.
_OPTIONS: dict[str, Option] = {
    "cd": _COOLDOWN,
    "cooldown": _COOLDOWN,
    "usercd": (_TIME, _field("user_cooldown_s", seconds)),
    "level": _LEVEL,
    "ul": _LEVEL,
    "userlevel": _LEVEL,
    "p": _LEVEL,
    "cost": ("points", _field("cost", lambda text: whole_number(text, COST_MAX))),
    "type": ("say, reply or whisper", _field("reply", _reply)),
    "enable": ("", _field("enabled", lambda text: True)),
    "disable": ("", _field("enabled", lambda text: False)),
    "hide": ("", _field("hidden", lambda text: True)),
    "show": ("", _field("hidden", lambda text: False)),
    "count": ("a number", _count),
    "dialect": ("nightbot, streamelements or native", _field("dialect", _dialect)),
    "headers": ("on or off", _field("tell_identity", switch)),
    "maycommand": ("on or off", _field("may_command", switch)),
    "bare": ("", _field("bare", lambda text: True)),
    "a": ("a command", _alias),
    "alias": ("a command", _alias),
    "c": ("a name", _name),
    "s": ("true or false", _nothing),
}

OPTIONS = "-cd -usercd -level -cost -type -enable -disable -hide -show -count -dialect -headers -maycommand"


def trigger(edit: Edit, prefix: str, *, bare_without_prefix: bool = False) -> tuple[str, bool]:
    """The command's name and whether it is typed as it is, without our prefix. Raises ``Refusal``.

    Bare are quoted words, names that begin with another sign, those told so by ``-bare``, and those without prefix
    in Nightbot's ``!commands add``.
    """
    name = " ".join(edit.name.lower().split())
    if name.startswith(prefix) and " " not in name and not edit.fields.get("bare"):
        name, bare = name[len(prefix) :], False
    else:
        told = bare_without_prefix or edit.quoted or bool(edit.fields.get("bare"))
        bare = told or " " in name or not name[:1].isalnum()
    check_name(name, bare)
    return name, bare


def check_name(name: str, bare: bool) -> None:
    """Raise ``Refusal`` for what cannot be a command's name."""
    wellformed = name and len(name) <= NAME_LENGTH_MAX and name.isprintable() and " ".join(name.split()) == name
    if not wellformed or name != name.lower() or (" " in name and not bare):
        raise Refusal(f"A command has a name of 1 to {NAME_LENGTH_MAX} characters, such as hello.")


def plain_name(typed: str, prefix: str) -> str:
    """The name that somebody means, however they typed it."""
    return " ".join(typed.strip().strip('"').lower().split()).removeprefix(prefix)
