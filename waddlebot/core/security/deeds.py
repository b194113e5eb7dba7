"""Whom it concerns, who may, and what platforms are asked to do. Times are in seconds since 1970."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from waddlebot.core.security.store import Enforced, SecurityStore, Verdict
from waddlebot.libs.contracts.community import CommunityService, ConfigurationsRequest
from waddlebot.libs.contracts.identity import Identity, PeopleRequest
from waddlebot.libs.sdk import (
    EVENT_VERSION,
    MEMBER_BANNED,
    MEMBER_TIMED_OUT,
    MEMBER_WARNED,
    CallError,
    Community,
    Context,
    Event,
    Rank,
    Refusal,
    Reply,
    Restriction,
    Send,
    ServiceContext,
)
from waddlebot.libs.sdk.orders import Deed, order

OURS = "core.security"
CASE = "case"
"""The command that who is kept out may still use: it says why."""
_STAFF = int(Rank.MODERATOR | Rank.ADMIN | Rank.OWNER)
_PEOPLE_MAX = 1_000  # in one question to Identity
_ANNOUNCED = {"warn": MEMBER_WARNED, "timeout": MEMBER_TIMED_OUT, "ban": MEMBER_BANNED}
_DEEDS: dict[str, Deed] = {"timeout": "timeout", "ban": "ban"}
_LIFTED: dict[str, Deed] = {"timeout": "untimeout", "ban": "unban"}

type Ctx = Context[Any, SecurityStore]
type ServiceCtx = ServiceContext[Any, SecurityStore]


async def accounts_of(ctx: Ctx, account: str) -> tuple[str, ...]:
    """All accounts of somebody, the given one first. Raises ``CallError`` where nobody can tell."""
    groups = (await ctx.use(Identity).people(PeopleRequest((account,)))).groups
    others = groups[0] if groups else ()
    return (account, *(one for one in others if one != account))


async def check_may(ctx: Ctx, name: str, accounts: Sequence[str]) -> None:
    """Raise ``Refusal`` where somebody acts on themselves, or on who stands as high or higher."""
    if ctx.event.account in accounts:
        raise Refusal("Nobody judges themselves. Ask another moderator.")
    asked = ConfigurationsRequest((ctx.community,))
    found = (await ctx.use(CommunityService).configurations(asked)).items
    ranks = found[0].contribution.ranks if found else {}
    theirs = 0
    for account in accounts:
        theirs |= ranks.get(account, 0)
    if (theirs & _STAFF).bit_length() >= (ctx.call.ranks & _STAFF).bit_length() and theirs & _STAFF:
        raise Refusal(f"{name} stands as high as you or higher: that is not yours to decide.")


def restrictions(verdicts: Iterable[Verdict]) -> tuple[Restriction, ...]:
    """Whom the bot does not answer, by whichever of their accounts they write."""
    return tuple(
        Restriction(one.account, one.reason or one.kind, one.until, (CASE,), person=True)
        for one in verdicts
        if one.kind != "warn"
    )


def verdict_id(*parts: object) -> str:
    """A short name for a verdict, the same each time a delivery is run."""
    return hashlib.blake2b("/".join(map(str, parts)).encode("utf-8", "replace"), digest_size=6).hexdigest()


async def settle(ctx: ServiceCtx, *, whole: bool) -> None:
    """End what is over, then have platforms do what is decided, for all accounts people have now, and no more.

    With ``whole`` it is looked for whom people were linked with meanwhile, too, in every community.
    """
    now = ctx.now()
    everywhere = ctx.store_everywhere("what is held against people, in every community")
    for community in await everywhere.over(now):
        await ctx.store_in(Community(community), actor=OURS).end(now)
    for community in await (everywhere.open() if whole else everywhere.unsettled()):
        store = ctx.store_in(Community(community))
        verdicts = {one.id: one for one in await store.verdicts() if one.kind != "warn"}
        try:
            people = await _people(ctx, {one.account for one in verdicts.values()})
        except CallError as error:
            ctx.log.debug("platforms are told later: %s", error)
            continue
        wanted = {
            (one.id, account): Enforced(one.id, account, one.kind, one.login if account == one.account else "")
            for one in verdicts.values()
            for account in people.get(one.account, (one.account,))
        }
        there = {(one.id, one.account): one for one in await store.enforced()}
        new = [one for key, one in wanted.items() if key not in there]
        gone = [one for key, one in there.items() if key not in wanted]
        if not new and not gone:
            continue
        places = places_of(ctx.entities, community)
        sends = [send for one in gone for send in _lifted(one, community, places, now, there_still(one, wanted))]
        sends += [send for one in new for send in _done(one, verdicts[one.id], community, places, now)]
        # Told first: to be told twice does no harm, never to be told would.
        if sends:
            await ctx.send(sends)
        await store.told(new, gone)


def there_still(gone: Enforced, wanted: Mapping[tuple[str, str], Enforced]) -> bool:
    """Whether the account is kept out as before by something else, so that it is not to be let in."""
    return any(one.account == gone.account and one.kind == gone.kind for one in wanted.values())


async def _people(ctx: ServiceCtx, accounts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    whole = sorted(accounts)
    for start in range(0, len(whole), _PEOPLE_MAX):
        request = PeopleRequest(tuple(whole[start : start + _PEOPLE_MAX]))
        for group in (await ctx.use(Identity).people(request)).groups:
            found.update(dict.fromkeys(group, group))
    return found


def places_of(entities: Mapping[str, str], community: str) -> dict[str, list[str]]:
    """Platform → the community's channels there."""
    found: dict[str, list[str]] = {}
    for entity in sorted(entity for entity, owner in entities.items() if owner == community):
        found.setdefault(entity.partition(":")[0], []).append(entity)
    return found


def _done(
    one: Enforced, verdict: Verdict, community: str, places: Mapping[str, list[str]], now: float
) -> Iterator[Send]:
    seconds = max(1, round(verdict.until - now)) if verdict.until else 0
    yield from _sends(one, _DEEDS[one.kind], seconds, community, places, now)


def _lifted(
    one: Enforced, community: str, places: Mapping[str, list[str]], now: float, still: bool
) -> Iterator[Send]:
    if not still:
        yield from _sends(one, _LIFTED[one.kind], 0, community, places, now)


def _sends(
    one: Enforced, deed: Deed, seconds: int, community: str, places: Mapping[str, list[str]], now: float
) -> Iterator[Send]:
    """An order in every channel of the account's platform."""
    platform, _, user_id = one.account.partition(":")
    for entity in places.get(platform, ()):
        reply: Reply = order(deed, "", user_id=user_id, user_login=one.login, seconds=seconds)
        where, server, channel = entity.split(":", 2)
        id_ = f"{OURS}/{verdict_id(community, one.id, one.account, deed, entity, int(now))}"
        yield Send(id_, community, where, server, channel, reply, account=one.account, user_name=one.login)


def announced(verdict: Verdict, entity: str, community: str) -> Event:
    """What is announced of a verdict, in the channel where it was decided."""
    platform, server, channel = entity.split(":", 2)
    actor = verdict.actor.partition(":")[2] if not verdict.automatic else ""
    data = {
        "target_id": verdict.account.partition(":")[2], "target_login": verdict.login, "reason": verdict.reason,
        **({"seconds": round(verdict.until - verdict.at)} if verdict.kind == "timeout" else {}),
    }  # fmt: skip
    return Event(
        EVENT_VERSION, f"{verdict.id}:{verdict.kind}", _ANNOUNCED[verdict.kind], platform, server, channel, actor,
        actor, actor, (), "", verdict.at, verdict.at, community, OURS, "", data,
    )  # fmt: skip
