"""The gRPC server: streams of other hosts, and single calls for administration and other languages."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from waddlebot.libs.adapters.answering import Answering
from waddlebot.libs.adapters.frames import Outgoing, items_of
from waddlebot.libs.adapters.grpc_config import GrpcConfig, GrpcConfigError
from waddlebot.libs.adapters.grpc_unary import UnaryCalls
from waddlebot.libs.adapters.grpc_wire import AUTHORIZATION, SERVER, TALK, server_credentials
from waddlebot.libs.adapters.service_tokens import Proof, ServiceTokens, TokenError, bearer_of

_FAREWELL_S = 1.0
"""How long the last answers of a stream may take to leave."""

# The library's own classes take no type arguments; its stubs want them, and an alias is only read by the checker.
type Handler = grpc.RpcMethodHandler[Any, Any]
type Context = grpc.aio.ServicerContext[Any, Any]


class GrpcServer:
    """Serves the modules that run here between :meth:`start` and :meth:`stop`."""

    def __init__(self, config: GrpcConfig, answering: Answering, tokens: ServiceTokens, unary: UnaryCalls) -> None:
        """Raises ``GrpcConfigError`` for settings that would talk in the clear or contradict each other."""
        config.check()
        self._config = config
        self._answering = answering
        self._tokens = tokens
        self._unary = unary
        self._server: grpc.aio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.port = 0
        """The port it listens on, from the start on."""
        self.counts: Counter[str] = Counter()
        """How many streams were ``refused`` or ``malformed``, and how many items ``replayed``."""

    async def start(self) -> None:
        """Listen. Raises ``GrpcConfigError`` where the address or the files cannot be had."""
        config = self._config
        server = grpc.aio.server(options=SERVER)
        server.add_generic_rpc_handlers((_Handlers(self._handler),))
        address = f"{f'[{config.host}]' if ':' in config.host else config.host}:{config.port}"
        credentials = server_credentials(config)
        try:
            if credentials is None:
                self.port = server.add_insecure_port(address)
            else:
                self.port = server.add_secure_port(address, credentials)
        except RuntimeError:
            words = "another process has it, or it is none of this machine's"
            raise GrpcConfigError(
                f"gRPC cannot listen on {address}: {words}. Set GRPC_HOST and GRPC_PORT."
            ) from None
        await server.start()
        self._server = server

    async def stop(self, grace_s: float) -> None:
        """Take nothing new, answer what is under way within ``grace_s``, say goodbye to every stream."""
        if self._server is None:
            return
        server, self._server = self._server, None
        closing = asyncio.ensure_future(server.stop(grace_s + 1.0))
        await self._answering.settle(grace_s)
        for talk in self._talks:
            talk.cancel()
        await closing

    def _handler(self, details: grpc.HandlerCallDetails) -> Handler | None:
        if details.method == TALK:
            return grpc.stream_stream_rpc_method_handler(self._talk)
        answer = self._unary.handler(details.method)
        if answer is None:
            return None

        async def single(raw: bytes, context: Context) -> bytes:
            proof = await self._proof(context)
            return await answer(raw, proof.host, context)

        return grpc.unary_unary_rpc_method_handler(single)

    async def _proof(self, context: Context) -> Proof:
        try:
            metadata = dict(context.invocation_metadata() or ())
            return self._tokens.check(bearer_of(str(metadata.get(AUTHORIZATION, ""))))
        except TokenError as error:
            self.counts["refused"] += 1
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))

    async def _talk(self, _: Any, context: Context) -> None:
        """One stream, from its first frame to its last."""
        proof = await self._proof(context)
        await context.send_initial_metadata(())
        talk = _Talk(proof, self._tokens, self._answering, self.counts)
        reading = asyncio.ensure_future(talk.read(context))
        self._talks.add(reading)
        writing = asyncio.ensure_future(talk.outgoing.run(context.write))
        try:
            done, _ = await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            if reading in done and not reading.cancelled() and isinstance(reading.exception(), _TalkError):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(reading.exception()))
            talk.outgoing.close()
            await asyncio.wait((writing,), timeout=_FAREWELL_S)
        finally:
            self._talks.discard(reading)
            talk.closed = True
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)


class _Handlers(grpc.GenericRpcHandler):
    """Finds who answers a method."""

    def __init__(self, find: Callable[[grpc.HandlerCallDetails], Handler | None]) -> None:
        self._find = find

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """See ``grpc.GenericRpcHandler``."""
        return self._find(handler_call_details)


class _TalkError(Exception):
    """A stream cannot go on; the other host is told why."""


class _Talk:
    """One stream of one host."""

    def __init__(self, proof: Proof, tokens: ServiceTokens, answering: Answering, counts: Counter[str]) -> None:
        self._proof = proof
        self._tokens = tokens
        self._answering = answering
        self._counts = counts
        self._last = 0
        self.closed = False
        self.outgoing = Outgoing(self._cannot_leave)

    async def read(self, context: Context) -> None:
        """Take items until the other side has no more. Raises :class:`_TalkError` for what is no frame."""
        while (raw := await context.read()) is not grpc.aio.EOF:
            try:
                items, token = items_of(raw)
                self._renew(token)
            except DecodeError:
                self._counts["malformed"] += 1
                raise _TalkError("this is no Frame") from None
            except TokenError as error:
                self._counts["refused"] += 1
                raise _TalkError(str(error)) from None
            for item in items:
                if item.id <= self._last:
                    self._counts["replayed"] += 1
                    continue
                self._last = item.id
                self._answering.take(item, self._proof.host, self._put)
            await self.outgoing.room()

    def _renew(self, token: str) -> None:
        if token:
            proof = self._tokens.check(token)
            if proof.host != self._proof.host:
                raise TokenError("the new service token is of another host")
            self._proof = proof
        elif not self._tokens.holds(self._proof.at):
            raise TokenError("the service token is over")

    def _put(self, answer: dict[str, Any]) -> None:
        if not self.closed:
            self.outgoing.put(answer)

    def _cannot_leave(self, answer: dict[str, Any], reason: str) -> None:
        self._put({"id": answer["id"], "failure": {"reason": f"the answer cannot leave: {reason}", "lost": True}})
