"""Nothing that somebody sends to the port stops the server, and nobody is asked without a token."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from waddlebot.libs.adapters.frames import FRAME_BYTES_MAX
from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.grpc_wire import TALK
from waddlebot.libs.adapters.service_tokens import VALID_S
from waddlebot.libs.grpc_protos.codec import Codec
from waddlebot.libs.grpc_protos.peer_pb2 import Frame, Item
from waddlebot.libs.sdk.ports import Call
from waddlebot.libs.testing.callee import ACTION, Serving, call_of, peers_of, serving, tokens_of
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.waiting import until

type Stream = grpc.aio.StreamStreamCall[bytes, bytes]


@pytest.fixture
async def host() -> AsyncIterator[Serving]:
    async with serving(GrpcConfig(port=free_port())) as found:
        yield found
        peers = peers_of()
        result = await peers.endpoint(ACTION, found.address).execute(call_of(community="after"))
        await peers.close()
        assert result.status == "ok", "the server still answers"


@pytest.fixture
async def channel(host: Serving) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(host.address) as found:
        yield found


def talk(channel: grpc.aio.Channel, token: str) -> Stream:
    found: Stream = channel.stream_stream(TALK)(metadata=(("authorization", f"Bearer {token}"),))
    return found


def frame(*numbers: int, handler: str = "echo", module: str = ACTION, token: str = "") -> bytes:
    """A frame that executes a handler under each number."""
    call = Codec().of(Call).fields(call_of(handler))
    items = [Item(id=n, module=module, timeout_ms=5_000, execute=call) for n in numbers]
    return Frame(items=items, token=token).SerializeToString()


async def refusal(stream: Stream) -> grpc.StatusCode:
    """The status by which the server ends a stream; it comes after all answers."""
    async with asyncio.timeout(10):
        with contextlib.suppress(grpc.aio.AioRpcError):
            while await stream.read() is not grpc.aio.EOF:
                continue
        return await stream.code()


@pytest.mark.parametrize("token", ["", "wbs_e30.forged", tokens_of("host-a").make("elsewhere:1")])
async def test_without_a_token_nobody_is_asked(host: Serving, channel: grpc.aio.Channel, token: str) -> None:
    stream = talk(channel, token)
    assert await refusal(stream) == grpc.StatusCode.UNAUTHENTICATED
    assert not host.callee.asked
    assert host.server.counts["refused"] == 1


async def test_a_foreign_or_old_token_for_this_host_is_refused(host: Serving, channel: grpc.aio.Channel) -> None:
    foreign = tokens_of("host-a", secret=b"another installation").make(host.address)
    old = tokens_of("host-a", clock=lambda: 1.0).make(host.address)
    for token in (foreign, old):
        assert await refusal(talk(channel, token)) == grpc.StatusCode.UNAUTHENTICATED
    assert not host.callee.asked


async def test_a_token_of_another_host_does_not_renew_ours(host: Serving, channel: grpc.aio.Channel) -> None:
    stream = talk(channel, tokens_of("host-a").make(host.address))
    await stream.write(frame(1, token=tokens_of("host-x").make(host.address)))
    assert await refusal(stream) == grpc.StatusCode.INVALID_ARGUMENT
    assert not host.callee.asked


async def test_a_stream_outlives_its_token_only_with_a_new_one() -> None:
    now_s = [1_000.0]
    config = GrpcConfig(port=free_port())
    async with serving(config, clock=lambda: now_s[0]) as host, grpc.aio.insecure_channel(host.address) as channel:
        tokens = tokens_of("host-a", clock=lambda: now_s[0])
        stream = talk(channel, tokens.make(host.address))
        for number in range(1, 4):
            await stream.write(frame(number, token=tokens.make(host.address)))
            await until(lambda: host.callee.asked["command:echo"] == number)  # noqa: B023  awaited at once
            now_s[0] += VALID_S - 1
        now_s[0] += 2
        await stream.write(frame(9))
        assert await refusal(stream) == grpc.StatusCode.INVALID_ARGUMENT
        assert host.callee.asked["command:echo"] == 3


@pytest.mark.parametrize("raw", [b"\xff" * 64, b"\x0a\xff\xff\xff\xff\x0f", b"GET / HTTP/1.1\r\n\r\n"])
async def test_garbage_on_a_stream_ends_that_stream(host: Serving, channel: grpc.aio.Channel, raw: bytes) -> None:
    stream = talk(channel, tokens_of("host-a").make(host.address))
    await stream.write(raw)
    assert await refusal(stream) == grpc.StatusCode.INVALID_ARGUMENT
    assert host.server.counts["malformed"] == 1


async def test_items_of_no_sense_are_refused_one_by_one(host: Serving, channel: grpc.aio.Channel) -> None:
    stream = talk(channel, tokens_of("host-a").make(host.address))
    bad = [
        Item(id=1, module=ACTION, timeout_ms=1_000),
        Item(id=2, module="nobody", timeout_ms=1_000),
        Item(id=3, module=ACTION, timeout_ms=1_000, execute={"module": ACTION}),
        Item(id=4, module=ACTION, timeout_ms=1_000, execute={"module": ACTION, "event": b"\xc1"}),
        Item(
            id=5,
            module=ACTION,
            timeout_ms=1_000,
            ask={"contract": "Identity", "method": "lookup", "request": b"\xff"},
        ),
        Item(id=6, module=ACTION, timeout_ms=1_000, result={"status": "ok"}),
        Item(id=7, module=ACTION, timeout_ms=1_000, batch={"subscriber": "x", "events": b"\xc1"}),
        Item(id=8, module=ACTION, timeout_ms=1_000, deliver={"sends": [{"id": "x"}]}),
    ]
    await stream.write(Frame(items=bad).SerializeToString())
    found: dict[int, str] = {}
    while len(found) < len(bad):
        raw = await stream.read()
        assert isinstance(raw, bytes)
        found |= {item.id: item.failure.reason for item in Frame.FromString(raw).items}
    assert all(found.values())
    stream.cancel()


async def test_a_replayed_item_is_done_once(host: Serving, channel: grpc.aio.Channel) -> None:
    stream = talk(channel, tokens_of("host-a").make(host.address))
    for numbers in ((5, 5), (5,), (4,), (6,)):
        await stream.write(frame(*numbers))
    await until(lambda: host.callee.asked["command:echo"] == 2)
    await until(lambda: host.server.counts["replayed"] == 3)
    stream.cancel()


async def test_a_message_that_is_too_large_ends_the_stream(host: Serving, channel: grpc.aio.Channel) -> None:
    async with grpc.aio.insecure_channel(host.address, options=[("grpc.max_send_message_length", -1)]) as large:
        stream = talk(large, tokens_of("host-a").make(host.address))
        await stream.write(b"\x0a" + b"\x00" * (FRAME_BYTES_MAX + 1_000_000))
        assert await refusal(stream) == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_streams_that_are_cancelled_leave_nothing_behind(host: Serving, channel: grpc.aio.Channel) -> None:
    for number in range(10):
        stream = talk(channel, tokens_of(f"host-{number}").make(host.address))
        await stream.write(frame(1, 2, handler="sleep"))
        stream.cancel()
    await until(lambda: host.answering.under_way == 0)


async def test_a_half_closed_stream_gets_its_answers(host: Serving, channel: grpc.aio.Channel) -> None:
    stream = talk(channel, tokens_of("host-a").make(host.address))
    await stream.write(frame(1))
    await stream.done_writing()
    raw = await stream.read()
    assert isinstance(raw, bytes)
    assert [item.id for item in Frame.FromString(raw).items] == [1]
    assert await refusal(stream) == grpc.StatusCode.OK


@pytest.mark.parametrize(
    "raw", [b"\x00" * 4_096, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 512, b""]
)
async def test_what_is_no_http2_ends_that_connection(host: Serving, raw: bytes) -> None:
    address, _, port = host.address.rpartition(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    writer.write(raw)
    writer.write_eof()
    async with asyncio.timeout(20):
        await reader.read()
    writer.close()


async def test_an_unknown_method_is_no_method_of_ours(host: Serving, channel: grpc.aio.Channel) -> None:
    steal: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        "/waddlebot.identity.Identity/Steal"
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await steal(b"")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_whoever_answers_garbage_is_left_alone() -> None:
    """A server that says it is one of us, and answers bytes of its own."""

    async def answer(_: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        await context.send_initial_metadata(())
        await context.read()
        await context.write(b"\xff\xff\xff")
        await context.read()

    class Handlers(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            return grpc.stream_stream_rpc_method_handler(answer)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    peers = peers_of()
    result = await peers.endpoint(ACTION, f"127.0.0.1:{port}").execute(call_of())
    assert (result.status, result.retry) == ("failed", True)
    assert "no frame" in result.reason
    await peers.close()
    await server.stop(0)
