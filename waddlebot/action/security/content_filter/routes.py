"""The module's HTTP: filters, phrases, and back-tests. A key bound to a community sees that one alone."""

import asyncio
import dataclasses
from typing import Any

import msgspec

from waddlebot.action.security.content_filter import backtest, testing
from waddlebot.action.security.content_filter.settings import (
    KINDS,
    FilterSetting,
    problem_of,
)
from waddlebot.action.security.content_filter.store import Blocked, FilterStore
from waddlebot.libs.sdk import Refusal, RouteContext
from waddlebot.libs.sdk.fields import FieldError, build
from waddlebot.libs.web.errors import HttpError

type Request = RouteContext[Any, FilterStore]


class Found(msgspec.Struct):
    """How often a filter acted, and how often it found something as a canary."""

    acted: int
    noted: int


class FiltersAnswer(msgspec.Struct):
    """Every filter as it is set, and what it found."""

    filters: list[FilterSetting]
    hits: dict[str, Found]


class PhrasesAnswer(msgspec.Struct):
    """The blocklist."""

    phrases: list[Blocked]


class BacktestRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to try on the chat of the last ``hours``.

    A filter by its ``kind`` as it is set, or a whole ``setting``, a blocklist with these ``phrases``; or a string
    ``rule``: ``exact``, ``contains``, ``word`` or ``regex``, and its ``pattern``.
    """

    kind: str = ""
    setting: FilterSetting | None = None
    phrases: list[Blocked] | None = None
    rule: str = ""
    pattern: str = ""
    hours: float = testing.HOURS


class Done(msgspec.Struct):
    """What was changed."""

    done: str


async def get_filters(ctx: Request) -> FiltersAnswer:
    """List the filters of the community and how often each found something."""
    made, hits = await asyncio.gather(ctx.store.made(), ctx.store.hits())
    return FiltersAnswer(
        [made.setting(kind) for kind in KINDS], {kind: Found(*found) for kind, found in sorted(hits.items())}
    )


async def put_filter(ctx: Request, setting: FilterSetting) -> Done:
    """Set a filter."""
    _check(ctx, setting)
    await ctx.store.change([setting])
    return Done(f"The filter {setting.kind} is {setting.mode}.")


async def get_phrases(ctx: Request) -> PhrasesAnswer:
    """List the blocklist of the community."""
    return PhrasesAnswer(list((await ctx.store.made()).phrases))


async def put_phrase(ctx: Request, phrase: Blocked) -> Done:
    """Block a phrase."""
    try:
        build(Blocked, dataclasses.asdict(phrase))
        await ctx.store.block(phrase)
    except (FieldError, Refusal) as error:
        raise HttpError(400, "invalid_phrase", str(error)) from None
    return Done(f"“{phrase.text}” is blocked.")


async def delete_phrase(ctx: Request) -> Done:
    """Take a phrase off the blocklist."""
    if not await ctx.store.unblock(ctx.path["text"]):
        raise HttpError(404, "no_such_phrase", f"“{ctx.path['text']}” is not on the blocklist.")
    return Done(f"“{ctx.path['text']}” may be said again.")


async def post_backtest(ctx: Request, request: BacktestRequest) -> backtest.Outcome:
    """Say what a filter or a string rule would have done to the chat that is kept."""
    ranks = await testing.ranks_of(ctx)
    made = await ctx.store.made()
    try:
        hours = testing.checked_hours(request.hours)
        if request.rule:
            judge = backtest.rule_judge(testing.rule_kind(request.rule), request.pattern, ranks)
        else:
            setting = request.setting or made.setting(_kind(request.kind))
            _check(ctx, setting)
            phrases = made.phrases if request.phrases is None else tuple(request.phrases)
            judge = testing.judge_of(setting, phrases, ctx.community, ranks)
    except Refusal as error:
        raise HttpError(400, "invalid_backtest", str(error)) from None
    lines = await ctx.store.said(ctx.now() - hours * 3_600, backtest.LINES_MAX)
    return await asyncio.to_thread(backtest.run, lines, judge)


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise HttpError(400, "no_such_filter", f"There is no filter {kind!r}. There are: {', '.join(KINDS)}.")
    return kind


def _check(ctx: Request, setting: FilterSetting) -> None:
    """Raise :class:`HttpError` for a setting that cannot hold."""
    _kind(setting.kind)
    try:
        build(FilterSetting, dataclasses.asdict(setting))
    except FieldError as error:
        raise HttpError(400, "invalid_filter", str(error)) from None
    if problem := problem_of(setting):
        raise HttpError(400, "invalid_filter", problem)
    foreign = [name for name in setting.entities if ctx.entities.get(name) != ctx.community]
    if foreign:
        raise HttpError(400, "invalid_filter", f"{ctx.community} has no channel {foreign[0]}.")
