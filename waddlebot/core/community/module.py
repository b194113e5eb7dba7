"""Communities: their entities, members, ranks, settings, switches and command overrides. Start here."""

import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from waddlebot.core.community import catalogue, earning, overriding, ranks, roles, ruling, undoing
from waddlebot.core.community.catalogue import Catalogue
from waddlebot.core.community.configuration import configuration_of
from waddlebot.core.community.store import CLAIM_VALID_S, CommunityStore
from waddlebot.libs.contracts.commands import CustomCommands
from waddlebot.libs.contracts.community import (
    GLOBAL,
    HOME,
    Adopted,
    AdoptRequest,
    Circumstances,
    CircumstancesRequest,
    CommunityService,
    Configurations,
    ConfigurationsRequest,
    Members,
    MembersRequest,
)
from waddlebot.libs.contracts.identity import Identity, SeenRequest, find_account
from waddlebot.libs.contracts.reputation import KnownRequest, Reputation
from waddlebot.libs.dal import Conflict
from waddlebot.libs.sdk import (
    Batch,
    BatchContext,
    CallError,
    Community,
    Context,
    Crowd,
    Field,
    FieldError,
    Login,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    RouteContext,
    ServiceContext,
    System,
)
from waddlebot.libs.sdk.codes import digest_of, new_code

ENTITIES_MAX = 1_000
"""Entities in one call of ``adopt``."""

ACCOUNTS_MAX = 1_000
"""Accounts in one call of ``members``."""

