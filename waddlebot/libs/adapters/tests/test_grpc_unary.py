"""Each contract and each action module is a gRPC service of its own, for callers that know only the protos."""

from collections.abc import AsyncIterator, Callable

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message

from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.grpc_protos.action_pb2 import Delivery
from waddlebot.libs.grpc_protos.codec import Codec
from waddlebot.libs.grpc_protos.identity_pb2 import Accounts, LookupRequest
from waddlebot.libs.grpc_protos.peer_pb2 import Outcomes
from waddlebot.libs.grpc_protos.ports_pb2 import Call as CallMessage
from waddlebot.libs.grpc_protos.ports_pb2 import Result as ResultMessage
from waddlebot.libs.grpc_protos.view_pb2 import Communities, Contributed
from waddlebot.libs.sdk.ports import Call
from waddlebot.libs.testing.callee import ACTION, CORE, Serving, call_of, serving, tokens_of
from waddlebot.libs.testing.ports import free_port


@pytest.fixture
async def host() -> AsyncIterator[Serving]:
    async with serving(GrpcConfig(port=free_port())) as found:
        yield found


async def ask[M: Message](
    host: Serving, method: str, request: Message, answer: type[M], timeout_s: float = 5.0, **metadata: str
) -> M:
    """One single call, as a stub made of the protos does it."""
    named = tuple((f"waddlebot-{name}", value) for name, value in metadata.items())
    bearer = ("authorization", f"Bearer {tokens_of('admin').make(host.address)}")
    async with grpc.aio.insecure_channel(host.address) as channel:
        serialize: Callable[[Message], bytes] = type(request).SerializeToString
        call: grpc.aio.UnaryUnaryMultiCallable[Message, M] = channel.unary_unary(
            f"/waddlebot.{method}", request_serializer=serialize, response_deserializer=answer.FromString
        )
        return await call(request, metadata=(bearer, *named), timeout=timeout_s)


async def test_a_contract_is_asked(host: Serving) -> None:
    request = LookupRequest(platform="irc", logins=["ada"])
    found = await ask(host, "identity.Identity/Lookup", request, Accounts, community="home")
    assert [(item.account, item.person) for item in found.items] == [("irc:ada", "home")]


async def test_views_are_asked_of_a_module_by_name(host: Serving) -> None:
    request = Communities(communities=["home"])
    found = await ask(host, "view.View/Contribute", request, Contributed, module=CORE, actor="irc:7")
    assert found.contributions["home"].prefix == "irc:7"


async def test_a_command_is_executed(host: Serving) -> None:
    call = CallMessage(**Codec().of(Call).fields(call_of()))
    assert (await ask(host, "action.Action/Execute", call, ResultMessage)).replies[0].text == "hello"


async def test_replies_are_delivered(host: Serving) -> None:
    send = {"id": "s1", "reply": {"text": "hi"}}
    found = await ask(host, "action.Action/Deliver", Delivery(module=ACTION, sends=[send]), Outcomes)
    assert [(sent.id, sent.status) for sent in found.sents] == [("s1", "sent")]


@pytest.mark.parametrize(
    ("method", "request_", "status"),
    [
        ("identity.Identity/Lookup", LookupRequest(platform="error"), grpc.StatusCode.FAILED_PRECONDITION),
        ("identity.Identity/Links", LookupRequest(), grpc.StatusCode.UNIMPLEMENTED),
        ("view.View/Contribute", Communities(), grpc.StatusCode.UNAVAILABLE),
        ("action.Action/Execute", CallMessage(module=ACTION), grpc.StatusCode.UNAVAILABLE),
        ("identity.Identity/Lookup", LookupRequest(platform="hang"), grpc.StatusCode.DEADLINE_EXCEEDED),
    ],
)
async def test_what_cannot_be_answered_has_a_status(
    host: Serving, method: str, request_: Message, status: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(host, method, request_, Accounts, timeout_s=0.5)
    assert caught.value.code() == status


async def test_bytes_of_no_sense_are_no_call(host: Serving) -> None:
    bearer = ("authorization", f"Bearer {tokens_of('admin').make(host.address)}")
    async with grpc.aio.insecure_channel(host.address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/waddlebot.action.Action/Execute"
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"\xff", metadata=(bearer,))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
