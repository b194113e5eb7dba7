"""The document is valid OpenAPI and says what the routes really do."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from waddlebot.libs.sdk import Module
from waddlebot.libs.testing.web import JsonClient

SHOP = "/api/v1/interactive.shop"


@pytest.fixture
async def api(client: JsonClient) -> dict[str, Any]:
    status, api, _ = await client.ask("GET", "/api/v1/openapi.json")
    assert status == 200
    found: dict[str, Any] = api
    return found


async def test_the_document_is_valid(api: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(api).validate()


async def test_every_route_and_door_is_in_it_but_no_page(api: dict[str, Any], shop: Module) -> None:
    described = {(path, method.upper()) for path, methods in api["paths"].items() for method in methods}
    declared = {(f"{SHOP}{route.path}", route.method) for route in shop.routes if not route.page}
    assert described == declared | {
        (f"{SHOP}/fast", "POST"),
        ("/health/live", "GET"),
        ("/health/ready", "GET"),
        ("/metrics", "GET"),
    }


async def test_an_operation_says_all_there_is_to_know(api: dict[str, Any]) -> None:
    order = api["paths"][f"{SHOP}/orders"]["post"]
    assert order["operationId"] == "interactive.shop.order"
    assert order["summary"] == "Place an order."
    assert order["description"] == "It is only echoed."
    assert order["x-role"] == "action"
    assert order["security"] == [{"ApiKey": []}, {"Bearer": []}]
    body = order["requestBody"]["content"]["application/json"]["schema"]
    schema = api["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]
    assert schema["required"] == ["customer", "items"]
    assert {"200", "400", "401", "403", "413", "415", "429", "503"} == set(order["responses"])


async def test_what_is_open_asks_for_no_key(api: dict[str, Any]) -> None:
    who = api["paths"][f"{SHOP}/who/{{name}}"]["get"]
    assert who["parameters"] == [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]
    anybody = api["paths"][f"{SHOP}/open"]["get"]
    assert "security" not in anybody
    assert not {"401", "403", "413", "415"} & set(anybody["responses"])
    assert "204" in api["paths"][f"{SHOP}/orders/{{number}}"]["delete"]["responses"]
    assert "application/octet-stream" in api["paths"][f"{SHOP}/list"]["get"]["responses"]["200"]["content"]
    assert "text/event-stream" in api["paths"][f"{SHOP}/ticks"]["get"]["responses"]["200"]["content"]


async def test_the_page_asks_nobody_else(client: JsonClient) -> None:
    status, page, _ = await client.ask("GET", "/api/docs")
    assert status == 200
    assert 'href="/api/v1/openapi.json"' in page
    assert re.findall(r'(?:src|href)="(?!/|data:)[^"]*', page) == []
    assert not re.search(r"@import|\burl\(", page)