_COMMUNITY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PREFIX = re.compile(r"[^\w\s/\\\"'@]{1,3}")
_ANYWHERE = System("an entity belongs to one community of all there are")
_EVERY = System("a host knows the configuration of every community")


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a community as a whole."""

    prefix: Annotated[str, Field("What commands start with: one to three signs, no letters.")] = "!"
    community_prefix: Annotated[str, Field("What commands of community modules start with.")] = "#"
    late_s: Annotated[
        float, Field("How old an event may be, in seconds, to be answered.", at_least=1, at_most=86_400)
    ] = 20.0

    def __post_init__(self) -> None:
        for prefix in (self.prefix, self.community_prefix):
            if not _PREFIX.fullmatch(prefix):
                raise FieldError(f"A prefix is one to three signs such as ! or ?, not {prefix!r}.")
        if self.prefix == self.community_prefix:
            raise FieldError(f"Both prefixes would be {self.prefix}: choose two different ones.")


type Ctx = Context[Settings, CommunityStore]
type ServiceCtx = ServiceContext[Settings, CommunityStore]
type Request = RouteContext[Settings, CommunityStore]

module = Module(
    __name__,
    "Keep communities, with their channels, ranks, settings and switches.",
    http_port=8054,
    grpc_port=50954,
    settings=Settings,
    store=CommunityStore,
    keeps_people={"member": "communities that you own: hand them over first"},
    uses=(Identity, Reputation, CustomCommands),
    always_on=True,
)


@module.starts
@asynccontextmanager
async def know_modules(ctx: ServiceCtx) -> AsyncIterator[Catalogue]:
    """Keep what there is to configure."""
    yield Catalogue(ctx.services.manifests)


# What other modules and the host ask


@module.answers(CommunityService.configurations)
async def configurations(ctx: ServiceCtx, request: ConfigurationsRequest) -> Configurations:
    """The configuration of communities, from the primary."""
    store = ctx.store_in(Batch(frozenset(request.communities)) if request.communities else _EVERY)
    found = await store.records()
    return Configurations(tuple(configuration_of(name, records, module.name) for name, records in found.items()))


@module.answers(CommunityService.adopt)
async def adopt(ctx: ServiceCtx, request: AdoptRequest) -> Adopted:
    """Bring entities that belong nowhere into a community, which is founded where there is none.

    Who asks is kept as who brought them; a receiver, which asks in nobody's name, also vouches for those that are
    somewhere already.
    """
    if not _COMMUNITY.fullmatch(request.community) or request.community == GLOBAL:
        raise CallError(f"{request.community!r} takes no entities: a community is called a-z, 0-9, - and _")
    if len(request.entities) > ENTITIES_MAX:
        raise CallError(f"at most {ENTITIES_MAX} entities a call, not {len(request.entities)}: adopt in parts")
    for entity in request.entities:
        if entity.count(":") < 2:
            raise CallError(f"{entity!r} is no entity: it is platform:server:channel")
    anywhere = ctx.store_in(_ANYWHERE)
    for _ in range(3):
        taken = await anywhere.owners_of(request.entities)
        if not ctx.call_scope.actor:
            await _receive(ctx, taken)
        free = tuple(dict.fromkeys(entity for entity in request.entities if entity not in taken))
        if not free:
            return Adopted(taken)
        actor = ctx.call_scope.actor
        try:
            await ctx.store_in(Community(request.community), actor=actor).adopt(free, ctx.now(), actor)
        except Conflict:
            continue  # somebody else adopted one of them meanwhile: look again
    return Adopted(await anywhere.owners_of(request.entities))


@module.answers(CommunityService.members)
async def members(ctx: ServiceCtx, request: MembersRequest) -> Members:
    """Who has a reputation or a rank in a community; in ``waddlebot-global`` who was ever seen anywhere."""
    name = request.community or ctx.community
    if not _COMMUNITY.fullmatch(name):
        raise CallError(f"{name!r} is no community: name one, such as {HOME} or {GLOBAL}")
    if ctx.community not in ("", name) and name != GLOBAL:
        raise CallError(f"who is a member of {name} is not for {ctx.community} to know")
    if len(request.accounts) > ACCOUNTS_MAX:
        raise CallError(f"at most {ACCOUNTS_MAX} accounts a call, not {len(request.accounts)}: ask in parts")
    known = set(await ctx.store_in(Community(name)).ranked(request.accounts))
    if name == GLOBAL:
        known.update((await ctx.use(Identity).seen(SeenRequest(request.accounts))).accounts)
    else:
        known.update((await ctx.use(Reputation, name).known(KnownRequest(request.accounts))).accounts)
    return Members(tuple(account for account in request.accounts if account in known))


async def _receive(ctx: ServiceCtx, owners: dict[str, str]) -> None:
    for community in sorted(set(owners.values())):
        entities = tuple(entity for entity, owner in owners.items() if owner == community)
        await ctx.store_in(Community(community)).receive(entities)


# The community itself


@module.command("community", user_cooldown_s=5)
async def show(ctx: Ctx) -> Reply:
    """Show which community this is, how many channels it has and who has a rank."""
    entities, members = await ctx.store.summary()
    counts = [
        f"{count} {ranks.name(rank)}{'s' if count > 1 else ''}"
        for rank in reversed(Rank)
        if (count := sum(ranks.name(rank) in member.ranks for member in members))
    ]
    owned = ", ".join(counts) or f"nobody has a rank yet (own it by {ctx.settings.prefix}claim)"
    return Reply(
        f"This is {ctx.community}: {_plural(len(entities), 'channel')}, {owned}. "
        f"Commands start with {ctx.settings.prefix}"
    )


@module.command("community leave")
async def leave(ctx: Ctx, name: str | None = None) -> Reply:
    """Give up the ranks you were given here. You stay a member: nobody ever stops being one."""
    if name == GLOBAL:
        raise Refusal(f"Nobody leaves {GLOBAL}: everybody who was ever seen is for ever a member of it.")
    if name not in (None, ctx.community):
        raise Refusal(f"This is {ctx.community}. Leave {name} in a channel of {name}.")
    if ranks.mask_of((await ctx.store.member(ctx.event.account)).ranks) & ~ctx.call.ranks:
        # A rule or alias runs it with less, and a key may name whom it likes: none of them takes ranks away.
        raise Refusal("Type it yourself, in a channel where the bot knows your ranks.")
    given_up = await ctx.store.give_up_ranks(ctx.event.account)
    if given_up:
        return Reply(f"You gave up: {', '.join(given_up)}. You stay a member, as everybody does.")
    if "owner" in (await ctx.store.member(ctx.event.account)).ranks:
        raise Refusal("You are the last owner. Let somebody else claim the community first.")
    raise Refusal(
        f"You have no rank to give up, and you stay a member: everybody who was seen here is one, and for ever "
        f"one of {GLOBAL}."
    )


@module.command("community delete", rank=Rank.OWNER, hidden=True)
async def delete(ctx: Ctx, name: str) -> Reply:
    """Let all channels of the community go; type its name to confirm. What was counted here stays."""
    if name == GLOBAL:
        raise Refusal(f"{GLOBAL} cannot be deleted: everybody is for ever a member of it.")
    if name != ctx.community:
        raise Refusal(f"This is {ctx.community}. Type its name to confirm: community delete {ctx.community}")
    if name == HOME:
        raise Refusal(f"{HOME} cannot be deleted: the operator's own channels always belong to it.")
    gone = await ctx.store.dissolve()
    return Reply(f"{name} let {_plural(gone, 'channel')} go. The operator can undo it: waddlebot undo")


@module.command("prefix", user_cooldown_s=5)
async def prefix(ctx: Ctx, new: str | None = None) -> Reply:
    """Show what commands start with; admins change it by adding the new prefix, such as ?."""
    if new is None:
        return Reply(f"Commands start with {ctx.settings.prefix} and community modules with "
                     f"{ctx.settings.community_prefix}")  # fmt: skip
    if not ctx.is_at_least(Rank.ADMIN):
        raise Refusal("Only admins and the owner can change the prefix.")
    await _set(ctx, module, "prefix", new)
    return Reply(f"Commands start with {new} now.")


@module.command("claim")
async def claim(ctx: Ctx, code: str | None = None) -> Reply:
    """Own this community. Ask without a code, then repeat it with the code that the operator sees."""
    account, now = ctx.event.account, ctx.now()
    if ctx.call.ranks & Rank.OWNER:
        raise Refusal("You own this community already.")
    if code is None:
        return await _ask_claim(ctx, account, now)
    left = await ctx.store.claim(account, _digest(ctx, code), now)
    if left < 0:
        return Reply(f"{ctx.event.user_name} owns {ctx.community} now.")
    if left:
        raise Refusal(f"That is not the code. {_plural(left, 'try', 'tries')} left.")
    raise Refusal(
        f"You have no code that is still good. Type {ctx.settings.prefix}claim for a new one; "
        "after too many tries it takes ten minutes until there is one."
    )


async def _ask_claim(ctx: Ctx, account: str, now: float) -> Reply:
    code = new_code(ctx.random)
    how = f"Type {ctx.settings.prefix}claim and the code here."
    if not await ctx.store.open_claim(account, _digest(ctx, code), now):
        raise Refusal(f"Your code is on the operator's console since less than ten minutes. {how}")
    # Above every level an operator may have chosen: without this line nobody could ever own the community.
    ctx.log.critical(
        "%s (%s) asks to own the community %s. If that is right, give them this code, which is good for %d "
        "minutes: %s",
        ctx.event.user_name, account, ctx.community, CLAIM_VALID_S // 60, code,
    )  # fmt: skip
    return Reply(f"There is a code for you on the operator's console and in the log. {how}")


def _digest(ctx: Ctx, code: str) -> str:
    return digest_of(ctx.secret("claims"), code, ctx.community, ctx.event.account)


# Ranks


@module.command("rank give", aliases=("rank add",), rank=Rank.MODERATOR)
async def give_rank(ctx: Ctx, user: Login, rank: str) -> Reply:
    """Give somebody a rank: regular, subscriber, vip, moderator or admin."""
    return await _give_rank(ctx, user, ranks.rank_of(rank))


@module.command("rank take", aliases=("rank remove",), rank=Rank.MODERATOR)
async def take_rank(ctx: Ctx, user: Login, rank: str) -> Reply:
    """Take a rank back that was given here."""
    return await _take_rank(ctx, user, ranks.rank_of(rank))


@module.command("rank show", aliases=("rank",), user_cooldown_s=5)
async def show_ranks(ctx: Ctx, user: Login | None = None) -> Reply:
    """Show your ranks here, or the ranks somebody was given."""
    if user is None:
        own = [ranks.name(rank) for rank in reversed(Rank) if ctx.call.ranks & rank]
        return Reply(f"{ctx.event.user_name} is: {', '.join(own)}.")
    account = await find_account(ctx, user)
    given = (await ctx.store.member(account.account)).ranks
    return Reply(f"{account.name} was given: {', '.join(given) or 'no rank'}.")


@module.command("regulars add", rank=Rank.MODERATOR)
async def add_regular(ctx: Ctx, user: Login) -> Reply:
    """Make somebody a regular."""
    return await _give_rank(ctx, user, Rank.REGULAR)


@module.command("regulars delete", aliases=("regulars del", "regulars remove"), rank=Rank.MODERATOR)
async def delete_regular(ctx: Ctx, user: Login) -> Reply:
    """Make somebody a regular no longer."""
    return await _take_rank(ctx, user, Rank.REGULAR)


async def _give_rank(ctx: Ctx, user: Login, rank: Rank) -> Reply:
    if rank is Rank.OWNER:
        raise Refusal(f"Nobody gives a community away in chat: the new owner types {ctx.settings.prefix}claim")
    ranks.check_giver(rank, ctx.call.ranks)
    account = await find_account(ctx, user)
    if not await ctx.store.give_rank(account.account, ranks.name(rank)):
        raise Refusal(f"{account.name} has the rank {ranks.name(rank)} already.")
    return Reply(f"{account.name} has the rank {ranks.name(rank)} now.")


async def _take_rank(ctx: Ctx, user: Login, rank: Rank) -> Reply:
    ranks.check_giver(rank, ctx.call.ranks)
    account = await find_account(ctx, user)
    if not await ctx.store.take_rank(account.account, ranks.name(rank)):
        raise Refusal(
            f"{account.name} was not given the rank {ranks.name(rank)} here"
            + (", or is the last owner." if rank is Rank.OWNER else ". What the platform gives, it alone takes.")
        )
    return Reply(f"{account.name} no longer has the rank {ranks.name(rank)}.")


# Modules and their settings


@module.command("module list", rank=Rank.MODERATOR)
async def list_modules(ctx: Ctx) -> Reply:
    """List the modules, and which are switched off."""
    off = set(await ctx.store.switched_off())
    names = [f"{name} (off)" if name in off else name for name in ctx.state(Catalogue).modules]
    return Reply(f"Modules: {', '.join(names)}")


@module.command("module on", aliases=("module enable",), rank=Rank.ADMIN)
async def switch_on(ctx: Ctx, name: str) -> Reply:
    """Switch a module on."""
    return await _switch(ctx, name, True)


@module.command("module off", aliases=("module disable",), rank=Rank.ADMIN)
async def switch_off(ctx: Ctx, name: str) -> Reply:
    """Switch a module off: its commands, its counting, its timers, all of it."""
    return await _switch(ctx, name, False)


@module.command("module", rank=Rank.ADMIN, hidden=True)
async def switch(
    ctx: Ctx, name: str, state: Annotated[str, Field("", choices=("on", "off", "enable", "disable"))]
) -> Reply:
    """Switch a module on or off."""
    return await _switch(ctx, name, state in ("on", "enable"))


async def _switch(ctx: Ctx, name: str, enabled: bool) -> Reply:
    known = ctx.state(Catalogue)
    found = known.module(name)
    needing = known.needing(found)
    need = f" These ask it something: {', '.join(needing)}." if needing else ""
    if found.always_on and not enabled:
        raise Refusal(f"{found.name} cannot be switched off: without it the bot could not answer at all.{need}")
    if not await ctx.store.switch(found.name, enabled):
        raise Refusal(f"{found.name} is {'on' if enabled else 'off'} already.")
    return Reply(f"{found.name} is on now." if enabled else f"{found.name} is off now.{need}")


@module.command("setting list", aliases=("settings list",), rank=Rank.ADMIN)
async def list_settings(ctx: Ctx, name: str | None = None) -> Reply:
    """List a module's settings, or everything that was changed here."""
    known = ctx.state(Catalogue)
    if name is None:
        changed = await ctx.store.changed_settings()
        lines = [
            f"{record.module} {catalogue.shown(info, {record.name: record.value})}"
            for record in changed
            if record.module in known.modules
            for info in catalogue.settings_of(known.modules[record.module])
            if info.name == record.name
        ]  # fmt: skip
        return Reply(f"Changed here: {'; '.join(lines)}" if lines else "No setting was changed here.")
    found = known.module(name)
    stored = await ctx.store.settings(found.name)
    lines = [catalogue.shown(info, stored) for info in catalogue.settings_of(found)]
    return Reply(f"{found.name}: {'; '.join(lines) or 'it has no settings'}")


