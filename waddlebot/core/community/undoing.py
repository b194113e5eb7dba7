"""What was changed in a community, and taking it back, in chat."""

from typing import Any

import msgspec

from waddlebot.core.community import ranks
from waddlebot.core.community.store import CommunityStore
from waddlebot.libs.access.engine import covers
from waddlebot.libs.contracts.identity import Identity, PeopleRequest, find_account
from waddlebot.libs.dal import Change, ChangeSet, Conflict, Refused
from waddlebot.libs.sdk import Context, Rank, Refusal, Reply, listed

SHOWN = 5
"""Change sets in one reply: more do not fit into a chat line."""

type Ctx = Context[Any, CommunityStore]


async def listing(ctx: Ctx, user: str | None) -> Reply:
    """List the newest changes, perhaps those of one person's account."""
    actor = (await find_account(ctx, user)).account if user else ""
    found = await ctx.store.change_sets(SHOWN, actor=actor)
    if not found:
        return Reply(f"{user or 'Nobody'} changed nothing here yet.")
    own = await _accounts(ctx, ctx.event.account)
    return Reply(f"Changes: {listed([_told(one, own) for one in found])}")


async def undone(ctx: Ctx, number: int | None) -> Reply:
    """Take a change back: the last one of who asks, or any that was not made by somebody above them."""
    if number is None:
        found = await _last(ctx, undo=False)
        if found is None:
            raise Refusal(
                f"You changed nothing here that is not undone. For others' see: {ctx.settings.prefix}changes"
            )
    else:
        found = await ctx.store.change_set(number)
        if found is None:
            raise Refusal(f"There is no change {number} here. See: {ctx.settings.prefix}changes")
        await _check_actor(ctx, found)
    await _take_back(ctx, found)
    return Reply(f"Change {found.number} is undone: {what(found)}. {ctx.settings.prefix}redo brings it back.")


async def redone(ctx: Ctx) -> Reply:
    """Bring back what who asks took back last."""
    found = await _last(ctx, undo=True)
    if found is None:
        raise Refusal("You took nothing back here that could be brought back.")
    await _take_back(ctx, found)
    return Reply(f"Change {found.undoes} holds again.")


def what(found: ChangeSet) -> str:
    """What a set changed, in some words."""
    named = [_named(change) for change in found.changes]
    return listed(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _named(change: Change) -> str:
    verb = "made" if change.before is None else "removed" if change.after is None else "changed"
    key = " ".join(str(part) for part in msgspec.json.decode(change.key))
    return f"{verb} {change.resource.replace('_', ' ')} {key}"


def _told(found: ChangeSet, own: tuple[str, ...]) -> str:
    who = "you" if found.actor in own else found.actor or "the bot"
    did = f"took {found.undoes} back" if found.undoes else what(found)
    return f"{found.number} {who} {did}{' (undone)' if found.undone else ''}"


async def _last(ctx: Ctx, *, undo: bool) -> ChangeSet | None:
    """The last set of who asks, by whichever of their accounts."""
    found = [await ctx.store.last_set(one, undo=undo) for one in await _accounts(ctx, ctx.event.account)]
    return max((one for one in found if one is not None), key=lambda one: one.number, default=None)


async def _take_back(ctx: Ctx, found: ChangeSet) -> None:
    ctx.store.reason = f"undo of change {found.number}"
    try:
        done = await ctx.store.undo(found.number, ranks=ctx.call.ranks)
    except (Conflict, Refused) as error:
        raise Refusal(str(error)) from None
    if not done:
        raise Refusal(f"Change {found.number} has no effect any more: nothing is left to take back.")


async def _check_actor(ctx: Ctx, found: ChangeSet) -> None:
    """Raise ``Refusal`` where who made the change stands above who asks."""
    actor = found.actor
    if not actor:
        return  # the bot itself, which ranks below everybody
    platform, colon, _ = actor.partition(":")
    if colon and platform not in ("key", "user"):
        accounts = await _accounts(ctx, actor)
        if ctx.event.account in accounts:
            return
        held = ranks.mask_of(await ctx.store.ranks_of(accounts))
    else:
        held = int(Rank.ADMIN)  # the operator, and who has a key or signed in: their ranks are not told here
    if not covers(ctx.call.ranks, held):
        raise Refusal(f"Who made change {found.number} stands above you: it is not yours to take back.")


async def _accounts(ctx: Ctx, account: str) -> tuple[str, ...]:
    """All accounts of the person that an account belongs to."""
    groups = (await ctx.use(Identity).people(PeopleRequest((account,)))).groups
    return next((group for group in groups if account in group), (account,))
