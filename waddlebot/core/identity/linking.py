"""Linking accounts in chat: a code that one account asks for is typed by the other, who is told what that does.

All rests on being sure who types. A platform vouches for its accounts, and services for IRC's nicks; the console
and API keys may name anybody, and aliases and rules, which act in somebody's name, may not run these commands.
"""

import contextlib
import secrets
from collections.abc import Sequence
from typing import Any

from waddlebot.core.identity.store import Face, IdentityStore
from waddlebot.libs import audit
from waddlebot.libs.contracts.community import GLOBAL
from waddlebot.libs.contracts.console import PLATFORM as CONSOLE
from waddlebot.libs.contracts.irc import is_registered
from waddlebot.libs.contracts.reputation import Reputation, Standing, StandingsRequest
from waddlebot.libs.dal import Busy, DalError
from waddlebot.libs.sdk import (
    CallError,
    Community,
    Context,
    Refusal,
    Reply,
    RouteContext,
    Send,
    UsageError,
    listed,
)
from waddlebot.libs.sdk.codes import digest_of, new_code
from waddlebot.libs.sdk.event import Event, by_key

EVERYBODY = Community(GLOBAL)
"""Accounts and their bonds are of no community, so of the one that everybody belongs to."""

_SECRET = "codes"  # noqa: S105  the purpose of a secret, not one

type Ctx = Context[None, IdentityStore]
type Request = RouteContext[Any, Any]


async def shown(ctx: Ctx) -> Reply:
    """Which accounts are linked with the one that asks."""
    event = ctx.event
    check_proven(event)
    others = await _others(ctx, event.account)
    if not others:
        how = f"{prefix_of(ctx)}identity link <platform> <name> links another account of yours."
        return Reply(f"You are {event.user_name} on {event.platform}, linked with no other account. {how}")
    if whispers(ctx, event.platform):
        names = listed([called(face) for face in others])
        return Reply(f"You are {event.user_name} on {event.platform}, linked with {names}.", private=True)
    platforms = ", ".join(sorted({_platform(face) for face in others}))
    return Reply(f"{event.user_name} is linked with {len(others)} more: on {platforms}.")


async def asked(ctx: Ctx, platform: str, login: str, server: str) -> Reply:
    """A code for the account of that login."""
    event = ctx.event
    check_proven(event)
    face = await _face(ctx, platform, login, server)
    if face.account == event.account:
        raise Refusal("That is the account you are typing with. Name another one of yours.")
    groups = await ctx.store_in(EVERYBODY).groups_with((event.account, face.account))
    if face.account in groups[event.account]:
        raise Refusal(f"You are linked with {called(face)} already.")
    code = new_code(ctx.random)
    digest = digest_of(ctx.secret(_SECRET), code, face.account)
    if not await ctx.store_in(EVERYBODY).ask(event.account, face.account, login, digest, ctx.now()):
        raise Refusal("You have asked for several codes within the last hour. Wait a while, then ask again.")
    return Reply(
        f"Type {prefix_of(ctx)}verify {code} as {called(face)} within 10 minutes; nobody else can. "
        f"Both are one person then: what either may do, both may{await _preview(ctx, groups, face)}.",
        private=whispers(ctx, event.platform),
    )


async def verified(ctx: Ctx, code: str, sure: bool) -> Reply:
    """Link who types with who asked for the code; first say what that means."""
    event = ctx.event
    check_proven(event)
    digest = digest_of(ctx.secret(_SECRET), code, event.account)
    found = await ctx.store_in(EVERYBODY).verify(event.account, event.user_login, digest, ctx.now(), sure)
    if found.refusal:
        raise Refusal(found.refusal)
    if not found.account:
        _audit(ctx, "verify", "DENIED")
        if found.tries_left:
            raise Refusal(f"That is not the code. It can be tried {found.tries_left} times more.")
        raise Refusal(
            "There is no code for you that is still good. Type "
            f"{prefix_of(ctx)}identity link {event.platform} {event.user_login} with your other account "
            "to get one."
        )
    faces = await ctx.store_in(EVERYBODY).faces_of((found.account,))
    name = called(faces[0]) if faces else found.account
    if not found.linked:
        return Reply(
            f"{name} asks to be one person with you: whatever you may do anywhere, they may then. "
            f"Only if that account is yours, type {prefix_of(ctx)}verify {code.upper()} yes"
        )
    _audit(ctx, f"link {found.account}", "OK")
    with contextlib.suppress(DalError):  # it is done, whoever hears of it
        others = await _others(ctx, event.account)
        await tell(
            ctx, others, f"Your account is linked with {event.user_name} on {event.platform} now. {_undo(ctx)}"
        )
    return Reply(f"{event.user_name} and {name} are one person now. {_undo(ctx)}")


