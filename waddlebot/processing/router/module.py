"""Router: decides what an event means and asks the right modules."""

import asyncio
import dataclasses
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

import msgspec

from waddlebot.libs.contracts.community import CommunityService
from waddlebot.libs.contracts.identity import Identity, find_account
from waddlebot.libs.contracts.registration import Manifest
from waddlebot.libs.contracts.reputation import Reputation
from waddlebot.libs.contracts.router import (
    LateResponse,
    Posted,
    Registered,
    RegisteredRequest,
    Responded,
    RouterService,
    Tally,
    TallyRequest,
    Trace,
    Traces,
    TracesRequest,
)
from waddlebot.libs.dal import Batch, Busy
from waddlebot.libs.sdk import (
    Answers,
    Context,
    Contribution,
    Field,
    Login,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    RouteContext,
    Send,
    ServiceContext,
    listed,
)
from waddlebot.libs.sdk.fields import FieldError, build
from waddlebot.libs.sdk.metrics import Measure
from waddlebot.libs.sdk.ports import PARTITIONS
from waddlebot.libs.sdk.rank import words
from waddlebot.libs.web.errors import HttpError
from waddlebot.processing.router import registrations, rulebook, testing
from waddlebot.processing.router.desk import Desk, open_desk
from waddlebot.processing.router.door import Answers as PostedAnswers
from waddlebot.processing.router.door import PostedEvents
from waddlebot.processing.router.limits import Settings
from waddlebot.processing.router.sessions import SessionError
from waddlebot.processing.router.shapes import (
    CommandAnswer,
    CommandsAnswer,
    Coordination,
    Done,
    ExecutionsAnswer,
    HostMetrics,
    Metrics,
    NewSecret,
    Owned,
    RuleChange,
    RulesAnswer,
)
from waddlebot.processing.router.store import ACTIONS, KINDS, RouterStore, StringRule, UnknownRule
from waddlebot.processing.router.view import Entry, View

type Ctx = Context[Settings, RouterStore]
type Service = ServiceContext[Settings, RouterStore]
type Request = RouteContext[Settings, RouterStore]

module = Module(
    __name__,
    "Decide what an event means and ask the right modules.",
    http_port=8000,
    grpc_port=50900,
    settings=Settings,
    store=RouterStore,
    keeps_people={},
    uses=(Identity, Reputation, CommunityService),
    always_on=True,
)

_RANKS_OF_KEYS = int(Rank.VIEWER | Rank.ADMIN)
"""What rules may run that admin keys made."""
_EXECUTIONS = 100


@module.starts
def start(ctx: Service) -> AbstractAsyncContextManager[Desk]:
    """The router itself, for the life of the host."""
    return open_desk(ctx)


# --- commands -------------------------------------------------------------------------------------------


@module.command("help")
async def help_(ctx: Ctx, command: Annotated[Rest | None, Field("The command to explain.")] = None) -> Answers:
    """Explain a command, or say what there is."""
    desk = ctx.state(Desk)
    view = desk.view(ctx.community)
    if command is None:
        return Reply(f"Say {view.prefix}help <command> about one of: {_listed(ctx, view)}")
    name = command.strip().removeprefix(view.prefix).removeprefix(view.community_prefix).lower()
    entry = view.lookup(name)
    if entry is None or not entry.enabled or entry.module in view.disabled:
        raise Refusal(f"There is no command {view.prefix}{name} here. {view.prefix}commands lists what there is.")
    if not entry.handler or (entry.verbs and not entry.help):
        verbs = sorted(verb for verb, below in entry.verbs.items() if ctx.call.ranks & below.least)
        return Reply(
            f"Usage: {view.prefix}{name} {'|'.join(verbs)} — {view.prefix}help {name} <verb> explains each."
        )
    who = "" if entry.least & Rank.VIEWER else f" For {_who(entry)}."
    return Reply(
        f"Usage: {view.typed(entry.table, entry.usage)} — {entry.help or 'A command of this community.'}{who}"
    )


