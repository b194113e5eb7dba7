"""The moderation corpus: labelled disguises of blocked phrases, and ordinary lines in two dozen languages.

The blocked phrases are harmless stand-ins. The disguises are made here, from tables of their own and not of the
engine's, the same ones each time; the ordinary lines are composed from ``fixtures/ordinary.txt``.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

BLOCKED = ("scamlink", "badword", "freecoins", "hatebird")
ALLOWED = ("youtube.com", "twitch.tv")
_PLACES = ("{}", "hey {} everyone", "this is {}!!", "what a {}, really?", "lol... {} lol")
_FIXTURE = Path(__file__).parent / "fixtures" / "ordinary.txt"

_CYRILLIC = str.maketrans("aceopxyikmnhtbsd", "асеорхуікмпнтЬѕԁ")
_GREEK = str.maketrans("aeiknoptuvwx", "αειкηορτυνωχ")
_LEET = str.maketrans("aeiosb", "431058")
_LEET_SIGNS = str.maketrans("aisc", "@!$¢")
_SMALL_CAPITALS = str.maketrans("abcdefhiklmnorstw", "ᴀʙᴄᴅᴇғʜɪᴋʟᴍɴᴏʀѕᴛᴡ")
_ACCENTED = str.maketrans("aceinorstbdw", "áçèíñöřşťḃďŵ")
_STROKED = str.maketrans("bdhilrto", "ƀđħɨłɍŧø")
_CHEROKEE = str.maketrans("abdehiklrsw", "ᎪᏏᎠᎬᎻᎥᏦᏞᎡᏚᏔ")


class Labelled(NamedTuple):
    """A line, and how the phrase in it is disguised."""

    technique: str
    text: str


def _between(*signs: str) -> Callable[[str, random.Random], str]:
    def disguise(word: str, rng: random.Random) -> str:
        return "".join(character + rng.choice(signs) for character in word[:-1]) + word[-1]

    return disguise


def _once(sign: str) -> Callable[[str, random.Random], str]:
    def disguise(word: str, rng: random.Random) -> str:
        at = rng.randrange(2, len(word) - 1)
        return word[:at] + sign + word[at:]

    return disguise


def _mapped(table: dict[int, int]) -> Callable[[str, random.Random], str]:
    return lambda word, rng: word.translate(table)


def _shifted(first: int) -> Callable[[str, random.Random], str]:
    return lambda word, rng: "".join(chr(first + ord(character) - ord("a")) for character in word)


def _stretched(word: str, rng: random.Random) -> str:
    return "".join(character * rng.randint(1, 5) for character in word)


def _mixed_case(word: str, rng: random.Random) -> str:
    return "".join(rng.choice((character, character.upper())) for character in word)


def _few(table: dict[int, int]) -> Callable[[str, random.Random], str]:
    def disguise(word: str, rng: random.Random) -> str:
        places = [at for at, character in enumerate(word) if ord(character) in table]
        at = rng.choice(places)
        return word[:at] + word[at].translate(table) + word[at + 1 :]

    return disguise


TECHNIQUES: dict[str, Callable[[str, random.Random], str]] = {
    "plain": lambda word, rng: word,
    "mixed case": _mixed_case,
    "confusables: Cyrillic": _mapped(_CYRILLIC),
    "confusables: one Cyrillic letter": _few(_CYRILLIC),
    "confusables: Greek": _mapped(_GREEK),
    "confusables: Cherokee": _mapped(_CHEROKEE),
    "confusables: small capitals": _mapped(_SMALL_CAPITALS),
    "confusables: strokes": _mapped(_STROKED),
    "mathematical bold": _shifted(0x1D41A),
    "mathematical script": _shifted(0x1D4D0 + 26),
    "mathematical monospace": _shifted(0x1D68A),
    "circled": _shifted(0x24D0),
    "parenthesised": _shifted(0x249C),
    "fullwidth": _shifted(0xFF41),
    "negative squared": lambda word, rng: "".join(chr(0x1F170 + ord(character) - ord("a")) for character in word),
    "regional indicators": lambda word, rng: "\u200b".join(chr(0x1F1E6 + ord(c) - ord("a")) for c in word),
    "zero-width": _between("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"),
    "soft hyphen": _between("\u00ad"),
    "one zero-width": _once("\u200b"),
    "tag characters": _between("\U000e0061"),
    "spacing": _between(" "),
    "wide spacing": _between("  ", "   "),
    "one space": _once(" "),
    "no-break spaces": _between("\u00a0", "\u2009"),
    "dots": _between("."),
    "mixed signs": _between("-", "_", ".", "~", "/"),
    "stars": _between("*"),
    "leet": _mapped(_LEET),
    "leet signs": _mapped(_LEET_SIGNS),
    "leet and spacing": lambda word, rng: " ".join(word.translate(_LEET)),
    "stretched": _stretched,
    "combining accents": _mapped(_ACCENTED),
    "combining strike": _between("\u0336"),
    "zalgo": _between("\u0335\u0317\u0301", "\u0336\u0322\u0308\u030a"),
    "emoji between": _between("😂", "❤️", "🔥"),
    "right-to-left override": lambda word, rng: f"\u202e{word[::-1]}\u202c",
    "right-to-left marks": _between("\u200f", "\u061c"),
    "digits behind": lambda word, rng: f"{word}{rng.randrange(1_000)}",
    "confusables and zero-width": lambda word, rng: "\u200b".join(word.translate(_CYRILLIC)),
}


def evasions() -> Iterator[Labelled]:
    """Lines that hold a blocked phrase in disguise."""
    rng = random.Random(4)
    for technique, disguise in TECHNIQUES.items():
        for word in BLOCKED:
            for place in rng.sample(_PLACES, 3):
                yield Labelled(technique, place.format(disguise(word, rng)))


def ordinary() -> Iterator[Labelled]:
    """Lines that nobody would mind, with their language."""
    for block in _FIXTURE.read_text(encoding="utf-8").split("\n# "):
        language, *rows = block.splitlines()
        beginnings = [part for row in rows if row.startswith("+") for part in row[1:].split(" | ")]
        endings = [part for row in rows if row and not row.startswith("+") for part in row.split(" | ")]
        for beginning in beginnings:
            for ending in endings:
                yield Labelled(language, f"{beginning.strip()} {ending.strip()}")
