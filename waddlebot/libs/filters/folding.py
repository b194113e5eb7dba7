"""Text as it looks: what a reader takes for the same is the same here (docs/decisions/0017).

Four steps make a line its *folded* form. Unicode compatibility (NFKC: fullwidth, mathematical and circled letters)
and the confusables of UTS #39 (look-alikes of other scripts) make letters plain; marks and invisible characters
go; digits that stand for letters become them (``1`` and ``i`` are ``l``); spaces and punctuation go. Five signs
that stand for letters and for themselves stay as markers: ``! @ $ + *``.
"""

import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Mapping

import msgspec

_LEET = dict(zip("0123456789|i", "olzeasgtbgll", strict=True))
"""Digits and signs for the letters that they look like."""
MARKERS = {"!": "\x01", "@": "\x02", "$": "\x03", "+": "\x04", "*": "\x05"}
"""Signs that may be a letter or punctuation; what they may be a phrase's pattern knows."""
_KEPT = "abcdefghjklmnopqrstuvwxyz"
_EXTRA = dict(
    zip(
        "ß€£¢¥©®¡×†øðđβωδελημκπσθτχΛΣвнкмтияшцдлфпғ₳฿₱₮₦₩₴ᗩᗰᗝᖴᗴ",
        "belcycr!xtoddbwdeanuknootxaebhkmtnrwudlfnfabptnwsamofe",
        strict=True,
    )
)
"""Beyond the confusables of Unicode: what chat writes for letters."""
_NAMED = re.compile(
    r"(?:NEGATIVE (?:CIRCLED|SQUARED) |REGIONAL INDICATOR SYMBOL )?(?:LATIN )?(?:SMALL |CAPITAL )?LETTER "
    r"(?:SMALL CAPITAL )?(?:REVERSED |TURNED |OPEN |INSULAR |SCRIPT )?([A-Z])(?: WITH .*)?"
)
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f"
    "\ufe20-\ufe2f\U000e0100-\U000e01ef]"
)
"""Marks over and under letters. Vowel signs of Indic and Thai letters are no such marks: words differ by them."""
STACK_MARKS = re.compile("[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3,}")
"""More than two marks on one letter: no language needs the third (Vietnamese has two)."""
EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[#*0-9]\ufe0f?\u20e3|"
    "[\u203c\u2049\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\U0001f004-\U0001f0cf\U0001f170-\U0001f19a\U0001f201-\U0001f251"
    "\U0001f300-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*"
    "(?:\u200d[\u2600-\u27bf\U0001f300-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)
"""An emoji, with its skin tone and what is joined to it (UTS #51, as ranges)."""

_PARTS_OF_EMOJI = "\u20e3" + "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""The keycap, and the letters that two of make a flag."""
_CACHED_WORD_MAX = 40
_CACHED_MAX = 50_000


def _ascii_tables() -> tuple[bytes, bytes]:
    """The two tables of ASCII."""
    fold, drop = bytearray(range(256)), bytearray()
    for code in range(128):
        folded = _letter(chr(code).lower())
        if folded:
            fold[code] = ord(folded)
        else:
            drop.append(code)
    return bytes(fold), bytes(drop)


def _letter(character: str) -> str:
    """An ASCII character, lower case, folded."""
    if character in _KEPT:
        return character
    return MARKERS.get(character) or _LEET.get(character, "")


ASCII_FOLD, ASCII_DROP = _ascii_tables()
"""How ASCII is folded by ``bytes.translate``, and what of it goes."""


@functools.cache
def _confusables() -> Mapping[str, str]:
    """Characters and the ASCII letters, digits and signs that they are confused with, lower case.

    From Unicode's ``confusables.txt`` (UTS #39), as the package ``confusable_homoglyphs`` has it: pairs, both
    ways.
    """
    raw = (importlib.resources.files("confusable_homoglyphs") / "confusables.json").read_bytes()
    pairs = msgspec.json.decode(raw, type=dict[str, list[dict[str, str]]])
    found: dict[str, str] = {}
    for character, others in pairs.items():
        if len(character) != 1 or character.isascii():
            continue
        for other in others:
            plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", other["c"])).lower()
            if plain and plain.isascii() and any(c.isalnum() or c in MARKERS for c in plain):
                found[character] = "m" if plain == "rn" else plain
                break
    return found


def _plain(character: str) -> str:
    """A character as the plain, lower-case ones that it looks like; itself where it looks like none."""
    if character.isascii():
        return character.lower()
    extra = _EXTRA.get(character.lower())
    if extra is not None:
        return extra
    looks_like = _confusables().get(character)
    if looks_like is not None:
        return looks_like
    named = _NAMED.fullmatch(unicodedata.name(character, "").removeprefix("LATIN "))
    return named[1].lower() if named else character


def _folded(character: str) -> str:
    """One character, folded: empty where it goes."""
    spread = unicodedata.normalize("NFKD", character)
    # What is the same letter goes before what only looks like one: Unicode has ``rn`` for every ``m``.
    if not _ACCENTS.sub("", spread).isascii() and (character.lower() in _EXTRA or character in _confusables()):
        spread = character
    out = ""
    for one in _ACCENTS.sub("", spread):
        for plain in _plain(one):
            if plain.isascii():
                out += _letter(plain)
            elif unicodedata.category(plain)[0] in "LN" or unicodedata.category(plain) in ("Mn", "Mc"):
                out += plain.casefold()
    return out


class _Letters(dict[int, str]):
    """The fold of each character that was seen, for ``str.translate``: at most those that Unicode has."""

    def __missing__(self, code: int) -> str:
        self[code] = found = "" if 0xD800 <= code < 0xE000 else _folded(chr(code))
        return found


CAPITALS_AT, SYMBOLS_AT, EMOJI_AT, MARKS_AT, RUNS_AT, DOTS_AT = range(0, 60, 10)
PART = (1 << 10) - 1
"""What a line counts as, in one number that a machine word holds: from those bits on capitals, symbols, emoji (at
most: joined ones count each), marks, words with a run, and what may be a dot."""
COUNTED_MAX = 1_000
"""Characters of a line whose counts surely fit."""
RUN = re.compile(r"(\S)\1{3}")
RUN_MIN = 4
"""What counts as a run of the same character, at least."""
DOTS = ".\u2024\u2025\u2026\u3002\ufe19\ufe30\ufe52\uff0e\uff61\U0001f100" + "".join(
    map(chr, range(0x2488, 0x249C))
)
"""What NFKC or a browser makes a dot of."""
OVERRIDE = "\u202e"
"""Right-to-left override: what follows is shown backwards."""


class _Counts(dict[str, int]):
    """What each character that was seen counts as, in one number (see :data:`PART`)."""

    def __missing__(self, character: str) -> int:
        category, is_emoji = unicodedata.category(character), EMOJI.match(character) is not None
        self[character] = found = (
            (category == "Lu") << CAPITALS_AT
            | (category[0] in "PS" and not is_emoji) << SYMBOLS_AT
            | (is_emoji or character in _PARTS_OF_EMOJI) << EMOJI_AT
            | (category[0] == "M") << MARKS_AT
            | (character in DOTS or character == OVERRIDE) << DOTS_AT
        )
        return found


class _Folds(dict[str, str]):
    """The folds of words; those that come again are looked up."""

    def __init__(self, letters: _Letters) -> None:
        super().__init__()
        self._letters = letters

    def __missing__(self, word: str) -> str:
        found = word.translate(self._letters)
        if len(word) <= _CACHED_WORD_MAX:
            if len(self) >= _CACHED_MAX:
                self.clear()
            self[word] = found
        return found


class _Sums(dict[str, int]):
    """What the characters of words count as."""

    def __init__(self, counts: _Counts) -> None:
        super().__init__()
        self._counts = counts

    def __missing__(self, word: str) -> int:
        found = sum(map(self._counts.__getitem__, word))
        if RUN.search(word):
            found += 1 << RUNS_AT
        if len(word) <= _CACHED_WORD_MAX:
            if len(self) >= _CACHED_MAX:
                self.clear()
            self[word] = found
        return found


class Fold:
    """Folds lines. What it learned of characters and words it keeps, within bounds."""

    __slots__ = ("_folds", "_letters", "fold_word", "sum_word")

    def __init__(self) -> None:
        self._letters = _Letters()
        self._folds = _Folds(self._letters)
        self.fold_word = self._folds.__getitem__
        self.sum_word = _Sums(_Counts()).__getitem__

    def fold(self, text: str) -> str:
        """A line, folded."""
        return "".join(map(self.fold_word, text.split()))

    def traced(self, text: str) -> tuple[str, list[int]]:
        """A line, folded, and which character of the line each character of it came from."""
        letters, out, origin = self._letters, [], []
        for position, character in enumerate(text):
            folded = "" if character.isspace() else letters[ord(character)]
            out.append(folded)
            origin += [position] * len(folded)
        return "".join(out), origin


@functools.cache
def shared() -> Fold:
    """One for all communities of this process: most words are everybody's."""
    return Fold()
