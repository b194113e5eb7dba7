"""The client against a real server on the loopback, allowed by an injected policy and by nothing else."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from waddlebot.libs.fetch import Fetcher, FetchFailedError, FetchRefusedError, Policy
from waddlebot.libs.testing.http_server import HttpServer, http_server


def packed(body: bytes, encoding: str = "gzip") -> web.Response:
    return web.Response(body=body, headers={"Content-Encoding": encoding, "Content-Type": "text/plain"})


FIXED: dict[str, Callable[[web.Request], web.Response]] = {
    "/text": lambda _: web.Response(text="hällo", content_type="text/plain", charset="iso-8859-1"),
    "/status": lambda _: web.Response(status=404, text="gone"),
    "/image": lambda _: web.Response(body=b"\x89PNG", content_type="image/png"),
    "/odd-charset": lambda _: web.Response(body=b"x", headers={"Content-Type": "text/plain; charset=klingon"}),
    "/to": lambda request: web.Response(status=302, headers={"Location": request.query["url"]}),
    "/loop": lambda _: web.Response(status=301, headers={"Location": "/loop"}),
    "/gzip": lambda _: packed(gzip.compress(b"packed")),
    "/bomb": lambda _: packed(gzip.compress(b"0" * 50_000_000)),
    "/brotli": lambda _: packed(b"?", "br"),
}


async def endless(request: web.Request, chunk: bytes, pause_s: float, length: int | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.content_length = length
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(16_000):
            await response.write(chunk)
            await asyncio.sleep(pause_s)
    return response


async def answer(request: web.Request) -> web.StreamResponse:
    if request.path in FIXED:
        return FIXED[request.path](request)
    if request.path == "/huge":
        return await endless(request, b"0" * 65_536, 0, 10**9)
    if request.path == "/slow":
        return await endless(request, b".", 0.02, None)
    return web.Response(text=f"{request.method} {await request.text()} {request.headers.get('X-Who', 'nobody')}")


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server(answer) as server:
        yield server


async def test_text_and_charset(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        fetched = await fetcher.text(server.url("/text"))
        assert (fetched.status, fetched.text) == (200, "hällo")
        assert (await fetcher.text(server.url("/odd-charset"))).text == "x"


async def test_any_status_is_an_answer(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        assert (await fetcher.text(server.url("/status"))).status == 404


async def test_only_text_is_text(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        with pytest.raises(FetchFailedError, match="image/png"):
            await fetcher.text(server.url("/image"))
        assert (await fetcher.request("GET", server.url("/image"))).body == b"\x89PNG"


async def test_redirects_are_followed_three_times(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        there = server.url("/text")
        for _ in range(3):
            there = server.url(f"/to?url={there.replace('?', '%3F').replace('=', '%3D').replace('%', '%25')}")
        with pytest.raises(FetchRefusedError, match="3 times"):
            await fetcher.text(server.url("/loop"))
        assert len(server.requests) == 4
        assert (await fetcher.text(server.url("/to?url=/text"))).text == "hällo"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/latest/",
        "http://2130706433/",
        "http://host.example:22/",
        "file:///etc/passwd",
        "//127.0.0.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://inside.example/",
        "http://[broken/",
    ],
)
async def test_redirects_are_checked_like_first_urls(server: HttpServer, target: str) -> None:
    server.names["inside.example"] = [["10.0.0.5"]]
    async with server.fetcher() as fetcher:
        with pytest.raises(FetchRefusedError):
            await fetcher.request("GET", server.url(f"/to?url={target}"))
    assert len(server.requests) == 1


async def test_headers_do_not_follow_to_another_origin(server: HttpServer) -> None:
    server.names["other.example"] = [["127.0.0.1"]]
    async with server.fetcher() as fetcher:
        headers = {"X-Who": "me"}
        same = await fetcher.request("GET", server.url("/to?url=/x"), headers=headers)
        other = await fetcher.request(
            "GET", server.url(f"/to?url={server.url('/x', 'other.example')}"), headers=headers
        )
    assert (same.text, other.text) == ("GET  me", "GET  nobody")


@pytest.mark.parametrize("inside", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]])
async def test_a_name_with_a_private_address_is_refused(server: HttpServer, inside: list[str]) -> None:
    server.names["evil.example"] = [inside]
    async with Fetcher(Policy(ports=frozenset({server.port})), server.resolve) as fetcher:
        with pytest.raises(FetchRefusedError, match="private"):
            await fetcher.text(server.url("/", "evil.example"))
    assert server.requests == []


async def test_rebinding_gains_nothing(server: HttpServer) -> None:
    """A name that is public when checked and private a moment later is asked once, and never connected inside."""
    server.names["rebind.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    inside = await asyncio.start_server(lambda *_: pytest.fail("reached the inside"), "127.0.0.2", server.port)
    async with inside, server.fetcher() as fetcher:
        url = server.url("/text", "rebind.example")
        assert (await fetcher.request("GET", url)).text == "hällo"
        assert server.asked == ["rebind.example"]
    async with server.fetcher() as fetcher:
        with pytest.raises(FetchRefusedError):
            await fetcher.request("GET", url)


async def test_a_slow_body_ends_at_the_deadline(server: HttpServer) -> None:
    async with server.fetcher(server.policy(total_s=0.3)) as fetcher:
        with pytest.raises(FetchFailedError, match=r"0\.3 seconds"):
            await fetcher.text(server.url("/slow"))


async def test_slow_headers_end_at_the_deadline(server: HttpServer) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.02)

    port = server.port + 1
    loris = await asyncio.start_server(dribble, "127.0.0.1", port)
    policy = Policy(ports=frozenset({port}), allowed=lambda address, port: True, total_s=0.3)
    async with Fetcher(policy, server.resolve) as fetcher:
        with pytest.raises(FetchFailedError):
            await fetcher.text(f"http://host.example:{port}/")
    loris.close()
    loris.close_clients()
    await loris.wait_closed()


async def test_a_body_of_a_gigabyte_is_dropped_early(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        with pytest.raises(FetchFailedError, match="64 KiB"):
            await fetcher.text(server.url("/huge"))


async def test_packed_bodies(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        assert (await fetcher.text(server.url("/gzip"))).text == "packed"
        with pytest.raises(FetchFailedError, match="64 KiB"):
            await fetcher.text(server.url("/bomb"))
        with pytest.raises(FetchFailedError, match="did not ask for"):
            await fetcher.text(server.url("/brotli"))


async def test_a_bomb_within_the_limit_is_dropped_when_unpacked(server: HttpServer) -> None:
    async with server.fetcher(server.policy(body_max=60_000)) as fetcher:
        with pytest.raises(FetchFailedError, match="unpacked"):
            await fetcher.text(server.url("/bomb"))


async def test_no_host_and_no_http(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        free = server.port + 1
        policy = Policy(ports=frozenset({free}), allowed=lambda address, port: True)
        async with Fetcher(policy, server.resolve) as other:
            with pytest.raises(FetchFailedError, match="cannot be reached"):
                await other.text(f"http://host.example:{free}/")
        with pytest.raises(FetchRefusedError, match="header"):
            await fetcher.text(server.url("/"), headers={"X-Who": "a\r\nb: c"})


async def test_equal_requests_share_one_answer(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        answers = await asyncio.gather(*(fetcher.text(server.url("/text")) for _ in range(50)))
        assert len(server.requests) == 1
        assert {a.text for a in answers} == {"hällo"}
        await fetcher.text(server.url("/text"), headers={"X-Who": "me"})
        assert len(server.requests) == 2


async def test_the_cache_ends_and_is_bounded(server: HttpServer) -> None:
    async with server.fetcher(server.policy(cache_s=0.0)) as fetcher:
        await fetcher.text(server.url("/text"))
        await fetcher.text(server.url("/text"))
        assert len(server.requests) == 2
    async with server.fetcher() as fetcher:
        for n in range(fetcher.policy.cache_entries_max + 20):
            await fetcher.text(server.url(f"/{n}"))
        assert len(fetcher._cache) == fetcher.policy.cache_entries_max


async def test_one_caller_leaving_does_not_spoil_it_for_others(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        leaving = asyncio.ensure_future(fetcher.text(server.url("/text")))
        staying = asyncio.ensure_future(fetcher.text(server.url("/text")))
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).text == "hällo"


async def test_post_sends_a_body_and_follows_nothing(server: HttpServer) -> None:
    async with server.fetcher() as fetcher:
        assert (await fetcher.request("POST", server.url("/x"), body=b"hi")).text == "POST hi nobody"
        assert (await fetcher.request("POST", server.url("/loop"), body=b"hi")).status == 301


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.0.0.1/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://inside.example/", "private network"),
        ("https://localhost/", "private network"),
        ("https://nowhere.example/", "has no address"),
        ("ftp://host.example/", "Only http:// and https:// can be asked"),
        ("https://user:pass@host.example/", "user name or password"),
        ("not a url", "Only http"),
    ],
)
async def test_a_check_refuses_what_a_request_would_and_asks_nothing(
    server: HttpServer, url: str, words: str
) -> None:
    server.names["inside.example"] = [["10.0.0.5"]]
    async with server.fetcher() as fetcher:
        with pytest.raises((FetchRefusedError, FetchFailedError), match=words):
            await fetcher.check(url)
        await fetcher.check(server.url("/text"))
        await fetcher.check("https://8.8.8.8/")
    assert server.requests == []


async def test_a_policy_may_ask_for_https(server: HttpServer) -> None:
    async with Fetcher(Policy(schemes=frozenset({"https"})), server.resolve) as fetcher:
        for ask in (fetcher.check, fetcher.text):
            with pytest.raises(FetchRefusedError, match="Only https:// can be asked"):
                await ask("http://host.example/")
