"""Messages that the bot says by itself, by interval or calendar. Start here."""

import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from waddlebot.libs.access import NOBODY, Access, Facts
from waddlebot.libs.access.facts import ALL_RANKS
from waddlebot.libs.contracts.community import CommunityService, ConfigurationsRequest
from waddlebot.libs.dal import Busy
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    Batch,
    BatchContext,
    CallError,
    Community,
    Context,
    Event,
    Events,
    Field,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Send,
    ServiceContext,
    System,
    render,
)
from waddlebot.trigger.cron.periodic_messages.edits import check_name, edited, scheduled
from waddlebot.trigger.cron.periodic_messages.lines import counted
from waddlebot.trigger.cron.periodic_messages.schedule import (
    LATE_S_MAX,
    believable_slot,
    first_slot,
    is_quiet,
    next_slot,
)
from waddlebot.trigger.cron.periodic_messages.store import Channel, Run, Timer, TimerStore
from waddlebot.trigger.cron.periodic_messages.turns import holds, message_of

SETTLE_EVERY_S = 10.0
"""How often timers are looked for that nobody scheduled, such as those that an undo brought back."""

_EVERYWHERE = System("timers of every community fall due")


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all timers of a community."""

    lines: Annotated[
        int,
        Field("Lines that people must have written in five minutes, for new timers.", at_least=0, at_most=1_000),
    ] = 1
    bots: Annotated[tuple[str, ...], Field("Logins of other bots, whose lines do not count.")] = (
        "nightbot", "streamelements", "streamlabs", "moobot", "fossabot", "wizebot", "sery_bot", "soundalerts",
        "commanderroot", "phantombot", "botisimo", "cloudbot", "mixitupapp", "kofistreambot",
    )  # fmt: skip


class Clockwork:
    """What the module keeps in memory: who asks for lines, and what happened when by the monotonic clock."""

    def __init__(
        self, entities: Mapping[str, str], secret: bytes, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.entities = entities
        self.secret = secret
        self.monotonic = monotonic
        self.gated: set[str] = set()
        self.spoke_at: dict[tuple[str, str], float] = {}
        self._settled_at: float | None = None

    def channels(self, community: str) -> list[str]:
        """The entities of a community."""
        return [entity for entity, owner in self.entities.items() if owner == community]

    def may_settle(self) -> bool:
        """Whether it is time to look for unscheduled timers; at once after the start, then every ten seconds."""
        now = self.monotonic()
        if self._settled_at is not None and now - self._settled_at < SETTLE_EVERY_S:
            return False
        self._settled_at = now
        return True

    def too_early_s(self, run: Run, timer: Timer) -> float:
        """By how many seconds an interval has not passed yet, whatever the wall clock says after it was set."""
        spoke_at = self.spoke_at.get((run.community, run.name))
        if timer.cron or spoke_at is None:
            return 0.0
        return timer.interval_s - LATE_S_MAX - (self.monotonic() - spoke_at)


type Ctx = Context[Settings, TimerStore]
type JobCtx = ServiceContext[Settings, TimerStore]

module = Module(
    __name__,
    "Say messages by interval or calendar.",
    http_port=8025,
    grpc_port=50925,
    settings=Settings,
    store=TimerStore,
    uses=(CommunityService,),
)


@module.starts
@asynccontextmanager
async def wind_up(ctx: JobCtx) -> AsyncIterator[Clockwork]:
    """Know whose timers ask for lines, and when each spoke here."""
    yield Clockwork(ctx.entities, ctx.services.secret("order"))


# What happens in channels


class Asked(Events):
    """The lines of communities where a timer asks how many there are."""

    def __init__(self, ctx: BatchContext[Settings, TimerStore]) -> None:
        super().__init__()
        self._clockwork = ctx.state(Clockwork)

    def extend(self, events: Iterable[Event], /) -> None:
        """Take some more events."""
        if gated := self._clockwork.gated:
            super().extend([event for event in events if event.community in gated])


@module.observe(CHAT_MESSAGE, into=Asked)
async def count_lines(ctx: BatchContext[Settings, TimerStore], events: Sequence[Event]) -> None:
    """Count people's lines, where any timer asks for them."""
    clockwork = ctx.state(Clockwork)
    asked = clockwork.gated.intersection({event.community for event in events})
    bots = {community: frozenset(login.lower() for login in ctx.settings(community).bots) for community in asked}
    if counts := counted(events, bots, ctx.now()):
        await ctx.store_in(Batch(frozenset(asked)), key=ctx.call_scope.key).count(counts)


@module.observe("channel.online", "channel.offline", "channel.updated")
async def hear_of_channels(ctx: BatchContext[Settings, TimerStore], events: Sequence[Event]) -> None:
    """Keep whether channels are live, and their title and category, as far as platforms tell."""
    live = {"channel.online": True, "channel.offline": False}
    for event in events:
        title, category = event.data.get("title"), event.data.get("category")
        channel = Channel(
            event.entity,
            live.get(event.kind),
            title if isinstance(title, str) else None,
            category if isinstance(category, str) else None,
        )
        await ctx.store_in(Community(event.community)).told(channel, event.occurred_at)


