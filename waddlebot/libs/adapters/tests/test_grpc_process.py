"""A host that is another process: killed, restarted, asked by HTTP while gRPC is refused."""

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_peers import PeerEndpoint, Peers
from waddlebot.libs.adapters.peer_link import PeerLink
from waddlebot.libs.adapters.replicated import Replicated
from waddlebot.libs.contracts.identity import Account, Accounts, LookupRequest
from waddlebot.libs.grpc_protos.peer_pb2 import Frame
from waddlebot.libs.sdk.ports import CallError, CallLost, CallScope, Send
from waddlebot.libs.sdk.reply import Reply
from waddlebot.libs.testing.callee import ACTION, CORE, Serving, call_of, peers_of, serving, tokens_of
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.waiting import until

SCOPE = CallScope("home", "irc:7")
ASKED = LookupRequest("irc", ("ada",))
ADA = Accounts((Account("irc:ada", "ada", "Ada", "home"),))


@contextlib.asynccontextmanager
async def process(port: int, http_port: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """A callee as a process of its own, ready."""
    found = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "waddlebot.libs.testing.callee", f"--port={port}", f"--http-port={http_port}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert found.stdout is not None
    try:
        assert await found.stdout.readline() == b"ready\n"
        yield found
    finally:
        if found.returncode is None:
            found.terminate()
        await found.communicate()


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    found = peers_of()
    yield found
    await found.close()


def link_of(peers: Peers) -> PeerLink:
    (link,) = peers.links.values()
    return link


async def test_a_killed_host_fails_its_calls_at_once_and_is_asked_again_when_it_is_back(peers: Peers) -> None:
    port = free_port()
    echo, identity = (peers.endpoint(module, f"127.0.0.1:{port}") for module in (ACTION, CORE))
    async with process(port) as host:
        assert (await echo.execute(call_of())).status == "ok"
        executing = [echo.execute(call_of("hang", timeout_s=60.0, community=f"c{n}")) for n in range(20)]
        asking = asyncio.ensure_future(identity.call("Identity", "lookup", LookupRequest("hang", ()), SCOPE))
        delivering = asyncio.ensure_future(echo.deliver([Send("s", "home", "irc", "", "#a", Reply("hang"))]))
        link = link_of(peers)
        await until(lambda: link.waiting == 22)
        # What was asked before this answer has left: streams keep their order.
        assert await identity.call("Identity", "lookup", ASKED, SCOPE) == ADA
        host.kill()
        async with asyncio.timeout(10):
            results = await asyncio.gather(*executing)
            for asked in (asking, delivering):
                with pytest.raises(CallLost, match="is away"):
                    await asked
    assert all(result.status == "failed" and result.retry for result in results)
    away = await echo.execute(call_of())
    assert (away.status, away.retry) == ("failed", True)
    with pytest.raises(CallError, match="is away") as caught:
        await identity.call("Identity", "lookup", ASKED, SCOPE)
    assert not isinstance(caught.value, CallLost)
    assert echo.breaker.state == identity.breaker.state == "closed"
    async with process(port):
        await until(lambda: _is_ok(echo))
        assert await identity.call("Identity", "lookup", ASKED, SCOPE) == ADA


async def _is_ok(echo: PeerEndpoint) -> bool:
    return (await echo.execute(call_of())).status == "ok"


async def test_replicas_take_over_what_has_a_key_and_nothing_else(peers: Peers) -> None:
    ports = free_port(), free_port()
    async with process(ports[0]) as first, process(ports[1]):
        replicas = {f"host-{n}": peers.endpoint(ACTION, f"127.0.0.1:{port}") for n, port in enumerate(ports)}
        echo = Replicated(ACTION, replicas)
        for replica in replicas.values():
            assert (await replica.execute(call_of())).status == "ok"
        calls = [call_of("sleep", "1", community=f"c{n % 8}", key=f"k{n}" if n % 2 else "") for n in range(40)]
        executing = [echo.execute(call) for call in calls]
        assert {replica.pending for replica in replicas.values()} == {20}
        await replicas["host-0"].execute(call_of(key=""))  # so the others before it have left
        first.kill()
        results = await asyncio.gather(*executing)
        failed = [call.key for call, result in zip(calls, results, strict=True) if result.status == "failed"]
        assert failed
        assert set(failed) == {""}
        assert (await echo.execute(call_of(key=""))).status == "ok", "what was not touched may go elsewhere"


async def test_while_grpc_is_refused_http_is_asked_and_grpc_when_it_is_back(peers: Peers) -> None:
    port, http_port = free_port(), free_port()
    config = GrpcConfig(port=port)
    echo, identity = (
        peers.endpoint(module, f"127.0.0.1:{port}", f"http://127.0.0.1:{http_port}") for module in (ACTION, CORE)
    )
    link = link_of(peers)
    async with web_alone(config, http_port) as host:
        assert (await echo.execute(call_of())).status == "ok"
        assert await identity.call("Identity", "lookup", ASKED, SCOPE) == ADA
        assert [sent.status for sent in await echo.deliver([Send("s", "home", "irc", "", "#a", Reply("hi"))])] == [
            "sent"
        ]
        with pytest.raises(CallError, match=r"^Identity.lookup: the database is away$"):
            await identity.call("Identity", "lookup", LookupRequest("error", ()), SCOPE)
        assert (await echo.execute(call_of("garbage"))).status == "failed"
        assert "0.1 s" in (await echo.execute(call_of("hang", timeout_s=0.1))).reason
        large = await echo.execute(call_of("large", "3000000"))
        assert [len(reply.text) for reply in large.replies] == [3_000_000], "it comes in many pieces"
        assert link.refused
        await host.server.start()
        await until(lambda: _connects(echo, link))
        await host.server.stop(0.1)


async def _connects(echo: PeerEndpoint, link: PeerLink) -> bool:
    return await _is_ok(echo) and link.connected


@contextlib.asynccontextmanager
async def web_alone(config: GrpcConfig, http_port: int) -> AsyncIterator[Serving]:
    """A host whose gRPC is refused."""
    host = Serving(config, http_port=http_port)
    async with host.web():
        yield host


async def test_a_host_without_grpc_is_asked_by_http(peers: Peers) -> None:
    http_port = free_port()
    url = f"http://127.0.0.1:{http_port}"
    async with web_alone(GrpcConfig(), http_port):
        echo = peers.endpoint(ACTION, "", url)
        assert (await echo.execute(call_of())).status == "ok"
        await peers.keep({("", url)})
        assert (await echo.execute(call_of())).status == "ok"
        asked = asyncio.ensure_future(echo.execute(call_of("hang")))
        await asyncio.sleep(0)  # it has been asked, and nothing of it has run
        await peers.keep(())
        assert "this host is stopping" in (await asked).reason
    lone = await peers.endpoint(ACTION, "").execute(call_of())
    assert "no gRPC address" in lone.reason


async def test_the_http_door_lets_in_hosts_alone(peers: Peers) -> None:
    config, http_port = GrpcConfig(port=free_port()), free_port()
    url = f"http://127.0.0.1:{http_port}/_call/{CORE}"
    token = tokens_of("host-a").make(config.address)
    bearer = {"Authorization": f"Bearer {token}"}
    protobuf, text = {"Content-Type": "application/x-protobuf"}, {"Content-Type": "application/json"}
    ask = {
        "contract": "Identity",
        "method": "lookup",
        "request": "CgNpcmMSA2FkYQ==",
        "scope": {"community": "home"},
    }
    items = [{"id": n, "module": ACTION, "timeoutMs": 1_000, "ask": ask} for n in (1, 2)]
    body = json.dumps({"items": items}).encode()
    async with web_alone(config, http_port), aiohttp.ClientSession() as session:
        for headers, data, status in (
            (text, body, 401),
            ({**text, "Authorization": "Bearer wbs_e30.x"}, body, 401),
            ({**bearer, "Content-Type": "text/plain"}, body, 415),
            ({**bearer, **text}, b"{", 400),
            ({**bearer, **text}, b"[" * 100_000, 400),
            ({**bearer, **protobuf}, b"\xff", 400),
            ({**bearer, **protobuf}, Frame(items=[{"id": n} for n in range(65)]).SerializeToString(), 413),
            ({**bearer, **protobuf}, b"\x00" * 9_000_000, 413),
        ):
            async with session.post(url, data=io.BytesIO(data), headers=headers) as answer:
                assert answer.status == status, await answer.text()
        async with session.get(url, headers=bearer) as answer:
            assert answer.status == 405
        async with session.post(url, data=body, headers={**bearer, **text}) as answer:
            found = await answer.json()
        assert [item["id"] for item in found["items"]] == ["1", "2"]
        assert all(item["answer"] for item in found["items"])


async def test_a_host_that_is_gone_answers_nobody_by_http_either(peers: Peers) -> None:
    echo = peers.endpoint(ACTION, f"127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}")
    assert (await echo.execute(call_of())).away
    await peers.keep(())
    result = await asyncio.wait_for(echo.execute(call_of()), 5)
    assert (result.status, result.away) == ("failed", True), "whoever had it in hand may ask elsewhere"


async def test_a_url_in_the_clear_is_asked_on_this_machine_alone() -> None:
    assert GrpcConfig().may_fall_back("http://127.0.0.1:8060")
    assert GrpcConfig().may_fall_back("http://localhost")
    assert not GrpcConfig().may_fall_back("http://10.1.2.3:8060")
    assert GrpcConfig(fallback="http").may_fall_back("http://10.1.2.3:8060")
    assert GrpcConfig(fallback="http").may_fall_back("http://127.0.0.1:8060")
    assert not GrpcConfig(fallback="off").may_fall_back("http://127.0.0.1:8060")


async def test_two_hosts_in_one_process_talk_both_ways() -> None:
    configs = GrpcConfig(port=free_port()), GrpcConfig(port=free_port())
    async with serving(configs[0]) as first, serving(configs[1]) as second:
        peers = peers_of(), peers_of()
        forth, back = peers[0].endpoint(ACTION, second.address), peers[1].endpoint(ACTION, first.address)
        results = await asyncio.gather(
            *(e.execute(call_of("sleep", "0")) for e in (forth, back) for _ in range(50))
        )
        assert {result.status for result in results} == {"ok"}
        await peers[0].keep({("127.0.0.1:1", "")})
        assert not peers[0].links
        assert (await forth.execute(call_of())).status == "failed"
        for found in peers:
            await found.close()
