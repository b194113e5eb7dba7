"""My data: people see what every module holds about them, and have it deleted.

It is asked of all modules, about all accounts of the person, in all communities. Who asks has proved who they are:
in chat as for linking accounts, on the bot's pages by signing in.
"""

import base64
from typing import Any

import msgspec

from waddlebot.core.identity.linking import EVERYBODY, Ctx, check_proven, prefix_of, tell, whispers
from waddlebot.core.identity.login.tables import Ticket
from waddlebot.core.identity.state import State
from waddlebot.core.identity.store import EXPORTS, FORGETS, Face, IdentityStore
from waddlebot.libs import audit
from waddlebot.libs.sdk import Person, Refusal, Reply, ServiceContext, listed
from waddlebot.libs.sdk.codes import digest_of, new_code
from waddlebot.libs.web.sessions import digest_of as digest_of_token

LINK_S = 600.0
"""How long a link to somebody's data is good, and a code that deletes it."""
AGAIN_S = 60.0
"""After so long everything is deleted once more: what was said a moment before may have been on its way."""
RETRY_S = 300.0
"""After so long a module that was away is asked again."""

_SECRET = "mydata"  # noqa: S105  the purpose of a secret, not one
_WITHOUT_NAMES = "sums without names, such as how many people wrote on a day"

type Service = ServiceContext[Any, IdentityStore]


class Export(msgspec.Struct):
    """All that is held about somebody: rows by module and table, and which modules could not be asked.

    ``made_at`` is in seconds since 1970.
    """

    accounts: tuple[str, ...]
    made_at: float
    held: dict[str, dict[str, tuple[dict[str, Any], ...]]]
    not_asked: dict[str, str]


class Deleted(msgspec.Struct):
    """How many rows each module deleted, what stays and why, and which modules will do so as soon as they can."""

    rows: dict[str, int]
    stays: tuple[str, ...]
    later: tuple[str, ...]


async def exported(ctx: Ctx | Service, person: Person) -> Export:
    """All that is held about somebody."""
    asked = await ctx.personal().held(person)
    held = {
        module: {records.table: records.rows for records in one.tables}
        for module, one in sorted(asked.found.items())
        if one.tables
    }
    return Export(person.accounts, ctx.now(), held, dict(asked.away))


async def forgotten(ctx: Ctx | Service, person: Person, id_: str) -> Deleted:
    """Have everybody forget somebody; what cannot be done at once is done later, and all of it once more.

    That it is to be done is noted first, by an id, so that it is done whatever happens.
    """
    await ctx.store_in(EVERYBODY).begin_forgetting(id_, person, ctx.now() + AGAIN_S)
    asked = await ctx.personal().forget(person)
    ctx.state(State).seen.forget(person.accounts)
    rows = {module: one.rows for module, one in sorted(asked.found.items()) if one.rows}
    stays = tuple(words for _, one in sorted(asked.found.items()) for words in one.stays)
    return Deleted(rows, (*stays, _WITHOUT_NAMES), tuple(sorted(asked.away)))


async def forget_again(ctx: Service) -> None:
    """Have those forgotten who are due: each a second time, and then as often as a module was away."""
    store = ctx.store_in(EVERYBODY)
    for one in await store.due_forgettings(ctx.now()):
        asked = await ctx.personal().forget(one.person)
        ctx.state(State).seen.forget(one.person.accounts)
        if asked.away:
            ctx.log.warning("somebody is not forgotten yet: %s", dict(asked.away))
            await store.put_off_forgetting(one.id, ctx.now() + RETRY_S)
        else:
            await store.end_forgetting(one.id)


# In chat


async def summed(ctx: Ctx) -> Reply:
    """How much is held, and what can be done about it."""
    check_proven(ctx.event)
    person = await _person(ctx)
    asked = await ctx.personal().held(person)
    sizes = {module: one.size for module, one in sorted(asked.found.items()) if one.size}
    start = prefix_of(ctx)
    how = f"{start}mydata export gets you all of it, {start}mydata forget deletes it."
    total = f"I hold {sum(sizes.values())} entries about you"
    if not whispers(ctx, ctx.event.platform):
        return Reply(f"{total}. {how}")
    parts = f" ({', '.join(f'{module} {size}' for module, size in sizes.items())})" if sizes else ""
    return Reply(f"{total}{parts}. {how}", private=True)


