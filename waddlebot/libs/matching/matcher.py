"""Many rules as one RE2 Set, compiled once for all communities that have the same."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import re2

from waddlebot.libs.matching.pattern import Kind, expression

_SET_BYTES_MAX = 64 << 20  # the default 8 MB cannot hold 10,000 patterns


class Matcher:
    """A compiled set. ``match`` answers the positions of the patterns found, in their order."""

    __slots__ = ("_always", "_positions", "_set", "size")

    def __init__(self, patterns: Sequence[tuple[Kind, str, bool]]) -> None:
        """Compile (kind, pattern, case sensitive) triples; takes milliseconds per thousand, so off the loop.

        Raises ``re2.error`` for a pattern that :func:`check_pattern` would have refused.
        """
        options = re2.Options()
        options.max_mem = _SET_BYTES_MAX
        options.log_errors = False
        self._always = tuple(n for n, (kind, _, _) in enumerate(patterns) if kind == "*")
        self._positions = [n for n, (kind, _, _) in enumerate(patterns) if kind != "*"]
        self.size = len(patterns)
        self._set = None
        if self._positions:
            self._set = re2.Set.SearchSet(options)
            for n in self._positions:
                self._set.Add(expression(*patterns[n]))
            self._set.Compile()

    def match(self, text: str) -> Sequence[int]:
        """Positions of the patterns found in ``text``, ascending; linear in the length of the text."""
        found = self._set.Match(text.encode("utf-8", "replace")) if self._set is not None else None
        if found is None:
            return self._always
        positions = self._positions
        hits = [positions[n] for n in found]
        hits.extend(self._always)
        hits.sort()
        return hits


class Matchers:
    """Compiled sets by digest, the least recently asked for dropped first.

    ``patterns_max`` bounds how many patterns are kept compiled over all sets that no view holds; a view
    keeps its own matcher alive.
    """

    def __init__(self, patterns_max: int = 200_000) -> None:
        self._patterns_max = patterns_max
        self._patterns = 0
        self._kept: OrderedDict[bytes, Matcher] = OrderedDict()

    def get(self, patterns: Sequence[tuple[Kind, str, bool]]) -> Matcher:
        """The matcher of these patterns, compiled now where it is not kept."""
        digest = hashlib.blake2b(
            repr(tuple(patterns)).encode("utf-8", "backslashreplace"), digest_size=16
        ).digest()
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
