"""A host that answers calls, in this process or as one of its own: ``python -m waddlebot.libs.testing.callee``.

It runs one action module whose handlers do what a test wants of a callee (answer, answer late, never, garbage),
and one core module. What it was asked is counted by handler.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, cast

from waddlebot.libs.adapters.answering import CORRELATION, Answering
from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_peers import Peers
from waddlebot.libs.adapters.grpc_server import GrpcServer
from waddlebot.libs.adapters.grpc_unary import UnaryCalls
from waddlebot.libs.adapters.rest_endpoint import PATH, CallDoor
from waddlebot.libs.adapters.service_tokens import ServiceTokens
from waddlebot.libs.contracts.identity import Account, Accounts, Identity, LookupRequest
from waddlebot.libs.grpc_protos.codec import Codec
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.sdk.event import EVENT_VERSION, Event
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import Call, CallError, CallScope, EventBatch, Result, Send, Sent
from waddlebot.libs.sdk.reply import Reply
from waddlebot.libs.sdk.view import VIEW, Contribution
from waddlebot.libs.testing.web import LoneServices
from waddlebot.libs.web import Gate, Health, HttpModule, KeyRing, KeyStore, Site, WebConfig, WebServer, create_app

SECRET = b"the secret that all hosts of a test share"
ACTION = "interactive.echo"
CORE = "core.identity"


def manifests() -> dict[str, Module]:
    """The two modules, as data."""
    echo = Module("waddlebot.action.interactive.echo.module", "Say it again.", http_port=1, grpc_port=2)
    identity = Module("waddlebot.core.identity.module", "Who is who.", http_port=3, grpc_port=4)

    @identity.answers(Identity.lookup)
    async def lookup(ctx: Any, request: LookupRequest) -> Accounts:
        raise NotImplementedError  # the callee below answers

    return {module.name: module for module in (echo, identity)}


class Callee:
    """Both modules' endpoint."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.correlations: set[str] = set()
        self.keys: list[str] = []

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """Do what the handler's name says."""
        self.asked[call.handler] += 1
        self.correlations.add(CORRELATION.get())
        self.keys.append(call.key)
        if call.handler == "command:echo":
            return Result("ok", (Reply(call.args),))
        return self._later(call)

    async def _later(self, call: Call) -> Result:
        try:
            match call.handler.partition(":")[2]:
                case "sleep":
                    await asyncio.sleep(float(call.args))
                case "hang":
                    await asyncio.Event().wait()
                case "break":
                    raise ValueError("broken on purpose")
                case "garbage":
                    return cast("Result", "garbage")  # what a broken module may return
                case "surrogate":
                    return Result("ok", (Reply("\ud800"),))
                case "large":
                    return Result("ok", (Reply("x" * int(call.args)),))
        except asyncio.CancelledError:
            self.cancelled[call.handler] += 1
            raise
        return Result("ok", (Reply(call.args),))

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """Find whoever is asked for; the contributions of a community say who asked."""
        self.asked[f"{contract}.{method}"] += 1
        if contract == VIEW:
            return {name: Contribution(prefix=scope.actor or "!") for name in cast("tuple[str, ...]", raw)}
        asked = cast("LookupRequest", raw)
        if asked.platform == "error":
            raise CallError("Identity.lookup: the database is away")
        if asked.platform == "hang":
            await asyncio.Event().wait()
        return Accounts(
            tuple(Account(f"{asked.platform}:{n}", n, n.title(), scope.community) for n in asked.logins)
        )

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Say that all was sent."""
        self.asked["deliver"] += 1
        if sends[0].reply.text == "hang":
            await asyncio.Event().wait()
        return [Sent(send.id, "sent") for send in sends]


def call_of(handler: str = "echo", args: str = "hello", *, community: str = "home", **changes: Any) -> Call:
    """A call as the router makes it."""
    event = Event(
        EVENT_VERSION, "e1", "chat.message", "irc", "libera", "#home", "7", "ada", "Ada", ("vip",),
        f"!{handler} {args}", 1.5, 2.5, community, "irc", "", {"n": 1},
    )  # fmt: skip
    values = {"key": "irc/e1/x", "version": 0, "timeout_s": 5.0, **changes}
    return Call(ACTION, f"command:{handler}", event, args, "irc:7", 7, **values)


def tokens_of(host: str, *addresses: str, secret: bytes = SECRET, **options: Any) -> ServiceTokens:
    """The tokens of a host that is known by these addresses."""
    return ServiceTokens(secret, lambda: host, set(addresses), **options)


def peers_of(config: GrpcConfig | None = None, host: str = "host-a", **options: Any) -> Peers:
    """What a host asks others by."""
    codec = Codec()
    return Peers(config or GrpcConfig(), tokens_of(host), Promises(manifests(), codec), codec, **options)


async def _not_behind(version: int, community: str) -> None:
    """What a host does that knows every version."""


def url_of(http_port: int) -> str:
    """Where the REST doors of a host are."""
    return f"http://127.0.0.1:{http_port}"


class Serving:
    """A host at work: its callee, what answers for it, and its two doors."""

    def __init__(
        self,
        config: GrpcConfig,
        behind: Callable[[int, str], Awaitable[None]] = _not_behind,
        taken: Callable[[str, EventBatch], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
        http_port: int = 0,
        **options: Any,
    ) -> None:
        codec = Codec()
        self.callee = Callee()
        self.tokens = tokens_of("host-b", config.address, url_of(http_port), clock=clock)
        promises = Promises(manifests(), codec)
        self.answering = Answering(
            {ACTION: self.callee, CORE: self.callee}, promises, codec, behind=behind, taken=taken, **options
        )
        self.server = GrpcServer(config, self.answering, self.tokens, UnaryCalls(promises, self.answering))
        self.address = config.address
        self.http_port = http_port

    def web(self) -> WebServer:
        """A web server with the REST doors of both modules."""
        return web_of(manifests().values(), self.answering, self.tokens, self.http_port)


def web_of(modules: Iterable[Module], answering: Answering, tokens: ServiceTokens, port: int) -> WebServer:
    """A web server with the REST doors of modules, for hosts alone."""
    modules = list(modules)
    served = [HttpModule(module, LoneServices(module)) for module in modules]
    doors = {f"{PATH}{module.name}": CallDoor(module.name, answering, tokens) for module in modules}
    gate = Gate(KeyRing(_no_keys), lambda entity: "", requests_max=1, requests_window_s=1.0)
    site = Site(served, gate, Health({}), frozenset(), "0.0.0", doors=doors)
    return WebServer(create_app(site), WebConfig(port=port))


def _no_keys() -> KeyStore:
    raise AssertionError("hosts show service tokens, not keys")


@contextlib.asynccontextmanager
async def serving(config: GrpcConfig, **options: Any) -> AsyncIterator[Serving]:
    """A host at work in this process; with an ``http_port`` its REST doors too."""
    found = Serving(config, **options)
    async with contextlib.AsyncExitStack() as stack:
        if found.http_port:
            await stack.enter_async_context(found.web())
        await found.server.start()
        stack.push_async_callback(found.server.stop, 1.0)
        yield found


async def main(port: int, http_port: int) -> None:
    """Answer until SIGTERM."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with serving(GrpcConfig(port=port), http_port=http_port):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await over.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--http-port", type=int, default=0)
    options = parser.parse_args()
    import uvloop

    uvloop.run(main(options.port, options.http_port))
