"""Analytics: how active a community is, in numbers without names. Start here."""

from typing import Any

import msgspec

from waddlebot.core.analytics import reports
from waddlebot.core.analytics.asking import ROWS_MAX, Asked, asked, asked_span
from waddlebot.core.analytics.counting import counted
from waddlebot.core.analytics.days import Range, day_of
from waddlebot.core.analytics.export import csv_chunks
from waddlebot.core.analytics.people import GROUP_MAX, everybody, fellows
from waddlebot.core.analytics.reports import Activity, Cohort, CommandUse, Funnel, as_table
from waddlebot.core.analytics.store import AnalyticsStore
from waddlebot.libs.contracts.analytics import Analytics, Health, HealthRequest
from waddlebot.libs.contracts.identity import Identity
from waddlebot.libs.sdk import (
    Batch,
    BatchContext,
    Community,
    Context,
    Crowd,
    Module,
    Rank,
    Reply,
    Role,
    RouteContext,
    ServiceContext,
    System,
    listed,
)
from waddlebot.libs.web import Download, HttpError

ROWS_AT_ONCE = 5_000
"""What one transaction of the jobs changes at most, of each table."""
DAYS_AT_ONCE = 100
TOP_COMMANDS = 5

type Ctx = Context[None, AnalyticsStore]
type Request = RouteContext[None, AnalyticsStore]
type Service = ServiceContext[None, AnalyticsStore]

module = Module(
    __name__,
    "Count how active a community is: people, lines, commands, who stays, and how healthy it is.",
    http_port=8056,
    grpc_port=50956,
    store=AnalyticsStore,
    keeps_people={"optout": "that you are not to be counted, so that you never are"},
    uses=(Identity,),
)


# Counting


@module.observe("*", into=Crowd)
async def count(ctx: BatchContext[None, AnalyticsStore], crowd: Crowd) -> None:
    """Add what happened in a batch, in one write: sums of all, rows of those who did not opt out."""
    batch = counted(crowd, ctx.now())
    if batch.communities:
        scope, key = Batch(batch.communities), ctx.call_scope.key
        hidden = frozenset(await fellows(ctx, await ctx.store_in(scope).opted_out()))
        await ctx.store_in(scope, key=key).add(batch, hidden)


@module.job(every_s=3_600)
async def tidy(ctx: Service) -> None:
    """Make of days older than a month what is left of them, and remove what is older than a year."""
    today = day_of(ctx.now())
    everywhere = ctx.store_everywhere("what is old is removed in every community")
    while due := await everywhere.due(today, DAYS_AT_ONCE):
        people = await everybody(ctx)
        for community, day in due:
            store = ctx.store_in(Community(community))
            wrote = people.distinct(*await store.wrote_by("day", Range(day, day), today, people.linked))
            while await store.fold(day, wrote[day], ROWS_AT_ONCE):
                pass
    while await everywhere.expire(today, ROWS_AT_ONCE):
        pass


@module.job(every_s=60)
async def respect(ctx: Service) -> None:
    """Delete rows of accounts that were linked with one that had opted out, or counted at that very moment."""
    store = ctx.store_everywhere("who opts out does so in every community")
    hidden = await fellows(ctx, await store.opted_out())
    for start in range(0, len(hidden), GROUP_MAX):
        await store.forget(hidden[start : start + GROUP_MAX])


# What people type


@module.command("analytics", aliases=("chatstats",), rank=Rank.MODERATOR)
async def summary(ctx: Ctx) -> Reply:
    """Show how many people wrote today and in seven days, the commands they used, and the community's health."""
    today, people = day_of(ctx.now()), await everybody(ctx)
    parts = []
    for name, days in (("Today", Range(today, today)), ("7 days", Range(today - 6, today))):
        wrote = await reports.active(ctx.store, people, days)
        lines = sum(one.lines for one in await ctx.store.sums(days))
        who, what = "person" if wrote == 1 else "people", "line" if lines == 1 else "lines"
        parts.append(f"{name}: {wrote:,} {who}, {lines:,} {what}.")
    used = await reports.commands(ctx.store, Range(today - 6, today), None, "")
    if used:
        parts.append(f"Most used: {listed([f'{one.command} ({one.uses:,})' for one in used[:TOP_COMMANDS]])}.")
    return Reply(" ".join([*parts, _in_words(await reports.health(ctx.store, people, today))]))


