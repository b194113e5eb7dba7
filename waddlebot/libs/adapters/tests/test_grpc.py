"""Modules on another host answer as if they were here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from waddlebot.libs.adapters.answering import CORRELATION
from waddlebot.libs.adapters.breaker import FAILURES_MAX
from waddlebot.libs.adapters.frames import ITEMS_FLUSH
from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_peers import PeerEndpoint, Peers
from waddlebot.libs.adapters.peer_link import WAITING_MAX
from waddlebot.libs.contracts.identity import Account, Accounts, Identity, LookupRequest
from waddlebot.libs.sdk.contract import Caller
from waddlebot.libs.sdk.ports import CallError, CallLost, CallScope, EventBatch, Result, Send, Sent
from waddlebot.libs.sdk.reply import Reply
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW, Contribution
from waddlebot.libs.testing.callee import ACTION, CORE, Serving, call_of, peers_of, serving
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.waiting import until

SCOPE = CallScope("home", "irc:7", "k1")


@pytest.fixture
def config() -> GrpcConfig:
    return GrpcConfig(port=free_port())


@pytest.fixture
async def host(config: GrpcConfig) -> AsyncIterator[Serving]:
    async with serving(config) as found:
        yield found


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    found = peers_of()
    yield found
    await found.close()


@pytest.fixture
async def echo(peers: Peers, host: Serving) -> PeerEndpoint:
    return peers.endpoint(ACTION, host.address)


@pytest.fixture
async def identity(peers: Peers, host: Serving) -> PeerEndpoint:
    return peers.endpoint(CORE, host.address)


async def test_a_command_is_executed_there(echo: PeerEndpoint, host: Serving) -> None:
    assert await echo.execute(call_of()) == Result("ok", (Reply("hello"),))
    assert await echo.execute(call_of("sleep", "0")) == Result("ok", (Reply("0"),))
    assert host.callee.keys == ["irc/e1/x"] * 2


async def test_many_travel_together_and_none_waits_for_another(echo: PeerEndpoint, host: Serving) -> None:
    slow = echo.execute(call_of("sleep", "5"))
    calls = [call_of(args=str(number), community=f"c{number % 8}") for number in range(2 * ITEMS_FLUSH + 5)]
    results = await asyncio.gather(*(echo.execute(call) for call in calls))
    assert [result.replies[0].text for result in results] == [call.args for call in calls]
    assert not slow.done()
    assert echo.pending == 1


async def test_a_contract_is_asked_there(identity: PeerEndpoint) -> None:
    def ask(contract: str, method: str, request: Any, answer: Any) -> Any:
        return identity.call(contract, method, request, SCOPE)

    caller: Caller = ask
    found = await Identity(caller).lookup(LookupRequest("irc", ("ada", "bob")))
    assert found == Accounts((Account("irc:ada", "ada", "Ada", "home"), Account("irc:bob", "bob", "Bob", "home")))
    found_view = await identity.call(VIEW, CONTRIBUTE, ("home", "away"), SCOPE)
    assert found_view == {"home": Contribution(prefix="irc:7"), "away": Contribution(prefix="irc:7")}


async def test_a_refusal_of_a_contract_has_the_same_words_as_here(identity: PeerEndpoint) -> None:
    with pytest.raises(CallError, match=r"^Identity.lookup: the database is away$") as caught:
        await identity.call("Identity", "lookup", LookupRequest("error", ()), SCOPE)
    assert not isinstance(caught.value, CallLost)
    with pytest.raises(CallError, match=r"Identity\.paint"):
        await identity.call("Identity", "paint", LookupRequest("irc", ()), SCOPE)


async def test_replies_are_delivered_there(echo: PeerEndpoint) -> None:
    sends = [Send(f"s{n}", "home", "irc", "", "#a", Reply("hi", data={"n": n})) for n in range(3)]
    assert await echo.deliver(sends) == [Sent(f"s{n}", "sent") for n in range(3)]


async def test_events_are_handed_to_a_subscriber_there(config: GrpcConfig, peers: Peers) -> None:
    taken: list[tuple[str, EventBatch]] = []

    async def take(subscriber: str, batch: EventBatch) -> None:
        taken.append((subscriber, batch))

    batch = EventBatch("b1", [call_of().event], True, "irc", 5, {"irc:libera:#home": 3})
    async with serving(config, taken=take) as host:
        await peers.endpoint(ACTION, host.address).batch("processing.router", batch)
    assert taken == [("processing.router", batch)]


async def test_what_goes_wrong_there_is_said(echo: PeerEndpoint, peers: Peers, host: Serving) -> None:
    assert await echo.execute(call_of("break")) == Result(
        "failed", (), "ValueError: broken on purpose", retry=True
    )
    nobody = await peers.endpoint("interactive.nobody", host.address).execute(call_of())
    assert (nobody.status, nobody.retry) == ("failed", True)
    assert "no module interactive.nobody runs on this host" in nobody.reason
    with pytest.raises(CallError, match="takes no batches"):
        await echo.batch("x", EventBatch("b", []))


@pytest.mark.parametrize("handler", ["garbage", "surrogate"])
async def test_an_answer_that_cannot_travel_ends_one_call_alone(echo: PeerEndpoint, handler: str) -> None:
    bad, good = await asyncio.gather(echo.execute(call_of(handler)), echo.execute(call_of("sleep", "0")))
    assert bad.status == "failed"
    assert good.status == "ok"


async def test_what_is_too_large_ends_one_call_alone(echo: PeerEndpoint, host: Serving) -> None:
    large, good = await asyncio.gather(
        echo.execute(call_of("large", str(9_000_000))), echo.execute(call_of("sleep", "0"))
    )
    assert large.status == "failed"
    assert "too many" in large.reason
    asked, good_too = await asyncio.gather(
        echo.execute(call_of(args="x" * 9_000_000)), echo.execute(call_of("sleep", "0"))
    )
    assert "too many" in asked.reason
    assert good.status == good_too.status == "ok"
    assert host.callee.asked["command:echo"] == 0


async def test_a_call_that_hangs_ends_at_its_deadline_on_both_sides(
    echo: PeerEndpoint, peers: Peers, host: Serving
) -> None:
    result = await echo.execute(call_of("hang", timeout_s=0.2))
    assert (result.status, result.retry) == ("failed", True)
    assert "did not answer within 0.2 s" in result.reason
    await until(lambda: host.callee.cancelled["command:hang"] == 1)
    assert host.answering.under_way == 0
    assert host.answering.counts["expired"] == 1


async def test_a_late_answer_is_dropped_and_counted(echo: PeerEndpoint, peers: Peers, host: Serving) -> None:
    assert (await echo.execute(call_of())).status == "ok"
    (link,) = peers.links.values()
    late = echo.execute(call_of("sleep", "0.2", timeout_s=5.0))
    await until(lambda: host.answering.under_way == 1)
    link.expire(asyncio.get_running_loop().time() + 6.0)
    assert (await late).status == "failed"
    await until(lambda: peers.counts["late"] == 1)
    assert (await echo.execute(call_of())).status == "ok"


async def test_a_hanging_contract_may_have_been_done(identity: PeerEndpoint, peers: Peers) -> None:
    asked = asyncio.ensure_future(identity.call("Identity", "lookup", LookupRequest("hang", ()), SCOPE))
    (link,) = peers.links.values()
    await until(lambda: link.waiting)
    link.expire(asyncio.get_running_loop().time() + 60.0)
    with pytest.raises(CallLost, match="did not answer"):
        await asked


async def test_a_module_that_hangs_is_left_alone_and_slows_nobody(
    echo: PeerEndpoint, identity: PeerEndpoint, host: Serving, peers: Peers
) -> None:
    hanging = [call_of("hang", timeout_s=0.1, community=f"c{n}") for n in range(FAILURES_MAX)]
    await asyncio.gather(*(echo.execute(call) for call in hanging))
    assert echo.breaker.state == "open"
    result = await echo.execute(call_of())
    assert "failed too often" in result.reason
    assert host.callee.asked["command:echo"] == 0
    assert await identity.call("Identity", "lookup", LookupRequest("irc", ()), SCOPE) == Accounts(())
    for address in peers.links:
        peers.welcome(address)  # another process has come there
    assert (await echo.execute(call_of())).status == "ok"


async def test_too_much_at_once_is_refused_at_once(echo: PeerEndpoint, host: Serving) -> None:
    share = WAITING_MAX // 4
    mine = [echo.execute(call_of("hang", timeout_s=60.0)) for _ in range(share + 1)]
    refused = await mine[-1]
    assert "too much waits" in refused.reason
    assert refused.retry
    assert not any(future.done() for future in mine[:-1])
    assert (await echo.execute(call_of(community="other"))).status == "ok"


async def test_a_host_refuses_what_is_too_much_for_it(config: GrpcConfig, peers: Peers) -> None:
    async with serving(config, under_way_max=8) as host:
        echo = peers.endpoint(ACTION, host.address)
        futures = [echo.execute(call_of("hang", timeout_s=60.0)) for _ in range(3)]
        done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        assert "busy" in done.pop().result().reason
        assert (await echo.execute(call_of(community="other"))).status == "ok"
        assert host.answering.under_way == 2


async def test_a_host_that_is_behind_refreshes_first_and_once(config: GrpcConfig, peers: Peers) -> None:
    found: list[Serving] = []
    refreshed: list[tuple[int, str, int]] = []

    async def behind(version: int, community: str) -> None:
        refreshed.append((version, community, found[0].callee.asked["command:echo"]))

    async with serving(config, behind=behind) as host:
        found.append(host)
        echo = peers.endpoint(ACTION, host.address)
        for version in (3, 3, 2, 4):
            assert (await echo.execute(call_of(version=version))).status == "ok"
        assert refreshed == [(3, "home", 0), (4, "home", 3)]


async def test_a_host_that_cannot_refresh_says_so(config: GrpcConfig, peers: Peers) -> None:
    async def behind(version: int, community: str) -> None:
        raise OSError("the database is away")

    async with serving(config, behind=behind) as host:
        result = await peers.endpoint(ACTION, host.address).execute(call_of(version=3))
        assert result == Result("failed", (), "this host is behind version 3 of home", retry=True)
        assert not host.callee.asked


async def test_what_belongs_together_has_one_name(echo: PeerEndpoint, host: Serving) -> None:
    await echo.execute(call_of())
    token = CORRELATION.set("work 7")
    try:
        await echo.execute(call_of())
    finally:
        CORRELATION.reset(token)
    assert host.callee.correlations == {"e1", "work 7"}


async def test_a_host_that_stops_finishes_what_it_began(config: GrpcConfig, peers: Peers) -> None:
    async with serving(config) as host:
        echo = peers.endpoint(ACTION, host.address)
        await echo.execute(call_of())
        begun = echo.execute(call_of("sleep", "0.2"))
        await until(lambda: host.answering.under_way == 1)
        stopping = asyncio.ensure_future(host.server.stop(5.0))
        await until(lambda: host.answering.stopping)
        late = await echo.execute(call_of())
        assert (late.status, late.retry) == ("failed", True)
        assert (await begun).status == "ok"
        await stopping


async def test_a_port_that_is_taken_is_named(host: Serving, config: GrpcConfig) -> None:
    with pytest.raises(ValueError, match="GRPC_PORT"):
        async with serving(config):
            raise AssertionError("two hosts share a port")
