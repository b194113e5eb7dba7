"""Modules on other hosts: one link for each host, one endpoint for each module there."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, cast

import grpc
import msgspec

from waddlebot.libs.adapters.breaker import Breaker
from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_wire import channel_credentials, channel_to
from waddlebot.libs.adapters.peer_link import Lost, PeerLink, Question, Settle, correlation_of
from waddlebot.libs.adapters.presence import until_ended
from waddlebot.libs.adapters.rest_endpoint import RestLink
from waddlebot.libs.adapters.service_tokens import ServiceTokens
from waddlebot.libs.adapters.sweep import Sweep
from waddlebot.libs.grpc_protos.codec import Codec, Converter, WireError
from waddlebot.libs.grpc_protos.peer_pb2 import Item
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.sdk.ports import Call, CallError, CallLost, CallScope, EventBatch, Result, Send, Sent

CALL_TIMEOUT_S = 10.0
"""How long a contract may take to answer."""
DELIVER_TIMEOUT_S = 60.0
"""How long a pushing module may take to hand replies to its platform."""

_UNREADABLE = (ValueError, TypeError, AttributeError, msgspec.MsgspecError, RecursionError)


class Converters(msgspec.Struct, frozen=True):
    """How what the ports speak of travels."""

    call: Converter
    result: Converter
    scope: Converter
    send: Converter
    sent: Converter
    promises: Promises

    @classmethod
    def of(cls, codec: Codec, promises: Promises) -> "Converters":
        """Build them."""
        call, result, scope, send, sent = (codec.of(shape) for shape in (Call, Result, CallScope, Send, Sent))
        return cls(call, result, scope, send, sent, promises)


class PeerEndpoint:
    """Implements ``Endpoint`` for one module on one host.

    Asked by gRPC, and by HTTP while that is refused. A callee that stays silent or answers garbage is left alone
    for a while by its ``breaker``.
    """

    def __init__(
        self, module: str, link: PeerLink, rest: RestLink | None, converters: Converters, breaker: Breaker
    ) -> None:
        self.module = module
        self.breaker = breaker
        self.pending = 0
        """How many questions wait for an answer."""
        self._link = link
        self._rest = rest
        self._converters = converters
        self._loop = asyncio.get_running_loop()

    def execute(self, call: Call) -> asyncio.Future[Result]:
        """Run a command, answer or dynamic handler there. Never raises: a failure is a :class:`Result`."""
        future: asyncio.Future[Result] = self._loop.create_future()

        def settle(found: Result | Lost) -> None:
            if not future.done():
                future.set_result(result_of(found))

        self.attempt(call, settle)
        return future

    def attempt(self, call: Call, settle: Callable[[Result | Lost], None]) -> None:
        """As :meth:`execute`; ``settle`` hears how it was lost, where there is no result."""
        converters = self._converters
        try:
            body = converters.call.fields(call)
        except _UNREADABLE as error:
            settle(Lost(f"this call cannot leave the process: {error}", "local", untouched=True))
            return
        event = call.event
        question = Question(
            self.module, event.community, call.timeout_s, "execute", body, correlation_of(event.id)
        )
        read = converters.result.value
        self.ask(question, "result", lambda item: read(item.result), settle)

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """Ask a contract. Raises ``CallError``, and ``CallLost`` where what was asked may have been done."""
        return raised(contract, await self.request(contract, method, raw, scope))

    async def request(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """As :meth:`call`, but returns how the answer was lost. Raises ``CallError`` for what cannot travel."""
        converters = self._converters
        try:
            asked, answer = converters.promises.ways(contract, method)
            body = {
                "contract": contract,
                "method": method,
                "request": asked.dumps(raw),
                "scope": converters.scope.fields(scope),
            }
        except WireError as error:
            raise CallError(f"{contract}.{method}: {error}") from error
        where = correlation_of(scope.key or f"{contract}.{method}")
        question = Question(self.module, scope.community, CALL_TIMEOUT_S, "ask", body, where)
        return await self._later(question, "answer", lambda item: answer.loads(item.answer))

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Hand replies to a pushing module. Raises ``CallError``; ``CallLost`` where they may have been sent."""
        return cast("Sequence[Sent]", raised(self.module, await self.push(sends)))

    async def push(self, sends: Sequence[Send]) -> object:
        """As :meth:`deliver`, but returns how the answer was lost."""
        converters = self._converters
        try:
            body = {"sends": [converters.send.fields(send) for send in sends]}
        except _UNREADABLE as error:
            raise CallError(f"{self.module}: these replies cannot leave the process: {error}") from error
        where = correlation_of(sends[0].id if sends else "")
        question = Question(self.module, "", DELIVER_TIMEOUT_S, "deliver", body, where)

        def read(item: Item) -> list[Sent]:
            return [converters.sent.value(sent) for sent in item.outcomes.sents]

        return await self._later(question, "outcomes", read)

    async def batch(self, subscriber: str, batch: EventBatch) -> None:
        """Hand events to a subscriber on that host. Raises ``CallError``."""
        body = {"subscriber": subscriber, "events": msgspec.msgpack.encode(batch)}
        question = Question(self.module, "", CALL_TIMEOUT_S, "batch", body, batch.id)
        raised(subscriber, await self._later(question, "answer", lambda item: item.answer))

    def ask(
        self, question: Question, kind: str, read: Callable[[Item], Any], settle: Callable[[Any], None]
    ) -> None:
        """Ask by whichever way is open.

        ``settle`` hears what ``read`` made of an answer of that kind, or how it was lost.
        """
        breaker = self.breaker
        if not breaker.admits():
            words = f"{self.module} failed too often and is not asked for {breaker.retry_s:.0f} s"
            settle(Lost(words, "busy", untouched=True))
            return
        self.pending += 1

        def heard(what: Item | Lost) -> None:
            self.pending -= 1
            found = _found(what, kind, read)
            if type(found) is Lost and found.module_failed:
                breaker.failed()
            elif type(found) is not Lost or found.cause == "said":
                breaker.succeeded()
            else:
                breaker.left()
            settle(found)

        if self._rest is not None and self._link.refused:
            self._link.connect()
            self._rest.ask(question, heard)
        else:
            self._link.ask(question, self._or_by_rest(question, heard))

    def _or_by_rest(self, question: Question, heard: Settle) -> Settle:
        """What a link did not even touch because it could not connect goes by HTTP."""
        rest = self._rest
        if rest is None:
            return heard

        def first(what: Item | Lost) -> None:
            if type(what) is Lost and what.untouched and what.cause == "away":
                rest.ask(question, heard)
            else:
                heard(what)

        return first

    async def _later(self, question: Question, kind: str, read: Callable[[Item], Any]) -> object:
        future: asyncio.Future[object] = self._loop.create_future()

        def settle(found: object) -> None:
            if not future.done():
                future.set_result(found)

        self.ask(question, kind, read, settle)
        return await future


