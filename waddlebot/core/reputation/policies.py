"""Policies: what follows from a low score, where a community switched it on.

Only who is punished is looked at, so nothing happens to anybody for chatting, for using the bot or because a
policy was switched on; and only the person's conduct counts, not what using the bot cost. What is done is a
record: without it, whoever removed it, platforms are told to undo it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from waddlebot.core.reputation.acts import STAFF_S, Accused, Act, Enforced, Kind, act_id
from waddlebot.core.reputation.scores import OURS, Settings
from waddlebot.core.reputation.store import ReputationStore
from waddlebot.libs.contracts.community import CommunityService, Configuration, ConfigurationsRequest
from waddlebot.libs.contracts.identity import Identity, PeopleRequest
from waddlebot.libs.contracts.reputation import MEMBER_PARDONED
from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk import (
    EVENT_VERSION,
    MEMBER_BANNED,
    MEMBER_WARNED,
    CallError,
    Community,
    Event,
    Rank,
    Reply,
    Restriction,
    Send,
    ServiceContext,
    admits,
)
from waddlebot.libs.sdk.orders import order

EVERY_S = 2.0
APPEAL = "appeal"
"""The command that who is restricted may still use."""

_ACCUSED_MAX = 1_000  # looked at in one round; also what one question to Identity takes
_STAFF = admits(Rank.MODERATOR)

type Ctx = ServiceContext[Settings, ReputationStore]


def are_on(settings: Settings) -> bool:
    """Whether any policy is switched on."""
    return settings.policy_warn or settings.policy_restrict or settings.policy_ban


def verdict(settings: Settings, score: float, conduct: float) -> tuple[Kind, float] | None:
    """What the harshest policy that is on does to a person, and its threshold; None where none does anything."""
    policies: tuple[tuple[Kind, bool, float], ...] = (
        ("ban", settings.policy_ban, settings.policy_ban_at),
        ("restrict", settings.policy_restrict, settings.policy_restrict_at),
        ("warn", settings.policy_warn, settings.policy_warn_at),
    )
    return next(
        ((kind, threshold) for kind, on, threshold in policies if on and max(score, conduct) <= threshold), None
    )


def restrictions(acts: Iterable[Act]) -> tuple[Restriction, ...]:
    """Whom the bot does not answer: who is banned, too, where the platform cannot ban."""
    return tuple(
        Restriction(account, act.reason, act.until, (APPEAL,))
        for act in acts
        if act.kind != "warn"
        for account in act.accounts
    )


async def judge(ctx: Ctx) -> None:
    """Look at who was punished."""
    everywhere = ctx.store_everywhere("who was punished, in every community")
    accused = await everywhere.accused(_ACCUSED_MAX)
    if not accused:
        return
    try:
        people = await _people(ctx, {one.account for one in accused})
        for community in sorted({one.community for one in accused}):
            if ctx.enabled(community) and are_on(ctx.settings(community)):
                await _judge(ctx, community, [one for one in accused if one.community == community], people)
    except CallError as error:  # they are looked at when it is known who they are
        ctx.log.debug("who was punished is looked at later: %s", error)
        return
    await everywhere.judged(accused)


async def _people(ctx: Ctx, accounts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found = await ctx.use(Identity).people(PeopleRequest(tuple(sorted(accounts))))
    return {account: group for group in found.groups for account in group}


async def _judge(ctx: Ctx, community: str, accused: list[Accused], people: Mapping[str, tuple[str, ...]]) -> None:
    settings, now = ctx.settings(community), ctx.now()
    store = ctx.store_in(Community(community), actor=OURS)
    ranks = (await _configuration(ctx, community)).contribution.ranks
    last = {people.get(one.account, (one.account,)): one for one in accused}
    for accounts, one in last.items():
        if any(ranks.get(account, 0) & _STAFF for account in accounts):
            continue
        found = await store.conduct(accounts)
        decided = verdict(settings, *found) if found else None
        if found is None or decided is None or await store.moderated(accounts, now - STAFF_S):
            continue
        kind, threshold = decided
        until = now + settings.policy_restrict_days * 86_400 if kind == "restrict" else 0.0
        all_ = (one.account, *(account for account in accounts if account != one.account))
        act = Act(
            act_id(kind, one.account, now), kind, one.account, one.login, all_, now, until, found[0], threshold
        )
        try:
            await store.act(act, now - settings.policy_cool_off_days * 86_400)
        except DalError as error:
            ctx.log.warning("%s: no policy acts on %s: %s", community, one.account, error)


async def settle(ctx: Ctx) -> None:
    """Tell platforms what was done and what was undone, and end what is over."""
    everywhere = ctx.store_everywhere("what policies did, in every community")
    for community in await everywhere.ended(ctx.now()):
        await ctx.store_in(Community(community), actor=OURS).end(ctx.now())
    for community in await everywhere.unsettled():
        store = ctx.store_in(Community(community))
        acts, gone = await store.to_settle()
        try:
            prefix = (await _configuration(ctx, community)).contribution.prefix or "!"
        except CallError as error:
            ctx.log.debug("what policies did is told later: %s", error)
            continue
        places = _places(ctx.entities, community)
        sends = [send for act in acts for send in _sends(act, community, places, prefix, ctx.now())]
        sends += [
            send for one in gone if one.kind == "ban" for send in _bans(one, community, places, ctx.now(), "unban")
        ]
        # Told first: to be told twice does no harm, never to be told would.
        if sends:
            await ctx.send(sends)
        events = [_event(act, community, places, ctx.now()) for act in acts]
        events += [_event(one, community, places, ctx.now()) for one in gone]
        await ctx.announce([event for event in events if event is not None])
        await store.settled(acts, gone)


async def _configuration(ctx: Ctx, community: str) -> Configuration:
    found = await ctx.use(CommunityService).configurations(ConfigurationsRequest((community,)))
    if not found.items:
        raise CallError(f"there is no community {community}")
    return found.items[0]


def _places(entities: Mapping[str, str], community: str) -> dict[str, list[str]]:
    """Platform → the community's channels there."""
    found: dict[str, list[str]] = {}
    for entity in sorted(entity for entity, owner in entities.items() if owner == community):
        found.setdefault(entity.partition(":")[0], []).append(entity)
    return found


