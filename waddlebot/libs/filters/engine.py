"""The filters of a community, compiled: a quick look at every line, a close one at few.

The quick look may be wrong in one direction: it lets no line pass that the close look (``content``) would stop.
For ASCII it is a handful of passes in C over the bytes of the line; other lines are looked up word by word.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from waddlebot.libs.filters.content import EMOTES, SYMBOLS, Content
from waddlebot.libs.filters.folding import (
    ASCII_DROP,
    ASCII_FOLD,
    CAPITALS_AT,
    COUNTED_MAX,
    DOTS_AT,
    EMOJI_AT,
    MARKS_AT,
    OVERRIDE,
    PART,
    RUNS_AT,
    SYMBOLS_AT,
    Fold,
    shared,
)
from waddlebot.libs.filters.habits import NOTHING, Habits, Limits
from waddlebot.libs.filters.links import DOTTED, DOTTED_ANY
from waddlebot.libs.filters.phrases import Blocklist
from waddlebot.libs.matching.sets import ExpressionSet, expression_sets
from waddlebot.libs.sdk import Event, Filter
from waddlebot.libs.sdk.view import FilterKind

type _Near = tuple[Filter | None, ...]
"""Filters for which a line may be too much; ``None`` among them where one is not on."""

_NEVER = sys.maxsize
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPELLED_DOTS = ("dot", "punkt", "punto", "ponto", "точка", "discord")
"""What a link has in place of a dot, or of a whole name."""
_RUN_MAX = 8
"""Of a longer run so many of its characters are looked for first."""
_ORDER: Mapping[str, int] = {kind: at for at, kind in enumerate(get_args(FilterKind.__value__))}
_OF_LINES = frozenset({"rate", "duplicates", "crowd"})
"""Filters of several lines."""
_LANGUAGE_MARKS = 2
_NOTHING_NEAR: _Near = ()
_LOUD = _CAPITALS + SYMBOLS
_ONE_LINE: tuple[FilterKind, ...] = (
    "caps", "symbols", "words", "characters", "zalgo", "length", "emotes", "links", "blocklist",
)  # fmt: skip
"""Filters of single lines; those that have a limit first."""
_NOWHERE = r"\x00\x00"
"""An expression that no folded line matches."""
_NOBODY: frozenset[str] = frozenset()


class Found(NamedTuple):
    """What a filter found in a line."""

    filter: Filter
    reason: str


class Filters:
    """Compiled filters, and what they remember: :meth:`follow` hands that on when the configuration changes."""

    __slots__ = (
        "_blocked",
        "_capitals_max",
        "_caps",
        "_characters",
        "_content",
        "_emotes",
        "_emotes_max",
        "_event",
        "_fold",
        "_found",
        "_labels",
        "_length",
        "_length_max",
        "_limits",
        "_links",
        "_loud",
        "_marks",
        "_match",
        "_of_lines",
        "_phrases",
        "_run",
        "_run_max",
        "_spaces",
        "_symbols",
        "_symbols_max",
        "_words",
        "_zalgo",
        "habits",
    )  # fmt: skip

    def __init__(
        self,
        filters: Sequence[Filter],
        labels: Mapping[str, Sequence[str]] | None = None,
        fold: Fold | None = None,
    ) -> None:
        """Compile; milliseconds per hundred phrases. Of several of one kind the last holds.

        ``labels`` maps accounts to those that they have.
        """
        self._fold = fold or shared()
        by_kind = {given.kind: given for given in filters}
        blocked = by_kind.get("blocklist")
        blocklist = Blocklist(blocked.phrases if blocked else (), self._fold)
        self._content = Content(blocklist)
        wanted = {label for given in filters for label in given.exempt_labels}
        self._labels = {
            account: wanted.intersection(held)
            for account, held in (labels or {}).items()
            if wanted.intersection(held)
        }
        (
            self._caps, self._symbols, self._words, self._characters, self._zalgo, self._length, self._emotes,
            self._links, self._blocked,
        ) = (by_kind.get(kind) for kind in _ONE_LINE)  # fmt: skip
        caps, symbols, words, run, zalgo, self._length_max, self._emotes_max = (
            _NEVER if given is None else max(given.limit, 1)
            for given in (by_kind.get(kind) for kind in _ONE_LINE[:7])
        )
        self._capitals_max, self._symbols_max, self._run_max = caps, symbols, run
        self._loud = min(caps, symbols, run)
        self._spaces = words - 1
        self._marks = zalgo + _LANGUAGE_MARKS
        self._run = re.compile(rf"(\S)\1{{{run - 1}}}").search if run != _NEVER else None
        gates = list(blocklist.gates)
        self._phrases = len(gates)
        dots = "|".join("".join(f"{c}+" for c in self._fold.fold(word)) for word in _SPELLED_DOTS)
        gates.append(dots if self._links else _NOWHERE)
        runs = "|".join(f"{c}{{{min(run, _RUN_MAX)}}}" for c in "abcdefghjklmnopqrstuvwxyz")
        gates.append(runs if self._characters else _NOWHERE)
        sets = expression_sets(gates) if by_kind.keys() & {"blocklist", "links", "characters"} else []
        self._match = _matching(sets)
        self._of_lines = not _OF_LINES.isdisjoint(by_kind)
        self._limits = Limits(*(by_kind.get(kind) for kind in ("rate", "duplicates", "crowd")))
        self.habits = Habits()
        self.habits.limit(self._limits)
        self._event: Event | None = None
        self._found: tuple[Found, ...] = ()

    def follow(self, former: "Filters") -> None:
        """Go on with what the filters before remember."""
        self.habits = former.habits
        self.habits.limit(self._limits)

    def check(self, event: Event, *, is_command: bool = False) -> tuple[Found, ...]:  # noqa: C901  every line comes here, and a call is dear
        """What is too much in a line, the gravest first. Asked again for the same line it answers the same.

        A command may be said as often as somebody likes, and by as many: that is for cooldowns.
        """
        if event is self._event:
            return self._found
        text, near = event.text, _NOTHING_NEAR
        if text.isascii():
            raw = text.encode()
            packed = raw.translate(ASCII_FOLD, ASCII_DROP)
            folded: str | bytes = packed
            if len(raw) - len(raw.translate(None, _LOUD)) >= self._loud:
                near = self._loud_near(raw)
            if len(raw) - len(packed) >= self._spaces and self._repeats(text):
                near += (self._words,)
            if self._links is not None and "." in text and DOTTED.search(text) is not None:
                near += (self._links,)
            total = 0
        else:
            words = text.split()
            folded = "".join(map(self._fold.fold_word, words))
            total = sum(map(self._fold.sum_word, words)) if len(text) <= COUNTED_MAX else -1
            if total:
                near = self._near(text, total)
            backwards = folded[::-1] if total >> DOTS_AT and OVERRIDE in text else ""
            packed = (folded + backwards).encode()
            if len(words) > self._spaces and self._repeats(text):
                near += (self._words,)
        candidates: Sequence[int] = self._match(packed) or ()
        if candidates:
            near += self._matched(candidates)
        if len(text) > self._length_max:
            near += (self._length,)
        if self._emotes is not None:
            native = event.native
            emoji = total >> EMOJI_AT & PART
            at = native.find(EMOTES) + 7 if native else 6  # most lines have none, and say so
            if at > 6 and not native.startswith(";", at):
                # At most: what looks like the tag may be another's value, and then there is a closer look in vain.
                emoji += native.count(",", at) + native.count("/", at) + 1
            if emoji >= self._emotes_max:
                near += (self._emotes,)
        found = self._look(event, near, candidates) if near else ()
        if self._of_lines and event.user_id:
            line = folded or text
            length = 0 if is_command else len(line)
            author = event.platform, event.user_id
            reasons = self.habits.take(author, event.received_at, hash(line), length, event.id)
            if reasons is not NOTHING:
                found = self._with_habits(event, found, reasons)
        self._event, self._found = event, found
        return found

    def _loud_near(self, raw: bytes) -> _Near:
        """The filters that an ASCII line may be too loud for."""
        capitals = len(raw) - len(raw.translate(None, _CAPITALS))
        symbols = len(raw) - len(raw.translate(None, SYMBOLS))
        return (
            *((self._caps,) if capitals >= self._capitals_max else ()),
            *((self._symbols,) if symbols >= self._symbols_max else ()),
            *((self._characters,) if symbols >= self._run_max else ()),
        )

    def _near(self, text: str, total: int) -> _Near:
        """The filters that any other line may be too much for, as its characters add up to ``total``."""
        near = _NOTHING_NEAR
        if (total >> CAPITALS_AT & PART) >= self._capitals_max:
            near += (self._caps,)
        if (total >> SYMBOLS_AT & PART) >= self._symbols_max:
            near += (self._symbols,)
        if (total >> MARKS_AT & PART) >= self._marks:
            near += (self._zalgo,)
        if total >> DOTS_AT and self._links is not None and DOTTED_ANY.search(text) is not None:
            near += (self._links,)
        if total >> RUNS_AT & PART and self._run is not None and self._run(text) is not None:
            near += (self._characters,)
        return near

    def _matched(self, candidates: Sequence[int]) -> _Near:
        """The filters that what was found in the folded line is for."""
        return (
            *((self._blocked,) if candidates[0] < self._phrases or min(candidates) < self._phrases else ()),
            *((self._links,) if self._phrases in candidates else ()),
            *((self._characters,) if self._phrases + 1 in candidates else ()),
        )

    def _repeats(self, text: str) -> bool:
        words = text.casefold().split(" ")
        return len(words) - len(set(words)) >= self._spaces

    def _look(self, event: Event, near: _Near, candidates: Sequence[int]) -> tuple[Found, ...]:
        """The close look, by the filters that the quick one named."""
        phrases = [number for number in candidates if number < self._phrases]
        found = []
        for given in {id(given): given for given in near}.values():
            if given is not None and self._holds(given, event):
                reason = self._content.look(given, event, phrases)
                if reason is not None:
                    found.append(Found(given, reason))
        return tuple(sorted(found, key=_order)) if len(found) > 1 else tuple(found)

    def _with_habits(self, event: Event, found: tuple[Found, ...], reasons: Sequence[str]) -> tuple[Found, ...]:
        more = [
            Found(given, reason)
            for given, reason in zip(self._limits, reasons, strict=True)
            if given is not None and reason and self._holds(given, event)
        ]
        return tuple(sorted((*found, *more), key=_order))

    def _holds(self, given: Filter, event: Event) -> bool:
        """Whether a filter is for the line's channel and account."""
        if given.entities and event.entity not in given.entities:
            return False
        return not given.exempt_labels or self._labels.get(event.account, _NOBODY).isdisjoint(given.exempt_labels)


def _matching(sets: Sequence[ExpressionSet]) -> Callable[[bytes], Any]:
    """What answers the numbers of the expressions that match, of several sets as if they were one."""
    if len(sets) == 1:  # as it is with all but the longest blocklists
        return sets[0].Match
    if not sets:
        return lambda packed: ()
    starts = [sum(one.size for one in sets[:number]) for number in range(len(sets))]

    def match(packed: bytes) -> list[int]:
        return [start + hit for one, start in zip(sets, starts, strict=True) for hit in one.Match(packed)]

    return match


def _order(found: Found) -> int:
    return _ORDER[found.filter.kind]