async def asked_for(ctx: Ctx) -> Reply:
    """A link to all of it, told to the person alone."""
    event = ctx.event
    check_proven(event)
    if not ctx.place:
        raise Refusal(
            "The operator has not said where browsers reach me (HTTP_PUBLIC_URL), so I can make you no link. Ask "
            f"the operator for your data: waddlebot mydata export {event.account}"
        )
    person = await _person(ctx)
    token = base64.urlsafe_b64encode(ctx.random.randbytes(32)).decode().rstrip("=")
    ticket, until = _ticket(EXPORTS, person), ctx.now() + LINK_S
    await ctx.store_in(EVERYBODY).put_ticket(digest_of_token(token), ticket, until)
    words = f"Your data, once and within 10 minutes: {ctx.place}/api/v1/core.identity/mydata/link/{token}"
    _note(ctx, "mydata export", "OK")
    others = await _others(ctx, person)
    if whispers(ctx, event.platform):
        await tell(
            ctx, others, f"{event.user_name} on {event.platform}, linked with you, asked for all your data."
        )
        return Reply(words, private=True)
    if await tell(ctx, others, words):
        return Reply("I have sent the link to your other account.")
    raise Refusal(
        "I cannot write to you alone here. Sign in on the bot's pages to get your data, or link an account of a "
        f"platform where I can, by {prefix_of(ctx)}identity link."
    )


async def deleted(ctx: Ctx, code: str) -> Reply:
    """A code first, and with it all is deleted."""
    event = ctx.event
    check_proven(event)
    person = await _person(ctx)
    store, start = ctx.store_in(EVERYBODY), prefix_of(ctx)
    privately = whispers(ctx, event.platform)
    if not code:
        fresh = new_code(ctx.random)
        await store.put_ticket(_digest_of_code(ctx, fresh), _ticket(FORGETS, person), ctx.now() + LINK_S)
        several = f" and your {len(person.accounts) - 1} linked accounts" if len(person.accounts) > 1 else ""
        return Reply(
            f"This deletes, everywhere, what I hold about you{several}: names, ranks, roles, scores, points, "
            "links. It cannot be undone. Bans and warnings stay; a sign-in on the bot's pages is deleted there. "
            f"To go on, type {start}mydata forget {fresh} within 10 minutes.",
            private=privately,
        )
    if await store.take_ticket(_digest_of_code(ctx, code), FORGETS, ctx.now()) is None:
        raise Refusal(f"That code is not good, or no more. {start}mydata forget gives you one.")
    _note(ctx, "mydata forget", "OK")
    others = await _others(ctx, person)
    done = await forgotten(ctx, person, ctx.random.randbytes(8).hex())
    await tell(ctx, others, f"{event.user_name} on {event.platform}, linked with you, had all your data deleted.")
    words = (
        f"Done: {sum(done.rows.values())} entries are deleted. What you write from a minute from now on is new."
    )
    if done.later:
        words += f" Still to be done, by itself: {listed(done.later)}."
    if privately:
        words += f" What stays: {listed(done.stays)}."
    return Reply(words, private=privately)


async def _person(ctx: Ctx) -> Person:
    return await ctx.store_in(EVERYBODY).person((ctx.event.account,))


async def _others(ctx: Ctx, person: Person) -> list[Face]:
    """The person's other accounts, who hear of what is done in their name, too."""
    others = tuple(one for one in person.accounts if one != ctx.event.account)
    return await ctx.store_in(EVERYBODY).faces_of(others)


def _digest_of_code(ctx: Ctx, code: str) -> str:
    return digest_of(ctx.secret(_SECRET), code, FORGETS, ctx.event.account)


def _ticket(kind: str, person: Person) -> Ticket:
    return Ticket(kind, "", msgspec.json.encode(person).decode())


def _note(ctx: Ctx, action: str, result: str) -> None:
    event = ctx.event
    audit.event(audit.Category.AUTH, "core.identity", event.community, event.account, action, result)
