"""Blocklists: phrases, found however they are disguised (docs/decisions/0017).

A phrase is folded as lines are, and each of its letters becomes an expression: the letter as often as somebody
likes, a sign that stands for it, and signs in between. All phrases are one RE2 Set over the folded line. What it
finds is looked at again in the line as it was typed: whether a word ends there, and whether spaces are a disguise
or a coincidence.
"""

import unicodedata
from collections.abc import Iterator, Sequence

import re2

from waddlebot.libs.filters.folding import MARKERS, Fold
from waddlebot.libs.sdk import Phrase

SPACED_LENGTH_MIN = 6
"""Letters from which a phrase is also found in few pieces (``free coi ns``); shorter ones letter by letter alone,
or ``as shown`` would be found for its first three."""
PHRASE_LENGTH_MIN = 2
_TRIES_MAX = 200
_RUN_MAX = 20
_ANY_S_MAX = 20
"""Characters that a ``*`` of a phrase stands for at most."""
_SIGN = "[\x01-\x05]"
_MAY_BE = {"l": "l\x01", "a": "a\x02\x05", "s": "s\x03", "t": "t\x04", "e": "e\x05", "o": "o\x05", "u": "u\x05"}
"""Letters, and signs that stand for them; ``*`` stands for any vowel."""


def literals_of(text: str) -> list[str]:
    """A phrase's parts between its ``*``, with nothing that folding drops."""
    return [part for part in text.split("*") if part]


def folded_length(text: str, fold: Fold) -> int:
    """How many characters of a phrase's longest part are looked for: too few would be found in every line."""
    return max((len(fold.fold(part)) for part in literals_of(text)), default=0)


class _Compiled:
    """One phrase, ready to be looked for."""

    __slots__ = ("at_end", "at_start", "gate", "has_space", "kind", "length", "pattern", "phrase")

    def __init__(self, phrase: Phrase, fold: Fold) -> None:
        parts = [_expression(part, fold) for part in phrase.text.split("*")]
        self.phrase = phrase
        self.gate = max(parts, key=len)
        self.pattern = re2.compile(f".{{0,{_ANY_S_MAX}}}?".join(part for part in parts if part), _options())
        self.length = len(fold.fold(phrase.text.replace("*", "")))
        self.has_space = len(phrase.text.split()) > 1
        # Where words are not parted by spaces there is no telling where one ends.
        bounded = phrase.kind == "word" and not any(map(_is_unspaced, phrase.text))
        self.at_start = bounded and bool(parts[0])
        self.at_end = bounded and bool(parts[-1])


class Blocklist:
    """Compiled phrases."""

    __slots__ = ("_compiled", "_fold", "gates")

    def __init__(self, phrases: Sequence[Phrase], fold: Fold) -> None:
        """Compile. Phrases of which folding leaves less than two characters are left out."""
        self._fold = fold
        self._compiled = [
            _Compiled(phrase, fold) for phrase in phrases if folded_length(phrase.text, fold) >= PHRASE_LENGTH_MIN
        ]
        self.gates = [compiled.gate for compiled in self._compiled]
        """For each phrase an expression that every folded line matches in which the phrase is."""

    def find(self, text: str, candidates: Sequence[int]) -> Phrase | None:
        """The first of some phrases that is in a line as it was typed."""
        folded, origin = self._fold.traced(text)
        for number in sorted(candidates):
            compiled = self._compiled[number]
            start = 0
            for _ in range(_TRIES_MAX):
                found = compiled.pattern.search(folded, start)
                if found is None:
                    break
                if any(
                    _stands(compiled, text, origin[found.start()], origin[end - 1] + 1)
                    for end in _ends(compiled, folded, found.start(), found.end())
                ):
                    return compiled.phrase
                start = found.start() + 1
        return None


def _ends(compiled: _Compiled, folded: str, start: int, end: int) -> Iterator[int]:
    """Where a match may end: its last letter may have been taken from the word behind it, as in ``badword
    done``."""
    yield end
    first = max(start + 1, end - _RUN_MAX)
    while end - 1 > first and folded[end - 1] == folded[end - 2]:
        end -= 1
        if compiled.pattern.fullmatch(folded[start:end]):
            yield end


def _stands(compiled: _Compiled, text: str, start: int, end: int) -> bool:
    """Whether what was found folded is the phrase in the line as typed, from ``start`` to ``end``."""
    pieces = text[start:end].split()
    if len(pieces) > 1 and not compiled.has_space:
        # Spaces that the phrase does not have: a disguise only where words begin and end with the phrase.
        if "*" in compiled.phrase.text or compiled.length <= PHRASE_LENGTH_MIN:
            return False
        if compiled.length < SPACED_LENGTH_MIN and any(_letters(piece) > 1 for piece in pieces):
            return False
        return not _goes_on(text, start, -1) and not _goes_on(text, end - 1, 1)
    return not (compiled.at_start and _goes_on(text, start, -1)) and not (
        compiled.at_end and _goes_on(text, end - 1, 1)
    )


def _letters(piece: str) -> int:
    return sum(character.isalnum() for character in piece)


def _goes_on(text: str, position: int, step: int) -> bool:
    """Whether the word goes on behind a position, or before it: digits alone, which anybody may add, do not
    count."""
    position += step
    while 0 <= position < len(text):
        character = text[position]
        category = unicodedata.category(character)
        if category[0] == "L" or category == "Mc":
            return True
        if not character.isdigit() and category not in ("Mn", "Me", "Cf"):
            return False
        position += step
    return False


def _expression(part: str, fold: Fold) -> str:
    """A part of a phrase as an RE2 expression over folded lines; empty where folding leaves nothing of it."""
    out: list[str] = []
    for character in part:
        forms = sorted({fold.fold(character.lower()), fold.fold(character.upper())} - {""})
        if forms:
            out.append(f"(?:{'|'.join(''.join(map(_one, form)) for form in forms)})")
    return f"{_SIGN}*".join(out)


def _one(character: str) -> str:
    if character in MARKERS.values():
        return f"{_SIGN}"
    if character == "w":
        return f"(?:w+|v{_SIGN}*v+)"
    may_be = _MAY_BE.get(character, "")
    return f"[{may_be}]+" if may_be else f"{re2.escape(character)}+"


def _is_unspaced(character: str) -> bool:
    """Whether a character is of a script that writes words without spaces."""
    return unicodedata.name(character, "").startswith(
        ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
    )


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    return options
