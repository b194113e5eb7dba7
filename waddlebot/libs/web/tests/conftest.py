"""A module with every kind of route, served for real."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import aiohttp
import msgspec
import pytest

from waddlebot.libs.dal import Busy, Conflict, Unavailable
from waddlebot.libs.sdk import CallError, Module, Refusal, Role, RouteContext, ServiceContext
from waddlebot.libs.testing.web import JsonClient, Served, served
from waddlebot.libs.web import CheckFailed, Download, HttpError, Page, Stream
from waddlebot.libs.web.doors import ASGI, ASGIScope, Receive, Send, admit, allow, read_body, respond

type Ctx = RouteContext[None, None]


class Item(msgspec.Struct):
    name: str
    count: int = 1


class Order(msgspec.Struct):
    customer: str
    items: list[Item]
    notes: dict[str, Item] = {}
    gift: Item | None = None


class Echo(msgspec.Struct):
    order: Order


class Who(msgspec.Struct):
    role: str
    community: str
    actor: str
    key_name: str
    entity: str
    peer: str
    path: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]


def make_shop() -> Module:
    """A module as authors write it."""
    module = Module(
        "waddlebot.action.interactive.shop.module", "Sell things to the chat.", http_port=1, grpc_port=2
    )

    @module.route("POST", "/orders", role=Role.ACTION)
    async def order(ctx: Ctx, body: Order) -> Echo:
        """Place an order.

        It is only echoed.
        """
        return Echo(body)

    @module.route("GET", "/who/{name}", role=Role.USER, entity_keys=True)
    async def who(ctx: Ctx) -> Who:
        """Say who asks."""
        scope = ctx.call_scope
        return Who(
            str(ctx.role), scope.community, scope.actor, ctx.key_name, ctx.entity, ctx.peer, dict(ctx.path),
            dict(ctx.query), dict(ctx.headers),
        )  # fmt: skip

    @module.route("DELETE", "/orders/{number}", role=Role.ADMIN)
    async def cancel(ctx: Ctx) -> None:
        """Cancel an order."""

    @module.route("GET", "/open", role=None)
    async def anybody(ctx: Ctx) -> Item:
        """Open to anybody."""
        return Item(str(ctx.role))

    _add_doors(module)
    return module


def _add_doors(module: Module) -> None:
    """What does not answer with one struct: failures, a stream, pages, a bare door."""

    @module.route("GET", "/fails/{how}", role=None)
    async def fails(ctx: Ctx) -> Item:
        """Fail in a chosen way."""
        raise _FAILURES[ctx.path["how"]]

    @module.route("GET", "/ticks", role=None)
    async def ticks(ctx: Ctx) -> Stream:
        """Tick for ever."""
        return Stream(_ticks())

    @module.route("GET", "/list", role=None)
    async def price_list(ctx: Ctx) -> Download:
        """Save the prices."""
        return Download(_prices(), "text/csv; charset=utf-8", "prices.csv")

    @module.route("GET", "/shop", role=None, page=True)
    async def page(ctx: Ctx) -> Page:
        """Show the shop."""
        return Page("<h1>Shop</h1>", nonce="n0nce", headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))

    @module.route("POST", "/shop", role=None, page=True)
    async def buy(ctx: Ctx, body: Item) -> Item:
        """Buy by hand."""
        return body

    @module.mount("/fast", role=Role.TRIGGER, body=list[Item], answer=Item)
    def fast(ctx: ServiceContext[None, None]) -> ASGI:
        """Count bytes, fast."""

        async def door(scope: ASGIScope, receive: Receive, send: Send) -> None:
            allow(scope, ("POST",))
            key = await admit(scope, Role.TRIGGER)
            raw = await read_body(scope, receive, limit=1_000)
            if raw == b"crash":
                raise RuntimeError("a secret reason")
            await respond(send, 200, msgspec.json.encode(Item(key.name, len(raw))))

        return door


async def _ticks() -> AsyncGenerator[bytes]:
    while True:
        yield b"data: tick\n\n"
        await asyncio.sleep(0.01)


async def _prices() -> AsyncGenerator[bytes]:
    yield b"ducks,"
    yield b"7\r\n"


_FAILURES: dict[str, Exception] = {
    "refusal": Refusal("You have no points left."),
    "conflict": Conflict("the name is taken"),
    "busy": Busy("too much to do"),
    "unavailable": Unavailable("the database is gone"),
    "call": CallError("nobody promises that"),
    "own": HttpError(418, "teapot", "Short and stout."),
    "surprise": RuntimeError("a secret reason"),
}


@pytest.fixture
def shop() -> Module:
    return make_shop()


@pytest.fixture
def broken() -> set[str]:
    """Names of health checks that fail."""
    return set()


@pytest.fixture
async def server(sqlite_url: str, shop: Module, broken: set[str]) -> AsyncIterator[Served]:
    async def answers() -> str:
        if "answers" in broken:
            raise CheckFailed("No event was answered: is the router enabled?")
        if "crash" in broken:
            raise RuntimeError("a secret reason")
        return "An event was answered in 2 ms."

    async with served(sqlite_url, shop, checks={"answers": answers}) as found:
        found.services[shop.name].adopted["irc:libera:#a"] = "ducks"
        yield found


@pytest.fixture
async def client(server: Served) -> AsyncIterator[JsonClient]:
    async with aiohttp.ClientSession() as session:
        yield JsonClient(session, server.url)