@module.command("commands", aliases=("cmds", "botcommands"))
async def commands_(ctx: Ctx) -> Reply:
    """List the commands you can use here."""
    view = ctx.state(Desk).view(ctx.community)
    return Reply(f"Commands: {_listed(ctx, view)}")


@module.command("stats")
async def stats(ctx: Ctx) -> Reply:
    """Say how long the bot has been up and what it has done here."""
    desk = ctx.state(Desk)
    uses = desk.uses(ctx.community)
    return Reply(
        f"Up for {_duration(time.time() - desk.started_at)}. Commands used here: {sum(uses.values())}. "
        f"Answered: {uses['answered']}, refused: {uses['refused']}, failed: {uses['failed']}."
    )


@module.command("admin", rank=Rank.ADMIN)
async def admin(ctx: Ctx) -> Reply:
    """Say how this community is set up and how to change it."""
    desk = ctx.state(Desk)
    view = desk.view(ctx.community)
    off = ", ".join(sorted(view.disabled)) or "none"
    return Reply(
        f"Community {ctx.community}: prefix {view.prefix}, {len(view.rules)} string rules, modules off: {off}. "
        f"Change it with {view.prefix}module, {view.prefix}setting, {view.prefix}rank, {view.prefix}prefix and "
        f"{view.prefix}rule; {view.prefix}help explains each."
    )


@module.command("why", rank=Rank.MODERATOR)
async def why(
    ctx: Ctx,
    event: Annotated[str | None, Field("The id of an event, or @user; the last command if left out.")] = None,
) -> Reply:
    """Explain why the bot did or did not answer."""
    desk = ctx.state(Desk)
    if event and not event.startswith("@"):
        trace = desk.router.traces.find(event, ctx.community) or await ctx.store.failure(event)
        if trace is None:
            kept = "the last 20,000 (500 of plain lines) and failures"
            raise Refusal(f"Nothing is known of the event {event}; only {kept} are kept.")
        return Reply(trace.in_words())
    login = (event or "").removeprefix("@").lower()
    for trace in desk.router.traces.recent(ctx.community, ctx.event.entity, most=200):
        if trace.event_id != ctx.event.id and (not login or trace.account_login == login):
            return Reply(trace.in_words())
    raise Refusal("No command was tried here lately" + (f" by {login}." if login else "."))


@module.command("access test", rank=Rank.MODERATOR)
async def access_test(ctx: Ctx, user: Login, command: Rest) -> Reply:
    """Say whether somebody may use a command now, and which rule decides; ranks of the platform do not count."""
    account = await find_account(ctx, user)
    return Reply(await testing.tested(ctx.state(Desk).router, ctx.event, account, command))


@module.command("rule add", rank=Rank.MODERATOR)
async def rule_add(
    ctx: Ctx,
    name: Annotated[str, Field("What the rule is called.")],
    kind: Annotated[str, Field("How to look.", choices=KINDS)],
    action: Annotated[str, Field("What to do.", choices=ACTIONS)],
    pattern_and_value: Annotated[
        Rest,
        Field(
            'What to look for, in "quotes" if it has spaces; then the words to say, the command to run or the URL.'
        ),
    ],
) -> Reply:
    """Make or change a rule for lines that match a pattern. Options, such as -seconds=10m, stand before it."""
    changes, text = rulebook.read(pattern_and_value, ctx.event.entity)
    pattern, value = rulebook.pattern_and_value(text)
    changes |= {"kind": kind, "action": action, "pattern": pattern}
    changes |= {} if value is None else {"value": value}
    rule = await _change_rule(ctx, name, changes, make=True)
    if rule.action == "webhook":
        where = rulebook.public(rule).value
        how = f"waddlebot rule secret {name} --community {ctx.community}"
        return Reply(
            f"The rule {name} holds now: lines that match are posted to {where} "
            f"The operator gets the secret that signs them by: {how}"
        )
    return Reply(f"The rule {name} holds now: lines that match are answered with {rule.action}.")


