"""The ports between modules and the world. ``libs/adapters`` has one file per technology behind them."""

import asyncio
import math
import zlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.reply import Reply
from waddlebot.libs.sdk.tracing import Tracer
from waddlebot.libs.sdk.view import Contribution


class Call(msgspec.Struct, frozen=True, gc=False):
    """Asks an action module to act on one event (``Action.Execute``).

    ``handler`` names the command, answer or dynamic handler; ``args`` is the text after the command word
    and ``data`` what the module contributed with it. ``person`` and ``ranks`` are who asks, as the router
    found them. ``key`` makes effects happen once, ``version`` is the configuration it was decided on,
    ``timeout_s`` how long the router waits, ``session`` what a late or partial reply has to carry.
    """

    module: str
    handler: str
    event: Event
    args: str
    person: str
    ranks: int
    key: str
    version: int
    timeout_s: float
    data: bytes = b""
    word: str = ""
    session: str = ""


class Result(msgspec.Struct, frozen=True, gc=False):
    """What came of a :class:`Call`.

    ``status`` is ``ok``; ``refused`` with words for the user; ``failed`` with a reason for the operator
    (``retry`` where trying again may help). ``version`` is the community's configuration after it, where the host
    that executed it knows a newer one than it was decided on; 0 elsewhere. ``away``: nobody was there to ask, so
    nothing was tried. ``stalled``: the database is away; what was tried has its effect once, however often it is
    tried again.
    """

    status: str
    replies: tuple[Reply, ...] = ()
    reason: str = ""
    retry: bool = False
    version: int = 0
    away: bool = False
    stalled: bool = False


