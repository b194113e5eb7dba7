"""What other hosts ask of the modules here: one way in for streams, single calls and the REST door.

An item is answered with another of the same id. Work whose deadline is over is stopped and not answered: nobody
waits for it. What is too much is refused at once.
"""

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import msgspec

from waddlebot.libs.adapters.admission import Admission
from waddlebot.libs.adapters.sweep import Sweep
from waddlebot.libs.grpc_protos.codec import Codec, WireError
from waddlebot.libs.grpc_protos.peer_pb2 import Item
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.sdk.ports import Call, CallError, CallLost, CallScope, Endpoint, EventBatch, Result, Send, Sent

UNDER_WAY_MAX = 8_192
"""Items of one host that may be under way; a quarter of them of one community."""
TIMEOUT_S_MAX = 600.0
"""Longer than this nobody waits, whatever they say."""
_VERSIONS_MAX = 100_000

CORRELATION: ContextVar[str] = ContextVar("correlation", default="")
"""What the work at hand belongs to, on whatever host it is done."""

type Behind = Callable[[int, str], Awaitable[None]]
"""Makes sure that a community's configuration here is at least of this version: ``await behind(7, "home")``."""
type Taken = Callable[[str, EventBatch], Awaitable[None]]
"""Hands a batch of events to a subscriber here."""
type Put = Callable[[dict[str, Any]], None]
"""Says an answer: the keyword arguments of its ``Item``."""


class _Running(msgspec.Struct, gc=False):
    """Work under way."""

    future: asyncio.Future[Any]
    deadline_s: float
    admission: Admission
    community: str
    answer: Callable[[asyncio.Future[Any]], None]