@module.command("rule options", aliases=("rule edit",), rank=Rank.MODERATOR)
async def rule_options(ctx: Ctx, name: str, options: Rest) -> Reply:
    """Set a rule's options: -seconds -priority -in -exempt -case."""
    changes, left = rulebook.read(options, ctx.event.entity)
    if left or not changes:
        raise Refusal(f"There is no option {left.split()[0]}. Options are: {rulebook.OPTIONS}.")
    return Reply(f"The rule is now {rulebook.shown(await _change_rule(ctx, name, changes, make=False))}")


async def _change_rule(ctx: Ctx, name: str, changes: dict[str, Any], *, make: bool) -> StringRule:
    await _check(ctx.state(Desk), ctx.store, ctx.community, name, changes)
    return await ctx.store.change(name, changes, ctx.call.ranks, make=make)


async def _check(desk: Desk, store: RouterStore, community: str, name: str, changes: dict[str, Any]) -> None:
    """Raise ``Refusal`` for a rule in channels of others, or one that posts to where it cannot."""
    rulebook.check_entities(changes.get("entities", ()), community, desk.services.entities)
    if "value" in changes:
        before = None if "action" in changes else await store.rule(name)
        if changes.get("action", before and before.action) == "webhook":
            await desk.webhooks.check(changes["value"])


@module.command("rule remove", aliases=("rule delete", "rule del"), rank=Rank.MODERATOR)
async def rule_remove(ctx: Ctx, name: str) -> Reply:
    """Remove a rule."""
    if not await ctx.store.delete(name):
        raise Refusal(f"There is no rule {name}. See the list of rules.")
    return Reply(f"The rule {name} is gone.")


@module.command("rule list", rank=Rank.MODERATOR)
async def rule_list(ctx: Ctx) -> Reply:
    """List the rules and how often each matched."""
    rules, hits = await asyncio.gather(ctx.store.rules(), ctx.store.hits())
    if not rules:
        return Reply("There are no rules yet.")
    return Reply("Rules: " + listed([rulebook.in_list(rule, hits.get(rule.name, 0)) for rule in rules]))


@module.command("rule show", rank=Rank.MODERATOR)
async def rule_show(ctx: Ctx, name: str) -> Reply:
    """Show a rule in full."""
    rule = await ctx.store.rule(name)
    if rule is None:
        raise Refusal(f"There is no rule {name}.")
    posts = ctx.state(Desk).webhooks.of(ctx.community).get(name)
    return Reply(f"{rulebook.shown(rule)} {posts.in_words()}" if posts else rulebook.shown(rule))


@module.dynamic("probe")
async def probe(ctx: Ctx) -> Answers:
    """What a host asks to know whether an event gets its answer; it is in nobody's list of commands."""
    result = await ctx.state(Desk).router.probe(ctx.event)
    if result.status != "answered":
        raise Refusal(f"{result.status}: {result.reason}")
    return result.replies


# --- views, jobs ----------------------------------------------------------------------------------------


@module.contributes
async def contribute(ctx: Service, communities: tuple[str, ...]) -> dict[str, Contribution]:
    """The string rules of communities."""
    store = ctx.store_in(Batch(frozenset(communities)))
    store.primary = True  # asked because something changed, which a replica may not know yet
    found = await store.rules_of(list(communities))
    return {c: Contribution(rules=tuple(rule.compiled() for rule in rules)) for c, rules in found.items() if rules}


@module.job(every_s=0.25)
async def give_up(ctx: Service) -> None:
    """End calls whose time is over."""
    ctx.state(Desk).router.lanes.sweep(time.monotonic())