class Send(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reply on its way to a platform. ``id`` derives from the key of the call, so it is sent once.

    ``event_id``, ``account`` and ``user_name`` are of the event it answers, for platforms with threads,
    whispers and mentions; empty for what the bot says by itself.
    """

    id: str
    community: str
    platform: str
    server: str
    channel: str
    reply: Reply
    event_id: str = ""
    account: str = ""
    user_name: str = ""

    @property
    def entity(self) -> str:
        """Where it goes: ``platform:server:channel``."""
        return f"{self.platform}:{self.server}:{self.channel}"


def sends_of(event: Event, replies: Sequence[Reply]) -> list[Send]:
    """The replies to an event on their way; ids derive from the event, so a re-run makes the same."""
    event_id, account = event.id, event.account
    return [
        Send(
            f"{event.source}/{event_id}:{n}", event.community, event.platform, event.server, event.channel, reply,
            event_id, account, event.user_name,
        )
        for n, reply in enumerate(replies)
    ]  # fmt: skip


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What came of a :class:`Send`: ``sent``, ``refused`` with the reason, or ``unknown`` (may have been sent)."""

    id: str
    status: str
    reason: str = ""


class EventBatch(msgspec.Struct, frozen=True, gc=False):
    """Events that travel together, in order. ``inboxed`` batches were committed before they were
    acknowledged and are announced again after a crash; their ``id`` is then the same.

    ``source`` is the inbox source of an inboxed batch. ``partition`` is that of all its events, -1 where they
    may be of several. ``fences`` has, by entity, the fence of the claim under which its lines were read;
    entities that nobody claims are not in it.
    """

    id: str
    events: list[Event]
    inboxed: bool = False
    source: str = ""
    partition: int = -1
    fences: dict[str, int] = {}


CALL_TOKEN = "registrations/"  # noqa: S105  the purpose of a secret, not one
"""With a registered module's name: the purpose of the router's secret that this module is shown at each call."""

PARTITIONS = 64
"""How many parts the communities fall into; each has one owning router. Fixed, for streams are named by them."""


def partition_of(community: str) -> int:
    """The partition of a community: the same on every host and in every version."""
    return zlib.crc32(community.encode()) & (PARTITIONS - 1)


FOLLOWS = "follows-"
"""What the ids of batches begin with that follow from another."""

PART = "+"
"""Stands in a batch's id before the number of the part, where an open batch was split."""

type Subscriber = Callable[[EventBatch], Awaitable[None] | None]
"""Takes a batch. An awaitable ends when the batch is processed, ``None`` means that it is or will be."""


class Bus(Protocol):
    """Announces batches of events; whoever subscribed gets every batch, in order per publisher.

    ``shares`` says whether several observers may gather as one subscriber: not where each name keeps its own
    place in the stream.
    """

    @property
    def shares(self) -> bool:
        """Whether one subscriber may stand for several observers."""

    def subscribe(self, name: str, subscriber: Subscriber, *, owned: bool = False) -> None:
        """``subscriber`` is told of every batch from now on; where ``owned``, only of batches whose
        partition this host owns.
        """

    async def publish(self, batch: EventBatch) -> None:
        """Hand a batch over; returns when every subscriber has processed an inboxed batch, or has taken
        another, so that a full queue slows the publisher.
        """


class EventResult(msgspec.Struct, frozen=True, gc=False):
    """What became of one event: ``answered``, ``ignored``, ``refused`` or ``failed``; the stored reply."""

    event_id: str
    status: str
    replies: tuple[Reply, ...] = ()
    reason: str = ""


class Accepted(msgspec.Struct):
    """What the inbox made of events: batches of the new ones, and the ids that were here before."""

    batches: tuple[EventBatch, ...]
    repeated: tuple[str, ...]


class Inbox(Protocol):
    """Accepts events durably: what :meth:`accept` returned from is processed, whatever happens next."""

    async def accept(self, source: str, events: Sequence[Event]) -> Accepted:
        """Commit a batch and start to process it. Raises ``Busy`` when too much is open, ``Unavailable``."""

    async def wait(self, source: str, ids: Sequence[str], seconds: float) -> Mapping[str, EventResult]:
        """The results of accepted events, as far as there are any within ``seconds``."""

    async def bury(self, event: Event, reason: str, tries: int) -> None:
        """Move an event to the dead-letter list, which an operator reads and replays."""


class Endpoint(Protocol):
    """Where a module answers: here or elsewhere."""

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """Run a command, answer or dynamic handler. Never raises: a failure is a :class:`Result`."""

    async def call(self, contract: str, method: str, raw: object, scope: "CallScope") -> object:
        """Ask a contract. Raises what :class:`CallError` says."""

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Hand replies to a pushing module; one :class:`Sent` for each."""


class CallScope(msgspec.Struct, frozen=True, gc=False):
    """On whose behalf a contract is asked: the community, the acting account and the delivery's key.

    ``at`` is the host whose replica is to answer (:meth:`Claims.holder`); empty where any may.
    """

    community: str
    actor: str = ""
    key: str = ""
    at: str = ""


class CallError(Exception):
    """A contract could not be asked or did not answer; the text says which and what to do."""


class CallLost(CallError):  # noqa: N818  what happened to the call, beside CallError
    """No answer came, for the link broke or whoever was asked failed: what was asked for may have been done, or a
    part of it, and must not be repeated.
    """


type Directory = Mapping[str, Endpoint]


class Claims(Protocol):
    """What one module's replicas share among each other: each name is held by one of them at a time.

    One task of the module follows :meth:`changed`. A name is taken over from a dead replica within 15 s.
    """

    def want(self, names: Mapping[str, int], *, most: int | None = None, moves_per_s: float = math.inf) -> None:
        """Share these names from now on: higher priorities are held first. Call again when they change.

        Of them this replica holds at most ``most``. Names that move from one living replica to another, so that
        each has its share, do so at most ``moves_per_s`` a second.
        """

    @property
    def held(self) -> Mapping[str, int]:
        """The names held now, and the fence of each, which rises when a name gets another holder.

        Another object after each change. Empty while the database cannot be reached, since others may hold them.
        """

    @property
    def replicas(self) -> int:
        """How many replicas, this one among them, share names."""

    async def changed(self) -> None:
        """Return after ``held`` or ``replicas`` changed since the last return.

        Not when ``held`` is empty only because the database is away: most likely all is as before when it is back.
        """

    def holder(self, name: str) -> str:
        """The host that holds a name of any module, for :attr:`CallScope.at`; empty when nobody does."""


class Compiled(msgspec.Struct, frozen=True):
    """One community's configuration version and contributions by module."""

    version: int
    contributions: dict[str, Contribution]


type Watcher = Callable[[Sequence[str]], asyncio.Future[None] | None]
"""Is told of communities whose configuration changed. The future ends when it lives by the change."""


class Keeper(Protocol):
    """Has state by partition in memory alone, which is saved every second for the next owner, as far as it can be.

    Both ends may lose the last of it. Hosts' clocks differ, so what is packed has ages in place of times.
    """

    def changed(self, partitions: Collection[int]) -> Mapping[int, bytes]:
        """Those of the partitions whose state changed since the last time, packed whole, small and soon."""

    def busy(self, partitions: Collection[int]) -> bool:
        """Whether anything of these partitions is under way, whose end changes the state."""

    def unsaved(self, partitions: Collection[int]) -> None:
        """What was packed of them last could not be saved."""

    def restore(self, partition: int, packed: bytes, age_s: float) -> None:
        """Take what was packed ``age_s`` ago, before events of the partition come.

        Raises ``ValueError`` or ``msgspec.MsgspecError`` for what cannot be read.
        """


class Owner(msgspec.Struct, frozen=True):
    """A host that owns partitions: how people call it, whether it is this one."""

    name: str
    here: bool
    partitions: tuple[int, ...]


class Ports(Protocol):
    """What the host lends to modules of the ``processing`` kind beyond :class:`Services`."""

    @property
    def directory(self) -> Directory:
        """Who answers where."""

    @property
    def bus(self) -> Bus:
        """Where events are announced."""

    @property
    def inbox(self) -> Inbox:
        """Where events are accepted durably."""

    @property
    def tracer(self) -> Tracer | None:
        """Who takes the steps of matched events, where the operator collects traces."""

    def keep(self, keeper: Keeper) -> None:
        """Save ``keeper``'s state for whoever owns its partitions next; where nobody could, nothing is asked."""

    def when_registered(self, changed: Callable[[], None]) -> None:
        """``changed`` is called after other modules are registered than before (``Services.manifests``)."""

    def owner(self, community: str) -> str:
        """The host that owns a community's partition, for :attr:`CallScope.at`; empty when nobody does."""

    def owners(self) -> Mapping[str, Owner]:
        """Every host that owns partitions, by id."""

    def wanted(self, kind: str) -> bool:
        """Whether a module that may get live events observes or answers those of a kind."""

    def room(self, community: str) -> bool:
        """Whether replies of a community may still be queued; commands answer "busy" where not."""

    def send(self, sends: Sequence[Send]) -> None:
        """Queue replies for delivery. Raises ``Busy`` when the outbox is full."""

    async def answered(
        self,
        batch: EventBatch,
        results: Sequence[EventResult],
        sends: Sequence[Send],
        following: Sequence[Event] = (),
    ) -> None:
        """Commit an inboxed batch's results, the replies that somebody delivers, and the events that follow."""

    async def configurations(self, communities: Sequence[str]) -> Mapping[str, Compiled]:
        """The configuration version of communities and what each module contributes to their views."""

    def watch(self, changed: Watcher) -> None:
        """``changed`` is told of communities whose configuration changed."""
