"""Content filter: what may not be said here, and what is done about it. Start here.

The filters themselves run in the router (``libs/filters``), from what this module contributes. Here is how they
are set, what they found, and the chat that is kept to try them on.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from waddlebot.action.security.content_filter import backtest, grammar, nuke, routes
from waddlebot.action.security.content_filter.backtest import Judge
from waddlebot.action.security.content_filter.chat import Heard, Quota, packed
from waddlebot.action.security.content_filter.settings import KINDS, FilterSetting, Settings
from waddlebot.action.security.content_filter.store import Blocked, FilterStore, Made, Nuke, Permit
from waddlebot.action.security.content_filter.testing import ranks_of, sentence, would_say
from waddlebot.libs.contracts.community import CommunityService
from waddlebot.libs.contracts.identity import Identity, find_account
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    MEMBER_BANNED,
    MEMBER_TIMED_OUT,
    MESSAGE_FILTERED,
    Batch,
    BatchContext,
    Community,
    Context,
    Contribution,
    Event,
    Field,
    Login,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    RouteContext,
    Seconds,
    ServiceContext,
    listed,
)
from waddlebot.libs.sdk.orders import order

type Ctx = Context[Settings, FilterStore]
type Service = ServiceContext[Settings, FilterStore]
type Request = RouteContext[Settings, FilterStore]

module = Module(
    __name__,
    "Filter what is said: links, caps, spam, blocked phrases and their disguises.",
    http_port=8031,
    grpc_port=50931,
    settings=Settings,
    store=FilterStore,
    keeps_people={},
    uses=(CommunityService, Identity),
)

_PERMIT_S = Seconds(60.0)
_PERMIT_S_MAX = 3_600
_VANISH_S = 1
_NUKES_KEPT_S = 7 * 86_400.0


@module.starts
@asynccontextmanager
async def count_lines(ctx: Service) -> AsyncIterator[Quota]:
    """Know how much of this minute's chat is kept."""
    yield Quota()


# What runs


@module.contributes
async def contribute(ctx: Service, communities: tuple[str, ...]) -> dict[str, Contribution]:
    """The filters of communities that are on, or canaries."""
    store = ctx.store_in(Batch(frozenset(communities)))
    store.primary = True  # asked because something changed, which a replica may not know yet
    found = await store.made_by_community()
    return {community: _contribution(made) for community, made in found.items()}


def _contribution(made: Made) -> Contribution:
    phrases = tuple(phrase.compiled() for phrase in made.phrases)
    permits = {permit.account: permit.until for permit in made.permits}
    active = (made.setting(kind) for kind in KINDS)
    return Contribution(filters=tuple(one.compiled(phrases, permits) for one in active if one.mode != "off"))


@module.observe(CHAT_MESSAGE, into=Heard)
async def keep(ctx: BatchContext[Settings, FilterStore], heard: Heard) -> None:
    """Keep what is said, for back-tests and nukes."""
    rows = await asyncio.to_thread(packed, heard.lines)
    if rows:
        batch = hashlib.blake2b(ctx.call_scope.key.encode(), digest_size=12).hexdigest()
        store = ctx.store_in(Batch(frozenset(row[0] for row in rows)), key=ctx.call_scope.key)
        await store.keep(rows, batch)


@module.observe(MESSAGE_FILTERED)
async def count(ctx: BatchContext[Settings, FilterStore], events: Sequence[Event]) -> None:
    """Count what filters found."""
    found = Counter(
        (event.community, str(event.data.get("filter", "")), bool(event.data.get("canary"))) for event in events
    )
    hits = [(*key, times) for key, times in sorted(found.items()) if key[0] and key[1] in KINDS]
    if hits:
        store = ctx.store_in(Batch(frozenset(hit[0] for hit in hits)), key=ctx.call_scope.key)
        await store.count(hits)


@module.job(every_s=60)
async def tidy(ctx: Service) -> None:
    """Forget chat that is too old, and pack what is left into few rows."""
    now = ctx.now()
    everywhere = ctx.store_everywhere("chat is kept for as long as each community says")
    for community in await everywhere.talkative():
        hours = ctx.settings(community).hours if ctx.enabled(community) else 0.0
        store = ctx.store_in(Community(community))
        await store.forget_before(community, now - hours * 3_600, now - _NUKES_KEPT_S)
    await ctx.store_everywhere("batches of chat are packed together").compact(now)


# Filters


