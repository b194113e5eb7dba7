"""Single calls: each contract and each action module as a gRPC service of its own, as the protos have it.

For administration and for callers in other languages; hosts ask each other on streams, which is faster. Metadata:
``authorization`` with a service token; for contracts ``waddlebot-community``, ``waddlebot-actor`` and
``waddlebot-key``; for ``View`` and ``PersonalData``
the ``waddlebot-module`` that is asked.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from waddlebot.libs import grpc_protos
from waddlebot.libs.adapters.answering import TIMEOUT_S_MAX, Answering
from waddlebot.libs.grpc_protos.action_pb2 import Delivery
from waddlebot.libs.grpc_protos.peer_pb2 import Item, Outcomes
from waddlebot.libs.grpc_protos.ports_pb2 import Call, Result
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.grpc_protos.shapes import method_of

TIMEOUT_S = 10.0
"""How long a caller waits who does not say."""

type Context = grpc.aio.ServicerContext[Any, Any]
type Answer = Callable[[bytes, str, Context], Awaitable[bytes]]
"""Answers the bytes of a request from a host."""


class UnaryCalls:
    """Finds who answers a method by its path, ``/waddlebot.identity.Identity/Lookup``."""

    def __init__(self, promises: Promises, answering: Answering) -> None:
        self._answering = answering
        services = services_by_name()
        self._answers: dict[str, Answer] = {
            f"/{services[contract]}/{method_of(method)}": self._asking(
                contract, method, promises.providers.get(contract, "")
            )
            for contract, method in promises.shapes
            if contract in services
        }
        self._answers["/waddlebot.action.Action/Execute"] = self._execute
        self._answers["/waddlebot.action.Action/Deliver"] = self._deliver

    def handler(self, path: str) -> Answer | None:
        """Who answers a method; None where nobody does."""
        return self._answers.get(path)

    def _asking(self, contract: str, method: str, module: str) -> Answer:
        async def answer(raw: bytes, host: str, context: Context) -> bytes:
            metadata = {str(name): str(value) for name, value in context.invocation_metadata() or ()}
            scope = {name: metadata.get(f"waddlebot-{name}", "") for name in ("community", "actor", "key")}
            asked = {"contract": contract, "method": method, "request": raw, "scope": scope}
            item = Item(module=module or metadata.get("waddlebot-module", ""), ask=asked)
            found: bytes = (await self._one(item, host, context))["answer"]
            return found

        return answer

    async def _execute(self, raw: bytes, host: str, context: Context) -> bytes:
        call = await _parsed(Call, raw, context)
        found = await self._one(Item(module=call.module, execute=call), host, context)
        answer: bytes = Result(**found["result"]).SerializeToString()
        return answer

    async def _deliver(self, raw: bytes, host: str, context: Context) -> bytes:
        delivery = await _parsed(Delivery, raw, context)
        item = Item(module=delivery.module, deliver={"sends": delivery.sends})
        answer: bytes = Outcomes(**(await self._one(item, host, context))["outcomes"]).SerializeToString()
        return answer

    async def _one(self, item: Item, host: str, context: Context) -> Mapping[str, Any]:
        left_s = context.time_remaining()
        item.id = 1
        item.timeout_ms = int(1_000 * min(left_s if left_s is not None else TIMEOUT_S, TIMEOUT_S_MAX))
        try:
            answer = await self._answering.one(item, host)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "there was no answer in time")
        failure = answer.get("failure")
        if failure is not None:
            untouched = failure.get("untouched", False)
            status = grpc.StatusCode.UNAVAILABLE if untouched else grpc.StatusCode.FAILED_PRECONDITION
            await context.abort(status, failure["reason"])
        return answer


async def _parsed[M: (Call, Delivery)](shape: type[M], raw: bytes, context: Context) -> M:
    try:
        return shape.FromString(raw)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"this is no {shape.__name__}")


def services_by_name() -> dict[str, str]:
    """The full names of the services that protos were made of, by the contract's name."""
    found = {}
    for info in pkgutil.iter_modules(grpc_protos.__path__):
        if info.name.endswith("_pb2"):
            module = importlib.import_module(f"{grpc_protos.__name__}.{info.name}")
            for name, service in module.DESCRIPTOR.services_by_name.items():
                found[name] = service.full_name
    return found
