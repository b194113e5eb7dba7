"""The Endpoint port: one module answers alike here, checked by the codec, by gRPC, by HTTP, and by replicas."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from waddlebot.libs.adapters.answering import Answering
from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_peers import Peers
from waddlebot.libs.adapters.grpc_server import GrpcServer
from waddlebot.libs.adapters.grpc_unary import UnaryCalls
from waddlebot.libs.adapters.local import LocalEndpoint, WireChecked
from waddlebot.libs.adapters.replicated import Replicated
from waddlebot.libs.adapters.service_tokens import ServiceTokens
from waddlebot.libs.contracts.identity import Account, Accounts, Identity, LookupRequest
from waddlebot.libs.grpc_protos.codec import Codec
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.sdk import Context, Contribution, Module, Refusal, Reply, Rest, Send, Sent, ServiceContext
from waddlebot.libs.sdk.event import EVENT_VERSION, Event
from waddlebot.libs.sdk.ports import Call, CallError, CallScope, Endpoint, Result
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW
from waddlebot.libs.testing.callee import web_of
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.web import LoneServices

NAME = "core.sample"
SECRET = b"the secret that all hosts of a test share"


def sample() -> Module:
    """A module with a handler for everything that the port carries."""
    module = Module(f"waddlebot.{NAME}.module", "For tests.", http_port=1, grpc_port=2, delivers="sample")

    @module.command("say")
    async def say(ctx: Context[Any, Any], text: Rest) -> Reply:
        """Say it again."""
        return Reply(f"{ctx.event.user_name}: {text}", private=True, data={"n": [1, None, "ü"]})

    @module.command("later")
    async def later(ctx: Context[Any, Any]) -> list[Reply]:
        """Answer after a while, twice."""
        await asyncio.sleep(0.01)
        return [Reply("one"), Reply("two")]

    @module.command("no")
    async def no(ctx: Context[Any, Any]) -> Reply:
        """Refuse."""
        raise Refusal("Not you.")

    @module.command("fault")
    async def fault(ctx: Context[Any, Any]) -> Reply:
        """Fail."""
        raise ZeroDivisionError("by nought")

    @module.answers(Identity.lookup)
    async def lookup(ctx: ServiceContext[Any, Any], request: LookupRequest) -> Accounts:
        if not request.logins:
            raise ZeroDivisionError("nobody")
        return Accounts(tuple(Account(f"irc:{name}", name, name, ctx.community) for name in request.logins))

    @module.contributes
    async def contribute(ctx: ServiceContext[Any, Any], communities: Sequence[str]) -> dict[str, Contribution]:
        return {community: Contribution(prefix=community[0]) for community in communities}

    @module.pushes
    async def push(ctx: ServiceContext[Any, Any], sends: Sequence[Send]) -> list[Sent]:
        return [Sent(send.id, "refused" if send.reply.private else "sent", send.channel) for send in sends]

    return module


def call_of(command: str, args: str = "") -> Call:
    event = Event(
        EVENT_VERSION, "e1", "chat.message", "irc", "net", "#a", "7", "ada", "Ada", ("vip",), f"!{command} {args}",
        1.5, 2.5, "home", "irc", "", {"n": 1},
    )  # fmt: skip
    return Call(NAME, f"command:{command}", event, args, "irc:7", 7, "irc/e1/x", 0, 5.0)


@asynccontextmanager
async def local(module: Module) -> AsyncIterator[Endpoint]:
    yield LocalEndpoint(module, LoneServices(module))


@asynccontextmanager
async def checked(module: Module) -> AsyncIterator[Endpoint]:
    shapes = {key: (method.request, method.answer) for key, (method, _) in module.promises.items()}
    yield WireChecked(LocalEndpoint(module, LoneServices(module)), shapes)


@asynccontextmanager
async def remote(module: Module, *, grpc: bool, http: bool) -> AsyncIterator[Endpoint]:
    """The module behind both doors of a host, asked through those named."""
    config, codec = GrpcConfig(port=free_port()), Codec()
    web_port = free_port()
    url = f"http://127.0.0.1:{web_port}"
    tokens = ServiceTokens(SECRET, lambda: "host-a", (config.address, url))
    promises = Promises({module.name: module}, codec)

    async def known(version: int, community: str) -> None:
        """Every version is known here."""

    answering = Answering(
        {module.name: LocalEndpoint(module, LoneServices(module))}, promises, codec, behind=known
    )
    server = GrpcServer(config, answering, tokens, UnaryCalls(promises, answering))
    await server.start()
    peers = Peers(config, tokens, promises, codec)
    try:
        async with web_of([module], answering, tokens, web_port):
            yield peers.endpoint(module.name, config.address if grpc else "", url if http else "")
    finally:
        await peers.close()
        await server.stop(1.0)


@asynccontextmanager
async def replicated(module: Module) -> AsyncIterator[Endpoint]:
    async with remote(module, grpc=True, http=False) as one, remote(module, grpc=True, http=True) as two:
        yield Replicated(module.name, {"host-1": one, "host-2": two})  # type: ignore[dict-item]  # both are peers


ADAPTERS = {
    "local": local,
    "checked": checked,
    "grpc": lambda module: remote(module, grpc=True, http=False),
    "http": lambda module: remote(module, grpc=False, http=True),
    "replicated": replicated,
}


@pytest.fixture(params=ADAPTERS)
async def endpoint(request: pytest.FixtureRequest) -> AsyncIterator[Endpoint]:
    async with ADAPTERS[request.param](sample()) as found:
        yield found


async def executed(endpoint: Endpoint, call: Call) -> Result:
    answer = endpoint.execute(call)
    return await answer if inspect.isawaitable(answer) else answer


async def test_a_command_is_executed_with_all_that_its_reply_has(endpoint: Endpoint) -> None:
    reply = Reply("Ada: hello  there", private=True, data={"n": [1, None, "ü"]})
    assert await executed(endpoint, call_of("say", "hello  there")) == Result("ok", (reply,))


async def test_a_late_answer_with_several_replies_comes_whole(endpoint: Endpoint) -> None:
    assert await executed(endpoint, call_of("later")) == Result("ok", (Reply("one"), Reply("two")))


async def test_a_refusal_and_wrong_arguments_are_words_for_the_user(endpoint: Endpoint) -> None:
    assert await executed(endpoint, call_of("no")) == Result("refused", (Reply("Not you."),), "Not you.")
    wrong = await executed(endpoint, call_of("say"))
    assert (wrong.status, wrong.replies) == ("refused", (Reply(wrong.reason),))
    assert "say <text" in wrong.reason


async def test_a_fault_is_a_result_and_not_an_exception(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    found = await executed(endpoint, call_of("fault"))
    assert (found.status, found.replies, found.retry) == ("failed", (), True)
    assert "ZeroDivisionError" in found.reason
    assert await executed(endpoint, call_of("no")) == Result("refused", (Reply("Not you."),), "Not you.")


async def test_a_contract_is_answered_for_who_asks(endpoint: Endpoint) -> None:
    scope = CallScope("home", "irc:7", "k1")
    found = await endpoint.call("Identity", "lookup", LookupRequest("irc", ("ada", "bob")), scope)
    assert found == Accounts((Account("irc:ada", "ada", "ada", "home"), Account("irc:bob", "bob", "bob", "home")))
    view = await endpoint.call(VIEW, CONTRIBUTE, ("home", "den"), CallScope(""))
    assert view == {"home": Contribution(prefix="h"), "den": Contribution(prefix="d")}


async def test_what_a_contract_cannot_keep_is_a_call_error(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(CallError, match=r"Identity\.lookup failed: ZeroDivisionError"):
        await endpoint.call("Identity", "lookup", LookupRequest("irc", ()), CallScope("home"))
    with pytest.raises(CallError, match=r"Identity\.unheard"):
        await endpoint.call("Identity", "unheard", LookupRequest("irc", ()), CallScope("home"))


async def test_replies_are_delivered_and_each_has_its_outcome(endpoint: Endpoint) -> None:
    sends = [Send(f"s{n}", "home", "sample", "net", "#a", Reply("hi", private=n == 1)) for n in range(3)]
    found = await endpoint.deliver(sends)
    assert list(found) == [Sent("s0", "sent", "#a"), Sent("s1", "refused", "#a"), Sent("s2", "sent", "#a")]
