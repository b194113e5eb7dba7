"""Security: warnings, timeouts and bans of people, by all their accounts, each with its reason and its way back.
Start here.
"""

import dataclasses
from collections.abc import Sequence
from typing import Annotated

from waddlebot.core.security import deeds
from waddlebot.core.security.deeds import CASE, OURS
from waddlebot.core.security.store import Kind, Logged, SecurityStore, Steps, Verdict
from waddlebot.libs import audit
from waddlebot.libs.contracts.community import CommunityService
from waddlebot.libs.contracts.identity import Identity, PeopleRequest, find_account
from waddlebot.libs.sdk import (
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
    ServiceContext,
    listed,
)
from waddlebot.libs.sdk.arguments import parse_duration

REASON_LENGTH_MAX = 300
TIMEOUT_S_MAX = 1_209_600
"""Two weeks: the longest timeout of Twitch (https://dev.twitch.tv/docs/api/reference/#ban-user)."""
SHOWN = 5
"""Entries of the log in one reply."""
_DAY_S = 86_400.0


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What follows from warnings. Nothing follows by itself until somebody switches it on."""

    days: Annotated[int, Field("Days that a warning counts.", at_least=1, at_most=365)] = 30
    escalate: Annotated[bool, Field("Whether warnings lead to timeouts.")] = False
    count_filters: Annotated[bool, Field("Whether what filters warn of counts as a warning.")] = False
    every: Annotated[int, Field("How many warnings lead to the next step.", at_least=1, at_most=100)] = 3
    first: Annotated[int, Field("Minutes of the first timeout.", at_least=1, at_most=20_160)] = 5
    second: Annotated[int, Field("Minutes of the second timeout.", at_least=1, at_most=20_160)] = 60
    third: Annotated[int, Field("Minutes of the third timeout and all after it.", at_least=1, at_most=20_160)] = (
        1_440
    )
    ban: Annotated[bool, Field("Whether a ban follows the third timeout.")] = False

    @property
    def steps(self) -> Steps | None:
        """What warnings lead to; None where they lead to nothing."""
        timeouts_s = (self.first * 60.0, self.second * 60.0, self.third * 60.0)
        return Steps(self.every, timeouts_s, self.ban, OURS) if self.escalate else None


type Ctx = Context[Settings, SecurityStore]
type ServiceCtx = ServiceContext[Settings, SecurityStore]

module = Module(
    __name__,
    "Warn, time out and ban people by all their accounts, and take it back.",
    http_port=8055,
    grpc_port=50955,
    settings=Settings,
    store=SecurityStore,
    keeps_people={
        "verdict": "what moderators hold against you, without your name and their reason, so that bans hold",
        "enforced": "what platforms were asked to do about you, so that they are asked to end it",
    },
    uses=(Identity, CommunityService),
)


@module.contributes
async def contribute(ctx: ServiceCtx, communities: tuple[str, ...]) -> dict[str, Contribution]:
    """Whom the bot does not answer."""
    found = await ctx.store_in(Batch(frozenset(communities))).verdicts_by_community()
    return {
        community: Contribution(restrictions=deeds.restrictions(verdicts))
        for community, verdicts in found.items()
        if ctx.enabled(community)
    }


@module.job(every_s=1)
async def settle(ctx: ServiceCtx) -> None:
    """Have platforms do what is decided, and end what is over or was taken back."""
    await deeds.settle(ctx, whole=False)


@module.job(every_s=60)
async def follow_links(ctx: ServiceCtx) -> None:
    """Have platforms keep out the accounts that were linked with one that is kept out, and let parted ones in."""
    await deeds.settle(ctx, whole=True)


@module.job(every_s=3_600)
async def forget_old(ctx: ServiceCtx) -> None:
    """Delete what stands in the log for longer than a year."""
    await ctx.store_everywhere("the log of every community is kept for a year").forget_old(ctx.now())


@module.observe(MESSAGE_FILTERED)
async def count_filtered(ctx: BatchContext[Settings, SecurityStore], events: Sequence[Event]) -> None:
    """Count what filters warned of as warnings, where that is set."""
    for event in events:
        if event.data.get("action") != "warn" or event.data.get("canary") or not event.data.get("target_id"):
            continue
        settings = ctx.settings(event.community)
        if not settings.count_filters or not ctx.enabled(event.community):
            continue
        account = f"{event.platform}:{event.data['target_id']}"
        verdict = Verdict(
            deeds.verdict_id(event.community, event.id, "filtered"), "warn", account,
            str(event.data.get("target_login", "")), str(event.data.get("reason", ""))[:REASON_LENGTH_MAX], OURS,
            event.occurred_at, event.occurred_at + settings.days * _DAY_S, automatic=True,
        )  # fmt: skip
        groups = await ctx.use(Identity, event.community).people(PeopleRequest((account,)))
        accounts = groups.groups[0] if groups.groups else (account,)
        store = ctx.store_in(Community(event.community), actor=OURS, key=f"{event.id}/{OURS}")
        made = await store.decide(verdict, accounts, settings.steps)
        # The filter has said itself that it warned.
        await ctx.announce([deeds.announced(one, event.entity, event.community) for one in made[1:]])


@module.command("warn", rank=Rank.MODERATOR)
async def warn(ctx: Ctx, user: Login, reason: Rest | None = None) -> Reply:
    """Warn somebody, and say why."""
    return await _decided(ctx, "warn", user, reason, ctx.now() + ctx.settings.days * _DAY_S)


@module.command("timeout", rank=Rank.MODERATOR)
async def timeout(ctx: Ctx, user: Login, duration: str, reason: Rest | None = None) -> Reply:
    """Keep somebody out for a while such as 10m or 2h, by all their accounts, and say why."""
    try:
        seconds = parse_duration(duration)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= TIMEOUT_S_MAX:
        raise Refusal(f"{duration[:20]} is no time from a second to two weeks, such as 90, 10m or 2h.")
    return await _decided(ctx, "timeout", user, reason, ctx.now() + seconds)


@module.command("ban", rank=Rank.MODERATOR)
async def ban(ctx: Ctx, user: Login, reason: Rest | None = None) -> Reply:
    """Keep somebody out, by all their accounts, until that is taken back, and say why."""
    return await _decided(ctx, "ban", user, reason, 0.0)


@module.command("unwarn", rank=Rank.MODERATOR)
async def unwarn(ctx: Ctx, user: Login, reason: Rest | None = None) -> Reply:
    """Take back the last warning of somebody."""
    return await _lifted(ctx, "warn", user, reason)


@module.command("untimeout", rank=Rank.MODERATOR)
async def untimeout(ctx: Ctx, user: Login, reason: Rest | None = None) -> Reply:
    """Let somebody in again who was timed out."""
    return await _lifted(ctx, "timeout", user, reason)


@module.command("unban", rank=Rank.MODERATOR)
async def unban(ctx: Ctx, user: Login, reason: Rest | None = None) -> Reply:
    """Let somebody in again who was banned."""
    return await _lifted(ctx, "ban", user, reason)


@module.command(CASE, user_cooldown_s=5)
async def case(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show what is held against you, and why; moderators may ask for somebody else's case."""
    if user is None:
        account, name = ctx.event.account, ctx.event.user_name
    else:
        found = await find_account(ctx, user)
        account, name = found.account, found.name
    accounts = await deeds.accounts_of(ctx, account)
    if ctx.event.account not in accounts and not ctx.is_at_least(Rank.MODERATOR):
        raise Refusal("Only moderators and above see what is held against somebody else.")
    now = ctx.now()
    held = [one for one in await ctx.store.verdicts(accounts) if not one.until or one.until > now]
    many = f" ({len(accounts)} accounts)" if len(accounts) > 1 else ""
    if not held:
        return Reply(f"Nothing is held against {name}{many} here.")
    return Reply(f"{name}{many}: {listed([_told(one, now) for one in held])}")