async def parted(ctx: Ctx, platform: str, login: str, server: str) -> Reply:
    """Take an account of the person out of it: who types, or the one that is named."""
    event = ctx.event
    check_proven(event)
    if platform and not login:
        raise UsageError(f"Usage: {prefix_of(ctx)}identity unlink [platform] [name] [network]")
    if (platform, login) == (event.platform, event.user_login.lower()) and server in ("", event.server):
        platform = login = server = ""
    found = await ctx.store_in(EVERYBODY).part(event.account, platform, login, server)
    if not found.others:
        raise Refusal("You are linked with no other account.")
    if not found.side:
        if found.several:
            raise Refusal(f"You are linked with several {login} on {platform}: add the network.")
        raise Refusal(f"You are not linked with {login} on {platform}.")
    whom = called(found.named) if found.named else f"{event.user_name} on {event.platform}"
    _audit(ctx, f"unlink {found.named.account if found.named else event.account}", "OK")
    words = (
        f"{event.user_name} on {event.platform} unlinked {whom}; {prefix_of(ctx)}identity shows what is linked."
    )
    await tell(ctx, found.others, words)
    if len(found.side) > 1:
        return Reply(f"{whom} is linked with you no more, nor are those that were linked through it.")
    return Reply(f"{whom} is on its own again, with all that it had and earned.")


async def _others(ctx: Ctx, account: str) -> list[Face]:
    store = ctx.store_in(EVERYBODY)
    groups = await store.groups_with((account,))
    return await store.faces_of(tuple(one for one in groups[account] if one != account))


async def _face(ctx: Ctx, platform: str, login: str, server: str) -> Face:
    """The one account that can be meant. Raises ``Refusal``: names change hands, and may be taken by anybody."""
    if platform == CONSOLE:
        raise Refusal("Accounts of the console cannot be linked: it does not prove who somebody is.")
    faces = await ctx.store_in(EVERYBODY).faces(platform, login, server)
    where = f"{platform} ({server})" if server else platform
    if not faces:
        raise Refusal(f"I have not seen {login} on {where} yet. Say something there first, then ask again.")
    proven = [face for face in faces if is_registered(face.account, login)]
    if not proven:
        raise Refusal(
            f"{login} is no account with the services of {faces[0].server}, so anybody may take that nick. "
            "Register it, log in and say something; then ask again."
        )
    if len({face.server for face in proven}) > 1:
        servers = listed(sorted({face.server for face in proven}))
        raise Refusal(f"There is a {login} on several networks: add one of {servers}.")
    if len(proven) > 1:
        raise Refusal(
            f"Several accounts went by {login} on {where}. Ask with yours there, and type the code here."
        )
    return proven[0]


async def _preview(ctx: Ctx, groups: dict[str, tuple[str, ...]], face: Face) -> str:
    """What the two would be together, where that is counted."""
    sides = (groups[ctx.event.account], groups[face.account])
    try:
        found = [
            (await ctx.use(Reputation).standings(StandingsRequest(side, together=True))).items[0]
            for side in (*sides, sides[0] + sides[1])
        ]
    except CallError as error:
        ctx.log.debug("no reputation to show: %s", error)
        return ""
    mine, theirs, both = map(_standing, found)
    return f". Here your reputation of {mine} and theirs of {theirs} make {both}"


def _standing(standing: Standing) -> str:
    return f"{standing.score:.1f} ({standing.activity:,.0f} points)"


async def tell(ctx: Ctx | Request, faces: Sequence[Face], text: str) -> int:
    """Tell accounts something where the bot can tell them alone and has room to; how many are told.

    What is told because of a command is told once, however often that is run.
    """
    key = ctx.call.key if isinstance(ctx, Context) else f"{ctx.call_scope.actor}/{secrets.token_hex(8)}"
    sends = []
    for number, face in enumerate(faces):
        if whispers(ctx, _platform(face)) and (entity := _place(ctx, face)):
            platform, server, channel = entity.split(":", 2)
            reply = Reply(text, private=True)
            sends.append(
                Send(
                    f"{key}>{number}", ctx.entities[entity], platform, server, channel, reply,
                    account=face.account, user_name=face.login,
                )
            )  # fmt: skip
    try:
        await ctx.send(sends)
    except Busy:
        return 0
    return len(sends)


def _place(ctx: Ctx | Request, face: Face) -> str:
    """A channel from which an account can be reached, of this community before others."""
    start = f"{_platform(face)}:{face.server}:"
    there = [entity for entity in ctx.entities if entity.startswith(start)]
    return min(there, key=lambda entity: ctx.entities[entity] != ctx.community, default="")


def whispers(ctx: Ctx | Request, platform: str) -> bool:
    """Whether the bot can tell something to one user alone there."""
    return any(module.delivers == platform and module.whispers for module in ctx.manifests.values())


def check_proven(event: Event) -> None:
    """Raise ``Refusal`` unless it is sure whose account wrote this."""
    if by_key(event) or event.platform == CONSOLE:
        raise Refusal("That does not prove here who you are. Type it on a platform where the bot itself reads.")
    if not is_registered(event.account):
        raise Refusal(
            "Anybody may take your nick. Register it with the network's services, log in, and repeat it."
        )


def _audit(ctx: Ctx, action: str, result: str) -> None:
    event = ctx.event
    audit.event(audit.Category.AUTH, "core.identity", event.community, event.account, action, result)


def _platform(face: Face) -> str:
    return face.account.partition(":")[0]


def called(face: Face) -> str:
    """What an account is called in words."""
    return f"{face.name} on {_platform(face)}"


def _undo(ctx: Ctx) -> str:
    return f"{prefix_of(ctx)}identity unlink undoes it."


def prefix_of(ctx: Ctx) -> str:
    """What commands start with here, as far as what was typed tells."""
    start = ctx.event.text.lstrip().partition(ctx.call.word)[0] if ctx.call.word else ""
    return start if 0 < len(start) <= len("!!!") else "!"
