"""One host's stream to another: what is asked waits here until it is answered, over, or lost."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import grpc.aio
import msgspec
from google.protobuf.message import DecodeError

from waddlebot.libs.adapters.admission import Admission
from waddlebot.libs.adapters.answering import CORRELATION
from waddlebot.libs.adapters.frames import Outgoing, items_of
from waddlebot.libs.adapters.grpc_wire import AUTHORIZATION, TALK
from waddlebot.libs.adapters.service_tokens import RENEW_S, ServiceTokens
from waddlebot.libs.grpc_protos.peer_pb2 import Item

WAITING_MAX = 4_096
"""Items to one host that may wait for an answer; a quarter of them of one community."""
CONNECT_S = 3.0
"""How long a connection may take to come about."""
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0


type Cause = Literal["away", "silent", "garbage", "busy", "local", "said"]
"""Why there is no answer: the host is gone, the module is silent past the deadline or answers what cannot be read,
too much is under way, it could not leave this process, or the other side said so.
"""


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no answer. ``untouched``: nothing was done; else it may have been, unless the other side ``said``
    that it failed.
    """

    reason: str
    cause: Cause
    untouched: bool = False
    unknown: bool = True

    @property
    def module_failed(self) -> bool:
        """Whether to blame the module: a host that is gone is known to be, and costs nobody time."""
        return self.cause in ("silent", "garbage")


type Settle = Callable[[Item | Lost], None]
"""Is told once what came of a question."""


class Question(msgspec.Struct, frozen=True, gc=False):
    """What is asked: the item's ``body`` under its ``kind``, for whom, and for how long the answer is of use."""

    module: str
    community: str
    timeout_s: float
    kind: str
    body: dict[str, Any]
    correlation_id: str = ""


class _Waiting(msgspec.Struct, gc=False):
    """A question that was asked."""

    question: Question
    deadline_s: float
    settle: Settle