# What falls due


@module.job(every_s=1)
async def tick(ctx: JobCtx) -> None:
    """Say what is due."""
    clockwork, now = ctx.state(Clockwork), ctx.now()
    everywhere = ctx.store_in(_EVERYWHERE)
    everywhere.primary = True  # a replica may lag behind what was just said
    if clockwork.may_settle():
        clockwork.gated = set(await everywhere.gated())
        await everywhere.forget_lines(now)
        if unsettled := await everywhere.unsettled(now):
            await everywhere.settle([_settled(*found, now) for found in unsettled])
    for run in await everywhere.due(now):
        await _speak(ctx, clockwork, run, now)


def _settled(community: str, timer: Timer, due_at: float | None, now: float) -> tuple[str, str, float]:
    plan = (timer.interval_s, timer.cron, timer.zone)
    slot = first_slot(*plan, now) if due_at is None else believable_slot(*plan, due_at, now)
    return community, timer.name, slot


async def _speak(ctx: JobCtx, clockwork: Clockwork, run: Run, now: float) -> None:
    """Take a timer's slot, then say its message where it may be said: a slot is said once or, at worst, never."""
    store = ctx.store_in(Community(run.community))
    store.primary = True
    timer = await store.timer(run.name)
    if timer is None or not timer.enabled:
        await store.forget(run.name)
        return
    early_s = clockwork.too_early_s(run, timer)
    if early_s > 0:
        await store.take(run, now + early_s, run.position)
        return
    sends: list[Send] = []
    if (
        now - run.due_at <= LATE_S_MAX
        and ctx.enabled(run.community)
        and not is_quiet(timer.quiet, timer.zone, now)
    ):
        sends = _sends(clockwork, timer, run, await store.channels(), await store.lines(now))
        sends = await _permitted(ctx, run, sends, await store.channels(), now) if sends else []
    taken = (next_slot(timer.interval_s, timer.cron, timer.zone, run.due_at, now), run.position + bool(sends))
    if not await store.take(run, *taken) or not sends:
        return
    try:
        await ctx.send(sends)
    except Busy:
        await store.give_back(run, *taken)  # tried again in a second, until it is too late for this slot
        return
    clockwork.spoke_at[run.community, run.name] = clockwork.monotonic()


async def _permitted(
    ctx: JobCtx, run: Run, sends: list[Send], channels: Mapping[str, Channel], now: float
) -> list[Send]:
    """Those that the community's access rules let a timer say; none while nobody can tell the rules."""
    try:
        found = await ctx.use(CommunityService, run.community).configurations(
            ConfigurationsRequest((run.community,))
        )
    except CallError as error:
        ctx.log.warning(
            "the timer %s of %s is silent, for the rules cannot be read: %s", run.name, run.community, error
        )
        return []
    rules = [rule for item in found.items for rule in item.contribution.access]
    policy = Access(rules).of_timer(run.name, module.name) if rules else None
    if policy is None:
        return sends
    permitted = []
    for send in sends:
        known = channels.get(send.entity) or Channel(send.entity)
        facts = Facts(NOBODY, NOBODY, send.platform, send.entity, now, live=known.live)
        if policy.decide(facts, ALL_RANKS).may:
            permitted.append(send)
    return permitted


def _sends(
    clockwork: Clockwork, timer: Timer, run: Run, channels: Mapping[str, Channel], lines: Mapping[str, int]
) -> list[Send]:
    """The message in turn to every channel where the conditions hold; ids name the slot, so it is sent once."""
    message = message_of(timer, run.community, run.position, clockwork.secret)
    sends = []
    for entity in sorted(clockwork.channels(run.community)):
        known = channels.get(entity) or Channel(entity)
        if timer.targets and entity not in timer.targets:
            continue
        if not holds(timer, known, lines.get(entity, 0)):
            continue
        platform, server, channel = entity.split(":", 2)
        text = render(
            message,
            {
                "channel": channel,
                "community": run.community,
                "title": known.title or "",
                "category": known.category or "",
            },
        )
        key = f"{module.name}:{run.community}:{run.name}:{run.due_at:.3f}:{entity}"
        sends.append(Send(key, run.community, platform, server, channel, Reply(text)))
    return sends


# Commands


@module.command("timer add", aliases=("notice add",), rank=Rank.MODERATOR)
async def add(ctx: Ctx, name: str, when: str, message: Rest) -> Reply:
    """Add a timer: its name, how often (15m, 2h, or cron in quotes: "0 18 * * 1-5"), and what it says.

    An interval is a minute or more. {channel}, {community}, {title} and {category} are filled in.
    """
    name = _name(name)
    timer = scheduled(Timer(name, ()), when)
    timer = edited(timer, "message", message, ())
    if not timer.cron:
        timer = dataclasses.replace(timer, lines_min=ctx.settings.lines)
    if not await ctx.store.add(timer, _first(timer, ctx.now())):
        raise Refusal(f"There is a timer {name} already. Change it by: timer edit {name} …")
    _gate(ctx, timer)
    return Reply(f"Timer {name}: {_words(timer)}.")


