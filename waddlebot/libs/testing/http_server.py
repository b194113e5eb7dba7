"""A real HTTP server for what the bot asks: on this machine, under names and a policy of the test's own."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address

from aiohttp import web

from waddlebot.libs.fetch import Address, Fetcher, Policy, public_address
from waddlebot.libs.testing.ports import free_port

LOOPBACK = ip_address("127.0.0.1")

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """What reached the server, and a Fetcher that knows it as ``host.example``.

    ``names`` are the answers of the test's DNS: the next one at each question, the last one for ever. The policy
    allows the server's own address and port, and no other private one.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[web.Request] = []
        self.names: dict[str, list[list[str]]] = {"host.example": [["127.0.0.1"]]}
        self.asked: list[str] = []

    def url(self, path: str, host: str = "host.example") -> str:
        """Where the server has something, by a name of its own."""
        return f"http://{host}:{self.port}{path}"

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """DNS. Raises OSError for a name without an address."""
        self.asked.append(host)
        if host not in self.names:
            raise OSError(f"{host} has no address")
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def policy(self, total_s: float = 5.0, body_max: int = 65_536, cache_s: float = 1.0) -> Policy:
        """The standard policy, with this server allowed."""

        def allowed(address: Address, port: int) -> bool:
            return public_address(address) or (address == LOOPBACK and port == self.port)

        return Policy(
            ports=frozenset({80, 443, self.port}),
            allowed=allowed,
            total_s=total_s,
            body_max=body_max,
            cache_s=cache_s,
        )

    def fetcher(self, policy: Policy | None = None) -> Fetcher:
        """A client that finds this server."""
        return Fetcher(policy or self.policy(), self.resolve)


@contextlib.asynccontextmanager
async def http_server(handler: Handler) -> AsyncIterator[HttpServer]:
    """A server whose every request goes to ``handler``."""
    server = HttpServer(free_port())

    async def count(request: web.Request) -> web.StreamResponse:
        server.requests.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", count)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", server.port).start()
        yield server
    finally:
        await runner.cleanup()
