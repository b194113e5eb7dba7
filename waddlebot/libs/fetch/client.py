"""The HTTP client for addresses from outside (see `address.py` for where it goes).

DNS is asked once per connection and the connection goes to the very address that was checked, so a
name that answers differently the second time (DNS rebinding) gains nothing. Redirects are followed by
hand, and each is checked like a first URL.
"""

import asyncio
import socket
import time
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from waddlebot.libs.fetch.address import PORTS, SCHEMES, Address, check_url, literal_address, public_address
from waddlebot.libs.fetch.errors import FetchFailedError, FetchRefusedError

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Asks DNS: the addresses of a host name, as text. The port is a hint for the system's resolver."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a request may do.

    Attributes:
        ports: Ports that may be asked.
        schemes: Schemes that may be asked, of `http` and `https`.
        allowed: Whether a connection to this address and port may be opened.
        total_s: Seconds for everything: DNS, connection, redirects, the last byte.
        body_max: Largest body in bytes, before and after decompression.
        redirects_max: Redirects followed for GET; other methods follow none.
        cache_s: Seconds for which `Fetcher.text` gives the same answer again.
        cache_entries_max: Answers kept; the least recently used goes first.
        connections_max: Connections open at the same time; requests beyond wait within their `total_s`.
    """

    ports: frozenset[int] = PORTS
    schemes: frozenset[str] = SCHEMES
    allowed: Callable[[Address, int], bool] = lambda address, port: public_address(address)
    total_s: float = 5.0
    body_max: int = 64 * 1024
    redirects_max: int = 3
    cache_s: float = 1.0
    cache_entries_max: int = 256
    connections_max: int = 50


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: any status, a body within the policy's limit. `url` is the last one asked."""

    url: str
    status: int
    body: bytes = field(repr=False)
    content_type: str
    charset: str

    @property
    def text(self) -> str:
        """The body in its charset, UTF-8 when none or an unknown one is named; wrong bytes become U+FFFD."""
        try:
            return self.body.decode(self.charset, errors="replace")
        except (LookupError, UnicodeError):
            return self.body.decode("utf-8", errors="replace")


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, on the event loop's threads.

    Raises:
        OSError: The name has no address, or DNS does not answer.
    """
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in answers]


class _CheckedResolver(AbstractResolver):
    """Gives aiohttp the addresses that passed the policy, and no other."""

    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = [ip_address(text) for text in await self._resolve(host, port)]
        # One bad address spoils the name: an honest host does not mix public and private ones.
        if not all(self._policy.allowed(address, port) for address in addresses):
            raise FetchRefusedError(
                "The host's address belongs to a private network: only public hosts can be asked."
            )
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return None


class Fetcher:
    """Makes requests under one policy; open it once per host with `async with` and share it.

    Args:
        policy: The limits.
        resolve: DNS; the system's unless a test or a split-horizon set-up brings its own.
        user_agent: Sent with every request.
    """

    def __init__(
        self, policy: Policy | None = None, resolve: Resolve = system_resolve, user_agent: str = "WaddleBot"
    ) -> None:
        self.policy = policy or Policy()
        self._resolver = _CheckedResolver(self.policy, resolve)
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None
        self._cache: OrderedDict[object, tuple[float, asyncio.Task[Fetched]]] = OrderedDict()

    async def __aenter__(self) -> Self:
        # No environment proxies, cookies or automatic decompression: each is a way round a limit.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver, use_dns_cache=False, limit=self.policy.connections_max, limit_per_host=6
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(total=None),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, task in self._cache.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self._cache.values()), return_exceptions=True)
        self._cache.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self, url: str) -> None:
        """Refuse what a request would refuse before anything is asked of the host; DNS alone is asked.

        Raises:
            FetchRefusedError: The URL is not allowed, or its name has a private address.
            FetchFailedError: Its name has no address.
        """
        checked = self._checked(url)
        host = checked.raw_host or ""
        if literal_address(host) is None:
            try:
                async with asyncio.timeout(self.policy.total_s):
                    await self._resolver.resolve(host, checked.port or 0)
            except OSError:  # TimeoutError too
                raise FetchFailedError(
                    "The host's name has no address just now: check how it is written, or try again later."
                ) from None

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Fetched:
        """Make one request.

        Redirects are followed for GET only. `headers` go to the first URL's origin only, never on to another.

        Raises:
            FetchRefusedError: The URL, or one it redirects to, is not allowed.
            FetchFailedError: No answer within the policy's limits.
        """
        try:
            async with asyncio.timeout(self.policy.total_s):
                return await self._follow(method, url, dict(headers or {}), body)
        except TimeoutError:
            raise FetchFailedError(f"No answer within {self.policy.total_s:g} seconds: try again later.") from None

    async def text(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        """GET a text. Callers within `Policy.cache_s` share one request and its answer, also its failure.

        Raises:
            FetchRefusedError: As `request`.
            FetchFailedError: As `request`, or the answer is not text.
        """
        key = (url, frozenset((headers or {}).items()))
        now = time.monotonic()
        known = self._cache.get(key)
        if known is not None and (now < known[0] or not known[1].done()):
            self._cache.move_to_end(key)
            return await asyncio.shield(known[1])
        task = asyncio.get_running_loop().create_task(self._text(url, headers))
        task.add_done_callback(_retrieve)
        self._cache[key] = (now + self.policy.cache_s, task)
        self._cache.move_to_end(key)
        while len(self._cache) > self.policy.cache_entries_max:
            self._cache.popitem(last=False)
        return await asyncio.shield(task)

    async def _text(self, url: str, headers: Mapping[str, str] | None) -> Fetched:
        fetched = await self.request("GET", url, headers=headers)
        if fetched.content_type.startswith(_TEXT_TYPES) or fetched.content_type.endswith(("+json", "+xml")):
            return fetched
        raise FetchFailedError(f"The answer is {fetched.content_type}, not text.")

    async def _follow(self, method: str, text: str, headers: dict[str, str], body: bytes | None) -> Fetched:
        url = self._checked(text)
        for _ in range(self.policy.redirects_max + 1):
            async with self._open(method, url, headers, body) as response:
                location = response.headers.get("Location")
                if method != "GET" or response.status not in _REDIRECTS or location is None:
                    return await self._read(response)
            try:
                target = self._checked(url.join(URL(location)))
            except ValueError:
                raise FetchRefusedError("The host redirects to something that is not a URL.") from None
            if target.origin() != url.origin():
                headers = {}
            url = target
        raise FetchRefusedError(
            f"The host redirects more than {self.policy.redirects_max} times: use the final URL."
        )

    def _checked(self, text: str | URL) -> URL:
        url = check_url(text, self.policy.ports, self.policy.schemes)
        # aiohttp does not ask the resolver for a host that is an address already.
        address = literal_address(url.raw_host or "")
        if address is not None and not self.policy.allowed(address, url.port or 0):
            raise FetchRefusedError("The address belongs to a private network: only public hosts can be asked.")
        return url

    @asynccontextmanager
    async def _open(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("The Fetcher is not open: use it within `async with`.")
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                yield response
        except ValueError:
            raise FetchRefusedError("A header of the request has a character that headers may not have.") from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise FetchFailedError(
                "The host cannot be reached, or answers with something that is not HTTP."
            ) from error

    async def _read(self, response: aiohttp.ClientResponse) -> Fetched:
        limit = self.policy.body_max
        body = bytearray()
        async for chunk in response.content.iter_chunked(16 * 1024):
            body += chunk
            if len(body) > limit:
                response.close()
                raise FetchFailedError(f"The answer is larger than {limit // 1024} KiB.")
        return Fetched(
            url=str(response.url),
            status=response.status,
            body=_decompress(bytes(body), response.headers.get("Content-Encoding", ""), limit),
            content_type=response.content_type.lower(),
            charset=response.charset or "utf-8",
        )


def _decompress(body: bytes, encoding: str, limit: int) -> bytes:
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, as its header says
            try:
                plain = unpacker.decompress(body, limit + 1)
            except zlib.error:
                raise FetchFailedError("The answer is packed wrongly.") from None
            if len(plain) > limit:
                raise FetchFailedError(f"The answer is larger than {limit // 1024} KiB when unpacked.")
            return plain
    raise FetchFailedError("The answer is packed in a way we did not ask for.")


def _retrieve(task: asyncio.Task[Fetched]) -> None:
    """Mark a failure as seen: all who asked may have been cancelled by then."""
    if not task.cancelled():
        task.exception()