@module.command("setting get", aliases=("setting show",), rank=Rank.ADMIN)
async def get_setting(ctx: Ctx, name: str, setting: str) -> Reply:
    """Show a module's setting and what it means."""
    found = ctx.state(Catalogue).module(name)
    info = catalogue.info_of(found, setting)
    stored = await ctx.store.settings(found.name)
    return Reply(f"{catalogue.shown(info, stored)}. {catalogue.meaning(info)}")


@module.command("setting set", rank=Rank.ADMIN)
async def set_setting(ctx: Ctx, name: str, setting: str, value: Rest) -> Reply:
    """Change a module's setting."""
    found = ctx.state(Catalogue).module(name)
    return Reply(f"{found.name}: {await _set(ctx, found, setting, value)} now.")


@module.command("setting reset", rank=Rank.ADMIN)
async def reset_setting(ctx: Ctx, name: str, setting: str) -> Reply:
    """Return a module's setting to its default."""
    found = ctx.state(Catalogue).module(name)
    info = catalogue.info_of(found, setting)
    if not await ctx.store.reset_setting(found.name, info.name):
        raise Refusal(f"{info.name} was never changed here.")
    return Reply(f"{found.name}: {catalogue.shown(info, {})} again.")


async def _set(ctx: Ctx, found: Module, setting: str, text: str) -> str:
    info = catalogue.info_of(found, setting)
    value = catalogue.value_of(found, info, text, await ctx.store.settings(found.name))
    await ctx.store.set_setting(found.name, info.name, value)
    return catalogue.shown(info, {info.name: value})