def _in_words(health: Health) -> str:
    if not health.grade:
        return f"Health: no grade. {health.words}"
    weakest = min(health.parts, key=lambda part: part.score)
    return (
        f"Health: {health.grade} ({health.score:.0f} of 100). Its weakest part is {weakest.name} "
        f"({weakest.score:.0f}): the lower it is, the truer that {weakest.meaning}."
    )


@module.command("analytics optout", aliases=("chatstats optout",), user_cooldown_s=5, by_hand=True)
async def opt_out(ctx: Ctx) -> Reply:
    """Have no statistics kept about you: what there is about your accounts is deleted, in every community."""
    accounts = await fellows(ctx, (ctx.event.account,))
    if not await ctx.store_in(System("who opts out does so in every community")).opt_out(accounts, ctx.now()):
        return Reply(f"@{ctx.event.user_name} You had opted out already: no statistics are kept about you.")
    return Reply(
        f"@{ctx.event.user_name} No statistics are kept about {_accounts(accounts)} any more, and those that "
        "were are deleted. Your lines count in totals without your name. To be counted again: analytics optin"
    )


@module.command("analytics optin", aliases=("chatstats optin",), user_cooldown_s=5, by_hand=True)
async def opt_in(ctx: Ctx) -> Reply:
    """Be counted again after you opted out; you count as new then."""
    accounts = await fellows(ctx, (ctx.event.account,))
    if not await ctx.store_in(System("who opts in does so in every community")).opt_in(accounts):
        return Reply(f"@{ctx.event.user_name} You had not opted out: you are counted.")
    return Reply(f"@{ctx.event.user_name} You are counted again from now on, with {_accounts(accounts)}.")


def _accounts(accounts: tuple[str, ...]) -> str:
    return "your account" if len(accounts) == 1 else f"your {len(accounts)} linked accounts"


# What other modules ask


@module.answers(Analytics.health)
async def health(ctx: Service, request: HealthRequest) -> Health:
    """How healthy the asking community is."""
    return await reports.health(ctx.store, await everybody(ctx), day_of(ctx.now()))


# What admins ask over HTTP


class ActivityAnswer(msgspec.Struct, frozen=True):
    """Activity from the oldest on; ``more`` says whether there is another page."""

    rows: list[Activity]
    more: bool


class CommandsAnswer(msgspec.Struct, frozen=True):
    """Commands by the time they were used in; ``more`` says whether there is another page."""

    rows: list[CommandUse]
    more: bool


class CohortsAnswer(msgspec.Struct, frozen=True):
    """Cohorts, the oldest first."""

    rows: list[Cohort]


_KNOWN = ("from", "to", "bucket", "entity")


@module.route("GET", "/activity", role=Role.ADMIN)
async def get_activity(ctx: Request) -> ActivityAnswer:
    """People, newcomers, lines, commands and other events.

    `from` and `to` are days (UTC), both counted: without them the last 30, at most 366. `bucket` is `hour`, `day`,
    `week` (from Monday) or `month`; weeks and months are whole ones. `entity` (`platform:server:channel`) counts
    one place alone. A page has 1,000 rows; `page` counts from 1.
    """
    question = asked(ctx.query, _today(ctx), buckets=_BUCKETS, known=(*_KNOWN, "page"))
    rows = await _activity(ctx, question)
    start, end = _page(question)
    return ActivityAnswer(rows[start:end], len(rows) > end)


@module.route("GET", "/commands", role=Role.ADMIN)
async def get_commands(ctx: Request) -> CommandsAnswer:
    """How often each command was used, and how often it was answered, refused by its module, or failed.

    The query is as of the activity; without a `bucket` there is one row for each command, the most used first.
    """
    question = asked(ctx.query, _today(ctx), buckets=_BUCKETS[1:], known=(*_KNOWN, "page"))
    rows = await _commands(ctx, question)
    start, end = _page(question)
    return CommandsAnswer(rows[start:end], len(rows) > end)


