"""The ports between modules and the world. ``libs/adapters`` has one file per technology behind them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.reply import Reply


class Call(msgspec.Struct, frozen=True, gc=False):
    """Asks an action module to act on one event (``Action.Execute``).

    ``handler`` names the command, answer or dynamic handler; ``args`` is the text after the command word
    and ``data`` what the module contributed with it. ``person`` and ``ranks`` are who asks, as the router
    found them. ``key`` makes effects happen once, ``version`` is the configuration it was decided on,
    ``timeout_s`` how long the router waits.
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


class Result(msgspec.Struct, frozen=True, gc=False):
    """What came of a :class:`Call`.

    ``status`` is ``ok``; ``refused`` with words for the user; ``failed`` with a reason for the operator
    (``retry`` where trying again may help).
    """

    status: str
    replies: tuple[Reply, ...] = ()
    reason: str = ""
    retry: bool = False


class Send(msgspec.Struct, frozen=True, gc=False):
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


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What came of a :class:`Send`: ``sent``, ``refused`` with the reason, or ``unknown`` (may have been sent)."""

    id: str
    status: str
    reason: str = ""


type Batch = list[Event]
type Subscriber = Callable[[str, Batch], Awaitable[None] | None]


class Bus(Protocol):
    """Announces batches of events; whoever subscribed gets every batch, in order per publisher."""

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """``subscriber(batch_id, events)`` is told of every batch from now on."""

    async def publish(self, batch_id: str, events: Batch) -> None:
        """Hand a batch over; returns when every subscriber took it, so a full queue slows the publisher."""


class Endpoint(Protocol):
    """Where a module answers: here or elsewhere."""

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """Run a command, answer or dynamic handler. Never raises: a failure is a :class:`Result`."""

    async def call(self, contract: str, method: str, raw: object, scope: "CallScope") -> object:
        """Ask a contract. Raises what :class:`CallError` says."""

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Hand replies to a pushing module; one :class:`Sent` for each."""


class CallScope(msgspec.Struct, frozen=True, gc=False):
    """On whose behalf a contract is asked: the community, the acting account and the delivery's key."""

    community: str
    actor: str = ""
    key: str = ""


class CallError(Exception):
    """A contract could not be asked or did not answer; the text says which and what to do."""


type Directory = Mapping[str, Endpoint]