# Commands, built-in ones and those that were made in chat


@module.command("permcom", rank=Rank.MODERATOR)
async def permit(ctx: Ctx, command: Rest) -> Reply:
    """Say who may use a command: its name, then a level such as vip or moderator; reset undoes it."""
    return await overriding.permitted(ctx, command)


@module.command("coolcom", rank=Rank.MODERATOR)
async def cool(ctx: Ctx, command: Rest) -> Reply:
    """Set the cooldown of a command: its name, then global=30 or user=1m or both, or clear."""
    return await overriding.cooled(ctx, command)


@module.command("enablecom", rank=Rank.MODERATOR)
async def enable(ctx: Ctx, command: Rest) -> Reply:
    """Bring a command back that was disabled."""
    return await overriding.enabled(ctx, command)


@module.command("disablecom", rank=Rank.MODERATOR)
async def disable(ctx: Ctx, command: Rest) -> Reply:
    """Disable a command here."""
    return await overriding.disabled(ctx, command, module.commands)


@module.command("renamecom", rank=Rank.ADMIN)
async def rename(ctx: Ctx, command: str, name: str) -> Reply:
    """Give a built-in command another name here; its own name brings it back."""
    return await overriding.renamed(ctx, command, name)


# What was changed


@module.command("changes", rank=Rank.MODERATOR)
async def list_changes(ctx: Ctx, user: Login | None = None) -> Reply:
    """List what was changed here last, by whom."""
    return await undoing.listing(ctx, user)


