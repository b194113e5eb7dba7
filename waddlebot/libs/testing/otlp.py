"""A collector of traces: takes OTLP over HTTP as collectors do, and keeps what came."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from waddlebot.libs.testing.ports import free_port

_TIMEOUT_S = 20.0


class Collector:
    """What came so far. ``headers`` are those of the last request, by lower-case name."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.hosts: set[str] = set()
        self.headers: dict[str, str] = {}
        self._came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """``POST /v1/traces``."""
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)  # else the server has done so
        for of in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {attribute.key: attribute.value.string_value for attribute in of.resource.attributes}
            self.services.add(about["service.name"])
            self.hosts.add(about["service.instance.id"])
            self.spans += [span for scope in of.scope_spans for span in scope.spans]
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self._came.set()
        return web.Response(content_type="application/x-protobuf")

    async def until(self, *names: str) -> dict[str, Span]:
        """Spans by name, as soon as there is one of each. Raises TimeoutError with what there is."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while not set(names) <= (found := {span.name: span for span in self.spans}).keys():
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise TimeoutError(f"there are only {sorted({span.name for span in self.spans})}") from None
        return found


@contextlib.asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector for as long as the block runs."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(collector.url.rpartition(":")[2])).start()
    try:
        yield collector
    finally:
        await runner.cleanup()
