"""The routes of manifests on Quart. Imported late: Quart takes half a second and 25 MB to load."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from waddlebot.libs.dal import Busy, Conflict, Unavailable
from waddlebot.libs.sdk.arguments import UsageError
from waddlebot.libs.sdk.context import RouteContext
from waddlebot.libs.sdk.fields import FieldError
from waddlebot.libs.sdk.module import Module, Route
from waddlebot.libs.sdk.ports import CallError, CallScope
from waddlebot.libs.sdk.reply import Refusal
from waddlebot.libs.web.answers import Download, Page, Stream, security_headers
from waddlebot.libs.web.bodies import Body
from waddlebot.libs.web.doors import BODY_MAX, headers_of, peer_of
from waddlebot.libs.web.errors import HttpError, error_body, too_large, unforeseen
from waddlebot.libs.web.gate import presented_key
from waddlebot.libs.web.keys import KeyInfo
from waddlebot.libs.web.openapi import docs_page, document
from waddlebot.libs.web.origin import check_browser
from waddlebot.libs.web.sessions import client_of
from waddlebot.libs.web.site import API, HttpModule, Site, url_of

HANDLER_TIMEOUT_S = 30.0

_LAST_PARAMETER = re.compile(r"\{(\w+)\}$")
_PARAMETER = re.compile(r"\{(\w+)\}")
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


class _Remainder(BaseConverter):
    """A path's last parameter: ids and names that others chose may hold any character, slashes too.

    Servers decode ``%2F`` before a path is matched (ASGI's ``path``), so it cannot be told from a slash.
    """

    regex = ".+"
    weight = 200  # after all that is more precise, as werkzeug's own ``path``
    part_isolating = False


def build(site: Site, closing: asyncio.Event) -> Quart:
    """A Quart application with every route of the site's modules. Streams end when ``closing`` is set."""
    app = Quart("waddlebot", static_folder=None, template_folder=None)
    app.url_map.converters["remainder"] = _Remainder
    app.url_map.merge_slashes = False  # two in an id are two
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX
    for served in site.modules:
        for route in served.module.routes:
            path = route.path if route.page else url_of(served.module, route.path)
            app.add_url_rule(
                _PARAMETER.sub(r"<\1>", _LAST_PARAMETER.sub(r"<remainder:\1>", path)),
                endpoint=f"{served.module.name} {route.method} {route.path}",
                view_func=_view(site, served, route, closing),
                methods=[route.method],
                provide_automatic_options=False,
            )
    _own_routes(app, site)
    app.register_error_handler(Exception, _refused(site))
    return app


def _own_routes(app: Quart, site: Site) -> None:
    described = msgspec.json.encode(document(site))
    page = docs_page()

    async def openapi() -> Response:
        return _response(200, described)

    async def docs() -> Response:
        return _page(page.render(document=f"{API}/openapi.json"))

    app.add_url_rule(f"{API}/openapi.json", view_func=openapi, methods=["GET"])
    app.add_url_rule("/api/docs", view_func=docs, methods=["GET"])


def _view(
    site: Site, served: HttpModule, route: Route, closing: asyncio.Event
) -> Callable[..., Awaitable[Response]]:
    body = Body(route.body) if route.body is not None else None

    async def view(**path: str) -> Response:
        scope: dict[str, Any] = request.scope  # type: ignore[assignment]  # a TypedDict of the same
        headers, peer = headers_of(scope), peer_of(scope)
        if route.page or route.browser:
            check_browser(route.method, headers, site.host_names)
        address = client_of(peer, headers, site.proxies)
        key = await site.gate.authenticate(headers, address)
        visitor = None if key is not None else await site.gate.visitor(route, headers, address)
        if visitor is not None:
            community = request.args.get("community", "")
            call_scope = site.gate.admit_visitor(visitor, route.rank, community, scope["path"])
        else:
            site.gate.authorize(key, route.role, scope["path"], scope["method"])
            if route.session:
                raise HttpError(401, "not_signed_in", "Sign in first: POST /api/v1/core.identity/login.")
            site.gate.limit(key, address)
            call_scope = site.gate.scope_of(
                key, entity_keys=route.entity_keys, installation_keys=route.installation_keys
            )
        context = _context(served, call_scope, key, path, headers, peer)
        context.address, context.place, context.visitor = address, site.place, visitor
        arguments = () if body is None else (body.decode(await _json_body(headers)),)
        async with asyncio.timeout(HANDLER_TIMEOUT_S):
            answer = await route.handler(context, *arguments)
        response = await _answered(answer, closing)
        for name, value in context.answer_headers:
            response.headers.add(name, value)
        return response

    return view


def _context(
    served: HttpModule,
    call_scope: CallScope,
    key: KeyInfo | None,
    path: Mapping[str, str],
    headers: dict[str, str],
    peer: str,
) -> RouteContext[Any, Any]:
    if call_scope.community and not served.services.enabled(call_scope.community):
        raise HttpError(
            403, "module_off", f"{served.module.name} is switched off in the community {call_scope.community}."
        )
    if presented_key(headers) is not None:  # a handler has no use for the secret itself
        headers = {name: value for name, value in headers.items() if name not in ("x-api-key", "authorization")}
    return RouteContext(
        served.services,
        call_scope,
        role=key.role if key else None,
        key_name=key.name if key else "",
        path=path,
        query=dict(request.args.items()),
        headers=headers,
        peer=peer,
        entity=key.entity if key else "",
    )


async def _json_body(headers: Mapping[str, str]) -> bytes:
    if not _JSON.fullmatch(headers.get("content-type", "")):
        raise HttpError(415, "not_json", "Send the body as JSON, with the header Content-Type: application/json.")
    raw = await request.get_data(cache=False, as_text=False)
    return raw if isinstance(raw, bytes) else raw.encode()


async def _answered(answer: Any, closing: asyncio.Event) -> Response:
    if answer is None:
        return _response(204, b"")
    if isinstance(answer, Page):
        return _page(answer)
    if isinstance(answer, Stream):
        if request.method == "HEAD":  # whose body is never read, and would never end
            await answer.chunks.aclose()
            return _response(200, b"", answer.content_type)
        response = _response(200, _until(closing, answer.chunks), answer.content_type)
        response.timeout = None  # it lives as long as its reader
        response.headers["X-Accel-Buffering"] = "no"  # nginx would hold lines back
        if isinstance(answer, Download):
            response.headers["Content-Disposition"] = f'attachment; filename="{answer.name}"'  # RFC 6266
        return response
    return _response(200, msgspec.json.encode(answer))


def _response(
    status: int, body: bytes | AsyncIterator[bytes], content_type: str = "application/json", nonce: str = ""
) -> Response:
    response = Response(body, status=status, content_type=content_type if status != 204 else None)
    for name, value in security_headers(nonce):
        response.headers[name] = value
    return response


def _page(page: Page) -> Response:
    response = _response(page.status, page.body.encode(), page.content_type, page.nonce)
    for name, value in page.headers:
        response.headers.add(name, value) if name.lower() == "set-cookie" else response.headers.set(name, value)
    return response


async def _until(closing: asyncio.Event, chunks: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, up to their end or the server's."""
    closed = asyncio.ensure_future(closing.wait())
    upcoming: asyncio.Future[bytes] | None = None
    try:
        while not closing.is_set():
            upcoming = asyncio.ensure_future(anext(chunks))
            await asyncio.wait((upcoming, closed), return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                return
            try:
                yield upcoming.result()
            except StopAsyncIteration:
                return
    finally:
        for task in (closed, upcoming):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait((task,))
        await chunks.aclose()


def _refused(site: Site) -> Callable[[Exception], Awaitable[Response]]:
    async def refuse(error: Exception) -> Response:
        refusal = as_http_error(error, site, request.path)
        response = _response(refusal.status, error_body(refusal))
        for name, value in refusal.headers.items():
            response.headers[name] = value
        return response

    return refuse


_KNOWN: tuple[tuple[type[Exception], int, str, dict[str, str]], ...] = (
    (Refusal, 422, "refused", {}),
    (UsageError, 400, "bad_value", {}),
    (FieldError, 400, "bad_value", {}),
    (Conflict, 409, "conflict", {}),
    (Busy, 503, "busy", {"Retry-After": "1"}),
    (Unavailable, 503, "unavailable", {"Retry-After": "1"}),
    (CallError, 503, "unavailable", {"Retry-After": "1"}),
)


def as_http_error(error: Exception, site: Site, path: str) -> HttpError:
    """Any error of a handler or of the framework as an answer. What we did not foresee is logged by a number."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, HTTPException):
        return _of_framework(error, site, path)
    for kind, status, word, headers in _KNOWN:
        if isinstance(error, kind):
            return HttpError(status, word, str(error), headers)
    if isinstance(error, TimeoutError):
        return HttpError(504, "timeout", f"No answer within {HANDLER_TIMEOUT_S:g} s.")
    return unforeseen(error, path)


def _of_framework(error: HTTPException, site: Site, path: str) -> HttpError:
    match error:
        case NotFound():
            return _not_found(site, path)
        case MethodNotAllowed(valid_methods=methods):
            known = ", ".join(sorted(set(methods or ()) - {"HEAD"}))
            return HttpError(405, "method_not_allowed", f"{path} takes {known}.", {"Allow": known})
        case RequestEntityTooLarge():
            return too_large(BODY_MAX)
        case _:
            return HttpError(error.code or 500, "refused", error.description or error.name)


def _not_found(site: Site, path: str) -> HttpError:
    """Says what there is instead."""
    modules: dict[str, Module] = {served.module.name: served.module for served in site.modules}
    if not path.startswith(f"{API}/"):
        return HttpError(404, "not_found", f"There is nothing at {path}. The API is described at /api/docs.")
    name = path.removeprefix(f"{API}/").partition("/")[0]
    module = modules.get(name)
    if module is None:
        known = ", ".join(sorted(modules)) or "none"
        return HttpError(404, "unknown_module", f"There is no module {name!r} here; there are: {known}.")
    paths = {route.path for route in module.routes if not route.page} | {mount.path for mount in module.mounts}
    known = ", ".join(sorted(url_of(module, known) for known in paths)) or "none"
    return HttpError(404, "not_found", f"{name} has nothing at {path}; its paths are: {known}.")
