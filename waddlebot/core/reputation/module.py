"""Reputation: a score of how somebody behaves, and points for how active they are. Start here."""

import hashlib
from collections.abc import Sequence
from itertools import batched
from typing import Any

import msgspec

from waddlebot.core.reputation import policies
from waddlebot.core.reputation.scores import DAY_S, Settings, brought_by, score_of, tier_of
from waddlebot.core.reputation.store import Adjustment, Event, Gained, Part, ReputationStore
from waddlebot.core.reputation.words import made_of, signed
from waddlebot.libs import audit
from waddlebot.libs.contracts.community import GLOBAL, CommunityService
from waddlebot.libs.contracts.identity import Account, Identity, PeopleRequest, find_account
from waddlebot.libs.contracts.reputation import (
    Known,
    KnownRequest,
    Reputation,
    Standing,
    Standings,
    StandingsRequest,
)
from waddlebot.libs.sdk import (
    Batch,
    BatchContext,
    CallError,
    Community,
    Context,
    Contribution,
    Crowd,
    Login,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    RouteContext,
    ServiceContext,
    UsageError,
    listed,
)
from waddlebot.libs.web.errors import HttpError

ACCOUNTS_MAX = 1_000

AT_RISK = 50.0
"""Within so many points of the threshold for bans people are at risk."""
ADJUST_MAX = 550.0
WORDS_LENGTH_MAX = 300
_WEEK_S = 7 * DAY_S
_LOW_MAX = 500
_ROUTE_EVENTS_MAX = 100

type Ctx = Context[Settings, ReputationStore]
type ServiceCtx = ServiceContext[Settings, ReputationStore]

module = Module(
    __name__,
    "Keep a score of how people behave, and count how active they are.",
    http_port=8053,
    grpc_port=50021,
    settings=Settings,
    store=ReputationStore,
    keeps_people={
        "act": "what policies did about you, so that warnings and bans hold",
        "acted": "when they did it, so that the next step follows in time",
    },
    uses=(Identity, Reputation, CommunityService),
)


@module.observe("*", into=Crowd)
async def count(ctx: BatchContext[Settings, ReputationStore], crowd: Crowd) -> None:
    """Add what the events of a batch are worth, in one write."""
    now = ctx.now()
    brought = brought_by(crowd, ctx.settings, now)
    if brought.gains:
        communities = frozenset(gain[1] for gain in brought.gains)
        await ctx.store_in(Batch(communities), key=ctx.call_scope.key).add(brought, now)


@module.contributes
async def contribute(ctx: ServiceCtx, communities: tuple[str, ...]) -> dict[str, Contribution]:
    """Whom policies restricted or banned, where the module is switched on."""
    store = ctx.store_in(Batch(frozenset(communities)))
    store.primary = True  # asked because something changed, which a replica may not know yet
    found = await store.acts_by_community()
    return {
        community: Contribution(restrictions=policies.restrictions(acts))
        for community, acts in found.items()
        if ctx.enabled(community)
    }


@module.job(every_s=policies.EVERY_S)
async def enforce(ctx: ServiceCtx) -> None:
    """Look at who was punished, and tell platforms what policies did and what was undone."""
    await policies.judge(ctx)
    await policies.settle(ctx)


