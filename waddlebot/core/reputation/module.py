"""Reputation: a score of how somebody behaves, and points for how active they are."""

from collections.abc import Sequence
from typing import Any

from waddlebot.core.reputation.scores import Settings, gains_of, score_of, tier_of
from waddlebot.core.reputation.store import Gained, ReputationStore
from waddlebot.libs.contracts.identity import Identity, PeopleRequest, find_account
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
    Crowd,
    Login,
    Module,
    Reply,
    ServiceContext,
)

ACCOUNTS_MAX = 1_000

type Ctx = Context[Settings, ReputationStore]

module = Module(
    __name__,
    "Keep a score of how people behave, and count how active they are.",
    http_port=8053,
    grpc_port=50021,
    settings=Settings,
    store=ReputationStore,
    uses=(Identity, Reputation),
)


@module.observe("*", into=Crowd)
async def count(ctx: BatchContext[Settings, ReputationStore], crowd: Crowd) -> None:
    """Add what the events of a batch are worth, in one write."""
    gains = gains_of(crowd, ctx.settings)
    if gains:
        communities = frozenset(gain[1] for gain in gains)
        await ctx.store_in(Batch(communities), key=ctx.call_scope.key).add(gains)


@module.command("reputation", aliases=("rep",), user_cooldown_s=5)
async def reputation(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show your reputation, or somebody else's: a score from 300 to 850 that starts at 600."""
    name, standing = await _standing(ctx, user)
    return Reply(
        f"{name} has a reputation of {standing.score:.1f} ({standing.tier}) here "
        f"and {standing.overall:.1f} ({standing.overall_tier}) overall."
    )


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
    if user is None:
        account, name = ctx.event.account, ctx.event.user_name
    else:
        found = await find_account(ctx, user)
        account, name = found.account, found.name
    answer = await ctx.use(Reputation).standings(StandingsRequest((account,)))
    return name, answer.items[0]


def _as_standing(account: str, gained: Sequence[Gained]) -> Standing:
    score = score_of(sum(one.gained for one in gained))
    overall = score_of(sum(one.gained_overall for one in gained))
    points = sum(one.activity for one in gained)
    return Standing(account, score, tier_of(score), overall, tier_of(overall), points)
