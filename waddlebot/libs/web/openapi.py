"""The API described from manifests: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)."""

import inspect
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import msgspec

from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.answers import Download, Page, Stream, Template
from waddlebot.libs.web.errors import ErrorAnswer
from waddlebot.libs.web.health import Readiness
from waddlebot.libs.web.sessions import NAME
from waddlebot.libs.web.site import Site, url_of

_PARAMETER = re.compile(r"\{(\w+)\}")

_REFUSALS = {
    "400": "The request is wrong; the detail says what to change.",
    "401": "No API key, or a wrong one.",
    "403": "The key may not do this.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too many requests; wait as long as Retry-After says.",
    "503": "Not available just now; try again.",
}


class _Operation(msgspec.Struct):
    """One thing that can be asked for, of a route or of a door."""

    url: str
    method: str
    name: str
    help: str
    role: Role | None
    body: Any
    answer: Any
    entity_keys: bool
    session: bool = False


def docs_page() -> Template:
    """The page that draws the document."""
    return Template(files("waddlebot.libs.web") / "static", "docs")


def document(site: Site) -> dict[str, Any]:
    """The document for all modules of a site, as plain values."""
    return describe([served.module for served in site.modules], site.version)


def describe(modules: Sequence[Module], version: str) -> dict[str, Any]:
    """The document for these modules, as plain values."""
    operations = [(module, operation) for module in modules for operation in _operations(module)]
    shapes = {id(shape): shape for _, op in operations for shape in (op.body, op.answer) if _is_json(shape)}
    listed = [ErrorAnswer, Readiness, *shapes.values()]
    schemas, components = msgspec.json.schema_components(listed, ref_template="#/components/schemas/{name}")
    schema_of = {id(shape): schema for shape, schema in zip(listed, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = _health_paths(schema_of[id(Readiness)])
    for module, operation in operations:
        described = _described(module, operation, schema_of)
        paths.setdefault(operation.url, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "WaddleBot",
            "version": version,
            "description": "Every module's routes. Send an API key in the header X-API-Key; "
            "`waddlebot key create NAME --role ROLE` makes one.",
        },
        "tags": [{"name": module.name, "description": module.summary} for module in modules if _has_any(module)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "Session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": NAME,
                    "description": "Of people who signed in; its name begins with __Host- where the bot is "
                    "reached by TLS. What changes something needs the header X-CSRF-Token, too.",
                },
                "Bearer": {"type": "http", "scheme": "bearer", "description": "The same API key."},
            },
        },
    }


def _operations(module: Module) -> Iterator[_Operation]:
    for route in module.routes:
        if not route.page:
            name = f"{module.name}.{route.handler.__name__}"
            yield _Operation(
                url_of(module, route.path), route.method, name, route.help, route.role, route.body, route.answer,
                route.entity_keys, route.session or route.rank is not None,
            )  # fmt: skip
    for mount in module.mounts:
        words = inspect.getdoc(mount.factory) or ""
        name = f"{module.name}.{mount.factory.__name__}"
        url = url_of(module, mount.path)
        yield _Operation(url, "POST", name, words, mount.role, mount.body, mount.answer, entity_keys=True)


def _has_any(module: Module) -> bool:
    return any(True for _ in _operations(module))


def _is_json(shape: Any) -> bool:
    return shape not in (None, type(None), Stream, Download, Page)


def _described(module: Module, operation: _Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    summary, _, description = operation.help.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [module.name],
        "summary": summary.replace("\n", " "),
        "description": description,
        "responses": _responses(operation, schema_of),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.url)
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.role is not None:
        described["security"] = [{"ApiKey": []}, {"Bearer": []}]
        described["x-role"] = str(operation.role)
        described["x-entity-keys"] = operation.entity_keys
    if operation.session:
        described.setdefault("security", []).append({"Session": []})
    if operation.body is not None:
        content = {"application/json": {"schema": schema_of[id(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _responses(operation: _Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    if operation.answer is Stream:
        answer = {
            "description": "Server-sent events.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
        found: dict[str, Any] = {"200": answer}
    elif operation.answer is Download:
        file = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        found = {"200": {"description": "A file.", "content": file}}
    elif _is_json(operation.answer):
        content = {"application/json": {"schema": schema_of[id(operation.answer)]}}
        found = {"200": {"description": "The answer.", "content": content}}
    else:
        found = {"204": {"description": "It is done."}}
    refusal = {"application/json": {"schema": schema_of[id(ErrorAnswer)]}}
    for status, words in _REFUSALS.items():
        needless = (status in ("401", "403") and operation.role is None and not operation.session) or (
            status in ("413", "415") and operation.body is None
        )
        if not needless:
            found[status] = {"description": words, "content": refusal}
    return found


def _health_paths(readiness: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = {"application/json": {"schema": readiness}}
    live = {
        "operationId": "health.live",
        "summary": "Whether the process runs.",
        "responses": {"200": {"description": "It does."}},
    }
    ready = {
        "operationId": "health.ready",
        "summary": "Whether an event gets an answer.",
        "responses": {
            "200": {
                "description": "It does; where something else is wrong, the status says degraded.",
                "content": answer,
            },
            "503": {"description": "It does not; the checks say why.", "content": answer},
        },
    }
    metrics = {
        "operationId": "health.metrics",
        "summary": "What the host has counted, for Prometheus. It opens with METRICS_TOKEN as bearer token.",
        "responses": {
            "200": {"description": "All metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}},
            "401": {"description": "The token is missing or wrong."},
        },
    }
    return {"/health/live": {"get": live}, "/health/ready": {"get": ready}, "/metrics": {"get": metrics}}