@module.command("timer edit", aliases=("timer set", "notice edit"), rank=Rank.MODERATOR)
async def edit(ctx: Ctx, name: str, what: str, value: Rest | None = None) -> Reply:
    """Change a timer: every 15m, cron 0 18 * * *, zone Europe/Berlin, message …, add …, drop 2, order shuffled,
    lines 5, live on, quiet 22:00-07:00, title …, category …, channels all.
    """
    before = await _timer(ctx, name)
    after = edited(before, what, value or "", ctx.state(Clockwork).channels(ctx.community))
    plan_changed = (before.interval_s, before.cron, before.zone) != (after.interval_s, after.cron, after.zone)
    await ctx.store.change(after, _first(after, ctx.now()) if plan_changed else None)
    _gate(ctx, after)
    return Reply(f"Timer {after.name}: {_words(after)}.")


@module.command("timer remove", aliases=("timer delete", "notice remove"), rank=Rank.MODERATOR)
async def remove(ctx: Ctx, name: str) -> Reply:
    """Remove a timer."""
    if not await ctx.store.drop(_name(name)):
        raise _unknown(name)
    return Reply(f"Timer {_name(name)} is gone.")


@module.command("timer enable", aliases=("notice enable",), rank=Rank.MODERATOR)
async def enable(ctx: Ctx, name: str) -> Reply:
    """Let a timer speak again."""
    timer = dataclasses.replace(await _timer(ctx, name), enabled=True)
    await ctx.store.change(timer, _first(timer, ctx.now()))
    _gate(ctx, timer)
    return Reply(f"Timer {timer.name} is enabled: {_words(timer)}.")


@module.command("timer disable", aliases=("notice disable",), rank=Rank.MODERATOR)
async def disable(ctx: Ctx, name: str) -> Reply:
    """Keep a timer, but let it be silent."""
    timer = dataclasses.replace(await _timer(ctx, name), enabled=False)
    await ctx.store.change(timer, None)
    return Reply(f"Timer {timer.name} is disabled.")


@module.command("timer list", aliases=("notice list",), rank=Rank.MODERATOR)
async def show_all(ctx: Ctx) -> Reply:
    """List the timers."""
    timers = await ctx.store.timers()
    if not timers:
        return Reply("There are no timers. Add one: timer add discord 30m Join us on Discord!")
    return Reply("Timers: " + ", ".join(f"{t.name}{'' if t.enabled else ' (disabled)'}" for t in timers))


@module.command("timer show", aliases=("notice show",), rank=Rank.MODERATOR)
async def show(ctx: Ctx, name: str) -> Reply:
    """Show a timer: when and where it speaks, and what it says."""
    timer = await _timer(ctx, name)
    run = await ctx.store.run(timer.name)
    due = f"next in {max(0.0, run.due_at - ctx.now()) / 60:.0f} min" if run else "not due yet"
    texts = " | ".join(timer.messages)
    return Reply(f"Timer {timer.name}: {_words(timer)}, {due if timer.enabled else 'disabled'}. {texts}")


async def _timer(ctx: Ctx, name: str) -> Timer:
    timer = await ctx.store.timer(_name(name))
    if timer is None:
        raise _unknown(name)
    return timer


def _unknown(name: str) -> Refusal:
    return Refusal(f"There is no timer {name}. See: timer list")


def _name(word: str) -> str:
    name = word.lower()
    check_name(name)
    return name


def _first(timer: Timer, now: float) -> float:
    return first_slot(timer.interval_s, timer.cron, timer.zone, now)


def _gate(ctx: Ctx, timer: Timer) -> None:
    """Count lines from now on, not only when the next look at all timers finds that one asks for them."""
    if timer.enabled and timer.lines_min:
        ctx.state(Clockwork).gated.add(ctx.community)


def _words(timer: Timer) -> str:
    """A timer in words."""
    parts: list[Any] = [
        f"at {timer.cron} ({timer.zone})" if timer.cron else f"every {timer.interval_s / 60:g} min",
        len(timer.messages) > 1
        and f"{len(timer.messages)} messages {'shuffled' if timer.shuffled else 'in turn'}",
        timer.lines_min and f"after {timer.lines_min} line{'s' if timer.lines_min > 1 else ''} in 5 min",
        timer.live_only and "only while live (where the platform tells)",
        timer.quiet and f"quiet {timer.quiet} ({timer.zone})",
        timer.title and f"with {timer.title} in the title",
        timer.category and f"in {timer.category}",
        timer.targets and f"in {', '.join(timer.targets)}",
    ]
    return ", ".join(part for part in parts if part)