@module.job(every_s=2.0)
async def write_down(ctx: Service) -> None:
    """Write counters and failures."""
    await ctx.state(Desk).meet(ctx)
    await ctx.state(Desk).flush(ctx)


@module.measures
def measures(ctx: Service) -> Iterator[Measure]:
    """What the router counts; a plain line is ``ignored``."""
    desk = ctx.state(Desk)
    router = desk.router
    for outcome in router.traces.counts.keys() | {"answered", "refused", "failed", "ignored", "dropped", "unsent"}:
        words = "Events by what became of them."
        yield Measure("waddlebot_events_total", words, router.traces.counts[outcome], {"outcome": outcome})
    yield Measure("waddlebot_calls_in_progress", "Calls of modules without an answer yet.", router.lanes.under_way)
    yield Measure("waddlebot_sessions", "Sessions open for a late answer.", len(router.sessions))
    yield Measure("waddlebot_views", "Communities whose configuration is compiled.", len(router.views))


# --- HTTP -----------------------------------------------------------------------------------------------


@module.mount("/events", role=Role.TRIGGER, body=PostedEvents, answer=PostedAnswers)
def events(ctx: Service) -> Any:
    """Accept one event or up to 100; ``?wait=SECONDS`` returns their replies."""
    return ctx.state(Desk).door.asgi()


@module.route("GET", "/commands", role=Role.USER, entity_keys=True)
async def get_commands(ctx: Request) -> CommandsAnswer:
    """List the commands of the community."""
    view = await ctx.state(Desk).whole_view(ctx.community)
    return CommandsAnswer(
        view.prefix,
        [
            CommandAnswer(name, e.module, e.usage, e.help, _who(e), e.cooldown_s, e.user_cooldown_s)
            for name, e in sorted(view.commands().items())
        ],
    )


@module.route("GET", "/rules", role=Role.USER)
async def get_rules(ctx: Request) -> RulesAnswer:
    """List the string rules of the community."""
    rules = await ctx.store.rules()
    shown = rules if ctx.role is Role.ADMIN else [rulebook.public(rule) for rule in rules]
    hits, tally = await asyncio.gather(ctx.store.hits(), _owner(ctx).tally(TallyRequest()))
    return RulesAnswer(shown, hits, tally.posts)


@module.route("PUT", "/rules", role=Role.ADMIN)
async def put_rule(ctx: Request, rule: StringRule) -> Done:
    """Make a string rule, or put it in the place of one."""
    try:
        values = dataclasses.asdict(rule) | {"ranks": _RANKS_OF_KEYS}
        await _check(ctx.state(Desk), ctx.store, ctx.community, rule.name, values)
        await ctx.store.save(build(StringRule, values))
    except (FieldError, Refusal) as error:
        raise HttpError(400, "invalid_rule", str(error)) from None
    return Done(f"The rule {rule.name} holds now.")


@module.route("PATCH", "/rules/{name}", role=Role.ADMIN)
async def patch_rule(ctx: Request, change: RuleChange) -> StringRule:
    """Change fields of a string rule; those left out stay. Answers with the whole rule."""
    changes = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
    try:
        await _check(ctx.state(Desk), ctx.store, ctx.community, ctx.path["name"], changes)
        return await ctx.store.change(ctx.path["name"], changes, _RANKS_OF_KEYS, make=False)
    except UnknownRule as error:
        raise HttpError(404, "no_such_rule", str(error)) from None
    except Refusal as error:
        raise HttpError(400, "invalid_rule", str(error)) from None


@module.route("POST", "/rule-secrets/{name}", role=Role.ADMIN)
async def post_rule_secret(ctx: Request) -> NewSecret:
    """Give a webhook rule a new signing secret, and show it. The one before ends within a second."""
    try:
        rule = await ctx.store.renew_secret(ctx.path["name"])
    except UnknownRule as error:
        raise HttpError(404, "no_such_rule", str(error)) from None
    return NewSecret(ctx.state(Desk).webhooks.secret_of(ctx.community, rule.name, rule.secret_id))