class Answering:
    """Answers items by the modules that run here. Lives as long as the host."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        promises: Promises,
        codec: Codec,
        *,
        behind: Behind,
        taken: Taken | None = None,
        under_way_max: int = UNDER_WAY_MAX,
    ) -> None:
        self._endpoints = endpoints
        self._promises = promises
        self._call, self._result = codec.of(Call), codec.of(Result)
        self._send, self._sent, self._scope = codec.of(Send), codec.of(Sent), codec.of(CallScope)
        self._events = msgspec.msgpack.Decoder(EventBatch)
        self._behind = behind
        self._taken = taken
        self._under_way_max = under_way_max
        self._admissions: dict[str, Admission] = {}
        self._versions: dict[str, int] = {}
        self._running: dict[int, _Running] = {}
        self._serial = 0
        self._loop = asyncio.get_running_loop()
        self._sweep = Sweep(self._expire)
        self._log = logging.getLogger("adapters.answering")
        self._kinds: Mapping[str, Callable[[Endpoint, Item], Coroutine[Any, Any, dict[str, Any]]]] = {
            "ask": self._ask, "deliver": self._deliver, "batch": self._batch,
        }  # fmt: skip
        self.counts: Counter[str] = Counter()
        """How often something was ``refused``, ``expired`` or ``malformed``."""
        self.stopping = False

    @property
    def under_way(self) -> int:
        """How many items are being worked at."""
        return len(self._running)

    def take(self, item: Item, host: str, put: Put) -> None:
        """Work at an item of a host; the answer is put when there is one. Never raises."""
        number = item.id
        kind = item.WhichOneof("body") or ""
        if self.stopping:
            self._refuse(number, put, "this host is stopping")
            return
        endpoint = self._endpoints.get(item.module)
        if endpoint is None:
            self._refuse(number, put, f"no module {item.module} runs on this host")
        elif kind == "execute":
            self._execute(endpoint, item, host, put)
        elif kind in self._kinds:
            work = self._kinds[kind]
            community = item.ask.scope.community if kind == "ask" else ""
            self._admit(item, host, community, put, lambda: work(endpoint, item), self._said(number, put))
        else:
            self.counts["malformed"] += 1
            self._refuse(number, put, "this item asks nothing that this host knows: is it of a newer version?")

    async def one(self, item: Item, host: str) -> dict[str, Any]:
        """The answer to an item. Raises ``TimeoutError`` when there is none in time."""
        found: asyncio.Future[dict[str, Any]] = self._loop.create_future()

        def put(answer: dict[str, Any]) -> None:
            if not found.done():
                found.set_result(answer)

        self.take(item, host, put)
        async with asyncio.timeout(_seconds_of(item)):
            return await found

    async def settle(self, grace_s: float) -> None:
        """Take nothing new and wait for what is under way, at most so long; then stop it."""
        self.stopping = True
        until_s = self._loop.time() + grace_s
        while self._running and self._loop.time() < until_s:
            waiting = [running.future for running in self._running.values()]
            await asyncio.wait(waiting, timeout=max(0.0, until_s - self._loop.time()))
            await asyncio.sleep(0)  # their answers are put by callbacks of their own
        self._sweep.stop()
        left = [running.future for running in self._running.values()]
        for future in left:
            future.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)

    # --- what may be asked ---------------------------------------------------------------------------

    def _execute(self, endpoint: Endpoint, item: Item, host: str, put: Put) -> None:
        try:
            call = self._call.value(item.execute)
        except (ValueError, TypeError, msgspec.MsgspecError, RecursionError) as error:
            self.counts["malformed"] += 1
            self._refuse(item.id, put, f"this is no Call: {error}")
            return
        community = call.event.community
        # The limit comes first, so that who asks too much costs no refresh.
        if self._versions.get(community, 0) >= call.version:
            self._admit(item, host, community, put, lambda: endpoint.execute(call), self._executed(item.id, put))
        else:
            work = self._refreshed(endpoint, call)
            if not self._admit(item, host, community, put, lambda: work, self._executed(item.id, put)):
                work.close()

    async def _refreshed(self, endpoint: Endpoint, call: Call) -> Result:
        """Execute what was decided on a configuration that this host may not know yet."""
        community = call.event.community
        try:
            await self._behind(call.version, community)
        except Exception as error:
            self._log.warning("the configuration of %s could not be refreshed", community, exc_info=error)
            return Result("failed", (), f"this host is behind version {call.version} of {community}", retry=True)
        if len(self._versions) >= _VERSIONS_MAX:
            self._versions.clear()
        self._versions[community] = max(call.version, self._versions.get(community, 0))
        answer = endpoint.execute(call)
        return await answer if inspect.isawaitable(answer) else answer

    async def _ask(self, endpoint: Endpoint, item: Item) -> dict[str, Any]:
        ask = item.ask
        request, answer = self._promises.ways(ask.contract, ask.method)
        scope = self._scope.value(ask.scope)
        found = await endpoint.call(ask.contract, ask.method, request.loads(ask.request), scope)
        return {"answer": answer.dumps(found)}

    async def _deliver(self, endpoint: Endpoint, item: Item) -> dict[str, Any]:
        sends = [self._send.value(send) for send in item.deliver.sends]
        return {"outcomes": {"sents": [self._sent.fields(sent) for sent in await endpoint.deliver(sends)]}}

    async def _batch(self, endpoint: Endpoint, item: Item) -> dict[str, Any]:
        if self._taken is None:
            raise CallError("this host takes no batches of events")
        await self._taken(item.batch.subscriber, self._events.decode(item.batch.events))
        return {"answer": b""}

    # --- under way -----------------------------------------------------------------------------------

    def _admit(
        self, item: Item, host: str, community: str, put: Put, start: Callable[[], Any],
        answer: Callable[[Any], None],
    ) -> bool:  # fmt: skip
        """Start work if there is room for it."""
        admission = self._admissions.get(host)
        if admission is None:
            admission = self._admissions[host] = Admission(self._under_way_max)
        if not admission.enter(community):
            self._refuse(item.id, put, "this host is busy with what it was asked before; try again in a moment")
            return False
        CORRELATION.set(item.correlation_id)
        started = start()
        if type(started) is Result:
            admission.leave(community)
            answer(started)
            return True
        future: asyncio.Future[Any] = (
            asyncio.Task(started, loop=self._loop, eager_start=True)
            if inspect.iscoroutine(started)
            else asyncio.ensure_future(started)
        )
        self._serial += 1
        deadline_s = self._loop.time() + _seconds_of(item)
        self._running[self._serial] = _Running(future, deadline_s, admission, community, answer)
        future.add_done_callback(partial(self._finished, self._serial))
        self._sweep.wake()
        return True

    def _finished(self, serial: int, _: asyncio.Future[Any]) -> None:
        running = self._running.pop(serial, None)
        if running is None:  # its deadline was over: nobody waits
            return
        self._leave(running)
        running.answer(running.future)

    def _leave(self, running: _Running) -> None:
        running.admission.leave(running.community)

    def _expire(self, now_s: float) -> bool:
        for serial, running in list(self._running.items()):
            if running.deadline_s <= now_s:
                del self._running[serial]
                self._leave(running)
                running.future.cancel()
                running.future.add_done_callback(_read)
                self.counts["expired"] += 1
        for host in [host for host, admission in self._admissions.items() if not admission.size]:
            del self._admissions[host]
        return bool(self._running)

    # --- answers -------------------------------------------------------------------------------------

    def _refuse(self, number: int, put: Put, reason: str) -> None:
        self.counts["refused"] += 1
        put({"id": number, "failure": {"reason": reason, "untouched": True}})

    def _executed(self, number: int, put: Put) -> Callable[[Any], None]:
        def answer(found: Any) -> None:
            if type(found) is not Result:
                found = _result_of(found)
            try:
                put({"id": number, "result": self._result.fields(found)})
            except (TypeError, ValueError, AttributeError, msgspec.MsgspecError) as error:
                put({"id": number, "failure": {"reason": f"the answer cannot leave the process: {error}"}})

        return answer

    def _said(self, number: int, put: Put) -> Callable[[asyncio.Future[dict[str, Any]]], None]:
        def answer(future: asyncio.Future[dict[str, Any]]) -> None:
            if future.cancelled():
                put({"id": number, "failure": {"reason": "the work was stopped", "lost": True}})
                return
            error = future.exception()
            if error is None:
                put({"id": number, **future.result()})
            elif isinstance(error, CallError | WireError | msgspec.MsgspecError):
                put({"id": number, "failure": {"reason": str(error), "lost": isinstance(error, CallLost)}})
            else:
                self._log.error("what another host asked failed", exc_info=error)
                reason = f"{type(error).__name__}; the log has more"
                put({"id": number, "failure": {"reason": reason, "lost": True}})

        return answer


def _seconds_of(item: Item) -> float:
    return min(item.timeout_ms / 1_000, TIMEOUT_S_MAX)


def _read(future: asyncio.Future[Any]) -> None:
    """Look at what became of work that nobody waits for, or asyncio says that nobody did."""
    if not future.cancelled():
        future.exception()


def _result_of(future: asyncio.Future[Result]) -> Result:
    if future.cancelled():
        return Result("failed", (), "the work was stopped", retry=True)
    error = future.exception()
    if error is not None:
        return Result("failed", (), f"{type(error).__name__}: {error}", retry=True)
    return future.result()
