"""Many rules compiled to few look-ups, once for all communities that have the same."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ahocorasick_rs

from waddlebot.libs.matching.pattern import Kind
from waddlebot.libs.matching.required import required_text
from waddlebot.libs.matching.sets import expression_sets

type Pattern = tuple[Kind, str, bool]
"""Kind, pattern, and whether capitals matter."""

type _Found = list[int]

_GATE = -1
"""In place of a rule's position: a text without which none of the gated expressions matches."""


class _Literals:
    """Texts to be found within a line: ``contains`` as they stand, ``word`` between other characters.

    As a table of all states: half the time of one that follows links, and for 10,000 texts 10 MB and a tenth of
    a second.
    """

    __slots__ = ("_rules", "find")

    def __init__(self, needles: Sequence[tuple[int, str, bool]]) -> None:
        by_text: dict[str, list[tuple[int, bool]]] = {}
        for position, needle, word in needles:
            by_text.setdefault(needle, []).append((position, word))
        self._rules = list(by_text.values())
        automaton = ahocorasick_rs.AhoCorasick(by_text, implementation=ahocorasick_rs.Implementation.DFA)
        self.find = automaton.find_matches_as_indexes

    def add(self, text: str, found: _Found) -> bool:
        """Add the positions of the rules that match, each once; whether gated expressions may match."""
        gate = False
        for number, start, end in self.find(text, overlapping=True):
            for position, word in self._rules[number]:
                if position == _GATE:
                    gate = True
                elif position not in found and (not word or _is_word(text, start, end)):
                    found.append(position)
        return gate


class Matcher:
    """Compiled rules. ``match`` answers the positions of the rules that match, ascending."""

    __slots__ = (
        "_always",
        "_exact",
        "_expressions",
        "_folded",
        "_gated",
        "_glance",
        "_literals",
        "_literals_folded",
        "_needs_fold",
        "size",
    )

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Compile; takes milliseconds per thousand, so off the loop.

        Raises ``re2.error`` for a pattern that ``check_pattern`` would have refused.
        """
        numbered = list(enumerate(patterns))
        self.size = len(patterns)
        self._always = [n for n, (kind, _, _) in numbered if kind == "*"]
        self._exact = _by_text((n, p) for n, (kind, p, sensitive) in numbered if kind == "exact" and sensitive)
        self._folded = _by_text(
            (n, p.casefold()) for n, (kind, p, sensitive) in numbered if kind == "exact" and not sensitive
        )
        within = [(n, kind, p, sensitive) for n, (kind, p, sensitive) in numbered if kind in ("contains", "word")]
        literals = [(n, p, kind == "word") for n, kind, p, sensitive in within if sensitive]
        folded = [(n, p.casefold(), kind == "word") for n, kind, p, sensitive in within if not sensitive]
        expressions = [(n, p, s, required_text(p)) for n, (kind, p, s) in numbered if kind == "regex"]
        # Folded, whether capitals matter or not: a gate may stand open too often, never too seldom.
        folded += [(_GATE, text, False) for text in {text for _, _, _, text in expressions if text}]
        self._literals = _Literals(literals) if literals else None
        self._literals_folded = _Literals(folded) if folded else None
        self._needs_fold = bool(self._folded or folded)
        self._expressions = _expressions([(n, p, s) for n, p, s, text in expressions if not text])
        self._gated = _expressions([(n, p, s) for n, p, s, text in expressions if text])
        simple = not (self._always or self._exact or literals or self._expressions)
        self._glance = self._literals_folded.find if simple and self._literals_folded is not None else None

    def match(self, text: str) -> Sequence[int]:
        """Positions of the rules that match ``text``; linear in the length of the text."""
        try:
            if self._glance is not None:  # most lines and most rules need no more
                folded = text.casefold()
                if folded not in self._folded and not self._glance(folded):
                    return ()
            return self._match(text)
        except UnicodeEncodeError:  # half a character, which no rule is about
            return self.match(text.encode("utf-8", "replace").decode())

    def _match(self, text: str) -> list[int]:
        found = self._always.copy()
        if self._exact:
            found += self._exact.get(text, ())
        if self._literals is not None:
            self._literals.add(text, found)
        expressions = self._expressions
        if self._needs_fold:
            folded = text.casefold()
            if folded in self._folded:
                found += self._folded[folded]
            if self._literals_folded is not None and self._literals_folded.add(folded, found):
                expressions = expressions + self._gated
        for find, positions in expressions:
            hits = find(text.encode("utf-8", "replace"))
            if hits:
                found.extend([positions[n] for n in hits])
        if len(found) > 1:
            found.sort()
        return found


class Matchers:
    """Compiled rules by digest, the least recently asked for dropped first.

    ``patterns_max`` bounds how many patterns are kept compiled that no view holds; a view keeps its own
    matcher alive.
    """

    def __init__(self, patterns_max: int = 200_000) -> None:
        self._patterns_max = patterns_max
        self._patterns = 0
        self._kept: OrderedDict[bytes, Matcher] = OrderedDict()

    def get(self, patterns: Sequence[Pattern]) -> Matcher:
        """The matcher of these patterns, compiled now where it is not kept."""
        raw = repr(tuple(patterns)).encode("utf-8", "backslashreplace")
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        kept = self._kept.get(digest)
        if kept is None:
            kept = self._kept[digest] = Matcher(patterns)
            self._patterns += kept.size
            while self._patterns > self._patterns_max and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._patterns -= dropped.size
        else:
            self._kept.move_to_end(digest)
        return kept

    def __len__(self) -> int:
        return len(self._kept)


def _by_text(pairs: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, text in pairs:
        found.setdefault(text, []).append(position)
    return found


def _expressions(patterns: Sequence[tuple[int, str, bool]]) -> list[tuple[Callable[[bytes], Any], list[int]]]:
    sources = [f"(?s{'' if sensitive else 'i'})(?:{pattern})" for _, pattern, sensitive in patterns]
    compiled = []
    start = 0
    for found in expression_sets(sources):
        end = start + found.size
        compiled.append((found.Match, [position for position, _, _ in patterns[start:end]]))
        start = end
    return compiled


def _is_word(text: str, start: int, end: int) -> bool:
    """Whether what stands there has no letter, digit or underscore on either side."""
    return (start == 0 or not _wordy(text[start - 1])) and (end == len(text) or not _wordy(text[end]))


def _wordy(character: str) -> bool:
    return character.isalnum() or character == "_"