@module.command("undo", rank=Rank.MODERATOR)
async def undo(ctx: Ctx, number: int | None = None) -> Reply:
    """Take back what you changed last, or a change by its number."""
    return await undoing.undone(ctx, number)


@module.command("redo", rank=Rank.MODERATOR)
async def redo(ctx: Ctx) -> Reply:
    """Bring back what you took back last."""
    return await undoing.redone(ctx)


# Who may use what


@module.command("access add", rank=Rank.MODERATOR)
async def add_access(ctx: Ctx, rule: Rest) -> Reply:
    """Add a rule: a command (or module:name, timer:name, *), then allow, deny or require, then who or when.

    Conditions are @name, rank, role, label, score, tier, points, age, platform, in, live, hours, cost, limit and
    cooldown.
    """
    return await ruling.added(ctx, rule, module.commands)


@module.command("access remove", aliases=("access delete", "access del"), rank=Rank.MODERATOR)
async def remove_access(ctx: Ctx, name: str) -> Reply:
    """Remove a rule."""
    return await ruling.removed(ctx, name)


@module.command("access show", rank=Rank.MODERATOR)
async def show_access(ctx: Ctx, name: str) -> Reply:
    """Show a rule."""
    return await ruling.shown(ctx, name)


@module.command("access list", aliases=("access",), rank=Rank.MODERATOR)
async def list_access(ctx: Ctx, target: Rest | None = None) -> Reply:
    """List the rules, or those for one command, module or timer."""
    return await ruling.listing(ctx, target)