@module.route("GET", "/cohorts", role=Role.ADMIN)
async def get_cohorts(ctx: Request) -> CohortsAnswer:
    """Who came in a week (of the last 180 days) or month (of the last 365), and how many of them wrote when.

    `bucket` is `week` or `month`.
    """
    return CohortsAnswer(await _cohorts(ctx))


@module.route("GET", "/funnel", role=Role.ADMIN)
async def get_funnel(ctx: Request) -> Funnel:
    """How far those went who came `from` a day `to` another: joined, first line, five lines, weekly active."""
    return await _funnel(ctx)


@module.route("GET", "/health", role=Role.ADMIN)
async def get_health(ctx: Request) -> Health:
    """How healthy the community is, or why that cannot be said."""
    _no_query(ctx)
    return await reports.health(ctx.store, await everybody(ctx), _today(ctx))


@module.route("GET", "/export/{what}", role=Role.ADMIN)
async def get_export(ctx: Request) -> Download:
    """The same as CSV: `activity.csv`, `commands.csv`, `cohorts.csv`, `funnel.csv` or `health.csv`.

    Each takes the query of its route but `page`: all rows are in the file. UTF-8, RFC 4180; texts that a
    spreadsheet would take for a formula begin with an apostrophe.
    """
    what = ctx.path["what"].removesuffix(".csv")
    if what == "activity":
        question = asked(ctx.query, _today(ctx), buckets=_BUCKETS, known=_KNOWN)
        heading, rows = as_table(await _activity(ctx, question), Activity)
    elif what == "commands":
        question = asked(ctx.query, _today(ctx), buckets=_BUCKETS[1:], known=_KNOWN)
        heading, rows = as_table(await _commands(ctx, question), CommandUse)
    elif what == "cohorts":
        heading, rows = as_table(await _cohorts(ctx), Cohort)
    elif what == "funnel":
        heading, rows = as_table([await _funnel(ctx)], Funnel)
    elif what == "health":
        heading, rows = _health_table(await get_health(ctx))
    else:
        raise HttpError(404, "no_such_export", "There are activity, commands, cohorts, funnel and health.")
    return Download(csv_chunks(heading, rows), "text/csv; charset=utf-8; header=present", f"{what}.csv")


_BUCKETS: tuple[Any, ...] = ("hour", "day", "week", "month")


def _today(ctx: Request) -> int:
    return day_of(ctx.now())


def _page(question: Asked) -> tuple[int, int]:
    return (question.page - 1) * ROWS_MAX, question.page * ROWS_MAX


async def _activity(ctx: Request, question: Asked) -> list[Activity]:
    people = await everybody(ctx)
    bucket = question.bucket or "day"
    return await reports.activity(ctx.store, people, question.days, bucket, question.entity, _today(ctx))


async def _commands(ctx: Request, question: Asked) -> list[CommandUse]:
    bucket: Any = question.bucket
    try:
        return await reports.commands(ctx.store, question.days, bucket, question.entity)
    except OverflowError as error:
        raise HttpError(400, "bad_range", f"There are {error}: ask for fewer days, or for one entity.") from None


async def _cohorts(ctx: Request) -> list[Cohort]:
    return await reports.cohorts(ctx.store, await everybody(ctx), asked_span(ctx.query), _today(ctx))


async def _funnel(ctx: Request) -> Funnel:
    question = asked(ctx.query, _today(ctx), known=("from", "to"))
    return await reports.funnel(ctx.store, await everybody(ctx), question.days, _today(ctx))


def _health_table(health: Health) -> reports.Rows:
    if not health.grade:
        return ("part", "score", "weight", "grade", "words"), [("all", None, None, "", health.words)]
    rows: list[Any] = [(part.name, round(part.score, 2), part.weight, "", part.meaning) for part in health.parts]
    rows.append(("all", round(health.score, 2), 1.0, health.grade, ""))
    return ("part", "score", "weight", "grade", "words"), rows


def _no_query(ctx: Request) -> None:
    if ctx.query:
        raise HttpError(400, "unknown_parameter", "The health is of now and takes no parameters.")