class Peers:
    """All hosts that this one asks: their links, and the endpoints of their modules. Lives as long as the host."""

    def __init__(
        self,
        config: GrpcConfig,
        tokens: ServiceTokens,
        promises: Promises,
        codec: Codec,
        breaker: Callable[[], Breaker] = Breaker,
    ) -> None:
        """Raises ``GrpcConfigError`` for settings that contradict each other."""
        config.check()
        self._config = config
        self._credentials: grpc.ChannelCredentials | None = channel_credentials(config)
        self._tokens = tokens
        self._converters = Converters.of(codec, promises)
        self._breaker = breaker
        self._links: dict[str, PeerLink] = {}
        self._rests: dict[str, RestLink] = {}
        self._endpoints: dict[tuple[str, str, str], PeerEndpoint] = {}
        self._sweep = Sweep(self._expire)
        self._log = logging.getLogger("adapters.peers")

    @property
    def links(self) -> Mapping[str, PeerLink]:
        """The links by address."""
        return self._links

    @property
    def counts(self) -> Counter[str]:
        """What all links counted."""
        return sum((link.counts for link in self._links.values()), Counter())

    def endpoint(self, module: str, grpc: str, http: str = "") -> PeerEndpoint:
        """A module on the host that is asked by gRPC at HOST:PORT, and at the URL ``http`` when that is refused.

        Either may be empty where the host has none. The same endpoint, with its breaker, each time. A host that
        could only be talked to in the clear is not asked.
        """
        key = (module, grpc, http)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            link, rest = self._link(grpc), self._rest(http, grpc)
            endpoint = PeerEndpoint(module, link, rest, self._converters, self._breaker())
            self._endpoints[key] = endpoint
        return endpoint

    def welcome(self, grpc: str) -> None:
        """A host has come to this address: it is asked at once, whatever became of the one before."""
        for (_, address, _), endpoint in self._endpoints.items():
            if address == grpc:
                endpoint.breaker.forget()
        if grpc in self._links:
            self._links[grpc].hasten()

    async def until_ended(self, grpc: str) -> None:
        """Return once the process that listened at HOST:PORT has ended; never for who may not be connected to."""
        if not self._config.may_ask(grpc):
            await asyncio.Event().wait()
        await until_ended(channel_to(grpc, self._credentials, self._config.tls_name), grpc)

    async def keep(self, hosts: Collection[tuple[str, str]]) -> None:
        """Forget all hosts but those with these addresses, ``(grpc, http)``: what was asked of others is lost."""
        self._endpoints = {key: found for key, found in self._endpoints.items() if key[1:] in hosts}
        addresses, urls = {grpc for grpc, _ in hosts}, {http for _, http in hosts}
        gone = [self._links.pop(address).close() for address in [*self._links] if address not in addresses]
        gone += [self._rests.pop(url).close() for url in [*self._rests] if url not in urls]
        await asyncio.gather(*gone)

    async def close(self) -> None:
        """End all streams."""
        await self.keep(())
        self._sweep.stop()

    def _link(self, address: str) -> PeerLink:
        link = self._links.get(address)
        if link is None:
            words = "calls to it would be readable on the network: set GRPC_TLS_CERT and GRPC_TLS_KEY"
            if not address:
                words = "it has no gRPC address"
            link = self._links[address] = PeerLink(
                address,
                partial(channel_to, address, self._credentials, self._config.tls_name),
                self._tokens,
                self._sweep.wake,
                forbidden="" if address and self._config.may_ask(address) else words,
            )
        return link

    def _rest(self, url: str, audience: str) -> RestLink | None:
        if not url or not self._config.may_fall_back(url):
            return None
        rest = self._rests.get(url)
        if rest is None:
            rest = self._rests[url] = RestLink(url, audience, self._tokens)
        return rest

    def _expire(self, now_s: float) -> bool:
        waiting = [link.expire(now_s) for link in self._links.values()]
        return any(waiting)


def _found(what: Item | Lost, kind: str, read: Callable[[Item], Any]) -> Any:
    if type(what) is Lost:
        return what
    item = cast("Item", what)
    body = item.WhichOneof("body")
    if body == "failure":
        failure = item.failure
        return Lost(failure.reason, "said", failure.untouched, failure.lost)
    if body != kind:
        return Lost(f"it answered {body or 'nothing'}, not {kind}", "garbage")
    try:
        return read(item)
    except (WireError, *_UNREADABLE) as error:
        return Lost(f"the answer cannot be read: {error}", "garbage")


def result_of(found: Result | Lost) -> Result:
    """What the router hears: something that was lost may be tried again, for effects happen once by their key."""
    if type(found) is Result:
        return found
    lost = cast("Lost", found)
    return Result("failed", (), lost.reason, retry=True, away=lost.untouched and lost.cause in ("away", "said"))


def raised(what: str, found: object) -> object:
    """An answer; a lost one is raised as ``CallError``, or as ``CallLost`` where something may have been done."""
    if type(found) is Lost:
        words = found.reason if found.cause == "said" else f"{what}: {found.reason}"
        raise (CallLost if found.unknown and not found.untouched else CallError)(words)
    return found
