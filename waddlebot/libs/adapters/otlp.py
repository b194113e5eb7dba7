"""Traces by OpenTelemetry: OTLP over HTTP, from a thread of its own."""

import hashlib
import threading
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from waddlebot.libs.adapters.otlp_config import OtlpConfig
from waddlebot.libs.sdk.tracing import Span

_PATH = "/v1/traces"
"""Below the endpoint (OTLP specification, "OTLP/HTTP Request")."""
_QUEUE_MAX = 8_192
_BATCH_MAX = 512
_EVERY_MS = 2_000
_TIMEOUT_S = 5.0
_CLOSE_S = 3.0
_HALF = 1 << 64
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OtlpTracer:
    """Sends what is recorded every two seconds; what does not fit into its queue is dropped, never waited for."""

    def __init__(self, config: OtlpConfig, version: str, host: str) -> None:
        self._bound = int(config.ratio * _HALF)
        self._resource = Resource(
            {"service.name": config.service_name, "service.version": version, "service.instance.id": host}
        )
        self._scope = InstrumentationScope("waddlebot", version)
        self._exporter = OTLPSpanExporter(
            endpoint=config.endpoint.rstrip("/") + _PATH,
            headers=config.header_pairs,
            timeout=_TIMEOUT_S,
            compression=Compression.Gzip,
        )
        self._processor = BatchSpanProcessor(
            self._exporter, _QUEUE_MAX, schedule_delay_millis=_EVERY_MS, max_export_batch_size=_BATCH_MAX,
            export_timeout_millis=_TIMEOUT_S * 1_000,
        )  # fmt: skip

    def record(self, spans: Sequence[Span]) -> None:
        """Take steps that are over, of traces that are among those to be sent."""
        for span in spans:
            trace_id = _number(span.trace, 16)
            # By the lower half, as TraceIdRatioBased has it, so that others choose the same.
            if trace_id % _HALF < self._bound:
                self._processor.on_end(self._readable(span, trace_id))

    def close(self) -> None:
        """Send the rest and end the thread. Blocks, for a few seconds where nobody takes it."""
        # By itself the processor waits half a minute for a collector that is away.
        enough = threading.Timer(_CLOSE_S, self._exporter.shutdown)
        enough.start()
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # the library leaves this one without types
        enough.cancel()

    def _readable(self, span: Span, trace_id: int) -> ReadableSpan:
        def context(step: str) -> SpanContext:
            return SpanContext(
                trace_id, _number(f"{span.trace}\0{step}", 8), is_remote=False, trace_flags=_SAMPLED
            )

        return ReadableSpan(
            span.name,
            context(span.step),
            context(span.parent) if span.parent else None,
            self._resource,
            dict(span.attributes),
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
            start_time=int(span.began_s * 1e9),
            end_time=int(max(span.began_s, span.ended_s) * 1e9),
            instrumentation_scope=self._scope,
        )


def _number(text: str, size: int) -> int:
    """The same number for the same text, on every host; never 0, which stands for none (W3C Trace Context)."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest()) or 1
