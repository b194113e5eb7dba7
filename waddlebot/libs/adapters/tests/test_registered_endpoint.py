"""A registered module as it is asked: what it gets, and whatever it answers or does not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from waddlebot.libs.adapters import registered_endpoint
from waddlebot.libs.adapters.registered_endpoint import REPLIES_MAX, RegisteredEndpoint
from waddlebot.libs.contracts.registration import Manifest, module_of
from waddlebot.libs.sdk import Call, Event, Reply, Result
from waddlebot.libs.sdk.ports import CallError, CallScope
from waddlebot.libs.testing.http_server import http_server
from waddlebot.libs.testing.ports import free_port

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

REPLY = {"text": "x"}
COMMANDS = [
    {"name": "go", "help": "Go.", "arguments": [{"name": "times", "type": "integer", "optional": True}]},
]


def call(args: str = "", *, handler: str = "command:go", timeout_s: float = 5.0) -> Call:
    event = Event(1, "e1", "chat.message", "p", "n", "#r", "u", "ann", "Ann", (), "!go", 1.0, 1.0, "home", "s")
    return Call("acme.go", handler, event, args, "p:u", 3, "s/e1/k", 7, timeout_s, b"", "go", "session")


@contextlib.asynccontextmanager
async def asked(answer: Answer, port: int | None = None) -> AsyncIterator[RegisteredEndpoint]:
    async with http_server(answer) as server, aiohttp.ClientSession() as session:
        address = f"http://127.0.0.1:{port or server.port}"
        manifest = msgspec.convert({"summary": "Go.", "http": address, "commands": COMMANDS}, Manifest)
        yield RegisteredEndpoint(module_of("acme.go", manifest), address, "the-token", session)


async def execute(endpoint: RegisteredEndpoint, one: Call | None = None) -> Result:
    answer = endpoint.execute(one or call())
    return answer if isinstance(answer, Result) else await answer


def saying(body: str, status: int = 200) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status)

    return answer


async def test_a_module_is_told_who_asks_what_and_proves_nothing_to_others() -> None:
    got: list[tuple[str, str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        got.append((request.path, request.headers["Authorization"], await request.json()))
        return web.json_response({"replies": [{"text": "one"}, {"text": "two", "private": True}]})

    async with asked(answer) as endpoint:
        result = await execute(endpoint, call("3"))
    assert result == Result("ok", (Reply("one"), Reply("two", private=True)))
    [(path, token, body)] = got
    assert (path, token) == ("/api/v1/acme.go/_call", "Bearer the-token")
    assert (body["arguments"], body["ranks"], body["session"]) == ({"times": 3}, ["viewer", "regular"], "session")


async def test_what_does_not_fit_is_refused_here() -> None:
    async with asked(saying("{}"), port=free_port()) as endpoint:  # nobody is there
        result = await execute(endpoint, call("often"))
        assert (result.status, "Usage: go [times]" in result.reason) == ("refused", True)
        assert "has no command:went any more" in (await execute(endpoint, call(handler="command:went"))).reason


@pytest.mark.parametrize(
    ("body", "status", "words", "retry"),
    [
        ("no JSON", 200, "no result", False),
        ('{"status": "maybe"}', 200, "no result", False),
        ('{"replies": [{"text": 1}]}', 200, "no result", False),
        (
            msgspec.json.encode({"replies": [REPLY] * (REPLIES_MAX + 1)}).decode(),
            200,
            "more than 20 replies",
            False,
        ),
        ("x" * (registered_endpoint.ANSWER_BYTES_MAX + 1), 200, "bytes", False),
        ("", 500, "status 500", False),
        ("", 503, "status 503", True),
        ("", 302, "status 302", False),
        ('{"status": "failed", "reason": "no oil", "retry": true}', 200, "no oil", True),
    ],
)
async def test_what_is_no_answer_is_a_failure(body: str, status: int, words: str, retry: bool) -> None:
    async with asked(saying(body, status)) as endpoint:
        result = await execute(endpoint)
    assert (result.status, words in result.reason, result.retry) == ("failed", True, retry)


async def test_one_that_hangs_is_given_up_and_left_alone() -> None:
    over = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    async with asked(hang) as endpoint:
        for _ in range(5):
            assert "did not answer within" in (await execute(endpoint, call(timeout_s=0.05))).reason
        result = endpoint.execute(call())
        assert isinstance(result, Result), "nobody is asked"
        assert ("left alone" in result.reason, result.retry) == (True, True)
        over.set()


async def test_nobody_there_is_worth_another_try_unless_it_is_gone() -> None:
    async with asked(saying("{}"), port=free_port()) as endpoint:
        result = await execute(endpoint)
        assert ("cannot be asked at" in result.reason, result.retry) == (True, True)
        endpoint.gone = True
        result = await execute(endpoint)
        assert (result.status, "silent, or gone" in result.reason, result.retry) == ("failed", True, False)


async def test_it_promises_and_delivers_nothing() -> None:
    async with asked(saying("{}")) as endpoint:
        with pytest.raises(CallError, match="does not promise"):
            await endpoint.call("Identity", "lookup", None, CallScope(""))
        with pytest.raises(CallError, match="delivers nothing"):
            await endpoint.deliver([])