class PeerLink:
    """The stream to one address. It comes about when something is asked, and again, after growing pauses with
    jitter, when it broke.

    ``open_channel`` makes a channel that is not connected yet; ``woken`` is called when something waits. With
    ``forbidden`` words nothing is ever asked, and they say why.
    """

    def __init__(
        self,
        address: str,
        open_channel: Callable[[], grpc.aio.Channel],
        tokens: ServiceTokens,
        woken: Callable[[], None],
        *,
        forbidden: str = "",
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.address = address
        self._open = open_channel
        self._tokens = tokens
        self._woken = woken
        self._loop = asyncio.get_running_loop()
        self._admission = Admission(waiting_max)
        self._waiting: dict[int, _Waiting] = {}
        self._number = 0
        self._outgoing = Outgoing(self._cannot_leave, self._leaving, self._token)
        self._token_at_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self._failures = 1 if forbidden else 0
        self._retry_at_s = 0.0
        self._reason = forbidden
        self._closed = bool(forbidden)
        self._connected_late = False
        self.connected = False
        self.counts: Counter[str] = Counter()
        """How many answers came ``late``, and how often the stream was ``lost``."""

    @property
    def refused(self) -> bool:
        """Whether the last try to connect failed, so that another way is better for now."""
        return self._failures > 0 and not self.connected

    @property
    def waiting(self) -> int:
        """How many questions wait for an answer."""
        return len(self._waiting)

    def connect(self) -> None:
        """Try to connect, unless it is connected, tried already, or too early after the last try."""
        if self._task is None and not self._closed and self._loop.time() >= self._retry_at_s:
            self._task = self._loop.create_task(self._live())

    def hasten(self) -> None:
        """The next try to connect need not wait."""
        self._retry_at_s = 0.0

    def ask(self, question: Question, settle: Settle) -> None:
        """Ask; ``settle`` is told what came of it, perhaps before this returns. Never raises."""
        if self._task is None:
            self.connect()
        if self._task is None:
            settle(Lost(f"{self.address} is away: {self._reason or 'closed'}", "away", untouched=True))
            return
        if not self._admission.enter(question.community):
            words = f"too much waits for {self.address} already; try again in a moment"
            settle(Lost(words, "busy", untouched=True))
            return
        self._number = number = self._number + 1
        self._waiting[number] = _Waiting(question, self._loop.time() + question.timeout_s, settle)
        self._outgoing.put(item_of(number, question))
        self._woken()

    def expire(self, now_s: float) -> bool:
        """Give up what nobody waits for any more. True while something is left."""
        for number, waiting in list(self._waiting.items()):
            if waiting.deadline_s <= now_s:
                words = f"{waiting.question.module} did not answer within {waiting.question.timeout_s:g} s"
                self._settle(number, Lost(words, "silent"))
        return bool(self._waiting)

    async def close(self) -> None:
        """End the stream; what still waits is lost."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._lose("this host is stopping")

    # --- the stream ----------------------------------------------------------------------------------

    async def _live(self) -> None:
        """One connection, from the first try to its end."""
        channel = self._open()
        reason = "the other host ended the stream"
        try:
            await self._talk(channel)
        except TimeoutError:
            reason = f"no connection within {CONNECT_S:g} s"
        except grpc.aio.AioRpcError as error:
            reason = f"{error.code().name.lower()}: {error.details()}"
        except DecodeError:
            reason = "it answered with what is no frame"
        finally:
            self._failures += 1
            pause_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2 ** (self._failures - 1))
            self._retry_at_s = self._loop.time() + random.uniform(pause_s / 2, pause_s)  # noqa: S311  jitter, no secret
            self.connected = False
            self._task = None
            self._reason = reason
            self._lose(reason)
            await channel.close()

    async def _talk(self, channel: grpc.aio.Channel) -> None:
        self._token_at_s = self._loop.time()
        metadata = ((AUTHORIZATION, f"Bearer {self._tokens.make(self.address)}"),)
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(TALK)(metadata=metadata)
        writing: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(CONNECT_S):
                await call.initial_metadata()
            if call.done():
                await call.read()  # raises what the other side said
                return
            self.connected = self._connected_late = True
            self._failures = 0
            writing = self._loop.create_task(self._outgoing.run(call.write))
            while isinstance(raw := await call.read(), bytes):
                self._take(items_of(raw)[0])
        finally:
            call.cancel()
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    def _take(self, items: Any) -> None:
        for item in items:
            waiting = self._waiting.pop(item.id, None)
            if waiting is None:
                self.counts["late"] += 1
                continue
            self._admission.leave(waiting.question.community)
            waiting.settle(item)

    def _leaving(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The items that leave now: what was given up stays."""
        waiting = self._waiting
        leaving = [item for item in items if item["id"] in waiting]
        if self._connected_late:  # they waited for the connection, so less time is left than they say
            self._connected_late = False
            now_s = self._loop.time()
            for item in leaving:
                item["timeout_ms"] = _ms_of(waiting[item["id"]].deadline_s - now_s)
        return leaving

    def _token(self) -> str:
        now_s = self._loop.time()
        if now_s - self._token_at_s < RENEW_S:
            return ""
        self._token_at_s = now_s
        return self._tokens.make(self.address)

    def _cannot_leave(self, item: dict[str, Any], reason: str) -> None:
        self._settle(item["id"], Lost(f"this cannot leave the process: {reason}", "local", untouched=True))

    def _settle(self, number: int, what: Item | Lost) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            self._admission.leave(waiting.question.community)
            waiting.settle(what)

    def _lose(self, reason: str) -> None:
        """Nothing that waits will be answered; what had not left was not touched."""
        unsent = {item["id"] for item in self._outgoing.take()}
        if self._waiting:
            self.counts["lost"] += 1
        for number in list(self._waiting):
            self._settle(number, Lost(f"{self.address} is away: {reason}", "away", untouched=number in unsent))


def item_of(number: int, question: Question) -> dict[str, Any]:
    """A question as keyword arguments of ``Item``."""
    return {
        "id": number,
        "module": question.module,
        "correlation_id": question.correlation_id,
        "timeout_ms": _ms_of(question.timeout_s),
        question.kind: question.body,
    }


def _ms_of(seconds: float) -> int:
    return max(1, int(1_000 * seconds))


def correlation_of(fallback: str) -> str:
    """What a question belongs to: the work at hand, or else what ``fallback`` names."""
    return CORRELATION.get() or fallback