@module.command("modlog", rank=Rank.MODERATOR)
async def modlog(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show what moderators did last, or what was done about somebody."""
    accounts: tuple[str, ...] = ()
    if user is not None:
        accounts = await deeds.accounts_of(ctx, (await find_account(ctx, user)).account)
    found = await ctx.store.log(accounts, SHOWN)
    if not found:
        return Reply(
            "Nothing was done about anybody here." if user is None else f"Nothing was done about {user} here."
        )
    return Reply(f"Log: {listed([_entry(one, ctx.now()) for one in found])}")


async def _decided(ctx: Ctx, kind: Kind, user: str, reason: str | None, until: float) -> Reply:
    found = await find_account(ctx, user)
    accounts = await deeds.accounts_of(ctx, found.account)
    await deeds.check_may(ctx, found.name, accounts)
    reason = reason or ""
    if len(reason) > REASON_LENGTH_MAX:
        raise Refusal(f"A reason has at most {REASON_LENGTH_MAX} characters.")
    verdict = Verdict(
        deeds.verdict_id(ctx.call.key),
        kind,
        found.account,
        found.login,
        reason,
        ctx.event.account,
        ctx.now(),
        until,
    )
    ctx.store.reason = reason
    made = await ctx.store.decide(verdict, accounts, ctx.settings.steps)
    _audit(ctx, kind, found.account)
    for one in made:
        event = deeds.announced(one, ctx.event.entity, ctx.community)
        await ctx.announce(event.kind, event.data)
    what = " and ".join(_DONE[one.kind] + _for(one) for one in made)
    because = f" for “{reason}”" if reason else ""
    many = f", with all {len(accounts)} accounts" if len(accounts) > 1 and kind != "warn" else ""
    return Reply(f"{found.name} is {what}{because}{many}.")


async def _lifted(ctx: Ctx, kind: Kind, user: str, reason: str | None) -> Reply:
    found = await find_account(ctx, user)
    accounts = await deeds.accounts_of(ctx, found.account)
    if ctx.event.account in accounts:
        raise Refusal("Nobody judges themselves. Ask another moderator.")
    reason = (reason or "")[:REASON_LENGTH_MAX]
    ctx.store.reason = reason
    gone = await ctx.store.lift(kind, accounts, reason, ctx.now())
    if not gone:
        raise Refusal(f"{found.name} is not {_DONE[kind]}.")
    _audit(ctx, f"un{kind}", found.account)
    because = f", for “{reason}”" if reason else ""
    return Reply(f"{found.name} is no longer {_DONE[kind]}{because}.")


def _audit(ctx: Ctx, what: str, account: str) -> None:
    audit.event(audit.Category.AUDIT, module.name, ctx.community, ctx.event.account, f"{what} {account}", "OK")


_DONE = {"warn": "warned", "timeout": "timed out", "ban": "banned"}


def _for(verdict: Verdict) -> str:
    return f" for {_time(verdict.until - verdict.at)}" if verdict.kind == "timeout" else ""


def _told(verdict: Verdict, now: float) -> str:
    left = f" for {_time(verdict.until - now)} more" if verdict.kind == "timeout" else ""
    because = f" for “{verdict.reason}”" if verdict.reason else ""
    by = "by a setting" if verdict.automatic else f"by {verdict.actor or 'a moderator'}"
    return f"{_DONE[verdict.kind]}{left}{because} {by} {_time(now - verdict.at)} ago"


def _entry(one: Logged, now: float) -> str:
    because = f" for “{one.reason}”" if one.reason else ""
    return (
        f"{one.kind} {one.login or one.account}{because} by {one.actor or 'a moderator'} {_time(now - one.at)} ago"
    )


def _time(seconds: float) -> str:
    """About how long, in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
