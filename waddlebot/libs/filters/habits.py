"""What only several lines show: too many of one account, the same again, the same by many.

All of it is in the memory of the community's router and ends with it: nothing here is older than twice a window.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from waddlebot.libs.sdk import Filter

LINES_MAX = 10
"""Lines of one account among which the same ones are counted (3 of the last 10)."""
_AUTHORS_MAX = 50_000
_SAID_MAX = 50_000
_TIMES_MAX = 200
"""Accounts, different lines, and times that one line was said, that are remembered in a community; twice as many
at most."""

_LONG_AGO = float("-inf")
NOTHING = ("", "", "")
"""What :meth:`Habits.take` answers for most lines."""

type _Said = tuple[Hashable, float, int, str]
"""Who said it, when, as their how manieth line, and the event's id."""


class Limits(NamedTuple):
    """What is too much, of the filters that are on. ``None`` where one is not."""

    rate: Filter | None = None
    duplicates: Filter | None = None
    crowd: Filter | None = None


class Habits:
    """Who wrote what lately in one community. Times are seconds since the epoch, of the events."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._authors: dict[Hashable, list[Any]] = {}
        self._former_authors: dict[Hashable, list[Any]] = {}
        self._authors_since = 0.0
        self._said: dict[int, _Said] = {}
        self._former_said: dict[int, _Said] = {}
        self._again: dict[int, list[_Said]] = {}
        self._former_again: dict[int, list[_Said]] = {}
        self._said_since = self._said_until = 0.0
        self.limit(self._limits)

    def limit(self, limits: Limits) -> None:
        """Hold from now on to these limits."""
        rate, same, many = limits
        if rate is None or self._limits.rate is None or rate.limit != self._limits.rate.limit:
            self._authors, self._former_authors = {}, {}  # what is remembered of each has the limit's length
        self._limits = limits
        self._lines = 1 if rate is None else rate.limit
        self._rate_s = 0.0 if rate is None else rate.window_s
        self._too_often = "" if rate is None else f"more than {rate.limit} lines in {rate.window_s:g} s"
        self._same_s = 0.0 if same is None else same.window_s
        self._many_s = 0.0 if many is None else many.window_s
        leasts = [given.least for given in (same, many) if given is not None]
        self._least = max(1, min(leasts)) if leasts else 1 << 62

    def __len__(self) -> int:
        """How many accounts and lines are remembered."""
        return len(self._authors) + len(self._former_authors) + len(self._said) + len(self._former_said)

    def take(self, author: Hashable, now: float, line: int, length: int, event_id: str) -> tuple[str, str, str]:
        """Note a line, by the hash of its fold, whose ``length`` is 0 for a command. Why it is too much, by
        filter."""
        times = self._authors.get(author)
        if times is None:
            times = self._remember(author, now)
        # The number of lines so far, then the times of the last ones, the oldest overwritten.
        number = times[0]
        at = number % self._lines + 1
        is_often = times[at] > now - self._rate_s
        times[at] = now
        times[0] = number + 1
        if length >= self._least:
            said = self._said.get(line)
            if said is None and (now > self._said_until or self._former_said):
                said = self._first(line, now)
            if said is not None:
                same, many = self._repeated(said, line, length, (author, now, number, event_id))
                if is_often or same or many:
                    return self._too_often if is_often else "", same, many
                return NOTHING
            self._said[line] = author, now, number, event_id  # most lines are said once, and cost no more
            if len(self._said) >= _SAID_MAX:
                self._said_until = now
        return (self._too_often, "", "") if is_often else NOTHING

    def _remember(self, author: Hashable, now: float) -> list[Any]:
        """What is known of an account that wrote nothing since the accounts were last sorted out."""
        window_s = max(self._rate_s, self._same_s)
        if now - self._authors_since > window_s or len(self._authors) >= _AUTHORS_MAX:
            self._former_authors = self._authors if now - self._authors_since <= 2 * window_s else {}
            self._authors, self._authors_since = {}, now
        found = self._former_authors.pop(author, None) or [0, *(_LONG_AGO,) * self._lines]
        self._authors[author] = found
        return found

    def _first(self, line: int, now: float) -> _Said | None:
        """Who said a line first, where it was not said since the lines were last sorted out."""
        window_s = max(self._same_s, self._many_s)
        if now > self._said_until:
            recent = now - self._said_since <= 2 * window_s
            self._former_said, self._former_again = (self._said, self._again) if recent else ({}, {})
            self._said, self._again = {}, {}
            self._said_since, self._said_until = now, now + window_s
        found = self._former_said.pop(line, None)
        if found is not None:
            self._said[line] = found
            again = self._former_again.pop(line, ())
            self._again[line] = [one for one in again if one[1] > now - window_s]
        return found

    def _repeated(self, first: _Said, line: int, length: int, said: _Said) -> tuple[str, str]:
        author, now, number, _ = said
        again = self._again.setdefault(line, [])
        again.append(said)
        if len(again) > _TIMES_MAX:
            del again[: _TIMES_MAX // 2]
        _, same, many = self._limits
        words = by_many = ""
        if same is not None and length >= same.least:
            since = now - same.window_s
            # By the ids: an event that comes twice is one.
            ids = {
                i for who, at, n, i in (first, *again) if who == author and at > since and n > number - LINES_MAX
            }
            words = f"{len(ids)} times the same line" if len(ids) >= same.limit else ""
        if many is not None and length >= many.least:
            since = now - many.window_s
            authors = len({who for who, at, _, _ in (first, *again) if at > since})
            by_many = f"the same line by {authors} accounts" if authors >= many.limit else ""
        return words, by_many