@module.route("DELETE", "/rules/{name}", role=Role.ADMIN)
async def delete_rule(ctx: Request) -> Done:
    """Remove a string rule."""
    name = ctx.path["name"]
    if not await ctx.store.delete(name):
        raise HttpError(404, "no_such_rule", f"There is no rule {name}.")
    return Done(f"The rule {name} is gone.")


@module.route("GET", "/executions", role=Role.USER, entity_keys=True)
async def get_executions(ctx: Request) -> ExecutionsAnswer:
    """What became of the last commands of the community, or of the key's entity."""
    found = await _owner(ctx).traces(TracesRequest(entity=ctx.entity, most=_EXECUTIONS))
    return ExecutionsAnswer(list(found.traces))


@module.route("GET", "/traces/{event_id}", role=Role.USER, entity_keys=True)
async def get_trace(ctx: Request) -> Trace:
    """Why the bot did or did not answer an event, stage by stage."""
    event_id = ctx.path["event_id"]
    everywhere = ctx.is_operator and not ctx.community
    store = ctx.store_everywhere("the operator asks about an event") if everywhere else ctx.store
    routers = (
        [ctx.use(RouterService, at=host) for host in ctx.state(Desk).ports.owners()]
        if everywhere
        else [_owner(ctx)]
    )
    asked = await asyncio.gather(*(router.traces(TracesRequest(event_id)) for router in routers))
    trace = next((trace for found in asked for trace in found.traces), None) or await store.failure(event_id)
    if trace is None or ctx.entity not in ("", trace.entity):
        raise HttpError(404, "no_such_event", f"Nothing is known of the event {event_id}.")
    return trace


@module.route("POST", "/responses", role=Role.ACTION, installation_keys=True)
async def post_response(ctx: Request, response: LateResponse) -> Done:
    """Say something late, in the session of the event it answers."""
    community = ctx.community or ctx.entities.get(response.entity, "")
    responded = await _owner(ctx, community).respond(response)
    if responded.refused:
        ctx.log.warning("a response was refused: %s", responded.refused, extra={"category": "AUTHZ"})
        raise HttpError(403, "wrong_session", f"The response is refused: {responded.refused}")
    if responded.busy:
        raise HttpError(503, "busy", responded.busy, {"Retry-After": "1"})
    return Done("The response is on its way.")


@module.route("GET", "/metrics", role=Role.USER)
async def get_metrics(ctx: Request) -> Metrics:
    """Counters of the community; for the operator also those of this host's router."""
    desk = ctx.state(Desk)
    router = desk.router
    host = HostMetrics(dict(router.traces.counts), router.lanes.under_way, len(router.sessions), len(router.views))
    if not ctx.community:  # the operator asks about this host alone
        return Metrics(time.time() - desk.started_at, desk.uses(""), host)
    tally = await _owner(ctx).tally(TallyRequest())
    return Metrics(tally.uptime_s, tally.events, host if ctx.is_operator else None)


@module.route("GET", "/coordination", role=Role.USER)
async def get_coordination(ctx: Request) -> Coordination:
    """Which hosts own which partitions, whichever of them is asked. In one process that one owns all."""
    owners = ctx.state(Desk).ports.owners()
    owned = set[int]().union(*(owner.partitions for owner in owners.values()))
    return Coordination(
        [Owned(id_, owner.name, owner.here, list(owner.partitions)) for id_, owner in owners.items()],
        [partition for partition in range(PARTITIONS) if partition not in owned],
    )


def _owner(ctx: Request, community: str = "") -> RouterService:
    """The router that has what is known of the community in its memory, on whatever host."""
    owner = ctx.state(Desk).ports.owner(community or ctx.community)
    if not owner:
        words = "No router owns this community at the moment: another one takes it over within seconds."
        raise HttpError(503, "no_owner", words, {"Retry-After": "2"})
    return ctx.use(RouterService, community, at=owner)


