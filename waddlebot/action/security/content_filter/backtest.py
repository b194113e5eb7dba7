"""What a filter or rule would have done to the chat that is kept, before anybody enables it."""

import re
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from waddlebot.action.security.content_filter.chat import Line
from waddlebot.libs.filters import Filters
from waddlebot.libs.filters.folding import shared
from waddlebot.libs.filters.phrases import PHRASE_LENGTH_MIN, Blocklist, folded_length
from waddlebot.libs.matching import Kind, Matcher, PatternError, check_pattern
from waddlebot.libs.sdk import Filter, Phrase, Rank, Refusal, admits

LINES_MAX = 200_000
"""Of more lines the last ones are looked at."""
EXAMPLES = 10
_TIME_S = 6.0
"""Who asked waits ten seconds at most."""
_COMMANDS = ("!", "#")
_STAFF = admits(Rank.MODERATOR)

type Judge = Callable[[Line], str | None]
"""Why a line would have been hit."""


class Example(msgspec.Struct, frozen=True):
    """A line that would have been hit."""

    at: float
    login: str
    text: str
    reason: str


class Outcome(msgspec.Struct, frozen=True):
    """What would have been hit: so many of ``lines`` by so many people, some of them as examples.

    ``whole`` is whether all lines were looked at; else time was up, and those after were not.
    """

    lines: int
    hits: int
    people: tuple[str, ...]
    examples: tuple[Example, ...]
    whole: bool = True


def judge_of(given: Filter, community: str, ranks: Mapping[str, int]) -> Judge:
    """A filter as the router runs it. ``ranks`` are those that were given in the community, by account."""
    filters = Filters((given,))

    def judge(line: Line) -> str | None:
        found = filters.check(line.event(community), is_command=line.text.startswith(_COMMANDS))
        exempt = (line.ranks | ranks.get(line.account, 0)) & given.exempt
        return found[0].reason if found and not exempt else None

    return judge


def rule_judge(kind: Kind, pattern: str, ranks: Mapping[str, int], *, case_sensitive: bool = False) -> Judge:
    """A string rule that moderators and above are exempt from. Raises :class:`Refusal`."""
    try:
        check_pattern(kind, pattern, case_sensitive)
    except PatternError as error:
        raise Refusal(str(error)) from None
    matcher = Matcher([(kind, pattern, case_sensitive)])

    def judge(line: Line) -> str | None:
        exempt = (line.ranks | ranks.get(line.account, 0)) & _STAFF
        return f"{kind} “{pattern}”" if not exempt and matcher.match(line.text) else None

    return judge


def pattern_judge(text: str, ranks: Mapping[str, int]) -> Judge:
    """What a nuke looks for: ``/expression/flags``, or words however they are disguised. Raises
    :class:`Refusal`."""
    expression = re.fullmatch(r"/(.+)/([a-z]*)", text)
    if expression is not None:
        return rule_judge("regex", expression[1], ranks, case_sensitive="i" not in expression[2])
    fold = shared()
    if folded_length(text, fold) < PHRASE_LENGTH_MIN:
        return rule_judge("contains", text, ranks)
    plain = rule_judge("contains", text, ranks)
    disguised = Blocklist((Phrase(text, "contains"),), fold)

    def judge(line: Line) -> str | None:
        if (line.ranks | ranks.get(line.account, 0)) & _STAFF:
            return None
        return plain(line) or (f"“{text}”" if disguised.find(line.text, (0,)) else None)

    return judge


def run(lines: Sequence[Line], judge: Judge) -> Outcome:
    """Look at lines, the oldest first; takes a second per hundred thousand, so off the loop."""
    hits, people, examples = 0, dict[str, str](), list[Example]()
    ends = time.monotonic() + _TIME_S
    for number, line in enumerate(lines):
        if number % 1_000 == 0 and time.monotonic() > ends:
            return Outcome(number, hits, tuple(people.values()), tuple(examples), whole=False)
        reason = judge(line)
        if reason is not None:
            hits += 1
            people.setdefault(line.account, line.login)
            if len(examples) < EXAMPLES:
                examples.append(Example(line.at, line.login, line.text, reason))
    return Outcome(len(lines), hits, tuple(people.values()), tuple(examples))


def in_words(what: str, outcome: Outcome, hours: float) -> str:
    """An outcome for chat."""
    lines = f"{outcome.lines:,} line{'s' * (outcome.lines != 1)} of the last {hours:g} h"
    if not outcome.lines:
        return f"No chat of the last {hours:g} h is kept, so there is nothing to test {what} on."
    if not outcome.hits:
        return f"{what} would have hit none of {lines}."
    people = ", ".join(outcome.people[:5]) + (
        f" and {len(outcome.people) - 5} more" if len(outcome.people) > 5 else ""
    )
    examples = "; ".join(f"{one.login}: {_short(one.text)} ({one.reason})" for one in outcome.examples[:2])
    return (
        f"{what} would have hit {outcome.hits:,} of {lines}, by {len(outcome.people)} "
        f"{'people' if len(outcome.people) != 1 else 'person'}: {people}. For example {examples}"
        + ("" if outcome.whole else " (time was up before the end)")
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
