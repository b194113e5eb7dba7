"""Access rules as people and programs make, list and remove them. ``libs/access`` decides by them."""

import dataclasses
import re
from collections.abc import Collection
from typing import Any

import msgspec

from waddlebot.core.community.catalogue import Catalogue
from waddlebot.core.community.overriding import command_of
from waddlebot.core.community.ranks import mask_of
from waddlebot.core.community.store import Access, CommunityStore
from waddlebot.libs.access import EVERYWHERE, grammar
from waddlebot.libs.access.conditions import concerns_nobody
from waddlebot.libs.access.engine import covers
from waddlebot.libs.contracts.currency import Currency
from waddlebot.libs.contracts.identity import find_account
from waddlebot.libs.sdk import Context, Rank, Refusal, Reply, RouteContext, admits, listed
from waddlebot.libs.sdk.view import Conditions, Effect
from waddlebot.libs.web.errors import HttpError

RANKS_OF_KEYS = int(Rank.VIEWER | Rank.ADMIN)
"""Whose rules those are that an admin key makes."""

type Ctx = Context[Any, CommunityStore]
type Request = RouteContext[Any, CommunityStore]

ID = re.compile(r"[\w.*-]{1,80}")
TARGET = re.compile(r"(command|timer|module):\S(.{0,98}\S)?")
_ADMIN = int(admits(Rank.ADMIN))


class AccessBody(msgspec.Struct, forbid_unknown_fields=True):
    """An access rule as it is listed and put back. ``target`` is ``command:NAME``, ``timer:NAME``, ``module:NAME``
    or ``*``.
    """

    id: str
    effect: Effect
    target: str
    conditions: Conditions = Conditions()


class AccessAnswer(msgspec.Struct):
    """The access rules of a community."""

    rules: list[AccessBody]


class Done(msgspec.Struct):
    """What was changed."""

    done: str


async def added(ctx: Ctx, text: str, own: Collection[str]) -> Reply:
    """Make a rule of what somebody typed. ``own`` are the commands that no rule may take away."""
    typed = grammar.read(text, ctx.event.entity)
    target = await _target(ctx, typed.target, own)
    conditions = typed.conditions
    about = ""
    if typed.login:
        account = await find_account(ctx, typed.login)
        _check_below(ctx, account.name, mask_of((await ctx.store.member(account.account)).ranks), typed.effect)
        conditions = msgspec.structs.replace(conditions, account=account.account)
        about = account.login
    if typed.effect == "deny" and conditions.rank:
        _check_below(ctx, grammar.said(conditions), conditions.rank, typed.effect)
    if conditions.roles:
        made = {role.name for role in (await ctx.store.roles())[0]}
        if missing := [name for name in conditions.roles if name not in made]:
            raise Refusal(f"There is no role {', '.join(missing)}. Make it first: {ctx.settings.prefix}role add")
    check_kind(ctx.state(Catalogue), target, conditions)
    rule = Access(
        _id_of(target, conditions, typed.effect, about), typed.effect, target, conditions, ctx.call.ranks
    )
    rule = dataclasses.replace(rule, id=await ctx.store.add_access(rule))
    return Reply(f"The rule {_in_words(rule, about)} holds now.")


async def removed(ctx: Ctx, name: str) -> Reply:
    """Remove a rule."""
    rule = await _rule(ctx, name)
    if not covers(ctx.call.ranks, rule.ranks):
        raise Refusal(f"Who made the rule {rule.id} stands above you.")
    await ctx.store.drop_access(rule.id)
    return Reply(f"The rule {rule.id} is gone.")


async def shown(ctx: Ctx, name: str) -> Reply:
    """Show a rule."""
    return Reply(f"{_in_words(await _rule(ctx, name))}.")


async def listing(ctx: Ctx, target: str | None) -> Reply:
    """List rules, perhaps those for one target."""
    rules = await ctx.store.access()
    if target is not None:
        named = f":{target.lower().removeprefix(ctx.settings.prefix)}"
        rules = [rule for rule in rules if f":{rule.target}".endswith(named)]
    if not rules:
        return Reply(
            f"There are no rules{' for ' + target if target else ''}: everybody may use what their rank may."
        )
    return Reply(f"Access rules: {listed([rule.id for rule in rules])}")


async def get(ctx: Request) -> AccessAnswer:
    """List the rules."""
    rules = await ctx.store.access()
    return AccessAnswer([AccessBody(rule.id, rule.effect, rule.target, rule.conditions) for rule in rules])


