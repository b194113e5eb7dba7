"""The server, health, limits and names of hosts."""

import asyncio
import signal
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.web import JsonClient
from waddlebot.libs.web import AddressError, CheckFailed, Health, WebConfig, WebServer
from waddlebot.libs.web.doors import ASGIScope, Receive, Send, respond
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.libs.web.origin import host_name, is_local
from waddlebot.libs.web.server import bind


class Hello:
    """The smallest application."""

    def __init__(self) -> None:
        self.closed = False

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        await respond(send, 200, b'"hello"')

    def close(self) -> None:
        self.closed = True


async def test_it_serves_until_it_is_stopped() -> None:
    app = Hello()
    server = WebServer(app, WebConfig(port=free_port()))
    before = signal.getsignal(signal.SIGINT)
    await server.start()
    assert signal.getsignal(signal.SIGINT) is before
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b'"hello"')
    writer.close()
    await server.stop()
    await server.stop()
    assert app.closed
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


def test_small_chunks_are_sent_at_once() -> None:
    with bind(WebConfig(port=free_port())) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio asks before it switches Nagle's algorithm off


async def test_a_taken_port_is_said_with_the_variable() -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(AddressError, match=f"Port {port} is taken.*HTTP_PORT"):
            await WebServer(Hello(), WebConfig(port=port)).start()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_a_wrong_address_is_said_with_the_variable(host: str) -> None:
    with pytest.raises(AddressError, match="HTTP_HOST"):
        await WebServer(Hello(), WebConfig(host=host, port=free_port())).start()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8"),
        ("::1", "http://[::1]:8"),
        ("::", "http://127.0.0.1:8"),
        ("a.b", "http://a.b:8"),
    ],
)
def test_the_url_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert WebServer(Hello(), WebConfig(host=host, port=8)).url == url


async def test_alive_and_ready(client: JsonClient, broken: set[str]) -> None:
    assert (await client.ask("GET", "/health/live"))[:2] == (200, {"status": "live"})
    status, ready, _ = await client.ask("GET", "/health/ready")
    assert (status, ready["status"]) == (200, "ready")
    assert ready["checks"]["answers"]["ok"]
    assert "answered in 2 ms" in ready["checks"]["answers"]["detail"]


@pytest.mark.parametrize(("how", "words"), [("answers", "is the router enabled?"), ("crash", "the log says why")])
async def test_not_ready_says_why_and_gives_nothing_away(
    client: JsonClient, broken: set[str], how: str, words: str
) -> None:
    broken.add(how)
    status, ready, _ = await client.ask("GET", "/health/ready")
    assert (status, ready["status"]) == (503, "not ready")
    assert words in ready["checks"]["answers"]["detail"]
    assert "a secret reason" not in str(ready)


async def test_checks_run_once_for_many_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0

    async def check() -> str:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        if runs > 1:
            raise CheckFailed("later")
        return "fine"

    health = Health({"x": check})
    found = await asyncio.gather(*(health.ready() for _ in range(50)))
    assert runs == 1
    assert all(readiness.ok for readiness in found)
    monkeypatch.setattr("waddlebot.libs.web.health.REMEMBERED_S", -1)
    assert not (await health.ready()).ok


async def test_a_check_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.libs.web.health.CHECK_TIMEOUT_S", 0.01)

    async def hangs() -> str:
        await asyncio.Event().wait()
        return ""

    readiness = await Health({"x": hangs}).ready()
    assert not readiness.ok
    assert "No answer within" in readiness.checks["x"].detail


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 5))
def test_a_window_never_lets_more_through(pauses: list[float], times_max: int) -> None:
    now = 1000.0
    window = SlidingWindow(times_max, 10, clock=lambda: now)
    taken: list[float] = []
    for pause in pauses:
        now += pause
        wait_s = window.take("k")
        if wait_s == 0:
            taken.append(now)
        else:
            assert wait_s <= 20
            now += wait_s + 0.01
            assert window.take("k") == 0
            taken.append(now)
    for start in taken:
        aligned = [at for at in taken if int(at / 10) == int(start / 10)]
        assert len(aligned) <= times_max


def test_windows_are_kept_for_so_many_keys() -> None:
    window = SlidingWindow(1, 10, keys_max=2, clock=lambda: 5.0)
    assert [window.take(key) for key in "abc"] == [0, 0, 0]
    assert window.take("c") > 0
    assert window.take("a") == 0


@pytest.mark.parametrize(
    ("peer", "headers", "local"),
    [
        ("127.0.0.1", {"host": "localhost:8060"}, True),
        ("127.0.0.1", {"host": "127.0.0.1:8060"}, True),
        ("::1", {"host": "[::1]:8060"}, True),
        ("::ffff:127.0.0.1", {"host": "localhost"}, True),
        ("192.0.2.1", {"host": "localhost"}, False),
        ("127.0.0.1", {"host": "bot.example"}, False),
        ("127.0.0.1", {"host": "192.0.2.1"}, False),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "192.0.2.1"}, False),
        ("127.0.0.1", {"host": "localhost", "forwarded": "for=192.0.2.1"}, False),
        ("", {"host": "localhost"}, False),
    ],
)
def test_who_is_surely_on_this_machine(peer: str, headers: dict[str, str], local: bool) -> None:
    assert is_local(peer, headers) is local


@given(st.text())
def test_any_host_header_has_a_name_or_none(host: str) -> None:
    assert isinstance(host_name(host), str)
