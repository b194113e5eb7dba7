"""What is noticed of chat, a batch at a time: who is new, who earns a role, which channels are live."""

from collections.abc import Mapping
from typing import Any

from waddlebot.core.community.store import CommunityStore, CustomRole, Records
from waddlebot.libs.contracts.community import Circumstances, CircumstancesRequest
from waddlebot.libs.contracts.reputation import Reputation, Standing, StandingsRequest
from waddlebot.libs.dal import System
from waddlebot.libs.sdk import Batch, BatchContext, CallError, Community, Crowd, ServiceContext

CHECK_EVERY_S = 60.0
"""How often an account that writes is looked at."""
LOOK_EVERY_S = 5.0
"""How often it is asked which communities anything is to be noticed in."""
ACCOUNTS_MAX = 1_000
REMEMBERED_MAX = 100_000
DAY_S = 86_400.0

_LIVE = {"channel.online": True, "channel.offline": False}

type Ctx = BatchContext[Any, CommunityStore]


class Watch:
    """What this host remembers of it: where something is earned, and who was looked at lately."""

    def __init__(self) -> None:
        self.communities: Mapping[str, Records] = {}
        self._looked_at = float("-inf")
        self._checked: dict[tuple[str, str], float] = {}
        self.met: set[tuple[str, str]] = set()

    def is_stale(self, now: float) -> bool:
        """Whether to ask again where anything is to be noticed; true once in a while."""
        if 0 <= now - self._looked_at < LOOK_EVERY_S:
            return False
        self._looked_at = now
        return True

    def due(self, crowd: Crowd, now: float) -> dict[str, list[str]]:
        """The accounts that wrote in communities that notice something and were not looked at lately."""
        found: dict[str, list[str]] = {}
        if len(self._checked) > REMEMBERED_MAX:
            self._checked.clear()
            self.met.clear()
        for (platform, _), here in crowd.said.items():
            for community in here.keys() & self.communities.keys():
                for user_id in here[community].names:
                    account = f"{platform}:{user_id}"
                    key = community, account
                    if user_id and not 0 <= now - self._checked.get(key, float("-inf")) < CHECK_EVERY_S:
                        self._checked[key] = now
                        found.setdefault(community, []).append(account)
        return found


async def noticed(ctx: Ctx, watch: Watch, crowd: Crowd) -> None:
    """Write down what a batch brought."""
    now = ctx.now()
    for event in crowd.others:
        if event.kind in _LIVE and event.community:
            store = ctx.store_in(Community(event.community))
            await store.told_live(event.entity, _LIVE[event.kind], event.occurred_at)
    if not crowd.said:
        return
    if watch.is_stale(now):
        watch.communities = await ctx.store_in(System("where roles are earned")).watched()
    due = watch.due(crowd, now) if watch.communities else {}
    if new := [
        (c, account) for c, accounts in due.items() for account in accounts if (c, account) not in watch.met
    ]:
        await ctx.store_in(Batch(frozenset(c for c, _ in new))).met(new, now)
        watch.met.update(new)
    for community, accounts in due.items():
        if watch.communities[community].roles:
            for first in range(0, len(accounts), ACCOUNTS_MAX):
                await _earned(
                    ctx, community, watch.communities[community], accounts[first : first + ACCOUNTS_MAX], now
                )


async def _earned(ctx: Ctx, community: str, known: Records, accounts: list[str], now: float) -> None:
    """Give and take the roles that these accounts earn, or no more."""
    store = ctx.store_in(Community(community))
    standings: dict[str, Standing] = {}
    if any(role.earn in ("points", "score") for role in known.roles):
        try:
            asked = await ctx.use(Reputation, community).standings(StandingsRequest(tuple(accounts)))
        except CallError as error:
            ctx.log.info("nobody can tell who earns a role in %s now: %s", community, error)
            return  # nobody loses a role because nobody could tell
        standings = dict(zip(accounts, asked.items, strict=True))
    since = {}
    if any(role.earn == "days" for role in known.roles):
        since = {account: await store.known_since(account) for account in accounts}
    held = {(one.role, one.account) for one in known.holders}
    won: list[tuple[str, str]] = []
    lost: list[tuple[str, str]] = []
    for role in known.roles:
        for account in accounts:
            has = (role.name, account) in held
            if _earns(role, standings.get(account), since.get(account), now) != has:
                (lost if has else won).append((role.name, account))
    if won or lost:
        await store.earn(won, lost)


def _earns(role: CustomRole, standing: Standing | None, since: float | None, now: float) -> bool:
    if role.earn == "days":
        return since is not None and now - since >= role.earn_min * DAY_S
    if standing is None:
        return False
    return (standing.activity if role.earn == "points" else standing.score) >= role.earn_min


async def circumstances(ctx: ServiceContext[Any, CommunityStore], request: CircumstancesRequest) -> Circumstances:
    """Since when any of some accounts is known, and whether a channel is live."""
    store = ctx.store_in(Community(ctx.community))
    if len(request.accounts) > ACCOUNTS_MAX:
        raise CallError(f"at most {ACCOUNTS_MAX} accounts a call, not {len(request.accounts)}")
    known = [since for one in request.accounts if (since := await store.known_since(one)) is not None]
    return Circumstances(min(known, default=None), await store.is_live(request.entity) if request.entity else None)
