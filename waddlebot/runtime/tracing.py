"""Traces where the operator collects them; elsewhere nothing stands in the way of a call."""

import asyncio
import contextlib
import importlib.metadata
import time
from collections.abc import AsyncIterator, Awaitable, Sequence

from waddlebot.libs.adapters.otlp_config import OtlpConfig
from waddlebot.libs.sdk.ports import Call, CallScope, Endpoint, Result, Send, Sent
from waddlebot.libs.sdk.tracing import EVENT, EXECUTE, Span, Tracer, trace_of


class TracingError(Exception):
    """Traces are wanted and cannot be sent; the text says what to do."""


@contextlib.asynccontextmanager
async def tracing(config: OtlpConfig, host: str) -> AsyncIterator[Tracer | None]:
    """Who takes the traces of this host; None where none are wanted. Raises :class:`TracingError`."""
    if not config.endpoint:
        yield None
        return
    try:
        # Late: an extra, and a third of a second.
        from waddlebot.libs.adapters.otlp import OtlpTracer  # noqa: PLC0415  late, as said above
    except ImportError:
        raise TracingError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, which needs the extra otel: pip install 'waddlebot[otel]'."
        ) from None
    tracer = OtlpTracer(config, importlib.metadata.version("waddlebot"), host)
    try:
        yield tracer
    finally:
        await asyncio.to_thread(tracer.close)


def traced(endpoint: Endpoint, module: str, tracer: Tracer | None) -> Endpoint:
    """The endpoint itself, or one that tells the tracer what it does."""
    return endpoint if tracer is None else TracedEndpoint(endpoint, module, tracer)


class TracedEndpoint:
    """A module's endpoint that records each command it handles and each reply it delivers."""

    def __init__(self, endpoint: Endpoint, module: str, tracer: Tracer) -> None:
        self._endpoint = endpoint
        self._module = module
        self._tracer = tracer

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """As the endpoint's own."""
        began_s = time.time()
        answer = self._endpoint.execute(call)
        if isinstance(answer, Result):
            self._handled(call, began_s, answer)
            return answer
        future = asyncio.ensure_future(answer)

        def done(future: asyncio.Future[Result]) -> None:
            if future.cancelled():
                self._handled(call, began_s, Result("failed", (), "given up"))
            elif future.exception() is None:
                self._handled(call, began_s, future.result())

        future.add_done_callback(done)
        return future

    def _handled(self, call: Call, began_s: float, result: Result) -> None:
        step = f"handle {self._module} {call.handler}"
        attributes = {"waddlebot.module": self._module, "waddlebot.handler": call.handler}
        error = result.reason if result.status == "failed" else ""
        name = f"handle {self._module}"
        self._tracer.record(
            [Span(trace_of(call.event), step, EXECUTE, name, began_s, time.time(), error, attributes)]
        )

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """As the endpoint's own."""
        return await self._endpoint.call(contract, method, raw, scope)

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """As the endpoint's own."""
        began_s = time.time()
        outcomes = await self._endpoint.deliver(sends)
        became = {sent.id: sent for sent in outcomes}
        spans = [
            _delivered(send, became.get(send.id), began_s)
            for send in sends
            if send.event_id  # what the bot says by itself follows from no event
        ]
        self._tracer.record(spans)
        return outcomes


def _delivered(send: Send, sent: Sent | None, began_s: float) -> Span:
    # The id of a reply begins with its event's source and id (`sends_of`).
    source = send.id.partition(f"/{send.event_id}")[0]
    status = sent.status if sent is not None else "unknown"
    error = "" if status == "sent" else f"{status}: {sent.reason if sent is not None else ''}".rstrip(": ")
    attributes = {"waddlebot.platform": send.platform, "waddlebot.outcome": status}
    trace, name = f"{source}/{send.event_id}", f"deliver {send.platform}"
    return Span(trace, f"deliver {send.id}", EVENT, name, began_s, time.time(), error, attributes)
