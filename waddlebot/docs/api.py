"""The page of the HTTP API, from the same document that a host serves as OpenAPI."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from waddlebot.docs.pages import Page, Section, code, table
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.web.openapi import describe

_ABOUT = """
A running host serves this as OpenAPI at `/api/v1/openapi.json` and as a page at `/api/docs`. Send an API key in
the header `X-API-Key`, or as bearer token; `waddlebot key create NAME --role ROLE` makes one. Its role says
what it may do (`admin` may do all), its binding where. Every refusal is JSON with `error`, a word for programs,
and `detail`, which says what to do.
"""
_METHODS = ("get", "post", "put", "patch", "delete")


def page(manifests: Sequence[Module]) -> Page:
    """Every door, then every shape."""
    described = describe(manifests, "")
    by_tag: dict[str, list[str]] = {}
    for url, operations in described["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                tag = operation.get("tags", ["health"])[0]
                by_tag.setdefault(tag, []).append("\n".join(_operation(method, url, operation)))
    sections = [Section(tag, "\n".join(texts)) for tag, texts in sorted(by_tag.items())]
    return Page(
        "api-reference", "API reference", _ABOUT, [*sections, *_shapes(described["components"]["schemas"])]
    )


def _shapes(schemas: Mapping[str, Any]) -> Iterator[Section]:
    """All shapes, in two halves of the alphabet: together they are too long for one file."""
    for first, last in ("AL", "MZ"):
        texts = [
            _shape(name, shape) for name, shape in sorted(schemas.items()) if first <= name[0].upper() <= last
        ]
        yield Section(f"shapes-{first}-{last}".lower(), "\n".join(texts))


def _operation(method: str, url: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"**`{method.upper()} {url}`**\n"
    yield f"{operation['summary']} {operation.get('description', '')}".strip().replace("``", "`") + "\n"
    facts = [f"Role: {operation['x-role']}" if "x-role" in operation else "No key is asked for"]
    if operation.get("x-entity-keys"):
        facts.append("keys of one entity too")
    body = operation.get("requestBody")
    if body:
        facts.append(f"body: {_type(body['content']['application/json']['schema'])}")
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            shown = [_type(found["schema"]) for found in answer.get("content", {}).values()]
            facts.append(f"answer: {status} {shown[0] if shown else 'without a body'}")
    yield "; ".join(facts) + ".\n"


def _shape(name: str, shape: Mapping[str, Any]) -> str:
    required = set(shape.get("required", ()))
    rows = [
        (code(field), _type(schema), "yes" if field in required else "")
        for field, schema in shape.get("properties", {}).items()
    ]
    words = shape.get("description", "").split("\n\n")[0].replace("\n", " ").replace("``", "`")
    return f"**{name}**: {words}\n\n" + table(("Field", "Type", "Required"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in words: references by name, lists and choices spelled out."""
    match schema:
        case {"$ref": str(reference)}:
            return reference.rpartition("/")[2]
        case {"anyOf": list(parts)}:
            return " or ".join(_type(part) for part in parts)
        case {"type": "array", "items": dict(items)}:
            return f"list of {_type(items)}"
        case {"enum": list(choices)}:
            return ", ".join(code(str(choice)) for choice in choices)
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {_type(values)}"
        case {"type": str(name)}:
            return name
    return "anything"
