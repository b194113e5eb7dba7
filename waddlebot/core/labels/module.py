"""Labels: short words on communities, modules, people, groups of channels and what modules keep. Start here."""

import dataclasses
from typing import Annotated

from waddlebot.core.labels import giving, routes
from waddlebot.core.labels.people import everybody, people_of
from waddlebot.core.labels.store import LabelStore, RoleLabel, Way
from waddlebot.core.labels.words import group_problem, label_problem, role_problem
from waddlebot.libs.contracts.community import CommunityService, ConfigurationsRequest
from waddlebot.libs.contracts.identity import Identity, find_account
from waddlebot.libs.contracts.labels import (
    CHANGES_MAX,
    LIMITS,
    OWN_KINDS,
    PAGE_MAX,
    EntityGroup,
    Groups,
    GroupsRequest,
    Having,
    HavingRequest,
    LabelChange,
    Labelled,
    Labels,
    LabelsOf,
    LabelsOfRequest,
    LabelsSet,
    SetRequest,
)
from waddlebot.libs.sdk import (
    Batch,
    CallError,
    Context,
    Contribution,
    Field,
    FieldError,
    Module,
    Person,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    RouteContext,
    ServiceContext,
    Tables,
    UsageError,
    listed,
)

_PAGE = 10
"""Things on a page of a chat line."""
_PAGES_MAX = 100
_ASKED = "somebody asks for what is held about them, or to have it deleted"


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Who may give which labels."""

    reserved: Annotated[
        str, Field("Labels, with spaces between them, that only admins and the owner give and take.")
    ] = ""

    def __post_init__(self) -> None:
        for label in self.reserved.split():
            if problem := label_problem(label):
                raise FieldError(problem)


type Ctx = Context[Settings, LabelStore]
type ServiceCtx = ServiceContext[Settings, LabelStore]
type Request = RouteContext[Settings, LabelStore]

module = Module(
    __name__,
    "Put labels on communities, modules, people, groups of channels, and what modules keep.",
    http_port=8051,
    grpc_port=50951,
    settings=Settings,
    store=LabelStore,
    uses=(Identity, Labels, CommunityService),
)


# What is held about people


@module.held_of_person
async def held(ctx: ServiceCtx, person: Person) -> Tables:
    """The labels of somebody, and which roles came with them."""
    return await ctx.store_everywhere(_ASKED).held(person.accounts)


@module.forget_person(stays={"label": "labels that a community's rules deny something, without your name"})
async def forget(ctx: ServiceCtx, person: Person) -> int:
    """Delete them, but those that keep somebody from something."""
    configured = (await ctx.use(CommunityService).configurations(ConfigurationsRequest())).items
    denied: dict[str, tuple[str, ...]] = {}
    for one in configured:
        rules = [rule for rule in one.contribution.access if rule.effect == "deny"]
        denied[one.community] = tuple({label for rule in rules for label in rule.conditions.labels})
    return await ctx.store_everywhere(_ASKED).forget(person.accounts, denied)


# What runs


@module.contributes
async def contribute(ctx: ServiceCtx, communities: tuple[str, ...]) -> dict[str, Contribution]:
    """The labels of people in communities, by account and by role; who reads them adds up a person's accounts."""
    found = await ctx.store_in(Batch(frozenset(communities))).contributed()
    return {name: Contribution(labels=one.accounts, role_labels=one.roles) for name, one in found.items()}


@module.job(every_s=giving.EVERY_S)
async def give_roles(ctx: ServiceCtx) -> None:
    """Ask platforms for the roles that labels ask for."""
    await giving.give_everywhere(ctx)


# What other modules ask


@module.answers(Labels.of)
async def of(ctx: ServiceCtx, request: LabelsOfRequest) -> LabelsOf:
    """The labels of things; of a user those of all the person's accounts, and those that come with roles."""
    things, kind = request.things, request.kind
    if kind not in LIMITS:
        raise CallError(f"there is no kind {kind!r}: {', '.join(LIMITS)}")
    if len(things) > CHANGES_MAX or (request.roles and (kind, len(things)) != ("user", 1)):
        raise CallError(f"at most {CHANGES_MAX} things a call, and roles with one user alone")
    if kind != "user":
        known = await ctx.store.labels(kind, things)
        return LabelsOf(tuple(known.get(thing, Labelled(kind, thing, ())) for thing in things))
    people = {} if request.unlinked else await people_of(ctx, things)
    known = await ctx.store.labels(kind, everybody(things, people))
    by_role: set[str] = set()
    if request.roles:
        platform = things[0].partition(":")[0]
        by_role = {
            mapping.label
            for mapping in await ctx.store.mappings()
            if mapping.way == "from" and mapping.platform == platform and mapping.role in request.roles
        }
    return LabelsOf(tuple(_of_person(thing, people.get(thing, (thing,)), known, by_role) for thing in things))


