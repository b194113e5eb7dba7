"""Roles that a community makes itself: who makes, gives and earns them."""

import re
from typing import Any

from waddlebot.core.community import ranks
from waddlebot.core.community.store import CommunityStore, CustomRole
from waddlebot.libs.access.engine import covers
from waddlebot.libs.contracts.identity import find_account
from waddlebot.libs.sdk import Context, Login, Rank, Refusal, Reply, listed

MIN_MAX = 1_000_000_000.0

type Ctx = Context[Any, CommunityStore]

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,48}[a-z0-9])?")
EARNED = {
    "points": "activity points",
    "score": "of reputation",
    "days": "days after they were first noticed here",
}


async def added(ctx: Ctx, name: str, rank: str | None) -> Reply:
    """Make a role."""
    name = name_of(name)
    if any(name == ranks.name(known) for known in Rank):
        raise Refusal(f"{name} is a rank already: rank give …")
    counts = ""
    if rank is not None:
        found = ranks.rank_of(rank)
        _check_rank(ctx, found)
        counts = ranks.name(found)
    if not await ctx.store.keep_role(CustomRole(name, counts), new=True):
        raise Refusal(f"There is a role {name} already.")
    return Reply(f"There is a role {name} now{f', which counts as {counts}' if counts else ''}.")


async def removed(ctx: Ctx, name: str) -> Reply:
    """Remove a role."""
    role = await _handled(ctx, name)
    if any(role.name in rule.conditions.roles for rule in await ctx.store.access()):
        raise Refusal(f"Access rules ask for the role {role.name}. Remove them first: access list shows them.")
    had = await ctx.store.drop_role(role.name)
    return Reply(f"The role {role.name} is gone; {had} had it.")


async def listing(ctx: Ctx) -> Reply:
    """List the roles."""
    made, _ = await ctx.store.roles()
    if not made:
        return Reply(f"There are no roles yet. A moderator makes one by: {ctx.settings.prefix}role add NAME")
    return Reply(f"Roles: {listed([role.name for role in made])}")


async def shown(ctx: Ctx, name: str) -> Reply:
    """Show a role."""
    role = await _role(ctx, name)
    _, holders = await ctx.store.roles()
    have = sum(one.role == role.name for one in holders)
    facts = [
        *([f"counts as {role.rank}"] if role.rank else []),
        *([f"earned by {role.earn_min:g} {EARNED[role.earn]}"] if role.earn else []),
        f"held by {have}",
    ]
    return Reply(f"{role.name}: {', '.join(facts)}.")


async def given(ctx: Ctx, user: Login, name: str) -> Reply:
    """Give a role."""
    role = await _handled(ctx, name)
    account = await find_account(ctx, user)
    if not await ctx.store.give_role(role.name, account.account):
        raise Refusal(f"{account.name} has the role {role.name} already.")
    return Reply(f"{account.name} has the role {role.name} now.")


async def taken(ctx: Ctx, user: Login, name: str) -> Reply:
    """Take a role."""
    role = await _handled(ctx, name)
    account = await find_account(ctx, user)
    if not await ctx.store.take_role(role.name, account.account):
        raise Refusal(f"{account.name} does not have the role {role.name}.")
    return Reply(f"{account.name} no longer has the role {role.name}.")


async def earnable(ctx: Ctx, name: str, what: str, at_least: float | None) -> Reply:
    """Say how a role is earned."""
    role = await _handled(ctx, name)
    what = what.lower()
    if what == "off":
        await ctx.store.keep_role(CustomRole(role.name, role.rank), new=False)
        return Reply(f"{role.name} is not earned any more; who has it keeps it.")
    if what not in EARNED or at_least is None or not 0 < at_least <= MIN_MAX:
        raise Refusal("A role is earned by points, score or days, and a number: role earn NAME points 500")
    await ctx.store.keep_role(CustomRole(role.name, role.rank, what, at_least), new=False)
    return Reply(f"{role.name} is earned by {at_least:g} {EARNED[what]} now, by who writes.")


def name_of(text: str) -> str:
    """A role's name as it is kept. Raises ``Refusal`` for what cannot be one."""
    name = text.lower()
    if not _NAME.fullmatch(name):
        raise Refusal("A role is called by a-z, 0-9, - and _, at most 50 of them.")
    return name


async def _role(ctx: Ctx, name: str) -> CustomRole:
    made, _ = await ctx.store.roles()
    found = next((role for role in made if role.name == name.lower()), None)
    if found is None:
        raise Refusal(f"There is no role {name.lower()}. See: {ctx.settings.prefix}role list")
    return found


async def _handled(ctx: Ctx, name: str) -> CustomRole:
    """A role that the asking person may give, take and change.

    What it counts as they could give as a rank, and what rules make of it they could have ruled themselves: else a
    role would be a way to more than one has.
    """
    role = await _role(ctx, name)
    if role.rank:
        _check_rank(ctx, ranks.rank_of(role.rank))
    for rule in await ctx.store.access():
        if role.name in rule.conditions.roles and not covers(ctx.call.ranks, rule.ranks):
            raise Refusal(f"The rule {rule.id} asks for {role.name}, and who made it stands above you.")
    return role


def _check_rank(ctx: Ctx, rank: Rank) -> None:
    if rank is Rank.OWNER:
        raise Refusal("No role counts as owner: a community is claimed.")
    ranks.check_giver(rank, ctx.call.ranks)
