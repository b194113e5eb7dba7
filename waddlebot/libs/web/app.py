"""The application: bare doors in front, the framework behind them."""

import asyncio

import msgspec

from waddlebot.libs.sdk.rank import OPERATOR
from waddlebot.libs.web.doors import (
    ASGI,
    GATE,
    ASGIScope,
    Receive,
    Send,
    allow,
    authenticate,
    headers_of,
    peer_of,
    refuse,
    respond,
)
from waddlebot.libs.web.errors import HttpError, unforeseen
from waddlebot.libs.web.metrics import opens
from waddlebot.libs.web.site import Site, url_of


def create_app(site: Site) -> "WebApp":
    """An ASGI application that serves a site. Raises ``ValueError`` where two modules want the same path."""
    return WebApp(site)


class WebApp:
    """Answers doors and health itself, by exact path, and hands everything else to Quart.

    Quart is loaded by the first request that needs it, or by :meth:`warm`, on a thread.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._doors: dict[str, ASGI] = {
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._metrics,
            **site.doors,
        }
        for served in site.modules:
            for path, door in served.doors.items():
                url = url_of(served.module, path)
                if url in self._doors:
                    raise ValueError(f"{url} is mounted twice")
                self._doors[url] = door
        self._closing = asyncio.Event()
        self._framework: asyncio.Future[ASGI] | None = None

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """One request (ASGI 3)."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            framework = await self.warm()
            await framework(scope, receive, send)
            return
        scope[GATE] = self._site.gate
        started = False

        async def answer(message: dict[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await door(scope, receive, answer)  # type: ignore[arg-type]  # a dict is a mutable mapping
        except HttpError as error:
            if started:
                raise
            await refuse(send, error)
        except Exception as error:
            refusal = unforeseen(error, scope["path"])
            if started:
                raise
            await refuse(send, refusal)

    async def warm(self) -> ASGI:
        """Load the framework, once; returns it."""
        if self._framework is None:
            self._framework = asyncio.ensure_future(asyncio.to_thread(self._built))
        return await asyncio.shield(self._framework)

    def close(self) -> None:
        """End all streams."""
        self._closing.set()

    def _built(self) -> ASGI:
        # Late: see the module's words on what it costs.
        from waddlebot.libs.web.framework import build  # noqa: PLC0415  loaded when it is needed

        return build(self._site, self._closing)  # type: ignore[return-value]  # its ASGI types are narrower

    async def _live(self, _scope: ASGIScope, _receive: Receive, send: Send) -> None:
        await respond(send, 200, b'{"status":"live"}')

    async def _ready(self, _scope: ASGIScope, _receive: Receive, send: Send) -> None:
        readiness = await self._site.health.ready()
        await respond(send, 200 if readiness.ok else 503, msgspec.json.encode(readiness))

    async def _metrics(self, scope: ASGIScope, _receive: Receive, send: Send) -> None:
        allow(scope, ("GET",))
        site, headers = self._site, headers_of(scope)
        if not opens(site.metrics_token, headers.get("authorization", "")):
            site.gate.limit(None, peer_of(scope))
            key = await authenticate(scope)
            if key is None or key.actor != OPERATOR:
                raise HttpError(
                    401,
                    "no_metrics_token",
                    "Metrics are the operator's: set METRICS_TOKEN and show it as bearer token.",
                    {"WWW-Authenticate": 'Bearer realm="WaddleBot metrics"'},
                )
        body, content_type = await site.metrics.exposition(headers.get("accept", ""))
        await respond(send, 200, body, [(b"content-type", content_type.encode())])
