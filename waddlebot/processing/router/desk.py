"""The router's state in a host: the router itself, how its views are compiled, and what is kept of it."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from waddlebot.libs.access.conditions import Need
from waddlebot.libs.contracts.community import GLOBAL, Circumstances, CircumstancesRequest, CommunityService
from waddlebot.libs.contracts.identity import Identity, PeopleRequest
from waddlebot.libs.contracts.reputation import Reputation, StandingsRequest
from waddlebot.libs.contracts.router import Trace
from waddlebot.libs.dal import Batch, DalError
from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import COMMAND_EXECUTED, CallError, Event, Reply, Send, ServiceContext
from waddlebot.libs.sdk.ports import Compiled
from waddlebot.libs.templates.safety import safe_reply
from waddlebot.processing.router.checkpoint import Checkpoint
from waddlebot.processing.router.deciding import Known
from waddlebot.processing.router.door import Door
from waddlebot.processing.router.engine import Router
from waddlebot.processing.router.store import RouterStore
from waddlebot.processing.router.view import Catalogue, View, build
from waddlebot.processing.router.webhooks import SECRET_PURPOSE, Webhooks

_INLINE_RULES_MAX = 50
_FAILURES_WAITING_MAX = 1_000
_SAID = frozenset({"chat", "general"})
"""Actions whose text is said: of an order that a platform cannot do, its words are."""


class Desk:
    """One host's router and its papers."""

    def __init__(self, ctx: ServiceContext[Any, RouterStore]) -> None:
        services = ctx.services
        self.ports = services.ports()
        self.services = services
        self.started_at = time.time()
        self.catalogue = Catalogue(services.manifests)
        self.matchers = Matchers()
        self.failures: list[Trace] = []
        self.router = Router(
            self.ports.directory, self._send, self.ports.room, self.ports.answered, self._load_views,
            self._bury, safe, self.ports.bus.publish, self.ports.wanted(COMMAND_EXECUTED),
        )  # fmt: skip
        self.router.tracer = self.ports.tracer
        self.router.questions.asker = partial(_asked, ctx)
        self.door = Door(services, self.ports.inbox)
        self.webhooks = Webhooks(services.secret(SECRET_PURPOSE), services.log)
        self.router.rules.post = self.webhooks.put
        self._log = services.log
        self.met = False
        self._links = 0  # how often accounts were linked or parted since the start, at most
        self._asking: set[asyncio.Task[None]] = set()
        self._meeting = asyncio.Lock()

    def recatalogue(self) -> None:
        """Other modules are registered than before: every view is compiled anew."""
        self.catalogue = Catalogue(self.services.manifests)
        self.router.refresh(list(self.router.views))

    def view(self, community: str) -> View:
        """A community's view; the declared commands and no more where none is compiled yet."""
        return self.router.views.get(community) or View(community, 0, self.catalogue)

    async def whole_view(self, community: str) -> View:
        """A community's view, compiled for this occasion where another router has it."""
        return self.router.views.get(community) or (await self._load_views([community]))[community]

    def uses(self, community: str) -> Counter[str]:
        """How many events of a community were for the bot since the start, by what became of them."""
        statuses = ("answered", "refused", "failed", "ignored")
        return Counter({status: self.router.uses[community, status] for status in statuses})

    async def _load_views(self, communities: Sequence[str]) -> Mapping[str, View]:
        compiled = await self.ports.configurations(communities)
        return {community: await self._build(community, found) for community, found in compiled.items()}

    async def _build(self, community: str, found: Compiled) -> View:
        catalogue = self.catalogue
        parts = (community, found.version, catalogue, found.contributions, self.matchers)
        given = found.contributions.values()
        rules = sum(len(one.rules) for one in given)
        rules += sum(len(filter_.phrases) for one in given for filter_ in one.filters)
        if rules <= _INLINE_RULES_MAX:
            return build(*parts)
        view = await asyncio.to_thread(build, *parts)
        return view if catalogue is self.catalogue else await self._build(community, found)

    def _send(self, sends: Sequence[Send]) -> None:
        try:
            self.ports.send(sends)
        except Exception as error:
            # Commands answer "busy" long before; these had passed that check.
            self.router.traces.counts["unsent"] += len(sends)
            self._log.warning("%d replies could not be queued: %s", len(sends), error)

    async def _bury(self, event: Event, reason: str, tries: int) -> None:
        trace = self.router.traces.find(event.id, event.community)
        if trace is not None and len(self.failures) < _FAILURES_WAITING_MAX:
            self.failures.append(trace)
        await self.ports.inbox.bury(event, reason, tries)

    async def meet(self, ctx: ServiceContext[Any, RouterStore]) -> None:
        """Learn which accounts are one person, once somebody can tell and as long as it is not known."""
        async with self._meeting:  # else what was asked first might be believed last
            if self.met:
                return
            asked_at = self._links
            try:
                people = await ctx.use(Identity).people(PeopleRequest())
            except CallError as error:
                self._log.info("who belongs to whom is not known yet: %s", error)
                return
            self.router.know(people.groups)
            self.met = asked_at == self._links  # else a change came meanwhile, and it is asked again

    def heed(self, ctx: ServiceContext[Any, RouterStore], changed: Sequence[str]) -> asyncio.Task[None] | None:
        """Accounts were linked or parted, maybe, where the configuration of everybody's community changed.

        Where nobody can tell now, :meth:`meet` is asked again later.
        """
        if GLOBAL not in changed:
            return None
        self.met = False
        self._links += 1
        task = asyncio.get_running_loop().create_task(self.meet(ctx))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    def close(self) -> None:
        """Nobody needs to know any more who belongs to whom."""
        for task in self._asking:
            task.cancel()

    async def flush(self, ctx: ServiceContext[Any, RouterStore]) -> None:
        """Write what was counted and what failed since the last time."""
        hits, self.router.rules.hits = self.router.rules.hits, type(self.router.rules.hits)()
        failures, self.failures = self.failures, []
        if hits:
            store = ctx.store_in(Batch(frozenset(community for community, _ in hits)))
            await store.count_hits([(community, rule, n) for (community, rule), n in sorted(hits.items())])
        if failures:
            await ctx.store_in(Batch(frozenset(t.community for t in failures))).keep_failures(failures)