def _of_person(account: str, mine: tuple[str, ...], known: dict[str, Labelled], more: set[str]) -> Labelled:
    there = [known[one] for one in (account, *mine) if one in known]
    labels = more.union(*(one.labels for one in there))
    return Labelled("user", account, tuple(sorted(labels)), next((one.name for one in there if one.name), ""))


@module.answers(Labels.having)
async def having(ctx: ServiceCtx, request: HavingRequest) -> Having:
    """The things that have a label, by pages."""
    if (request.kind and request.kind not in LIMITS) or not 1 <= request.most <= PAGE_MAX:
        raise CallError(f"a kind is one of {', '.join(LIMITS)}, and a page has 1 to {PAGE_MAX} things")
    kind, _, thing = request.after.partition(":")
    found = await ctx.store.having(request.label, request.kind, (kind, thing), request.most + 1)
    items = tuple(found[: request.most])
    more = len(found) > request.most
    return Having(items, f"{items[-1].kind}:{items[-1].thing}" if more else "")


@module.answers(Labels.set)
async def change(ctx: ServiceCtx, request: SetRequest) -> LabelsSet:
    """Make changes, all of them or none."""
    if len(request.changes) > CHANGES_MAX:
        raise CallError(f"at most {CHANGES_MAX} changes a call, not {len(request.changes)}: change in parts")
    people = await people_of(ctx, (c.thing for c in request.changes if c.kind == "user"))
    return await ctx.store.change(request.changes, people, _places(ctx, ctx.community))


@module.answers(Labels.groups)
async def groups(ctx: ServiceCtx, request: GroupsRequest) -> Groups:
    """Entity groups by name."""
    return Groups(
        tuple(
            EntityGroup(group.name, group.entities)
            for group in await ctx.store.groups()
            if not request.names or group.name in request.names
        )
    )


def _places(ctx: Ctx | ServiceCtx, community: str) -> tuple[str, ...]:
    """The things of our own kinds that exist, but for groups."""
    return (f"community:{community}", *(f"module:{name}" for name in ctx.manifests))


# What moderators type


@module.command("label add", aliases=("labels add",), rank=Rank.MODERATOR)
async def add(ctx: Ctx, what: str, labels: Rest) -> Reply:
    """Put labels on @somebody, on the community, on module:NAME or on group:NAME."""
    return await _change(ctx, what, labels, remove=False)


@module.command("label remove", aliases=("label delete", "label del", "labels remove"), rank=Rank.MODERATOR)
async def remove(ctx: Ctx, what: str, labels: Rest) -> Reply:
    """Take labels off: of somebody with several linked accounts, off all of them."""
    return await _change(ctx, what, labels, remove=True)


@module.command("label show", aliases=("label", "labels show"), rank=Rank.MODERATOR)
async def show(ctx: Ctx, what: str | None = None) -> Reply:
    """Show the labels of @somebody, the community, module:NAME or group:NAME; yours if you name nothing."""
    found = await (_thing(ctx, what) if what else _asker(ctx))
    roles = ctx.event.roles if found.thing == ctx.event.account else ()
    request = LabelsOfRequest(found.kind, (found.thing,), roles)
    (labelled,) = (await ctx.use(Labels).of(request)).items
    return Reply(_shown(found.name, labelled.labels))


@module.command("label list", aliases=("labels", "labels list"), rank=Rank.MODERATOR)
async def list_labels(ctx: Ctx, kind: str | None = None) -> Reply:
    """List the labels in use and on how many things each is; of one kind, such as user, if you name it."""
    _check_kind(kind)
    counted = await ctx.store.counted(kind or "")
    words = [f"{label} ({count})" for label, count in counted]
    return Reply(f"Labels: {listed(words)}" if words else "Nothing has a label here yet.")


@module.command("label search", aliases=("labels search", "label find"), rank=Rank.MODERATOR)
async def search(ctx: Ctx, label: str, kind: str | None = None, page: int = 1) -> Reply:
    """Show what has a label, of one kind such as user if you name it; ten on a page."""
    if kind is not None and kind.isdigit():
        page = int(kind[:6])
        kind = None
    _check_kind(kind)
    if not 1 <= page <= _PAGES_MAX:
        raise UsageError(f"Pages are numbered from 1 to {_PAGES_MAX}.")
    found = Having((), "")
    for number in range(page):
        if number and not found.after:
            raise Refusal(f"There are only {number} pages.")
        found = await ctx.use(Labels).having(HavingRequest(label.lower(), kind or "", found.after, _PAGE))
    if not found.items:
        raise Refusal(f"Nothing has the label {label.lower()} here.")
    more = f" Next: label search {label.lower()} {f'{kind} ' if kind else ''}{page + 1}" if found.after else ""
    return Reply(f"{label.lower()}: {_named(found)}.{more}")


