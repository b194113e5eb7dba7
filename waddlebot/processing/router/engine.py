"""The router at work: takes batches, runs the pipeline, asks modules, keeps order, hands on replies."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from waddlebot.libs.access.conditions import Need
from waddlebot.libs.dal import Busy, DalError, Unavailable
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    COMMAND_EXECUTED,
    EVENT_VERSION,
    Call,
    Event,
    EventBatch,
    EventResult,
    Reply,
    Result,
    Send,
)
from waddlebot.libs.sdk.event import ANSWERED, FAILED, by_key
from waddlebot.libs.sdk.ports import FOLLOWS, Directory, sends_of
from waddlebot.libs.sdk.tracing import Tracer
from waddlebot.processing.router.cooldowns import Cooldowns
from waddlebot.processing.router.deciding import PAUSED, Questions, admitted
from waddlebot.processing.router.filtering import Filtering
from waddlebot.processing.router.lanes import Lanes
from waddlebot.processing.router.limits import Limits
from waddlebot.processing.router.pipeline import (
    EXECUTE,
    LINE_STAGES,
    NUMBERS,
    PIPELINE,
    PLAIN,
    STAGE_NAMES,
    Trip,
    course_of,
    line_course,
)
from waddlebot.processing.router.recent import Recent
from waddlebot.processing.router.rules import Rules
from waddlebot.processing.router.sessions import Sessions
from waddlebot.processing.router.spans import spans_of
from waddlebot.processing.router.trace import Traces
from waddlebot.processing.router.view import Entry, View

TRIES_MAX = 5
PATIENCE_S = 30.0
"""How long an accepted command waits for a module that runs nowhere; a host that restarts is back sooner."""
STALLED_S = 600.0
"""How long one waits for the database. It is answered by then, or the operator knows: nothing can be written."""
_RECORD = len(PIPELINE)
_FIRST_PAUSE_S = 0.1
_ALONE_PAUSE_S = 0.5
_WAITING_MAX = 20_000
_COMMUNITY_SHARE = 4
BUSY = "busy: too many replies wait to be sent"


type Sender = Callable[[Sequence[Send]], None]
type Safe = Callable[[Reply, View], Reply]


class Delivery:
    """An inboxed batch being processed: done when every event has its result."""

    __slots__ = ("batch", "done", "following", "open", "results")

    def __init__(self, batch: EventBatch) -> None:
        self.batch = batch
        self.open = len(batch.events)
        self.results: list[EventResult] = []
        self.following: list[Event] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, result: EventResult) -> None:
        """One event's result."""
        self.results.append(result)
        self.open -= 1
        if not self.open:
            self.done.set_result(None)


