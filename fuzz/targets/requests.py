"""HTTP requests to a running host, over its socket: API keys, routes, pages, doors."""

import asyncio
import contextlib
import itertools
import re
from functools import cache
from urllib.parse import urlsplit

from fuzz.hosting import close, stage

__all__ = ["DOOR", "SEEDS", "SIZE_MAX", "WORDS", "check", "close"]

DOOR = (
    "waddlebot.libs.web.app", "waddlebot.libs.web.bodies", "waddlebot.libs.web.doors",
    "waddlebot.libs.web.framework", "waddlebot.libs.web.gate", "waddlebot.libs.web.keys",
    "waddlebot.libs.web.operator", "waddlebot.libs.web.origin", "waddlebot.libs.web.ring",
    "waddlebot.trigger.receiver.console.module", "waddlebot.trigger.receiver.console.access",
)  # fmt: skip
SIZE_MAX = 2_048
_API = b"/api/v1/processing.router"
_KEYED = b"x-api-key: KEY\ncontent-type: application/json\n\n"
SEEDS = (
    *(b"GET " + _API + path + b"\n" + _KEYED for path in (
        b"/commands", b"/rules", b"/executions?limit=5", b"/traces/1", b"/metrics", b"/coordination", b"/nothing",
    )),
    b"PUT " + _API + b"/rules\n" + _KEYED + b'{"name":"a","pattern":"b","kind":"contains","action":"warn"}',
    b"DELETE " + _API + b"/rules/a\n" + _KEYED,
    b"POST " + _API + b"/responses\n" + _KEYED + b'{"session":"x","replies":[{"text":"hi"}]}',
    b"POST " + _API + b"/events?wait=0\n" + _KEYED
    + b'{"id":"1","kind":"chat.message","platform":"a","server":"b","channel":"c","user_id":"1","text":"!help"}',
    b"GET / HTTP\nhost: localhost\n\n", b"GET /\nhost: evil.example\norigin: https://evil.example\n\n",
    b"GET /\nhost: [::1\nsec-fetch-site: cross-site\n\n",
    b"POST /console/login\nhost: localhost\norigin: http://localhost\ncontent-type: application/json\n\n{}",
    b"POST /console/say\nhost: localhost\ncookie: console=x\ncontent-type: application/json\n\n{\"text\":\"!a\"}",
    b"GET /console/stream\nhost: localhost\n\n", b"GET /api/v1/receiver.console/stream?after=1\n" + _KEYED,
    b"POST /api/v1/receiver.console/say\n" + _KEYED + b'{"text":"!help","name":"ann","id":"abcdefgh"}',
    b"GET /health/live\n\n\n", b"GET /health/ready\n\n\n", b"GET /api/docs\n\n\n",
    b"GET /api/v1/openapi.json\n\n\n",
    b"GET " + _API + b"/commands\nauthorization: Bearer wbk_0000000000000000000000000000000000000000000000000\n\n",
    b"GET " + _API + b"/commands\nx-api-key: wbo_eyJyb2xlIjoiYWRtaW4ifQ.AAAA\n\n", b"OPTIONS *\n\n\n",
    b"HEAD /api/v1/receiver.console/stream\n" + _KEYED, b"GET " + _API + b"/traces/%00%ff%2f..\n" + _KEYED,
)  # fmt: skip
WORDS = (
    "GET ", "PUT ", "POST ", "DELETE ", "HEAD ", "PATCH ", "/api/v1/processing.router/",
    "/api/v1/receiver.console/", "rules", "executions", "traces/", "responses", "events", "commands", "say",
    "stream", "/console/", "?limit=", "&wait=", "%00", "%ff", "%2f", "..", "KEY", "wbk_", "wbo_", "Bearer ",
    "authorization: ", "x-api-key: ", "content-type: application/json", "host: ", "origin: ", "cookie: ",
    "sec-fetch-site: cross-site", "x-forwarded-for: ", "last-event-id: ", "null", "{", "}", '"text":', '"name":',
    '"id":', '"pattern":', '"kind":"regex"', '"action":"reply"', '"replies":[', "1e999", "\\ud800", "\n\n",
)  # fmt: skip

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_TARGET = re.compile(rb"[\x00-\x20\x7f]")
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# What says how the request is read is ours to say, or there would be no answer to wait for.
_OURS = frozenset({b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"})
_ANSWER_S_MAX = 20.0
_KEY = b"KEY"
"""Where an input has the real API key, which is another one each time."""


@cache
def _numbers() -> "itertools.count[int]":
    return itertools.count(1)


def check(data: bytes) -> None:
    """Every request is answered, and never by an error of ours; without a key the router tells nothing."""
    stage().run(_ask(data))


async def _ask(data: bytes) -> None:
    keyed = _KEY in data
    head, _, body = data.replace(_KEY, stage().key.encode()).partition(b"\n\n")
    line, *rest = head.split(b"\n")
    method, _, target = line.partition(b" ")
    target = _NO_TARGET.sub(b"", target) or b"/"
    headers = [_NO_VALUE.sub(b"", header) for header in rest if _is_header(header)]
    status = await _status(
        b"\r\n".join([
            (method if _TOKEN.fullmatch(method) else b"GET") + b" " + target + b" HTTP/1.1",
            *headers, b"content-length: %d" % len(body), b"connection: close", b"", body,
        ])
    )  # fmt: skip
    assert 200 <= status < 500, status
    assert keyed or not target.startswith(_API) or status >= 300, status


def _is_header(header: bytes) -> bool:
    name = header.partition(b":")[0]
    return b":" in header and _TOKEN.fullmatch(name) is not None and name.lower() not in _OURS


async def _status(request: bytes) -> int:
    """The status of the answer. Each asks from another address of this machine: wrong keys are counted by it."""
    number = next(_numbers())
    address = f"127.{1 + number // 65_536 % 250}.{number // 256 % 256}.{number % 254 + 1}"
    url = urlsplit(stage().host.web.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=(address, 0))
    try:
        async with asyncio.timeout(_ANSWER_S_MAX):
            writer.write(request)
            first = await reader.readline()
            return int(first.split(b" ", 2)[1])
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