@module.route("GET", "/registrations", role=Role.ACTION, installation_keys=True)
async def get_registrations(ctx: Request) -> registrations.Registrations:
    """List the modules in other languages that registered, and which of them are silent."""
    return await registrations.listed(ctx)


@module.route("PUT", "/registrations/{name}", role=Role.ACTION, installation_keys=True)
async def put_registration(ctx: Request, manifest: Manifest) -> registrations.Registered:
    """Register a module, or say again what it is; that is a heartbeat, too."""
    return await registrations.register(ctx, ctx.path["name"], manifest)


@module.route("POST", "/registrations/{name}/heartbeat", role=Role.ACTION, installation_keys=True)
async def post_heartbeat(ctx: Request) -> registrations.Registered:
    """Say that a registered module lives."""
    return await registrations.beat(ctx, ctx.path["name"])


@module.route("DELETE", "/registrations/{name}", role=Role.ACTION, installation_keys=True)
async def delete_registration(ctx: Request) -> Done:
    """Take a module out; its commands are gone within seconds."""
    await registrations.unregister(ctx, ctx.path["name"])
    return Done(f"The module {ctx.path['name']} is not registered any more.")


# --- what other routers ask -----------------------------------------------------------------------------


@module.answers(RouterService.registered)
async def registered(ctx: Service, request: RegisteredRequest) -> Registered:
    """What is in the database now."""
    return Registered(tuple(await registrations.known(ctx.store_everywhere("modules register for all"))))


@module.answers(RouterService.traces)
async def traces(ctx: Service, request: TracesRequest) -> Traces:
    """What this router's ring still has."""
    ring = ctx.state(Desk).router.traces
    if request.event_id:
        found = ring.find(request.event_id, ctx.community)
        return Traces((found,) if found else ())
    return Traces(tuple(ring.recent(ctx.community, request.entity, most=request.most)))


@module.answers(RouterService.tally)
async def tally(ctx: Service, request: TallyRequest) -> Tally:
    """What this router counted."""
    desk = ctx.state(Desk)
    posts = {
        rule: Posted(**msgspec.structs.asdict(posts)) for rule, posts in desk.webhooks.of(ctx.community).items()
    }
    return Tally(time.time() - desk.started_at, dict(desk.uses(ctx.community)), posts)


@module.answers(RouterService.respond)
async def respond(ctx: Service, response: LateResponse) -> Responded:
    """Find the session, and say it."""
    router = ctx.state(Desk).router
    try:
        session = router.sessions.answer(response.session, response.entity, response.module, time.monotonic())
        if session.event.community != ctx.community:
            raise SessionError("the session belongs to another community.")
    except SessionError as error:
        return Responded(refused=str(error))
    event = session.event
    session.answers += 1  # partial replies are several, each an id of its own
    late = Send(
        f"{event.source}/{event.id}/late/{session.answers}", event.community, event.platform, event.server,
        event.channel, Reply(response.text), event.id, event.account, event.user_name,
    )  # fmt: skip
    try:
        await ctx.send([late])
    except Busy as error:
        return Responded(busy=str(error))
    return Responded()


# --- words ----------------------------------------------------------------------------------------------


def _who(entry: Entry) -> str:
    return words(Rank(entry.least & -entry.least))


def _listed(ctx: Ctx, view: View) -> str:
    """The words that who asks may use, as they are typed; verbs stand behind their word."""
    typed = {
        (name if entry.table == "bare" else name.partition(" ")[0], entry.table)
        for name, entry in view.commands().items()
        if entry.least & ctx.call.ranks
    }
    return listed([view.typed(table, word) for word, table in sorted(typed)]) or "none"


def _duration(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86_400)
    hours, minutes = divmod(rest // 60, 60)
    return (
        " ".join(f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n)
        or "under a minute"
    )