@module.command("filters", aliases=("filter",), rank=Rank.MODERATOR)
async def filters(
    ctx: Ctx, setting: Annotated[Rest | None, Field("A filter, then what to set and to what.")] = None
) -> Reply:
    """List the filters, show one, or set one: enable, disable, canary, limit, message, time, silent, userlevel
    …"""
    made, hits = await asyncio.gather(ctx.store.made(), ctx.store.hits())
    if setting is None:
        active = [made.setting(kind) for kind in KINDS if made.setting(kind).mode != "off"]
        off = [kind for kind in KINDS if made.setting(kind).mode == "off"]
        on = listed([grammar.in_list(one, hits.get(one.kind, (0, 0))) for one in active]) or "none"
        return Reply(f"Filters on: {on}. Off: {', '.join(off) or 'none'}.")
    word, _, rest = setting.partition(" ")
    kinds = grammar.kinds_of(word)
    if not rest.strip():
        return Reply(" ".join(grammar.shown(made.setting(kind), hits.get(kind, (0, 0))) + "." for kind in kinds))
    verb, _, value = rest.strip().partition(" ")
    after = [grammar.edited(made.setting(kind), verb, value.strip(), ctx.event.entity) for kind in kinds]
    foreign = [name for one in after for name in one.entities if ctx.entities.get(name) != ctx.community]
    if foreign:
        raise Refusal(
            f"{ctx.community} has no channel {foreign[0]}. Channels are written platform:server:channel."
        )
    await ctx.store.change(after)
    note = " It is empty: !blocklist add" if "blocklist" in kinds and not made.phrases else ""
    return Reply(" ".join(f"The filter {grammar.shown(one)}." for one in after) + note)


@module.command("filters test", aliases=("filter test",), rank=Rank.MODERATOR)
async def test(ctx: Ctx, text: Rest) -> Reply:
    """Say what the filters would do about a line by itself, and why."""
    return Reply(would_say(await ctx.store.made(), ctx.event, text))


@module.command("filters backtest", aliases=("filter backtest",), rank=Rank.MODERATOR)
async def backtest_(
    ctx: Ctx,
    what: Annotated[Rest, Field("A filter, hours, and what to set; or rule, its kind and its pattern.")],
) -> Reply:
    """Say what a filter, as set or as typed, would have done to the chat of the last hours."""
    made, ranks = await asyncio.gather(ctx.store.made(), ranks_of(ctx))
    name, judge, hours = sentence(what, made, ctx.event, ranks)
    return Reply(backtest.in_words(name, await _backtested(ctx, judge, hours), hours))


async def _backtested(ctx: Ctx, judge: Judge, hours: float) -> backtest.Outcome:
    lines = await ctx.store.said(ctx.now() - hours * 3_600, backtest.LINES_MAX)
    return await asyncio.to_thread(backtest.run, lines, judge)


@module.command("permit", rank=Rank.MODERATOR)
async def permit(ctx: Ctx, user: Login, seconds: Seconds = _PERMIT_S) -> Reply:
    """Let somebody post links for a minute, or for as many seconds as you say."""
    if not 1 <= seconds <= _PERMIT_S_MAX:
        raise Refusal(f"A permit lasts 1 to {_PERMIT_S_MAX} s.")
    account = await find_account(ctx, user)
    now = ctx.now()
    await ctx.store.permit(Permit(account.account, account.login, now + seconds), now)
    return Reply(f"@{account.name} may post links for {seconds:g} s.")


@module.command("blocklist add", aliases=("blacklist add",), rank=Rank.MODERATOR)
async def block(ctx: Ctx, phrase: Rest) -> Reply:
    """Block a phrase, however it is disguised; -contains before it finds it within words too, * is anything."""
    option, _, rest = phrase.partition(" ")
    anywhere = option.lower() == "-contains" and bool(rest.strip())
    text = " ".join((rest if anywhere else phrase).split()).strip('"')
    is_new = await ctx.store.block(Blocked(text, "contains" if anywhere else "word"))
    mode = (await ctx.store.made()).setting("blocklist").mode
    note = "" if mode != "off" else " The blocklist is off: !filters blocklist enable"
    return Reply(f"“{text}” is {'blocked' if is_new else 'blocked still'}{' anywhere' * anywhere}.{note}")


@module.command("blocklist remove", aliases=("blacklist remove", "blocklist delete"), rank=Rank.MODERATOR)
async def unblock(ctx: Ctx, phrase: Rest) -> Reply:
    """Take a phrase off the blocklist."""
    text = " ".join(phrase.split()).strip('"')
    if not await ctx.store.unblock(text):
        raise Refusal(f"“{text}” is not on the blocklist.")
    return Reply(f"“{text}” may be said again.")


