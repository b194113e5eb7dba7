"""Of several replicas the idlest is asked, and another only where nothing can happen twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from waddlebot.libs.adapters.breaker import FAILURES_MAX
from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_peers import Peers
from waddlebot.libs.adapters.replicated import Replicated
from waddlebot.libs.contracts.identity import Accounts, LookupRequest
from waddlebot.libs.sdk.ports import CallError, CallLost, CallScope, Result, Send
from waddlebot.libs.sdk.reply import Reply
from waddlebot.libs.testing.callee import ACTION, CORE, Serving, call_of, peers_of, serving
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.waiting import until

NOBODY = LookupRequest("irc", ())


@pytest.fixture
async def hosts() -> AsyncIterator[tuple[Serving, Serving]]:
    async with serving(GrpcConfig(port=free_port())) as one, serving(GrpcConfig(port=free_port())) as two:
        yield one, two


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    found = peers_of()
    yield found
    await found.close()


def replicated(peers: Peers, module: str, *addresses: str) -> Replicated:
    return Replicated(
        module, {f"host-{n}": peers.endpoint(module, address) for n, address in enumerate(addresses)}
    )


async def test_work_is_shared(hosts: tuple[Serving, Serving], peers: Peers) -> None:
    echo = replicated(peers, ACTION, *(host.address for host in hosts))
    await asyncio.gather(*(echo.execute(call_of("sleep", "0.05", community=f"c{n}")) for n in range(20)))
    assert [host.callee.asked["command:sleep"] for host in hosts] == [10, 10]


async def test_the_replica_that_is_named_is_asked(hosts: tuple[Serving, Serving], peers: Peers) -> None:
    identity = replicated(peers, CORE, *(host.address for host in hosts))
    for _ in range(3):
        assert await identity.call("Identity", "lookup", NOBODY, CallScope("home", at="host-1")) == Accounts(())
    assert [host.callee.asked["Identity.lookup"] for host in hosts] == [0, 3]
    with pytest.raises(CallError, match="host-9"):
        await identity.call("Identity", "lookup", NOBODY, CallScope("home", at="host-9"))


async def test_what_was_not_touched_goes_to_another(hosts: tuple[Serving, Serving], peers: Peers) -> None:
    gone = f"127.0.0.1:{free_port()}"
    send = Send("s", "home", "irc", "", "#a", Reply("hi"))
    for _ in range(3):
        echo = replicated(peers, ACTION, gone, hosts[0].address)
        assert (await echo.execute(call_of(key=""))).status == "ok"
        assert [sent.status for sent in await echo.deliver([send])] == ["sent"]
        identity = replicated(peers, CORE, gone, hosts[0].address)
        assert await identity.call("Identity", "lookup", NOBODY, CallScope("home")) == Accounts(())
    hosts[0].answering.stopping = True
    echo = replicated(peers, ACTION, hosts[0].address, hosts[1].address)
    assert (await echo.execute(call_of(key=""))).status == "ok"
    assert hosts[1].callee.asked["command:echo"] == 1


async def test_what_may_have_been_done_is_asked_again_with_a_key_alone(
    hosts: tuple[Serving, Serving], peers: Peers
) -> None:
    identity = replicated(peers, CORE, *(host.address for host in hosts))
    hang = LookupRequest("hang", ())
    asked = {
        key: asyncio.ensure_future(identity.call("Identity", "lookup", hang, CallScope("home", key=key)))
        for key in ("", "k")
    }
    await until(lambda: all(host.callee.asked["Identity.lookup"] == 1 for host in hosts))
    for link in peers.links.values():
        link.expire(asyncio.get_running_loop().time() + 60)
    with pytest.raises(CallLost):
        await asked[""]
    await until(lambda: sum(host.callee.asked["Identity.lookup"] for host in hosts) == 3)
    for link in peers.links.values():
        link.expire(asyncio.get_running_loop().time() + 60)
    with pytest.raises(CallLost):
        await asked["k"]


async def test_what_was_answered_is_not_asked_again(hosts: tuple[Serving, Serving], peers: Peers) -> None:
    echo = replicated(peers, ACTION, *(host.address for host in hosts))
    assert (await echo.execute(call_of("break"))).reason == "ValueError: broken on purpose"
    assert sum(host.callee.asked["command:break"] for host in hosts) == 1
    identity = replicated(peers, CORE, *(host.address for host in hosts))
    with pytest.raises(CallError, match="database is away"):
        await identity.call("Identity", "lookup", LookupRequest("error", ()), CallScope("home", key="k"))
    assert sum(host.callee.asked["Identity.lookup"] for host in hosts) == 1


async def test_a_replica_that_is_left_alone_is_passed_by(hosts: tuple[Serving, Serving], peers: Peers) -> None:
    echo = replicated(peers, ACTION, *(host.address for host in hosts))
    for _ in range(FAILURES_MAX):
        echo.replicas["host-0"].breaker.failed()
    for _ in range(4):
        assert (await echo.execute(call_of())).status == "ok"
    assert hosts[0].callee.asked["command:echo"] == 0
    for _ in range(FAILURES_MAX):
        echo.replicas["host-1"].breaker.failed()
    assert "failed too often" in (await echo.execute(call_of())).reason


async def test_without_replicas_nobody_is_asked(peers: Peers) -> None:
    echo = replicated(peers, ACTION)
    result = await echo.execute(call_of())
    assert (result.status, result.retry) == ("failed", True)
    assert "no host that runs" in result.reason
    with pytest.raises(CallError, match="no host that runs"):
        await echo.call("Identity", "lookup", NOBODY, CallScope("home"))


async def test_a_result_is_used_after_what_it_tells_of(hosts: tuple[Serving, Serving], peers: Peers) -> None:
    done, told = asyncio.Event(), list[tuple[str, str]]()

    def heed(community: str, result: Result) -> Awaitable[object] | None:
        told.append((community, result.status))
        return done.wait() if community == "changed" else None

    endpoint = peers.endpoint(ACTION, hosts[0].address)
    echo = Replicated(ACTION, {"host-0": endpoint}, heed)
    assert (await echo.execute(call_of(community="unchanged"))).status == "ok"
    waiting = echo.execute(call_of(community="changed"))
    await until(lambda: len(told) == 2)
    assert not waiting.done()
    done.set()
    assert (await waiting).status == "ok"
    assert told == [("unchanged", "ok"), ("changed", "ok")]
