"""Modules that answer in this process, and the bus within it."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from waddlebot.libs.adapters.local import LocalEndpoint, WireChecked
from waddlebot.libs.adapters.memory_bus import MemoryBus, WireCheckedBus
from waddlebot.libs.adapters.tests.conftest import MakeEvent
from waddlebot.libs.dal import Conflict, Unavailable
from waddlebot.libs.sdk import (
    Call,
    CallError,
    CallLost,
    Context,
    Contract,
    Contribution,
    Event,
    EventBatch,
    Module,
    Refusal,
    Reply,
    Result,
    Send,
    Sent,
    ServiceContext,
    Services,
)
from waddlebot.libs.sdk.ports import CallScope, Endpoint
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW

type Ctx = Context[None, None]


class Number(msgspec.Struct, frozen=True):
    n: int


class Sums(Contract):
    async def double(self, request: Number) -> Number:
        raise NotImplementedError

    async def conflict(self, request: Number) -> Number:
        raise NotImplementedError

    async def refuse(self, request: Number) -> Number:
        raise NotImplementedError

    async def quotient(self, request: Number) -> Number:
        raise NotImplementedError


sample = Module("waddlebot.action.pushing.sample.module", "A sample.", http_port=1, grpc_port=1, delivers="sample")
silent = Module("waddlebot.action.interactive.silent.module", "Nothing.", http_port=1, grpc_port=1)


@sample.command("echo")
async def echo(ctx: Ctx, times: int = 1) -> tuple[Reply, ...]:
    """Say it again."""
    return (Reply(ctx.event.text),) * times


@sample.command("quiet")
async def quiet(ctx: Ctx) -> None:
    """Say nothing."""


@sample.command("late")
async def late(ctx: Ctx) -> Reply:
    """Take a moment."""
    await asyncio.sleep(0)
    return Reply("late")


@sample.command("refuse")
async def refuse(ctx: Ctx) -> Reply:
    """Refuse."""
    raise Refusal("not today")


@sample.command("away")
async def away(ctx: Ctx) -> Reply:
    """Find the database gone."""
    raise Unavailable("gone")


@sample.command("alone")
async def alone(ctx: Ctx) -> Reply:
    """Find nobody to ask."""
    raise CallError("nobody there")


@sample.command("misled")
async def misled(ctx: Ctx) -> Reply:
    """Ask whoever fails."""
    raise CallLost("it failed half-way")


@sample.command("broken")
async def broken(ctx: Ctx) -> Reply:
    """Break."""
    raise ZeroDivisionError("by zero")


@sample.command("foreign")
async def foreign(ctx: Ctx) -> Reply:
    """Answer what no wire carries."""
    return Reply("x", data={"what": object()})


@sample.command("foreign later")
async def foreign_later(ctx: Ctx) -> Reply:
    """The same, later."""
    await asyncio.sleep(0)
    return Reply("x", data={"what": object()})


@sample.dynamic("dyn")
async def dyn(ctx: Ctx) -> Reply:
    return Reply(ctx.call.data.decode())


@sample.on("channel.raided")
async def raided(ctx: Ctx) -> Reply:
    return Reply("welcome")


@sample.answers(Sums.double)
async def double(ctx: ServiceContext[None, None], request: Number) -> Number:
    return Number(request.n * 2)


@sample.answers(Sums.conflict)
async def conflict(ctx: ServiceContext[None, None], request: Number) -> Number:
    raise Conflict("taken")


@sample.answers(Sums.refuse)
async def refuse_call(ctx: ServiceContext[None, None], request: Number) -> Number:
    raise CallError("not for you")


@sample.answers(Sums.quotient)
async def quotient(ctx: ServiceContext[None, None], request: Number) -> Number:
    return Number(request.n // 0)


@sample.contributes
async def contribute(ctx: ServiceContext[None, None], communities: tuple[str, ...]) -> dict[str, Contribution]:
    return {community: Contribution(prefix="?") for community in communities}


@sample.pushes
async def deliver(ctx: ServiceContext[None, None], sends: list[Send]) -> list[Sent]:
    return [Sent(send.id, "sent") for send in sends]


def lent(module: Module) -> Services:
    return cast("Services", SimpleNamespace(module=module.name, log=logging.getLogger(module.name)))


@pytest.fixture(params=["as it is", "wire-checked"])
async def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    local = LocalEndpoint(sample, lent(sample))
    shapes = {key: (method.request, method.answer) for key, (method, _) in sample.promises.items()}
    return local if request.param == "as it is" else WireChecked(local, shapes)


def call(event: Event, handler: str, args: str = "", data: bytes = b"") -> Call:
    return Call(sample.name, handler, event, args, "irc:u1", 1, "key", 0, 1.0, data)


async def asked(endpoint: Endpoint, call: Call) -> Result:
    answer = endpoint.execute(call)
    return answer if isinstance(answer, Result) else await answer


@pytest.mark.parametrize(
    ("handler", "args", "result"),
    [
        ("command:echo", "", Result("ok", (Reply("hello"),))),
        ("command:echo", "2", Result("ok", (Reply("hello"), Reply("hello")))),
        ("command:quiet", "", Result("ok")),
        ("command:late", "", Result("ok", (Reply("late"),))),
        ("command:refuse", "", Result("refused", (Reply("not today"),), "not today")),
        ("command:away", "", Result("failed", (), "gone", retry=True, stalled=True)),
        ("command:misled", "", Result("failed", (), "it failed half-way", retry=True)),
        ("command:alone", "", Result("failed", (), "nobody there", retry=True, away=True)),
        ("command:broken", "", Result("failed", (), "ZeroDivisionError: by zero", retry=True)),
        ("command:quiet", "too much", Result("refused", (Reply("Usage: quiet"),), "Usage: quiet")),
        ("dynamic:dyn", "any words", Result("ok", (Reply("data"),))),
        ("answer:0", "", Result("ok", (Reply("welcome"),))),
    ],
)
async def test_what_comes_of_a_call(
    endpoint: Endpoint, event: MakeEvent, handler: str, args: str, result: Result
) -> None:
    assert await asked(endpoint, call(event(), handler, args, b"data")) == result


async def test_a_handler_that_does_not_wait_has_answered_at_once(event: MakeEvent) -> None:
    endpoint = LocalEndpoint(sample, lent(sample))
    assert isinstance(endpoint.execute(call(event(), "command:echo")), Result)
    later = endpoint.execute(call(event(), "command:late"))
    assert not isinstance(later, Result)
    await later


async def test_an_unknown_handler_is_a_failure(endpoint: Endpoint, event: MakeEvent) -> None:
    assert (await asked(endpoint, call(event(), "command:nothing"))).status == "failed"


@pytest.mark.parametrize("handler", ["command:foreign", "command:foreign later"])
async def test_what_cannot_leave_the_process_fails_the_wire_check(event: MakeEvent, handler: str) -> None:
    checked = WireChecked(LocalEndpoint(sample, lent(sample)), {})
    result = await asked(checked, call(event(), handler))
    assert (result.status, result.retry) == ("failed", False)
    assert "cannot leave the process" in result.reason


async def test_contracts_contributions_and_deliveries(endpoint: Endpoint) -> None:
    scope = CallScope("home", "irc:u1", "key")
    assert await endpoint.call("Sums", "double", Number(2), scope) == Number(4)
    assert await endpoint.call(VIEW, CONTRIBUTE, ("home",), scope) == {"home": Contribution(prefix="?")}
    send = Send("s1", "home", "sample", "net", "#r", Reply("hi"))
    assert list(await endpoint.deliver([send])) == [Sent("s1", "sent")]
    with pytest.raises(CallError, match=r"Sums\.conflict: taken"):
        await endpoint.call("Sums", "conflict", Number(2), scope)
    with pytest.raises(CallLost, match="quotient failed: ZeroDivisionError"):
        await endpoint.call("Sums", "quotient", Number(2), scope)
    with pytest.raises(CallError, match="not for you"):
        await endpoint.call("Sums", "refuse", Number(2), scope)
    with pytest.raises(CallError, match="does not promise"):
        await endpoint.call("Sums", "triple", Number(2), scope)


async def test_a_module_that_contributes_and_delivers_nothing() -> None:
    endpoint = LocalEndpoint(silent, lent(silent))
    assert await endpoint.call(VIEW, CONTRIBUTE, ("home",), CallScope("")) == {}
    with pytest.raises(CallError, match="delivers nothing"):
        await endpoint.deliver([])


async def test_a_request_of_another_shape_fails_the_wire_check(endpoint: Endpoint) -> None:
    if isinstance(endpoint, WireChecked):
        with pytest.raises(msgspec.ValidationError):
            await endpoint.call("Sums", "double", {"n": "two"}, CallScope("home"))


@pytest.mark.parametrize("kind", [MemoryBus, WireCheckedBus])
async def test_every_subscriber_gets_every_batch_in_order(kind: type[MemoryBus], event: MakeEvent) -> None:
    bus = kind()
    heard: list[tuple[str, Any]] = []
    released = asyncio.Event()

    async def wait(batch: EventBatch) -> None:
        await released.wait()
        heard.append(("patient", batch.id))

    bus.subscribe("first", lambda batch: heard.append(("first", batch.id)))
    await bus.publish(EventBatch("b0", [event()]))
    bus.subscribe("patient", wait)
    publishing = asyncio.create_task(bus.publish(EventBatch("b1", [event()])))
    await asyncio.sleep(0)
    assert not publishing.done()
    released.set()
    await publishing
    bus.subscribe("too", wait)
    await bus.publish(EventBatch("b2", [event()]))
    assert heard == [
        ("first", "b0"), ("first", "b1"), ("patient", "b1"), ("first", "b2"), ("patient", "b2"), ("patient", "b2"),
    ]  # fmt: skip


async def test_a_name_subscribes_once() -> None:
    bus = MemoryBus()
    bus.subscribe("router", lambda batch: None)
    with pytest.raises(ValueError, match="router has subscribed already"):
        bus.subscribe("router", lambda batch: None)


async def test_events_that_could_not_travel_fail_the_wire_check(event: MakeEvent) -> None:
    heard: list[Any] = []
    bus = WireCheckedBus()
    bus.subscribe("test", lambda batch: heard.extend(batch.events))
    lines = [event("e1", "hi")]
    await bus.publish(EventBatch("b1", lines))
    assert heard == lines
    assert heard[0] is not lines[0]
    with pytest.raises(TypeError):
        await bus.publish(EventBatch("b2", [msgspec.structs.replace(event(), data={"what": object()})]))