@module.command("blocklist list", aliases=("blacklist list",), rank=Rank.MODERATOR)
async def list_blocked(ctx: Ctx) -> Reply:
    """List the blocked phrases, in a whisper where there are whispers."""
    made = await ctx.store.made()
    if not made.phrases:
        return Reply("The blocklist is empty.")
    return Reply(
        "Blocked: " + listed([f"{one.text}{' (anywhere)' * (one.kind == 'contains')}" for one in made.phrases])
    )


# At once


@module.command("nuke", rank=Rank.MODERATOR)
async def nuke_(ctx: Ctx, what: Rest) -> Reply:
    """Time out, ban or delete all who said something lately: lookback, seconds|ban|delete, then words or
    /expression/."""
    plan = nuke.plan_of(what)
    now, ranks = ctx.now(), await ranks_of(ctx)
    said = await ctx.store.said(now - plan.lookback_s, backtest.LINES_MAX)
    said = [line for line in said if line.at >= now - plan.lookback_s]
    lines = await asyncio.to_thread(nuke.hit, said, plan, ranks, ctx.event.account)
    if not lines:
        raise Refusal(
            f"Nobody said that in the last {plan.lookback_s:g} s; what was said this moment takes 2 s to be known."
        )
    targets = nuke.targets_of(lines)
    if plan.deed == "delete":
        await ctx.send(nuke.deletions(lines, ctx.community, ctx.call.key))
        return Reply(f"{min(len(lines), nuke.LINES_MAX)} lines of {len(targets)} people are deleted.")
    await ctx.store.keep_nuke(ctx.event.id, Nuke(plan.deed, targets), now)
    await ctx.send(nuke.punishments(targets, plan.deed, plan.seconds, ctx.community, ctx.call.key))
    kind = MEMBER_BANNED if plan.deed == "ban" else MEMBER_TIMED_OUT
    for target in targets:
        data = {"target_id": target.user_id, "target_login": target.login, "reason": f"nuke: {plan.text}"}
        await ctx.announce(kind, data | ({"seconds": plan.seconds} if plan.seconds else {}))
    done = "banned" if plan.deed == "ban" else f"timed out for {plan.seconds} s"
    return Reply(f"{len(targets)} {'people are' if len(targets) != 1 else 'person is'} {done}. Undo: !nuke undo")


@module.command("nuke undo", rank=Rank.MODERATOR)
async def undo_nuke(ctx: Ctx) -> Reply:
    """Lift the timeouts or bans of the last nuke."""
    found = await ctx.store.undo_nuke(ctx.now())
    if found is None:
        raise Refusal("There was no nuke in the last day that is not undone.")
    await ctx.send(nuke.punishments(found.targets, nuke.lifted(found), 0, ctx.community, ctx.call.key))
    return Reply(f"The {found.deed}s of {len(found.targets)} people are lifted.")


@module.command("vanish", user_cooldown_s=30)
async def vanish(ctx: Ctx) -> Reply:
    """Have your own lines disappear, by a timeout of a second."""
    event = ctx.event
    return order("timeout", "", user_id=event.user_id, user_login=event.user_login, seconds=_VANISH_S)


# HTTP


@module.route("GET", "/filters", role=Role.USER)
async def get_filters(ctx: Request) -> routes.FiltersAnswer:
    """List the filters of the community and how often each found something."""
    return await routes.get_filters(ctx)


@module.route("PUT", "/filters", role=Role.ADMIN)
async def put_filter(ctx: Request, setting: FilterSetting) -> routes.Done:
    """Set a filter."""
    return await routes.put_filter(ctx, setting)


@module.route("GET", "/phrases", role=Role.ADMIN)
async def get_phrases(ctx: Request) -> routes.PhrasesAnswer:
    """List the blocklist of the community."""
    return await routes.get_phrases(ctx)


@module.route("PUT", "/phrases", role=Role.ADMIN)
async def put_phrase(ctx: Request, phrase: Blocked) -> routes.Done:
    """Block a phrase."""
    return await routes.put_phrase(ctx, phrase)


@module.route("DELETE", "/phrases/{text}", role=Role.ADMIN)
async def delete_phrase(ctx: Request) -> routes.Done:
    """Take a phrase off the blocklist."""
    return await routes.delete_phrase(ctx)


@module.route("POST", "/backtests", role=Role.ADMIN)
async def post_backtest(ctx: Request, request: routes.BacktestRequest) -> backtest.Outcome:
    """Say what a filter or a string rule would have done to the chat that is kept."""
    return await routes.post_backtest(ctx, request)
