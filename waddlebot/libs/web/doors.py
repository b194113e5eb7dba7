"""What a bare ASGI door needs: the body, the key, the answer. For doors that must be faster than the framework.

A door is an ASGI callable ``async def door(scope, receive, send)``. It may raise :class:`HttpError` (also by way
of these functions) as long as it has not answered.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.errors import HttpError, error_body, too_large
from waddlebot.libs.web.gate import Gate
from waddlebot.libs.web.keys import KeyInfo

type ASGIScope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type ASGI = Callable[[ASGIScope, Receive, Send], Awaitable[None]]

BODY_MAX = 1024 * 1024
"""Bytes of a request's body, everywhere."""

GATE = "waddlebot.gate"
"""Where in an ASGI scope the front puts the :class:`Gate`."""


def headers_of(scope: ASGIScope) -> dict[str, str]:
    """The headers by lower-case name; values of one name are joined by commas (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def peer_of(scope: ASGIScope) -> str:
    """The address at the other end of the connection; a proxy's, where there is one."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def read_body(scope: ASGIScope, receive: Receive, limit: int = BODY_MAX) -> bytes:
    """The whole body. Raises :class:`HttpError` 413 as soon as it is longer than ``limit`` bytes.

    Raises 400 where the client went away in the middle.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body") and len(body) <= limit:
        return body
    parts = [body]
    size = len(body)
    while message["type"] == "http.request" and size <= limit:
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > limit:
        raise too_large(limit)
    raise HttpError(400, "incomplete", "The request ended before its body did.")


async def respond(send: Send, status: int, body: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer with ``body``, which is JSON unless ``headers`` have a ``content-type``."""
    named = list(headers)
    if not any(name == b"content-type" for name, _ in named):
        named.append((b"content-type", b"application/json"))
    named += [
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, error: HttpError) -> None:
    """Answer with a refusal."""
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await respond(send, error.status, error_body(error), headers)


async def authenticate(scope: ASGIScope) -> KeyInfo | None:
    """The request's API key, or None where it has none.

    Raises :class:`HttpError` for a key that is wrong (401), too many wrong ones (429), or when keys cannot be
    checked (503).
    """
    gate: Gate = scope[GATE]
    return await gate.authenticate(headers_of(scope), peer_of(scope))


async def admit(scope: ASGIScope, role: Role) -> KeyInfo:
    """The request's API key, which has ``role`` or ``admin``. Raises :class:`HttpError` as above, and 403."""
    gate: Gate = scope[GATE]
    key = await gate.authenticate(headers_of(scope), peer_of(scope))
    gate.authorize(key, role, str(scope["path"]), str(scope["method"]))
    assert key is not None  # noqa: S101  for the type checker: a role was asked for
    return key


def allow(scope: ASGIScope, methods: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Raise :class:`HttpError` 405 unless the request's method is one of ``methods``."""
    if scope["method"] not in methods:
        known = ", ".join(methods)
        raise HttpError(405, "method_not_allowed", f"{scope['path']} takes {known}.", {"Allow": known})