def _named(found: Having) -> str:
    return listed([f"{one.kind} {one.name or one.thing}" for one in found.items])


async def _change(ctx: Ctx, what: str, typed: str, *, remove: bool) -> Reply:
    found = await _thing(ctx, what)
    labels = tuple(dict.fromkeys(typed.lower().replace(",", " ").split()))
    _check_reserved(ctx, labels)
    changes = tuple(LabelChange(found.kind, found.thing, label, remove, found.name) for label in labels)
    if len(changes) > max(LIMITS.values()):
        raise Refusal(f"Name at most {max(LIMITS.values())} labels at once.")
    people = await people_of(ctx, [found.thing] if found.kind == "user" else [])
    done = await ctx.store.change(changes, people, _places(ctx, ctx.community))
    if done.errors:
        raise Refusal(done.errors[0].error)
    if not done.changed:
        word = "none of these labels" if remove else "these labels already"
        raise Refusal(f"{found.name} has {word}.")
    (labelled,) = (await ctx.use(Labels).of(LabelsOfRequest(found.kind, (found.thing,)))).items
    return Reply(_shown(found.name, labelled.labels))


def _shown(name: str, labels: tuple[str, ...]) -> str:
    return f"{name} has the labels: {listed(labels)}" if labels else f"{name} has no labels."


def _check_reserved(ctx: Ctx, labels: tuple[str, ...]) -> None:
    reserved = [label for label in labels if label in ctx.settings.reserved.split()]
    if reserved and not ctx.is_at_least(Rank.ADMIN):
        raise Refusal(f"Only admins and the owner give and take: {', '.join(reserved)}.")


def _check_kind(kind: str | None) -> None:
    if kind is not None and kind not in LIMITS:
        raise Refusal(f"There is no kind {kind}. Kinds are: {', '.join(LIMITS)}.")


async def _thing(ctx: Ctx, typed: str) -> Labelled:
    """What somebody means. Raises ``Refusal`` for what there is not."""
    word = typed.lower()
    if word == "community":
        return Labelled("community", ctx.community, (), ctx.community)
    kind, colon, name = word.partition(":")
    if not colon or word.startswith("@"):
        account = await find_account(ctx, word.removeprefix("@"))
        return Labelled("user", account.account, (), account.name)
    if kind not in LIMITS:
        raise Refusal(f"There is no kind {kind}. Write @somebody, community, module:NAME or group:NAME.")
    if kind not in OWN_KINDS:
        if ctx.call.handler != "command:label show":
            raise Refusal(f"The labels of {kind.replace('_', ' ')}s are given where they are kept.")
        return Labelled(kind, typed.partition(":")[2], (), typed)
    if kind == "module":
        found = [one for one in ctx.manifests if name in (one, one.rpartition(".")[2])]
        if len(found) != 1:
            raise Refusal(f"There is no module {name}.")
        return Labelled(kind, found[0], (), found[0])
    if kind == "group":
        _check_group_name(name)
        if name not in {group.name for group in await ctx.store.groups()}:
            raise Refusal(f"There is no group {name}. Make it first: group add {name} here")
        return Labelled(kind, name, (), f"group {name}")
    raise Refusal("Write @somebody, community, module:NAME or group:NAME.")


async def _asker(ctx: Ctx) -> Labelled:
    return Labelled("user", ctx.event.account, (), ctx.event.user_name)


# Roles of platforms


_WAYS = Annotated[str, Field("from the role, or to it", choices=("from", "to"))]


@module.command("label map", rank=Rank.ADMIN)
async def map_role(ctx: Ctx, label: str, way: _WAYS, platform: str, role: Rest) -> Reply:
    """Let a label come from a platform's role while somebody has it, or ask for the role wherever the label is."""
    mapping = _mapping(label, way, platform, role)
    if mapping.way == "to":
        if problem := role_problem(mapping.role):
            raise Refusal(problem)
        if not giving.carries(ctx.manifests, mapping.platform):
            raise Refusal(f"The bot cannot give roles on {mapping.platform}. Give {mapping.role} there by hand.")
    if not await ctx.store.map(mapping):
        raise Refusal("That is so already. See: label maps")
    return Reply(f"{_in_words(mapping)}.")