class Router:
    """One partition's owner. All its state is in memory and read by the stages as plain attributes.

    ``send`` takes replies to deliver, ``room`` says whether more of a community may be queued; ``answered``
    commits an inboxed batch's results; ``load_views`` compiles views; ``bury`` keeps an event that failed.
    ``tells_executed`` is whether anybody wants to hear of commands on live lines.
    """

    def __init__(
        self,
        directory: Directory,
        send: Sender,
        room: Callable[[str], bool],
        answered: Callable[[EventBatch, Sequence[EventResult], Sequence[Send], Sequence[Event]], Awaitable[None]],
        load_views: Callable[[Sequence[str]], Awaitable[Mapping[str, View]]],
        bury: Callable[[Event, str, int], Coroutine[Any, Any, None]],
        safe: Safe,
        publish: Callable[[EventBatch], Coroutine[Any, Any, None]],
        tells_executed: bool = True,
    ) -> None:
        self.directory = directory
        self.views: dict[str, View] = {}
        self.persons: dict[str, str] = {}
        self.fellows: Mapping[str, Sequence[str]] = {}
        self.rank_masks: dict[tuple[str, ...], int] = {}
        self.recent = Recent()
        self.cooldowns = Cooldowns()
        self.limits = Limits()
        self.sessions = Sessions()
        self.rules = Rules()
        self.filtering = Filtering()
        self.traces = Traces(STAGE_NAMES, (LINE_STAGES - 1, PLAIN))
        self.uses: Counter[tuple[str, str]] = Counter()
        self.now_s = time.monotonic()
        self.wall_s = time.time()
        self.lanes = Lanes()
        self.tracer: Tracer | None = None
        self.questions = Questions()
        self._send = send
        self._room = room
        self._answered = answered
        self._load_views = load_views
        self._bury = bury
        self._safe = safe
        self._publish = publish
        self._tells_executed = tells_executed
        self._news: list[Event] = []
        self._out: list[Send] = []
        self._flushing = False
        self._log = logging.getLogger("processing.router")
        self._waiting: dict[str, list[tuple[Event, Delivery | None]]] = {}
        self._waiting_lines = 0
        self._said = Cooldowns()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- batches -----------------------------------------------------------------------------------

    def handle(self, batch: EventBatch) -> Awaitable[None] | None:
        """Take a batch. Of an inboxed one the awaitable ends when its results are committed."""
        self.now_s, self.wall_s = time.monotonic(), time.time()
        if batch.inboxed and not batch.id.startswith(FOLLOWS):  # of those nobody waits for a result
            delivery = Delivery(batch)
            self._run(batch.events, delivery)
            self._flush()
            return self._finish(delivery)
        self._flushing = True  # once, below
        self._run(batch.events, None)
        self._flush()
        return None

    async def probe(self, event: Event) -> EventResult:
        """What becomes of an event that nobody sent and whose replies go nowhere."""
        self.now_s, self.wall_s = time.monotonic(), time.time()
        delivery = Delivery(EventBatch("", [event], inboxed=True))
        self._run([event], delivery)
        await delivery.done
        return delivery.results[0]

    def _run(self, events: Sequence[Event], delivery: Delivery | None) -> None:
        views, busy, plain = self.views, self.lanes.busy, list[Event]()
        for event in events:
            view = views.get(event.community)
            try:
                ignored = view is not None and view.ignores(event)
            except Exception:
                ignored = False  # the stages meet the same fault, which then ends this event and no other
            if view is None:
                self._wait_for_view(event, delivery)
            elif ignored:
                plain.append(event)
                if delivery is not None:
                    delivery.add(EventResult(event.id, "ignored", (), PLAIN))
            elif event.kind == COMMAND_EXECUTED and event.kind not in view.answers:
                if delivery is not None:  # every command makes one, and has a trace already
                    delivery.add(EventResult(event.id, "ignored", (), PLAIN))
            elif not busy or not self._waits(event, view, delivery):
                self._send_off(event, view, delivery)
        if plain:
            self.traces.note_plain(plain)

    def _send_off(self, event: Event, view: View, delivery: Delivery | None) -> None:
        """Through the pipeline until a stage ends it, or a module is asked."""
        trip = Trip(self, event, view, delivery)
        stage = PIPELINE[0]
        try:
            for stage in view.course or line_course(view):
                reason = stage(trip)
                if reason is not None:
                    trip.stage = NUMBERS[stage]
                    self._end(trip, "answered" if reason is PLAIN and trip.replies else "ignored", reason)
                    return
            matched = trip.entry
            for stage in (not (view.disabled or view.access) and matched.course) or course_of(view, matched):
                reason = stage(trip)
                if reason is not None:
                    if reason is PAUSED:
                        return
                    trip.stage = NUMBERS[stage]
                    self._end(trip, "refused", reason)
                    return
        except Exception as error:
            trip.stage = max(trip.stage, NUMBERS[stage])  # it may have come to its end already
            self._break(trip, error)

    def ask(self, trip: Trip, stage: str, needs: frozenset[Need]) -> str | None:
        """Have ``trip.known`` answer what is needed: ``None`` if it does now, else the trip goes on by itself.

        It goes on in its person's lane, so that what they write next stays behind it.
        """
        lane = trip.event.community, trip.person
        known = self.questions.known(lane, trip.event.entity, needs, self.now_s)
        if known is not None:
            trip.known = known
            return None
        trip.stage = STAGE_NAMES.index(stage)
        if not self.lanes.enter(lane, lambda: self._spawn(self._ask(trip, needs))):
            return "too many commands of the same person at once"
        trip.held = True
        return PAUSED

    async def _ask(self, trip: Trip, needs: frozenset[Need]) -> None:
        event = trip.event
        accounts = tuple(self.fellows.get(event.account, (event.account,)))
        trip.known = await self.questions.ask(event, trip.person, accounts, needs)
        self.now_s, self.wall_s = time.monotonic(), time.time()
        self._go_on(trip)
        self._flush()

    def _go_on(self, trip: Trip) -> None:
        """On from the stage that had something asked; out of its lane where it comes to its end on the way."""
        stage = PIPELINE[trip.stage]
        try:
            for stage in PIPELINE[trip.stage :]:
                reason = stage(trip)
                if reason is not None:
                    trip.stage = NUMBERS[stage]
                    self._end(trip, "refused", reason)
                    self._let_go(trip)
                    return
        except Exception as error:
            trip.stage = max(trip.stage, NUMBERS[stage])
            self._break(trip, error)

    def _let_go(self, trip: Trip) -> None:
        if trip.held:
            trip.held = False
            self.lanes.leave((trip.event.community, trip.person))

    def _waits(self, event: Event, view: View, delivery: Delivery | None) -> bool:
        """Whether the line waits for an earlier command of the same person, which may change what it means."""
        if event.kind != CHAT_MESSAGE or not (event.text[:1] in view.starts or view.bare):
            return False
        account = event.account
        key = (event.community, self.persons.get(account, account))
        if key not in self.lanes.busy:
            return False
        if not self.lanes.wait(key, partial(self._resume, event, delivery)):
            trip = Trip(self, event, view, delivery)
            trip.stage = EXECUTE
            self._end(trip, "refused", "too many commands of the same person at once")
        return True

    def _resume(self, event: Event, delivery: Delivery | None) -> None:
        self.now_s, self.wall_s = time.monotonic(), time.time()
        self._run([event], delivery)

    async def _finish(self, delivery: Delivery) -> None:
        await delivery.done
        events = {event.id: event for event in delivery.batch.events}
        results = [r for r in delivery.results if r.reason is not BUSY]  # the door tells; the outbox is full
        sends = [send for r in results for send in sends_of(events[r.event_id], r.replies)]
        await self._answered(delivery.batch, delivery.results, sends, delivery.following)

    def _wait_for_view(self, event: Event, delivery: Delivery | None) -> None:
        """Keep the event until its community's view is compiled; the first one asks for it."""
        waiting = self._waiting.get(event.community)
        if waiting is None:
            waiting = self._waiting[event.community] = []
            self._spawn(self._load(event.community))
        if delivery is None:
            # Lines cannot be fetched again, but memory has an end; what was accepted has one of its own.
            if self._waiting_lines >= _WAITING_MAX or len(waiting) >= _WAITING_MAX // _COMMUNITY_SHARE:
                self.traces.counts["dropped"] += 1
                return
            self._waiting_lines += 1
        waiting.append((event, delivery))

    async def _load(self, community: str) -> None:
        while community not in self.views:
            try:
                loaded = await self._load_views([community])
            except Exception:
                self._log.exception("the view of %s cannot be compiled; trying again", community)
                await asyncio.sleep(1.0)
                continue
            # A community that nobody knows has a view too: the declared commands and no more.
            self._take(loaded)
        self.now_s, self.wall_s = time.monotonic(), time.time()
        for event, delivery in self._waiting.pop(community):
            self._waiting_lines -= delivery is None
            self._run([event], delivery)
        self._flush()

    def know(self, groups: Iterable[Sequence[str]]) -> None:
        """Who belongs together from now on: the accounts of each person who has several, the naming one first."""
        self.fellows = {account: group for group in groups for account in group}
        self.persons = {account: group[0] for account, group in self.fellows.items()}

    def given(self, event: Event, view: View) -> int:
        """The ranks that were given, in the view's community, to any account of the person whose event it is."""
        account = event.account
        mask = view.ranks.get(account, 0)
        if account in self.fellows and not by_key(event):  # a key may name anybody: it gets no ranks by links
            for fellow in self.fellows[account]:
                mask |= view.ranks.get(fellow, 0)
        return mask

    def refresh(self, communities: Sequence[str]) -> asyncio.Task[None] | None:
        """Compile the views of communities anew, in the background; until the task ends the old ones hold."""
        known = [community for community in communities if community in self.views or community in self._waiting]
        return self._spawn(self._refresh(known)) if known else None

    async def _refresh(self, communities: Sequence[str]) -> None:
        try:
            loaded = await self._load_views(communities)
        except Exception:
            self._log.exception("views cannot be compiled anew; trying again")
            await asyncio.sleep(1.0)
            self.refresh(communities)
            return
        self._take(loaded)

    def _take(self, loaded: Mapping[str, View]) -> None:
        for community, view in loaded.items():
            there = self.views.get(community)
            if there is None or there.version <= view.version:
                if there is not None:
                    view.follow(there)
                self.views[community] = view

    def _flush(self) -> None:
        self._flushing = False
        if self._out:
            out, self._out = self._out, []
            self._send(out)
        if self._news:
            news, self._news = self._news, []
            self._spawn(self._publish(EventBatch(FOLLOWS, news)))

    def follow(self, trip: Trip, event: Event) -> None:
        """Announce, with others, something that followed from a trip's event."""
        (self._news if trip.inboxed is None else trip.inboxed.following).append(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- one trip ----------------------------------------------------------------------------------

    def execute(self, trip: Trip) -> None:
        """Ask the module, after whatever the same person asked before in this community."""
        trip.stage = EXECUTE
        if self.tracer is not None:
            trip.taken_s = self.wall_s
        if not self._room(trip.event.community):
            if trip.inboxed is not None:
                trip.replies += (Reply(f"I am {BUSY}; try again in a moment."),)
            self._end(trip, "refused", BUSY)
            self._let_go(trip)
            return
        lane = trip.event.community, trip.person
        if trip.held or self.lanes.take(lane):
            self._start(trip)
        elif not self.lanes.enter(lane, partial(self._start, trip)):
            self._end(trip, "refused", "too many commands of the same person at once")

    def _start(self, trip: Trip) -> None:
        event, entry = trip.event, trip.entry
        if self.tracer is not None:
            trip.asked_s = time.time()
        call = Call(
            entry.module, entry.handler, event, trip.args, trip.person, trip.ranks,
            f"{event.source}/{event.id}/{entry.module}.{entry.handler}", trip.view.version, entry.timeout_s,
            entry.data, trip.word, trip.session.id if trip.session is not None else "",
        )  # fmt: skip
        endpoint = self.directory.get(entry.module)
        if endpoint is None:
            self._returned(trip, _nobody(entry.module))
            return
        answer = endpoint.execute(call)
        if isinstance(answer, Result):
            self._returned(trip, answer)
            return
        # Not ``now_s``: it may have waited in its lane since the last batch.
        self.lanes.watch(answer, trip, time.monotonic() + entry.timeout_s, self._returned)

    def _returned(self, trip: Trip, result: Result) -> None:
        """The last stage, ``record``: replies on their way, counters, trace; failures again or buried."""
        status = result.status
        if status == "failed":
            if self._may_try(trip, result) and result.retry and trip.inboxed is not None:
                self._spawn(self._again(trip))
                return
            words = f"Something went wrong with {trip.word!r}; it is noted as {trip.event.id}."
            trip.replies += (Reply(words),)
        else:
            trip.replies += result.replies
            if trip.entry.also is not None and status == "ok":
                following = self._following(trip)
                if following is not None:
                    trip.entry = following
                    self._start(trip)
                    return
        outcome = ANSWERED if status == "ok" else status
        if trip.event.kind == CHAT_MESSAGE and (self._tells_executed or trip.inboxed is not None):
            self.follow(trip, _executed(trip, outcome))
        if status == "failed":
            trip.stage = EXECUTE
            self._fail(trip, result.reason)
        else:
            trip.stage = _RECORD
            self._end(trip, outcome, result.reason)
        self.lanes.leave((trip.event.community, trip.person))
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    @staticmethod
    def _following(trip: Trip) -> Entry | None:
        """The next module that answers the same word here and admits who asks."""
        entry, disabled = trip.entry.also, trip.view.disabled
        while entry is not None and (entry.module in disabled or not entry.enabled or not admitted(trip, entry)):
            entry = entry.also
        return entry

    @staticmethod
    def _may_try(trip: Trip, result: Result) -> bool:
        """Whether there is another try. Where nobody was there to ask, time decides, not the number of tries."""
        if result.away or result.stalled:
            trip.alone_s = trip.alone_s or time.monotonic()
            return time.monotonic() - trip.alone_s < (STALLED_S if result.stalled else PATIENCE_S)
        trip.alone_s = 0.0
        trip.tries += 1
        return trip.tries < TRIES_MAX

    async def _again(self, trip: Trip) -> None:
        pause_s = _ALONE_PAUSE_S if trip.alone_s else _FIRST_PAUSE_S * 2**trip.tries
        await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311  jitter, no secret
        self._start(trip)

    def _break(self, trip: Trip, error: Exception) -> None:
        """A stage itself went wrong: that ends this event, and no other."""
        self._log.error("the event %s broke the pipeline", trip.event.id, exc_info=error)
        if trip.stage == EXECUTE or trip.held:
            self.lanes.leave((trip.event.community, trip.person))
        self._fail(trip, f"{type(error).__name__}: {error}")

    def _fail(self, trip: Trip, reason: str) -> None:
        """Keep the event as a dead letter, and only then count an accepted one as processed."""
        delivery, trip.inboxed = trip.inboxed, None
        if delivery is None:
            self._end(trip, "failed", reason)
            self._spawn(self._bury(trip.event, reason, trip.tries))
            return
        replies, trip.replies = trip.replies, ()
        self._end(trip, "failed", reason)

        async def bury() -> None:
            try:
                await self._bury(trip.event, reason, trip.tries)
            except (Busy, Unavailable):  # this process stops: the next one processes the event
                raise
            except DalError:
                self._log.exception("the event %s could not be kept as a dead letter", trip.event.id)
            delivery.add(EventResult(trip.event.id, "failed", replies, reason))

        self._spawn(bury())

    def _end(self, trip: Trip, status: str, reason: str) -> None:
        event, traces, entry, replies = trip.event, self.traces, trip.entry, trip.replies
        traces.ring.append((event, trip.stage, status, reason, entry.name, entry.module))
        traces.counts[status] += 1
        if self.tracer is not None and (entry.name or replies):
            self.tracer.record(list(spans_of(trip, status, reason, time.time())))
        if entry.name:
            self.uses[event.community, status] += 1
        if replies:
            safe, view = self._safe, trip.view
            replies = tuple([safe(reply, view) for reply in replies])
        if trip.inboxed is not None:
            trip.inboxed.add(EventResult(event.id, status, replies, reason))
        elif replies:
            self._out += sends_of(event, replies)

    def say_limited(self, trip: Trip, words: str, seconds: float) -> None:
        """Leave words for a user who may not, as often as the command says; never more than once a cooldown."""
        limited = trip.entry.limited
        if limited == "silent":
            return
        key = (trip.event.community, trip.entry.name, trip.event.account)
        if limited == "once":
            if self._said.left_s(key, self.now_s):
                return
            self._said.start(key, seconds, self.now_s)
        trip.replies += (Reply(f"@{trip.event.user_name} {words}"),)

    def remember_roles(self, roles: tuple[str, ...], mask: int) -> int:
        """Keep what a set of platform roles is worth; sets are few, but hostile ones must not fill memory."""
        if len(self.rank_masks) > 1_000:
            self.rank_masks.clear()
        self.rank_masks[roles] = mask
        return mask


def _nobody(module: str) -> Result:
    return Result("failed", (), f"no host runs the module {module}", retry=True, away=True)


def _executed(trip: Trip, status: str) -> Event:
    event, entry = trip.event, trip.entry
    # What failed may be tried once more, from the dead letters, and is another use then.
    number = f"{event.id}:{COMMAND_EXECUTED}" if status != FAILED else f"{event.id}:{COMMAND_EXECUTED}:{FAILED}"
    data = {"command": entry.name, "module": entry.module, "status": status}
    return Event(
        EVENT_VERSION, number, COMMAND_EXECUTED, event.platform, event.server,
        event.channel, event.user_id, event.user_login, event.user_name, event.roles, "", event.occurred_at,
        event.received_at, event.community, event.source, "", data,
    )  # fmt: skip