async def _asked(
    ctx: ServiceContext[Any, RouterStore], event: Event, accounts: tuple[str, ...], needs: frozenset[Need]
) -> Known:
    """What access rules need, of the modules that know it. What one of them does not tell stays unknown."""
    standing, circumstances = None, Circumstances()
    if "standing" in needs:
        with contextlib.suppress(CallError):
            asked = await ctx.use(Reputation, event.community).standings(StandingsRequest((event.account,)))
            standing = asked.items[0]
    if "circumstances" in needs:
        with contextlib.suppress(CallError):
            request = CircumstancesRequest(accounts, event.entity)
            circumstances = await ctx.use(CommunityService, event.community).circumstances(request)
    score, tier, points = (standing.score, standing.tier, standing.activity) if standing else (None, None, None)
    return Known(needs, score, tier, points, circumstances.known_since, circumstances.live)


def safe(reply: Reply, view: View) -> Reply:
    """A reply that no bot, ours or another, takes for a command."""
    if reply.action not in _SAID:
        return reply
    text = safe_reply(reply.text, view.prefixes, may_command=reply.may_command)
    return reply if text is reply.text else msgspec.structs.replace(reply, text=text)


@asynccontextmanager
async def open_desk(ctx: ServiceContext[Any, RouterStore]) -> AsyncIterator[Desk]:
    """The desk for the life of the host, subscribed to the bus."""
    desk = Desk(ctx)
    await desk.meet(ctx)
    desk.ports.bus.subscribe("processing.router", desk.router.handle, owned=True)
    desk.ports.watch(desk.router.refresh)
    desk.ports.watch(partial(desk.heed, ctx))
    desk.ports.when_registered(desk.recatalogue)
    desk.ports.keep(Checkpoint(desk.router))
    async with contextlib.aclosing(desk.webhooks):
        try:
            yield desk
        finally:
            desk.close()
    with contextlib.suppress(DalError):  # counters are worth a try, not an error
        await desk.flush(ctx)
