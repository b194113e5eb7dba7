"""Options among the words of a command, in the ways people of several bots type them.

    Nightbot         -cd=30
    StreamElements   -cd 30 or, where it stands alone, -enable

Which options there are and what they do is each command's own business.
"""

import re
from typing import NamedTuple

from waddlebot.libs.sdk.reply import Refusal

_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+))')
_OPTION = re.compile(r"--?([a-z_]+)(?:=(.*))?", re.IGNORECASE | re.DOTALL)
_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


class Word(NamedTuple):
    """A word without its quotes, and where the text goes on behind it.

    ``option`` is the name of the option that it looks like, in lower case; empty where it looks like none or is in
    quotes. ``value`` is what the word holds behind a ``=``, None without one.
    """

    text: str
    end: int
    quoted: bool = False
    option: str = ""
    value: str | None = None


def word_at(raw: str, at: int = 0) -> Word | None:
    """The next word of a text from a position on; None where there is none."""
    found = _WORD.match(raw, at)
    if found is None:
        return None
    if found[1] is not None:
        return Word(re.sub(r"\\(.)", r"\1", found[1]), found.end(), quoted=True)
    option = _OPTION.fullmatch(found[2])
    if option is None:
        return Word(found[2], found.end())
    return Word(found[2], found.end(), option=option[1].lower(), value=option[2])


def value_of(option: Word, raw: str, wants: str) -> tuple[str, int]:
    """An option's value, behind its ``=`` or the next word, and where the text goes on.

    ``wants`` says what the value is; empty for an option that stands alone. Raises :class:`Refusal` where it is
    missing.
    """
    if not wants or option.value is not None:
        return option.value or "", option.end
    following = word_at(raw, option.end)
    if following is None:
        raise Refusal(f"-{option.option} needs a value: {wants}.")
    return following.text, following.end


def switch(text: str) -> bool:
    """``on`` or ``off`` and the like. Raises :class:`Refusal`."""
    if text.lower() not in _SWITCH:
        raise Refusal(f"It is on or off, not {text}.")
    return _SWITCH[text.lower()]