@module.job(every_s=600)
async def decay(ctx: ServiceCtx) -> None:
    """Once a week move scores towards the start where that is set; overall ones where it is for everybody."""
    everywhere = ctx.store_everywhere("scores decay in every community")
    week, overall = int(ctx.now() // _WEEK_S), ctx.settings(GLOBAL).decay
    known = await everywhere.decaying()
    for community in sorted({*ctx.entities.values(), *known}):
        here = ctx.settings(community).decay if ctx.enabled(community) else 0.0
        store = ctx.store_in(Community(community))
        if not here and not overall:
            if community in known:
                await store.stay()
        elif community not in known or known[community].week < week:
            while not await store.decay(week, here, overall, ctx.now()):
                pass


@module.job(every_s=3_600)
async def forget_old(ctx: ServiceCtx) -> None:
    """Make one sum for each kind of what is older than the history goes back."""
    everywhere = ctx.store_everywhere("the history of every community is as long")
    while not await everywhere.fold(ctx.now()):
        pass


@module.command("reputation", aliases=("rep",), user_cooldown_s=5)
async def reputation(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show your reputation, or somebody else's: a score from 300 to 850 that starts at 600."""
    name, standing = await _standing(ctx, user)
    return Reply(
        f"{name} has a reputation of {standing.score:.1f} ({standing.tier}) here "
        f"and {standing.overall:.1f} ({standing.overall_tier}) overall."
    )


@module.command("reputation why", aliases=("rep why",), user_cooldown_s=5)
async def why(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show what your reputation here is made of; moderators may ask for somebody else's."""
    account, name = await _whom(ctx, user)
    accounts = await _person(ctx, account)
    if ctx.event.account not in accounts and not ctx.is_at_least(Rank.MODERATOR):
        raise Refusal("Only moderators and above see what somebody else's reputation is made of.")
    return Reply(made_of(name, await ctx.store.why(accounts, 3), ctx.now()))


@module.command("reputation adjust", aliases=("rep adjust",), rank=Rank.MODERATOR)
async def adjust(ctx: Ctx, user: Login, points: str, reason: Rest) -> Reply:
    """Add points to somebody's reputation here, or take them, such as -25, and say why. It can be undone."""
    amount = _points_of(points)
    account, name = await _whom(ctx, user)
    accounts = await _person(ctx, account)
    if ctx.event.account in accounts:
        raise Refusal("Nobody adjusts their own reputation. Ask another moderator.")
    if len(reason) > WORDS_LENGTH_MAX:
        raise Refusal(f"A reason has at most {WORDS_LENGTH_MAX} characters.")
    event, now = ctx.event, ctx.now()
    id_ = hashlib.blake2b(ctx.call.key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    await ctx.store.adjust(Adjustment(account, id_, amount, reason, user, event.account, now))
    audit.event(
        audit.Category.AUDIT, module.name, ctx.community, event.account, f"adjust {account} by {amount:g}", "OK"
    )
    score = score_of((await ctx.store.why(accounts, 1)).gained)  # of this delivery, so it sees what it wrote
    return Reply(f"{name} has {score:.1f} now: {signed(amount)} for “{reason}”.")


def _points_of(text: str) -> float:
    try:
        amount = float(text.replace("−", "-"))
    except ValueError:
        amount = 0.0
    if not 0.01 <= abs(amount) <= ADJUST_MAX:
        raise UsageError(f"Write points such as +10 or -25, of {ADJUST_MAX:g} at most, then the reason.")
    return amount


@module.command("reputation atrisk", aliases=("rep atrisk", "reputation at-risk"), rank=Rank.MODERATOR)
async def at_risk(ctx: Ctx) -> Reply:
    """List who is near the score at which the policy for bans acts, were it on, or below it."""
    least = ctx.settings.policy_ban_at + AT_RISK
    low = await ctx.store.low(_LOW_MAX)
    logins = {one.account: one.login for one in low}
    people: dict[tuple[str, ...], None] = {}
    for part in batched(logins, ACCOUNTS_MAX, strict=False):
        found = await ctx.use(Identity).people(PeopleRequest(tuple(part)))
        groups = {account: group for group in found.groups for account in group}
        people |= dict.fromkeys(groups.get(account, (account,)) for account in part)
    scores = []
    for accounts in people:
        conduct = await ctx.store.conduct(accounts)
        if conduct and max(conduct) <= least:
            scores.append((max(conduct), next(logins[one] for one in accounts if one in logins)))
    if not scores:
        return Reply(f"Nobody is at {least:g} or below.")
    return Reply(f"At {least:g} or below: {listed([f'{name} {score:.1f}' for score, name in sorted(scores)])}")


@module.command("reputation pardon", aliases=("rep pardon",), rank=Rank.MODERATOR)
async def pardon(ctx: Ctx, user: Login, reason: Rest) -> Reply:
    """Undo what policies did to somebody, and say why."""
    account, name = await _whom(ctx, user)
    accounts = await _person(ctx, account)
    _check_other(ctx, accounts)
    undone = await ctx.store.pardon(accounts)
    if not undone:
        raise Refusal(f"No policy holds anything against {name}.")
    acts = ", ".join(sorted({_DONE[act.kind] for act in undone}))
    return Reply(f"{name}: {acts} undone, for “{reason[:WORDS_LENGTH_MAX]}”.")


# Appeals


_DONE = {"warn": "the warning", "restrict": "the restriction", "ban": "the ban"}


@module.command(policies.APPEAL, user_cooldown_s=30)
async def appeal(ctx: Ctx, words: Rest) -> Reply:
    """Ask the moderators to undo what a policy did to you, and say why."""
    accounts = await _person(ctx, ctx.event.account)
    acts = await ctx.store.acts(accounts)
    if not acts:
        raise Refusal("No policy holds anything against you here, so there is nothing to appeal.")
    if len(words) > WORDS_LENGTH_MAX:
        raise Refusal(f"An appeal has at most {WORDS_LENGTH_MAX} characters.")
    event = ctx.event
    for act in acts:
        if made := await ctx.store.appeal(act, event.account, event.user_login, words, ctx.now()):
            return Reply(f"Your appeal {made.id} against {_DONE[act.kind]} is with the moderators.")
    raise Refusal("You have appealed already. The moderators decide.")


@module.command("appeals list", aliases=("appeals",), rank=Rank.MODERATOR)
async def list_appeals(ctx: Ctx) -> Reply:
    """List the open appeals, the oldest first."""
    acts = {act.id: act for act in await ctx.store.acts()}
    lines = []
    for one in await ctx.store.appeals():
        act = acts.get(one.id)
        against = f"{_DONE[act.kind]} at {act.score:.1f}" if act else "what is over"
        lines.append(f"{one.id} {one.login} against {against}: “{one.words}”")
    return Reply(f"Appeals: {listed(lines)}" if lines else "There are no open appeals.")


@module.command("appeals accept", rank=Rank.MODERATOR)
async def accept(ctx: Ctx, appeal: str, reason: Rest | None = None) -> Reply:
    """Accept an appeal by its number or by who made it: what the policy did is undone."""
    return await _decide(ctx, appeal, reason or "", accepted=True)


@module.command("appeals reject", rank=Rank.MODERATOR)
async def reject(ctx: Ctx, appeal: str, reason: Rest) -> Reply:
    """Reject an appeal by its number or by who made it, and say why."""
    return await _decide(ctx, appeal, reason, accepted=False)


async def _decide(ctx: Ctx, typed: str, reason: str, *, accepted: bool) -> Reply:
    word = typed.removeprefix("@").lower()
    found = [one for one in await ctx.store.appeals() if word in (one.id, one.login.lower())]
    if not found:
        raise Refusal(f"There is no open appeal {word}. See: appeals list")
    _check_other(ctx, await _person(ctx, found[0].account))
    acts = {act.id: act for act in await ctx.store.acts()}
    reason = reason[:WORDS_LENGTH_MAX]
    decided = await ctx.store.decide(found[0].id, accepted, ctx.event.account, reason)
    if decided is None:
        raise Refusal("Somebody else decided that a moment ago.")
    act = acts.get(decided.id)
    what = _DONE[act.kind] if act else "what is over"
    because = f" for “{reason}”" if reason else ""
    if not accepted:
        return Reply(f"The appeal of {decided.login} against {what} is rejected,{because}.")
    return Reply(f"The appeal of {decided.login} is accepted{because}: {what} is undone.")


def _check_other(ctx: Ctx, accounts: tuple[str, ...]) -> None:
    if ctx.event.account in accounts:
        raise Refusal("Nobody decides about themselves. Ask another moderator.")


@module.command("activity", user_cooldown_s=5)
async def activity(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show how active you are here, or somebody else is, in points."""
    name, standing = await _standing(ctx, user)
    return Reply(f"{name} has {standing.activity:,.0f} activity points.")


@module.answers(Reputation.standings)
async def standings(ctx: ServiceContext[Any, ReputationStore], request: StandingsRequest) -> Standings:
    """Scores of people in the asking community and overall; every linked account counts."""
    _check(request.accounts)
    groups = [request.accounts] if request.together else await _groups(ctx, request.accounts)
    store = ctx.store_everywhere("an overall reputation counts every community")
    found = iter(await store.gained(tuple(account for group in groups for account in group), ctx.community))
    asked = request.accounts[:1] if request.together else request.accounts
    return Standings(
        tuple(
            _as_standing(account, [next(found) for _ in group])
            for account, group in zip(asked, groups, strict=True)
        )
    )


async def _groups(ctx: ServiceContext[Any, Any], accounts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """All accounts of each one's person; alone, while nobody can tell."""
    try:
        people = (await ctx.use(Identity).people(PeopleRequest(accounts))).groups if accounts else ()
    except CallError as error:
        ctx.log.debug("who belongs to whom is not known: %s", error)
        people = ()
    groups = {account: group for group in people for account in group}
    return [groups.get(account, (account,)) for account in accounts]


@module.answers(Reputation.known)
async def known(ctx: ServiceContext[Any, ReputationStore], request: KnownRequest) -> Known:
    """Which accounts have a reputation in the asking community."""
    _check(request.accounts)
    return Known(await ctx.store_in(Community(ctx.community)).known(request.accounts))


def _check(accounts: Sequence[str]) -> None:
    if len(accounts) > ACCOUNTS_MAX:
        raise CallError(f"at most {ACCOUNTS_MAX} accounts a call, not {len(accounts)}")


async def _standing(ctx: Ctx, user: Login | None) -> tuple[str, Standing]:
    """Somebody's name and standing: the one asked for, or who asks."""
    account, name = await _whom(ctx, user)
    answer = await ctx.use(Reputation).standings(StandingsRequest((account,)))
    return name, answer.items[0]


async def _whom(ctx: Ctx, user: Login | None) -> tuple[str, str]:
    """The account and name of who is meant: who asks, where nobody is named."""
    if user is None:
        return ctx.event.account, ctx.event.user_name
    found: Account = await find_account(ctx, user)
    return found.account, found.name


async def _person(ctx: Ctx, account: str) -> tuple[str, ...]:
    """All accounts of somebody. Raises ``CallError`` where nobody can tell: nobody decides about themselves."""
    groups = (await ctx.use(Identity).people(PeopleRequest((account,)))).groups
    return groups[0] if groups else (account,)


def _as_standing(account: str, gained: Sequence[Gained]) -> Standing:
    score = score_of(sum(one.gained for one in gained))
    overall = score_of(sum(one.gained_overall for one in gained))
    points = sum(one.activity for one in gained)
    return Standing(account, score, tier_of(score), overall, tier_of(overall), points)


# HTTP


class HistoryAnswer(msgspec.Struct):
    """What an account's score here is made of, and its newest punishments and adjustments."""

    account: str
    score: float
    tier: str
    parts: list[Part]
    events: list[Event]


@module.route("GET", "/history/{account}", role=Role.ADMIN)
async def get_history(ctx: RouteContext[Settings, ReputationStore]) -> HistoryAnswer:
    """Show what the score of one account, ``platform:user_id``, is made of, with ``?most=…`` of its events."""
    most = ctx.query.get("most", "20")
    if not (most.isascii() and most.isdigit() and 1 <= int(most[:9]) <= _ROUTE_EVENTS_MAX):
        raise HttpError(400, "invalid_most", f"most is a number from 1 to {_ROUTE_EVENTS_MAX}.")
    account = ctx.path["account"]
    found = await ctx.store.why((account,), int(most))
    score = score_of(found.gained)
    return HistoryAnswer(account, score, tier_of(score), found.parts, found.events)
