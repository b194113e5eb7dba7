"""Trying filters: on a line, and what somebody typed to try one on kept chat."""

from collections.abc import Mapping
from typing import Any

import msgspec

from waddlebot.action.security.content_filter import backtest, grammar
from waddlebot.action.security.content_filter.backtest import Judge
from waddlebot.action.security.content_filter.settings import KINDS, FilterSetting
from waddlebot.action.security.content_filter.store import Blocked, Made
from waddlebot.libs.contracts.community import CommunityService, ConfigurationsRequest
from waddlebot.libs.filters import Filters
from waddlebot.libs.matching import Kind
from waddlebot.libs.sdk import Context, Event, Refusal, ServiceContext
from waddlebot.libs.sdk.options import word_at

HOURS = 24.0
HOURS_MAX = 720.0
_RULES: dict[str, Kind] = {"exact": "exact", "contains": "contains", "word": "word", "regex": "regex"}


async def ranks_of(ctx: Context[Any, Any] | ServiceContext[Any, Any]) -> Mapping[str, int]:
    """The ranks that were given in the asking community, by account."""
    request = ConfigurationsRequest((ctx.community,))
    found = (await ctx.use(CommunityService).configurations(request)).items
    return found[0].contribution.ranks if found else {}


def would_say(made: Made, event: Event, text: str) -> str:
    """What each filter would do about a line by itself, whether it is on or not."""
    phrases = tuple(phrase.compiled() for phrase in made.phrases)
    settings = {kind: made.setting(kind) for kind in KINDS}
    line = msgspec.structs.replace(event, text=text, native="", user_id="")
    found = Filters([one.compiled(phrases) for one in settings.values()]).check(line)
    if not found:
        return "No filter finds anything in it."
    return "; ".join(
        f"{one.filter.kind} ({settings[one.filter.kind].mode}): {one.reason} → {one.filter.action}"
        for one in found
    )


def sentence(typed: str, made: Made, event: Event, ranks: Mapping[str, int]) -> tuple[str, Judge, float]:
    """What somebody typed to be tried: its name, what judges lines, and the hours. Raises :class:`Refusal`.

    ``caps 2``, ``caps limit 10``, ``blocklist 24 free*coins``, ``rule regex fre+``.
    """
    words = typed.split()
    what, rest = words[0], words[1:]
    if what.lower() == "rule":
        return _rule(typed, ranks)
    kinds = grammar.kinds_of(what)
    hours = HOURS
    if rest and rest[0].removesuffix("h").replace(".", "", 1).isdecimal():
        hours = checked_hours(float(rest.pop(0).removesuffix("h")))
    setting = made.setting(kinds[0])
    if rest and kinds[0] != "blocklist":
        setting = grammar.edited(setting, rest[0], " ".join(rest[1:]), event.entity)
    phrases = (Blocked(" ".join(rest)),) if rest and kinds[0] == "blocklist" else made.phrases
    name = f"The filter {setting.kind}"
    return name, judge_of(setting, phrases, event.community, ranks), hours


def judge_of(
    setting: FilterSetting, phrases: tuple[Blocked, ...], community: str, ranks: Mapping[str, int]
) -> Judge:
    """What a filter makes of lines."""
    given = setting.compiled(tuple(phrase.compiled() for phrase in phrases))
    return backtest.judge_of(given, community, ranks)


def rule_kind(word: str) -> Kind:
    """How a string rule looks for its pattern. Raises :class:`Refusal`."""
    if word.lower() not in _RULES:
        raise Refusal(f"A rule looks {', '.join(_RULES)}; {word} is none of them.")
    return _RULES[word.lower()]


def checked_hours(hours: float) -> float:
    """Hours to look back. Raises :class:`Refusal`."""
    if not 0 < hours <= HOURS_MAX:
        raise Refusal(f"Chat may be kept for {HOURS_MAX:g} h; say how many of the last to look at.")
    return hours


def _rule(typed: str, ranks: Mapping[str, int]) -> tuple[str, Judge, float]:
    kind = word_at(typed, len("rule"))
    pattern = word_at(typed, kind.end) if kind is not None else None
    if kind is None or pattern is None:
        raise Refusal('Say how it looks and for what: rule word "free coins", or rule regex fre+')
    judge = backtest.rule_judge(rule_kind(kind.text), pattern.text, ranks)
    after = word_at(typed, pattern.end)
    hours = HOURS
    if after is not None:
        try:
            hours = checked_hours(float(after.text.removesuffix("h")))
        except ValueError:
            raise Refusal("A pattern with spaces stands in quotes.") from None
    return "That rule", judge, hours