@module.route("GET", "/access", role=Role.ADMIN)
async def get_access(ctx: Request) -> ruling.AccessAnswer:
    """List the access rules of the community, as they can be put back."""
    return await ruling.get(ctx)


@module.route("PUT", "/access", role=Role.ADMIN)
async def put_access(ctx: Request, rule: ruling.AccessBody) -> ruling.Done:
    """Make an access rule, or put it in the place of the one of its id."""
    return await ruling.put(ctx, rule, module.commands)


@module.route("DELETE", "/access/{id}", role=Role.ADMIN)
async def delete_access(ctx: Request) -> ruling.Done:
    """Remove an access rule."""
    return await ruling.delete(ctx)


# Roles


@module.command("role add", rank=Rank.MODERATOR)
async def add_role(ctx: Ctx, name: str, rank: str | None = None) -> Reply:
    """Make a role, which rules can ask for; with a rank its holders count as that, too."""
    return await roles.added(ctx, name, rank)


@module.command("role remove", aliases=("role delete",), rank=Rank.MODERATOR)
async def remove_role(ctx: Ctx, name: str) -> Reply:
    """Remove a role, from all who have it."""
    return await roles.removed(ctx, name)


@module.command("role list", aliases=("roles",), user_cooldown_s=5)
async def list_roles(ctx: Ctx) -> Reply:
    """List the roles of this community."""
    return await roles.listing(ctx)


@module.command("role show", aliases=("role",), user_cooldown_s=5)
async def show_role(ctx: Ctx, name: str) -> Reply:
    """Show a role: what it counts as, how it is earned, how many have it."""
    return await roles.shown(ctx, name)


@module.command("role give", rank=Rank.MODERATOR)
async def give_role(ctx: Ctx, user: Login, name: str) -> Reply:
    """Give somebody a role."""
    return await roles.given(ctx, user, name)


@module.command("role take", rank=Rank.MODERATOR)
async def take_role(ctx: Ctx, user: Login, name: str) -> Reply:
    """Take a role from somebody."""
    return await roles.taken(ctx, user, name)


@module.command("role earn", rank=Rank.MODERATOR)
async def earn_role(ctx: Ctx, name: str, what: str, at_least: float | None = None) -> Reply:
    """Let people earn a role by themselves: points 500, score 700 or days 30; off ends that."""
    return await roles.earnable(ctx, name, what, at_least)


@module.observe("*", into=Crowd)
async def notice(ctx: BatchContext[Settings, CommunityStore], crowd: Crowd) -> None:
    """Note who is new and who earns a role, where that matters, and which channels are live."""
    await earning.noticed(ctx, ctx.state(Catalogue).watch, crowd)


@module.answers(CommunityService.circumstances)
async def circumstances(ctx: ServiceCtx, request: CircumstancesRequest) -> Circumstances:
    """Since when an account is known, and whether a channel is live."""
    return await earning.circumstances(ctx, request)


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count} {one}" if count == 1 else f"{count} {many or one + 's'}"