@module.command("label unmap", rank=Rank.ADMIN)
async def unmap_role(ctx: Ctx, label: str, way: _WAYS, platform: str, role: Rest) -> Reply:
    """Part a label from a platform's role again."""
    mapping = _mapping(label, way, platform, role)
    if not await ctx.store.unmap(mapping):
        raise Refusal("There is no such mapping. See: label maps")
    return Reply(f"No longer: {_in_words(mapping)}.")


@module.command("label maps", rank=Rank.MODERATOR)
async def list_maps(ctx: Ctx) -> Reply:
    """List the labels that come from roles of platforms or ask for them."""
    words = [_in_words(mapping) for mapping in await ctx.store.mappings()]
    return Reply(listed(words) if words else "No label comes from a role or asks for one.")


def _mapping(label: str, way: str, platform: str, role: str) -> RoleLabel:
    if problem := label_problem(label.lower()) or ("" if role.strip() else role_problem("")):
        raise Refusal(problem)
    which: Way = "to" if way == "to" else "from"
    return RoleLabel(which, platform.lower()[:30], role.strip()[:100], label.lower())


def _in_words(mapping: RoleLabel) -> str:
    role = f"the role {mapping.role} on {mapping.platform}"
    if mapping.way == "from":
        return f"{role} brings the label {mapping.label}"
    return f"the label {mapping.label} brings {role}"


# Groups of channels


@module.command("group add", rank=Rank.MODERATOR)
async def group_add(ctx: Ctx, name: str, channels: Rest) -> Reply:
    """Put channels of this community under one name: here, or platform:server:channel."""
    name, entities = name.lower(), _entities(ctx, channels)
    _check_group_name(name)
    strangers = [entity for entity in entities if ctx.entities.get(entity) != ctx.community]
    if strangers:
        raise Refusal(f"{strangers[0]} is no channel of {ctx.community}.")
    whole = await ctx.store.gather(name, entities)
    return Reply(f"The group {name} has {len(whole)} channel{'s' * (len(whole) > 1)}.")


@module.command("group remove", aliases=("group delete", "group del"), rank=Rank.MODERATOR)
async def group_remove(ctx: Ctx, name: str, channels: Rest | None = None) -> Reply:
    """Take channels out of a group, or remove the group with its labels if you name none."""
    left = await ctx.store.scatter(name.lower(), _entities(ctx, channels or ""))
    if left is None:
        raise Refusal(f"There is no group {name.lower()}.")
    if not left:
        return Reply(f"The group {name.lower()} is gone.")
    return Reply(f"The group {name.lower()} has {len(left)} channel{'s' * (len(left) > 1)}.")


@module.command("group list", aliases=("groups",), rank=Rank.MODERATOR)
async def group_list(ctx: Ctx) -> Reply:
    """List the groups of channels."""
    words = [f"{group.name} ({len(group.entities)})" for group in await ctx.store.groups()]
    return Reply(f"Groups: {listed(words)}" if words else "There are no groups of channels yet.")


@module.command("group show", rank=Rank.MODERATOR)
async def group_show(ctx: Ctx, name: str) -> Reply:
    """Show the channels of a group."""
    found = [group for group in await ctx.store.groups() if group.name == name.lower()]
    if not found:
        raise Refusal(f"There is no group {name.lower()}.")
    return Reply(f"{found[0].name}: {listed(found[0].entities)}")


def _check_group_name(name: str) -> None:
    if problem := group_problem(name):
        raise Refusal(problem)


def _entities(ctx: Ctx, typed: str) -> tuple[str, ...]:
    words = typed.replace(",", " ").split()
    return tuple(dict.fromkeys(ctx.event.entity if word.lower() == "here" else word for word in words))


# HTTP


@module.route("GET", "/labels", role=Role.ADMIN)
async def find(ctx: Request) -> routes.Page:
    """List what has a label: ``?label=…&kind=…&after=…&most=…``."""
    return await routes.find(ctx)


@module.route("GET", "/labels/{kind}/{thing}", role=Role.ADMIN)
async def get_labels(ctx: Request) -> Labelled:
    """Show the labels of one thing; a user is an account, ``platform:user_id``."""
    return await routes.show(ctx)


@module.route("POST", "/changes", role=Role.ADMIN)
async def post_changes(ctx: Request, changes: routes.Changes) -> routes.Outcome:
    """Put labels on up to 1,000 things, or take them off, at once: all of it, or none where a row is wrong."""
    return await routes.change(ctx, changes)
