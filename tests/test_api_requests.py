"""Requests made from the OpenAPI document of a running host: what it describes, and what is nearly that."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import hosting

EXAMPLES = 40
"""Requests to each operation."""

PARAMETERS = st.sampled_from(["limit", "wait", "after", "community"]) | st.text(min_size=1, max_size=8)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


NAMES = st.sampled_from(["a", "b", "home", "irc", "chat.message", "!help", "contains", "warn"]) | st.text(
    max_size=40
)


def fitting(schema: Mapping[str, Any], components: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a JSON Schema, as far as ours go; wherever it says nothing, anything."""
    if "$ref" in schema:
        return fitting(components[schema["$ref"].rsplit("/", 1)[1]], components)
    if "anyOf" in schema:
        return st.one_of([fitting(part, components) for part in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "object" and "properties" in schema:
        named = {name: fitting(part, components) for name, part in schema["properties"].items()}
        required = {name: part for name, part in named.items() if name in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional={name: named[name] for name in named.keys() - required})
    if schema.get("type") == "array":
        return st.lists(fitting(schema.get("items", {}), components), max_size=4)
    least, most = schema.get("minimum"), schema.get("maximum")
    known: dict[str, st.SearchStrategy[Any]] = {
        "string": NAMES,
        "integer": st.integers(least, most),
        "number": st.sampled_from([0, 1, 5]) | st.floats(least, most, allow_nan=False),
        "boolean": st.booleans(),
        "null": st.none(),
        "object": st.dictionaries(st.text(max_size=10), JUNK, max_size=3),
    }
    return known.get(schema.get("type", ""), JUNK)


def spoiled(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The values; objects also with a field too many, too few, or of another type."""

    def spoil(pair: tuple[Any, tuple[str, Any, bool]]) -> Any:
        value, (name, junk, removes) = pair
        if not isinstance(value, dict):
            return junk
        if value and removes:
            return {key: part for key, part in value.items() if key != next(iter(value))}
        return value | {next(iter(value), name) if len(name) % 2 else name: junk}

    changes = st.tuples(st.text(max_size=10), JUNK, st.booleans())
    return st.one_of(values, values, st.tuples(values, changes).map(spoil), JUNK)


@pytest.fixture(scope="module")
def stage() -> Iterator[hosting.Stage]:
    """A host, which one loop of this process runs."""
    yield hosting.stage()
    hosting.close()


async def ask(method: str, path: str, **more: Any) -> tuple[int, bytes]:
    """Status and body of the answer, asked with a key that may do everything."""
    stage = hosting.stage()
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": stage.key}) as session,
        session.request(method, stage.host.web.url + path, **more) as answer,
    ):
        endless = answer.content_type == "text/event-stream"
        return answer.status, b"" if endless else await answer.read()


def test_no_request_is_answered_by_an_error_of_ours(stage: hosting.Stage) -> None:
    status, raw = stage.run(ask("GET", "/api/v1/openapi.json"))
    assert status == 200
    document = json.loads(raw)
    components = document["components"]["schemas"]
    operations = [(path, *item) for path, methods in document["paths"].items() for item in methods.items()]
    assert len(operations) > 10
    for path, method, operation in operations:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        body = st.just(None) if content is None else spoiled(fitting(content["schema"], components))
        assert_no_failure(stage, method.upper(), path, body)


def assert_no_failure(stage: hosting.Stage, method: str, path: str, bodies: st.SearchStrategy[Any]) -> None:
    """Ask one operation many times."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(NAMES.filter(bool), st.dictionaries(PARAMETERS, st.text(max_size=6), max_size=2), bodies)
    def asked(word: str, query: dict[str, str], body: Any) -> None:
        url = f"{re.sub(r'{.+?}', quote(word, safe=''), path)}?{urlencode(query)}"
        more = {} if body is None else {"json": body}
        status, answer = stage.run(ask(method, url, **more))
        assert status < 500, (status, answer)

    asked()