async def put(ctx: Request, body: AccessBody, own: Collection[str]) -> Done:
    """Make or replace a rule."""
    try:
        if not ID.fullmatch(body.id):
            raise Refusal("A rule is called by letters, digits, _, ., * and -, at most 80 of them.")
        if body.target != EVERYWHERE and not TARGET.fullmatch(body.target):
            raise Refusal("A rule is for command:NAME, timer:NAME, module:NAME or *.")
        check_own(body.target, own)
        grammar.check(body.effect, body.conditions)
        check_kind(ctx.state(Catalogue), body.target, body.conditions)
        before = next((rule for rule in await ctx.store.access() if rule.id == body.id), None)
        if before is not None and not covers(RANKS_OF_KEYS, before.ranks):
            raise Refusal("An owner made that rule; a key is no more than an admin.")
        await ctx.store.put_access(Access(body.id, body.effect, body.target, body.conditions, RANKS_OF_KEYS))
    except Refusal as error:
        raise HttpError(400, "invalid_rule", str(error)) from None
    return Done(f"The rule {body.id} holds now.")


async def delete(ctx: Request) -> Done:
    """Remove a rule."""
    name = ctx.path["id"]
    found = next((rule for rule in await ctx.store.access() if rule.id == name), None)
    if found is None:
        raise HttpError(404, "no_such_rule", f"There is no rule {name}.")
    if not covers(RANKS_OF_KEYS, found.ranks):
        raise HttpError(403, "not_yours", "An owner made that rule; a key is no more than an admin.")
    await ctx.store.drop_access(name)
    return Done(f"The rule {name} is gone.")


async def _target(ctx: Ctx, typed: str, own: Collection[str]) -> str:
    """What a rule is for, of what somebody typed. Raises ``Refusal`` where it is not theirs to rule."""
    kind, colon, name = typed.lower().partition(":")
    if typed in (EVERYWHERE, "everything") or (colon and kind == "module"):
        if not ctx.call.ranks & _ADMIN:
            raise Refusal("Only admins and the owner make rules for modules or for everything.")
        target = f"module:{ctx.state(Catalogue).module(name).name}" if colon else EVERYWHERE
    elif colon and kind == "timer":
        target = f"timer:{name}"
    else:
        target = f"command:{await _command(ctx, name if colon and kind == 'command' else typed)}"
    check_own(target, own)
    return target


async def _command(ctx: Ctx, typed: str) -> str:
    """A command's name: a built-in one's that they may use, else a name that this community may give to one."""
    word = " ".join(typed.lower().split())
    word = word.removeprefix(ctx.settings.prefix).removeprefix(ctx.settings.community_prefix)
    known = ctx.state(Catalogue)
    overrides = await ctx.store.overrides()
    if known.taken(word) or any(override.name == word for override in overrides):
        return (await command_of(ctx, word)).name
    if not 0 < len(word) <= grammar.NAME_LENGTH_MAX:
        raise Refusal("Name a command, module:name, timer:name or *.")
    return word


def check_own(target: str, own: Collection[str]) -> None:
    """Raise ``Refusal`` for a rule about what may bring the others back."""
    if target.removeprefix("command:") in own or target == "module:core.community":
        raise Refusal("No rule is made for that: it may be what brings the others back.")


def _check_below(ctx: Ctx, name: str, ranks: int, effect: Effect) -> None:
    if effect == "deny" and not covers(ctx.call.ranks, ranks):
        raise Refusal(f"{name} stands above you: that is not yours to deny.")


def check_kind(known: Catalogue, target: str, conditions: Conditions) -> None:
    """Raise ``Refusal`` for conditions that this target, or this installation, cannot have."""
    if target.startswith("timer:") and not concerns_nobody(conditions):
        raise Refusal("A timer is nobody: its rules ask for platform, in, live and hours.")
    if conditions.cost and not any(
        contract == Currency.__name__ for module in known.modules.values() for contract, _ in module.promises
    ):
        raise Refusal("Nothing can cost points here: no module keeps points here.")


async def _rule(ctx: Ctx, name: str) -> Access:
    found = next((rule for rule in await ctx.store.access() if rule.id == name.lower()), None)
    if found is None:
        raise Refusal(f"There is no rule {name.lower()}. See: {ctx.settings.prefix}access list")
    return found


def _id_of(target: str, conditions: Conditions, effect: str, about: str) -> str:
    """A name to remember it by: ``slots-trusted``."""
    named = (*conditions.roles, *conditions.labels, *conditions.tiers, *conditions.platforms, conditions.group)
    what = about or next((name for name in named if name), "") or next(
        (field for field in ("score", "points", "age_s", "hours", "live", "uses", "cost", "rank", "entities")
         if getattr(conditions, field)), effect
    )  # fmt: skip
    of = "all" if target == EVERYWHERE else target.partition(":")[2].rpartition(".")[2]
    return re.sub(r"[^\w]+", "-", f"{of}-{what.removesuffix('_s')}".lower()).strip("-")[:70] or "rule"


def _in_words(rule: Access, about: str = "") -> str:
    told = grammar.said(rule.conditions)
    if about:
        told = told.replace(rule.conditions.account, about, 1)
    return f"{rule.id}: {grammar.on_words(rule.target)} {rule.effect} {told or 'everybody'}"
