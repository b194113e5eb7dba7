"""Calls over HTTP: how a host is asked while gRPC is refused, and the door that answers.

``POST /_call/<module>``, no part of what a proxy makes public, takes a ``Frame`` of ``peer.proto`` with items for
that module, as ``application/x-protobuf`` or, by protobuf's own mapping, ``application/json``; it answers with
another.
"""

import asyncio
import io
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from waddlebot.libs.adapters.answering import Answering
from waddlebot.libs.adapters.bodies import read_whole
from waddlebot.libs.adapters.frames import FRAME_BYTES_MAX, frames_of
from waddlebot.libs.adapters.peer_link import Lost, Question, Settle, item_of
from waddlebot.libs.adapters.service_tokens import RENEW_S, ServiceTokens, TokenError, bearer_of
from waddlebot.libs.grpc_protos.peer_pb2 import Frame
from waddlebot.libs.web.doors import ASGIScope, Receive, Send, allow, headers_of, read_body, respond
from waddlebot.libs.web.errors import HttpError

PATH = "/_call/"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
CONNECTIONS_MAX = 32
ITEMS_MAX = 64
"""Items of one request."""
_LARGE_BYTES = 1024 * 1024
_UNTOUCHED = frozenset({401, 403, 404, 405, 413, 415, 429, 503})
"""Statuses by which a host, or a proxy before it, says that it did nothing."""


class RestLink:
    """Asks one host over HTTP, a request for each question."""

    def __init__(self, url: str, audience: str, tokens: ServiceTokens) -> None:
        self._url = url.rstrip("/")
        self._audience = audience or url
        self._tokens = tokens
        self._session: aiohttp.ClientSession | None = None
        self._bearer = ""
        self._renew_at_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def ask(self, question: Question, settle: Settle) -> None:
        """Ask; ``settle`` is told what came of it, perhaps before this returns. Never raises."""
        if self._closed:
            settle(Lost(f"{self._url} is away: its host is gone", "away", untouched=True))
            return
        task = asyncio.get_running_loop().create_task(self._ask(question))
        self._tasks.add(task)

        def done(task: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                settle(Lost("this host is stopping", "away"))
            elif error := task.exception():
                settle(Lost(f"this cannot leave the process: {error}", "local", untouched=True))
            else:
                settle(task.result())

        task.add_done_callback(done)

    async def close(self) -> None:
        """Close the connections; what still waits is lost."""
        self._closed = True  # first: whoever hears that an answer is lost may ask again at once
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _ask(self, question: Question) -> Any:
        lost: list[str] = []
        body = b"".join(frames_of([item_of(1, question)], lambda _, reason: lost.append(reason)))
        if lost:
            return Lost(f"this cannot leave the process: {lost[0]}", "local", untouched=True)
        try:
            async with asyncio.timeout(question.timeout_s):
                return await self._post(question.module, body)
        except TimeoutError:
            return Lost(f"{question.module} did not answer within {question.timeout_s:g} s", "silent")
        except (aiohttp.ClientError, OSError) as error:
            untouched = isinstance(error, aiohttp.ClientConnectorError)
            return Lost(f"{self._url} is away: {error}", "away", untouched)

    async def _post(self, module: str, body: bytes) -> Any:
        url = f"{self._url}{PATH}{module}"
        # A large body is written piece by piece, so that others may leave between; that takes a thread.
        data = body if len(body) < _LARGE_BYTES else io.BytesIO(body)
        async with self._connections().post(url, data=data, headers=self._headers()) as got:
            if got.status != 200:
                words = f"{self._url} answered with the status {got.status}"
                return Lost(words, "away", untouched=got.status in _UNTOUCHED)
            raw = await read_whole(got, FRAME_BYTES_MAX)
        if len(raw) > FRAME_BYTES_MAX:
            return Lost(f"{self._url} answered with more than {FRAME_BYTES_MAX} bytes", "garbage")
        try:
            items = Frame.FromString(raw).items
        except DecodeError:
            return Lost(f"{self._url} answered with what is no frame", "garbage")
        return items[0] if len(items) == 1 else Lost(f"{self._url} answered nothing", "silent")

    def _headers(self) -> dict[str, str]:
        now_s = time.monotonic()
        if now_s >= self._renew_at_s:
            self._renew_at_s = now_s + RENEW_S
            self._bearer = f"Bearer {self._tokens.make(self._audience)}"
        return {"Content-Type": PROTOBUF, "Authorization": self._bearer}

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session


class CallDoor:
    """The ASGI door of one module, at PATH and its name."""

    def __init__(self, module: str, answering: Answering, tokens: ServiceTokens) -> None:
        self._module = module
        self._answering = answering
        self._tokens = tokens

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises ``HttpError`` for one that cannot be."""
        content_type, body = await self._answer(scope, receive)
        await respond(send, 200, body, [(b"content-type", content_type.encode())])

    async def _answer(self, scope: ASGIScope, receive: Receive) -> tuple[str, bytes]:
        allow(scope, ("POST",))
        headers = headers_of(scope)
        try:
            proof = self._tokens.check(bearer_of(headers.get("authorization", "")))
        except TokenError as error:
            raise HttpError(401, "bad_token", str(error), {"WWW-Authenticate": 'Bearer realm="hosts"'}) from None
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        frame = _parsed(content_type, await read_body(scope, receive, FRAME_BYTES_MAX))
        for item in frame.items:
            item.module = self._module  # the URL says who is asked, and what comes by it is for nobody else
        answers = await asyncio.gather(*(self._one(item, proof.host) for item in frame.items))
        said = Frame(items=[answer for answer in answers if answer])
        text = json_format.MessageToJson(said, indent=None).encode() if content_type == JSON else b""
        return content_type, text or said.SerializeToString()

    async def _one(self, item: Any, host: str) -> Mapping[str, Any]:
        try:
            return await self._answering.one(item, host)
        except TimeoutError:
            return {}


def _parsed(content_type: str, body: bytes) -> Frame:
    try:
        if content_type == PROTOBUF:
            frame = Frame.FromString(body)
        elif content_type == JSON:
            frame = json_format.Parse(body, Frame())
        else:
            raise HttpError(415, "unsupported_type", f"Send {PROTOBUF} or {JSON}.")
    except (DecodeError, json_format.ParseError, RecursionError, UnicodeDecodeError) as error:
        raise HttpError(400, "malformed", f"This is no Frame of peer.proto: {error}") from None
    if len(frame.items) > ITEMS_MAX:
        raise HttpError(413, "too_many", f"A request has at most {ITEMS_MAX} items: send several requests.")
    return frame