def _sends(act: Act, community: str, places: Mapping[str, list[str]], prefix: str, now: float) -> Iterable[Send]:
    """What is said to whom an act is about, and asked of platforms."""
    platform = act.account.partition(":")[0]
    name = f"@{act.login} " if act.login else ""
    done = {
        "warn": "This is a warning",
        "restrict": "The bot does not answer you for now",
        "ban": "You are banned",
    }
    words = (
        f"{name}{done[act.kind]}, for {act.reason}. {prefix}reputation why shows what it is made of, "
        f"and {prefix}{APPEAL} with your words asks the moderators to undo it."
    )
    for entity in places.get(platform, [])[:1]:
        yield _send(f"{act.id}:{int(now)}:told", community, entity, Reply(words), act.account, act.login)
    if act.kind == "ban":
        yield from _bans(Enforced(act.id, act.kind, act.accounts, act.login), community, places, now, "ban")


def _bans(one: Enforced, community: str, places: Mapping[str, list[str]], now: float, deed: Any) -> Iterable[Send]:
    """A ban, or its end, in every channel of the platforms where the person has an account."""
    for account in one.accounts:
        platform, _, user_id = account.partition(":")
        for number, entity in enumerate(places.get(platform, [])):
            login = one.login if account == one.accounts[0] else ""
            reply = order(deed, "", user_id=user_id, user_login=login)
            yield _send(f"{one.id}:{int(now)}:{deed}:{account}:{number}", community, entity, reply, account, login)


def _send(key: str, community: str, entity: str, reply: Reply, account: str, login: str) -> Send:
    platform, server, channel = entity.split(":", 2)
    id_ = f"{OURS}/{hashlib.blake2b(f'{community}/{key}'.encode(), digest_size=16).hexdigest()}"
    return Send(id_, community, platform, server, channel, reply, account=account, user_name=login)


def _event(done: Act | Enforced, community: str, places: Mapping[str, list[str]], now: float) -> Event | None:
    """What is announced of an act or of its end; None of a restriction, and where the bot is no longer."""
    account = done.account if isinstance(done, Act) else done.accounts[0]
    platform, _, user_id = account.partition(":")
    kinds = {"warn": MEMBER_WARNED, "ban": MEMBER_BANNED, "restrict": ""}
    kind = kinds[done.kind] if isinstance(done, Act) else MEMBER_PARDONED
    if not kind or platform not in places:
        return None
    _, server, channel = places[platform][0].split(":", 2)
    data: dict[str, Any] = {"target_id": user_id, "target_login": done.login, "act": done.kind}
    if isinstance(done, Act):
        data |= {"reason": done.reason, "score": done.score, "threshold": done.threshold}
    else:
        data |= {"reason": "what a policy did was undone, or is over"}
    id_ = hashlib.blake2b(f"{community}/{done.id}/{kind}/{now}".encode(), digest_size=16).hexdigest()
    return Event(
        EVENT_VERSION,
        id_,
        kind,
        platform,
        server,
        channel,
        "",
        "",
        "",
        (),
        "",
        now,
        now,
        community,
        OURS,
        "",
        data,
    )
