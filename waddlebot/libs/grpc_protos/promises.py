"""What every contract asks and answers, and how each travels between processes."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from waddlebot.libs.grpc_protos import shapes
from waddlebot.libs.grpc_protos.codec import Codec, WireError
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.personal import FORGET, HELD, PERSONAL, Forgotten, Held, Person
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW, Communities, Contributed, Contribution


class Way(NamedTuple):
    """How values of one type travel. Both raise ``WireError`` for what cannot."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


class Promises:
    """Who promises what, by contract and method, among the modules there are.

    ``shapes`` has the request and the answer type of each, ``providers`` the modules by contract.
    """

    def __init__(self, manifests: Mapping[str, Module], codec: Codec) -> None:
        self._codec = codec
        self.providers = {contract: m.name for m in manifests.values() for contract, _ in m.promises}
        self.shapes: dict[tuple[str, str], tuple[Any, Any]] = {
            promise: (method.request, method.answer)
            for module in manifests.values()
            for promise, (method, _) in module.promises.items()
        }
        self.shapes[VIEW, CONTRIBUTE] = (tuple[str, ...], dict[str, Contribution])
        self.shapes[PERSONAL, HELD] = (Person, Held)
        self.shapes[PERSONAL, FORGET] = (Person, Forgotten)
        self._ways: dict[tuple[str, str], tuple[Way, Way]] = {}

    def ways(self, contract: str, method: str) -> tuple[Way, Way]:
        """How the request and the answer travel. Raises ``WireError`` for what nobody promises."""
        ways = self._ways.get((contract, method))
        if ways is None:
            try:
                request, answer = self.shapes[contract, method]
            except KeyError:
                raise WireError(
                    f"no module here knows {contract}.{method}: are all hosts of one version?"
                ) from None
            ways = self._ways[contract, method] = (self._way(request), self._way(answer))
        return ways

    def _way(self, shape: Any) -> Way:
        if shapes.has_proto(shape):
            converter = self._codec.of(shape)
            return Way(converter.dumps, converter.loads)
        for bare, struct in _BARE:
            if shape == bare:
                return _unwrapped(self._codec, struct)
        return _packed(shape)  # a contract of a package from outside


_BARE: tuple[tuple[Any, type[msgspec.Struct]], ...] = (
    (tuple[str, ...], Communities),
    (dict[str, Contribution], Contributed),
)
"""Types that are no struct, and the struct of one field in which they travel."""


def _unwrapped(codec: Codec, struct: type[msgspec.Struct]) -> Way:
    converter = codec.of(struct)
    (name,) = struct.__struct_fields__
    return Way(lambda value: converter.dumps(struct(value)), lambda raw: getattr(converter.loads(raw), name))


def _packed(shape: Any) -> Way:
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(shape)

    def dumps(value: Any) -> bytes:
        try:
            return encoder.encode(value)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
            raise WireError(f"this cannot leave the process: {error}") from error

    def loads(raw: bytes) -> Any:
        try:
            return decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise WireError(f"these bytes are not what was promised: {error}") from error

    return Way(dumps, loads)
