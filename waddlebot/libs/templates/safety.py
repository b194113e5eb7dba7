"""The last gate before chat: a reply says things, and commands nobody.

Somebody's words are in most replies, and what they typed must not make us run `/ban` or make another bot obey us,
who often are a moderator. Two things are done, to what is ordinary text nothing:

1. Characters that break a line, a protocol or the reading order are taken out: controls, line and paragraph
   separators, and overrides of writing direction (Unicode TR 36, "bidirectional text spoofing"). Joiners inside a
   text stay, for emoji and Persian need them; before it, all that is invisible goes.
2. A text that begins like a command gets a visible `»` before it. A space or a zero-width character would not do,
   since bots trim their input and platforms drop them; and taking the prefix away would change what was said.

What begins like a command? Compared as it is and in NFKC form, in which `！` is `!`:

- Our community's own prefixes before a letter or digit, with or without a space between: also `#1`, for it
  costs a mark.
- `!`, `/` and `.` alone before a word (`/w` whispers), the other usual prefixes alone before a word of two
  letters; that spares `\\o/`, `;P` and `>w<`. Digits after them are a number (`-5 °C`, `$5`, `.5`), except after
  `!` and `/`, which no number has. A run such as `...well` or `:)` is punctuation, but for the pairs that bots
  do use (`!!`, `//`, `>>`, `??`, `--`).
- A sign that closes again is emphasis or a name: `*hugs*`, `~yay~`, `<Ann> hello`.
- The same after mentions (`@name, !so`): platforms put the mention before a reply and bots skip it.
- The same after `/me` and `/announce…`, which alone may begin with a slash (as Nightbot allows on Twitch).
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

USUAL_PREFIXES = frozenset("!#")
"""The command prefixes of most communities: for where a reply passes that was made safe for its own one before."""

MARK = "» "
"""Put before what begins like a command: visible, in every font, and no bot's prefix."""

_LINES = re.compile(r"[\r\n\v\f\x85\u2028\u2029]+")
# Controls, direction overrides, embeddings and isolates, the BOM, interlinear marks, halves of surrogate pairs.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]+")
# Invisible, and yet letters or symbols to Unicode: fillers, Braille blank, grapheme joiner, vowel separators.
_BLANKS = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MENTION = re.compile(r"@[^\s,:;@]{1,64}[,:;]?\s*")
_ALLOWED = re.compile(r"/(?:me|announce(?:blue|green|orange|purple)?)(?:\s+|$)", re.IGNORECASE)

_USUAL = "!/.#?$%&+-~;,<>=^*\\|_:@'\"`({["
_USUAL_RUNS = frozenset({*"!/.#?$%&+-~;,<>=^*\\|", "!!", "//", ">>", "??", "$$", "++", "--", "~~"})
_BEFORE_DIGITS = frozenset({"!", "!!", "/", "//"})
_BEFORE_LETTERS = frozenset({"!", "/", "."})
_CLOSING = {"*": "*", "~": "~", "~~": "~~", "<": ">"}
_WORD = re.compile(r"[^\W_]")
_MENTIONS_MAX = 5
_START_MAX = 80


def safe_reply(text: str, prefixes: frozenset[str], *, may_command: bool = False) -> str:
    """The text, made unable to act as a command of ours or of another bot.

    Args:
        text: A rendered reply.
        prefixes: The community's command prefixes.
        may_command: The reply is marked "may run commands": it may begin like one, and is still one clean line.

    Returns:
        One line; the same object if there was nothing to do.
    """
    first = text[:1]
    if first.isalnum() and first not in _firsts(prefixes) and text.isprintable() and first.isascii():
        return text
    clean = _clean(text)
    return clean if may_command else _neutral(clean, prefixes)


@lru_cache(maxsize=256)
def _firsts(prefixes: frozenset[str]) -> frozenset[str]:
    return frozenset(letter for prefix in prefixes for letter in (prefix[:1].lower(), prefix[:1].upper()))


def _clean(text: str) -> str:
    if not text.isprintable():
        text = _HARMFUL.sub("", _LINES.sub(" ", text))
    return text[_invisible_run(text, 0) :].rstrip()


def _is_invisible(char: str) -> bool:
    if char.isspace() or char in _BLANKS:
        return True
    # Format characters, separators, and marks with nothing to sit on (variation selectors among them).
    return unicodedata.category(char) in {"Cf", "Cc", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"}


def _neutral(text: str, prefixes: frozenset[str]) -> str:
    for at in _places(text):
        if _is_command(text, at, prefixes):
            gap = " " if at and not text[at - 1].isspace() else ""  # or the mark would be of the mention
            return text[:at] + gap + MARK + text[at:]
    return text


def _places(text: str) -> Iterator[int]:
    """Where a command may begin: at the start or after what is allowed there, and after each mention."""
    allowed = _ALLOWED.match(text)
    at = 0 if allowed is None else allowed.end()
    for _ in range(_MENTIONS_MAX):
        at += _invisible_run(text, at)
        yield at
        mention = _MENTION.match(text, at)
        if mention is None:
            return
        # To who reads NFKC, in which some letters and accents are a space, it ends there.
        yield from (place for place in range(at, mention.end()) if _begins_with_space(text[place]))
        at = mention.end()


def _begins_with_space(char: str) -> bool:
    return not char.isascii() and unicodedata.normalize("NFKC", char)[0] == " "


def _invisible_run(text: str, at: int) -> int:
    end = at
    while end < len(text) and not "!" <= text[end] <= "~" and _is_invisible(text[end]):
        end += 1
    return end - at


def _starts(text: str, at: int) -> Iterator[str]:
    """The next characters that are seen, enough of them to tell a command: as they are, and in NFKC form."""
    start = _visible(text[at : at + _START_MAX])
    if len(start) < _START_MAX // 2 and len(text) > at + _START_MAX:  # so much is hidden that we must look further
        start = _visible(text[at:])[:_START_MAX]
    yield start
    normal = _visible(unicodedata.normalize("NFKC", start)).lstrip()  # of `´` a space and a mark are made
    if normal != start:
        yield normal


def _visible(text: str) -> str:
    return "".join([char for char in text if char == " " or not _is_invisible(char)])


def _is_command(text: str, at: int, prefixes: frozenset[str]) -> bool:
    first = text[at : at + 1]
    if first.isalnum() and first.isascii() and first not in _firsts(prefixes):
        return False
    return any(_calls(start, prefixes) for start in _starts(text, at))


def _calls(plain: str, prefixes: frozenset[str]) -> bool:
    folded = plain.lower()
    for prefix in prefixes:
        if prefix and folded.startswith(prefix.lower()):
            rest = plain[len(prefix) :].lstrip(" " + prefix)
            if _WORD.match(rest):
                return True
    run = plain[: len(plain) - len(plain.lstrip(_USUAL))]
    if run not in _USUAL_RUNS:
        return False
    rest = plain[len(run) :]
    word = rest.split(" ", 1)[0]
    if not _WORD.match(word) or _CLOSING.get(run, "\0") in rest:
        return False
    if word[0].isdigit():
        return run in _BEFORE_DIGITS
    return run in _BEFORE_LETTERS or word[1:2].isalnum()
