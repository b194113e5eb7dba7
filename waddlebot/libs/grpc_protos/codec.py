"""Structs as protobuf messages and back. A converter is built once per type and used for the life of the process.

Values go out as keyword arguments of the generated message class, which protobuf fills in C; they come in by one
``attrgetter`` a message. What a newer sender adds is passed over, what an older one leaves out has its default.
"""

import importlib
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError, Message

from waddlebot.libs.grpc_protos import shapes
from waddlebot.libs.grpc_protos.shapes import Part, Shape

type Encode = Callable[[Any], Any]
"""A value as what protobuf's constructors take: plain, a list, or a dict for a message."""
type Decode = Callable[[Any], Any]
"""The opposite, of what is read from a message."""

_MALFORMED = (ValueError, TypeError, AttributeError, OverflowError, msgspec.MsgspecError, RecursionError, KeyError)


class WireError(Exception):
    """A value that cannot leave, or bytes that are not what they should be."""


def message_of(struct: type) -> type[Message]:
    """The generated class of a struct of this package's libs."""
    module = importlib.import_module(f"waddlebot.libs.grpc_protos.{shapes.file_of(struct)}_pb2")
    found: type[Message] = getattr(module, struct.__name__)
    return found


class Codec:
    """The converters, by type. ``find`` says which message class a struct has."""

    def __init__(self, find: Callable[[type], type[Message]] = message_of) -> None:
        self._find = find
        self._built: dict[type, Converter] = {}

    def of(self, struct: type[msgspec.Struct]) -> "Converter":
        """The converter of a struct."""
        converter = self._built.get(struct)
        if converter is None:
            converter = self._built[struct] = Converter(struct, self._find(struct))
            converter.build(self)  # after it is kept, so that a struct may contain itself
        return converter


class Converter:
    """One struct's way to its message and back.

    ``fields`` and ``value`` work on what stands inside another message, ``dumps`` and ``loads`` on bytes.
    """

    def __init__(self, struct: type[msgspec.Struct], message: type[Message]) -> None:
        self.struct = struct
        self.message = message

    def build(self, codec: Codec) -> None:
        """Look at the struct's fields. Raises ``ShapeError`` for one that has no place in protobuf."""
        parts = shapes.parts_of(self.struct)
        names = tuple(part.name for part in parts)
        self.fields = _outgoing([(part, _encoder(part.shape, codec)) for part in parts])
        self.value = _incoming(self.struct, names, [_reader(part, codec) for part in parts])

    def dumps(self, value: Any) -> bytes:
        """A struct as bytes. Raises :class:`WireError`."""
        try:
            raw: bytes = self.message(**self.fields(value)).SerializeToString()
        except _MALFORMED as error:
            raise WireError(f"{self.struct.__name__} cannot leave the process: {error}") from error
        return raw

    def loads(self, raw: bytes) -> Any:
        """The struct of :meth:`dumps`, of this or any other version. Raises :class:`WireError`."""
        try:
            return self.value(self.message.FromString(raw))
        except (DecodeError, *_MALFORMED) as error:
            raise WireError(f"these bytes are no {self.struct.__name__}: {error}") from error


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


def _outgoing(parts: Sequence[tuple[Part, Encode | None]]) -> Encode:
    asdict = msgspec.structs.asdict
    always = [(part.name, encode) for part, encode in parts if encode is not None and part.required]
    seldom = [
        (part.name, encode, part.default) for part, encode in parts if encode is not None and not part.required
    ]

    def fields(value: Any) -> dict[str, Any]:
        out = asdict(value)
        for name, encode in always:
            out[name] = encode(out[name])
        for name, encode, default in seldom:
            held = out[name]
            # What has its default stays away: the other side puts it back, and most fields of most values do.
            out[name] = None if held == default and type(held) is type(default) else encode(held)
        return out

    return fields


class _Reader(NamedTuple):
    """How one field comes in: from what its message has there, or, ``by_message``, from the message as a whole."""

    decode: Decode | None
    by_message: bool = False


def _incoming(struct: type[msgspec.Struct], names: tuple[str, ...], readers: Sequence[_Reader]) -> Decode:
    get = _getter(names)
    by_value = [(index, r.decode) for index, r in enumerate(readers) if r.decode and not r.by_message]
    by_message = [(index, r.decode) for index, r in enumerate(readers) if r.decode and r.by_message]
    if not by_value and not by_message:
        return lambda message: struct(*get(message))

    def value(message: Any) -> Any:
        values = list(get(message))
        for index, decode in by_value:
            values[index] = decode(values[index])
        for index, decode in by_message:
            values[index] = decode(message)
        return struct(*values)

    return value


# --- out ----------------------------------------------------------------------------------------------


def _encoder(shape: Shape, codec: Codec) -> Encode | None:  # noqa: C901  a case for each kind of shape
    """How a value goes out; None where it does as it is. Protobuf takes None for an absent field."""
    match shape:
        case shapes.Scalar(enumeration=None):
            return None
        case shapes.Scalar():
            return operator.attrgetter("value")
        case shapes.Packed():
            return msgspec.msgpack.Encoder().encode
        case shapes.Message(struct=struct):
            converter = codec.of(struct)
            return lambda value: converter.fields(value)  # noqa: PLW0108  built later where a struct contains itself
        case shapes.Repeated(item=item):
            return _each(_encoder(item, codec))
        case shapes.Mapped(value=value):
            return _each_value(_encoder(value, codec))
        case shapes.Optional(inner=inner):
            return _unless_none(_encoder(inner, codec))
        case shapes.Wrapped(inner=inner):
            return _wrapping(_encoder(inner, codec))
        case shapes.Row(items=items):
            return _row_encoder([_encoder(item, codec) for item in items])
        case shapes.Choice(options=options):
            return _choice_encoder(options, codec)


def _each(encode: Encode | None) -> Encode | None:
    return None if encode is None else lambda values: [encode(value) for value in values]


def _each_value(encode: Encode | None) -> Encode | None:
    return None if encode is None else lambda values: {key: encode(value) for key, value in values.items()}


def _unless_none(encode: Encode | None) -> Encode | None:
    return None if encode is None else lambda value: None if value is None else encode(value)


def _wrapping(encode: Encode | None) -> Encode:
    return (lambda value: {"value": value}) if encode is None else (lambda value: {"value": encode(value)})


def _row_encoder(encoders: list[Encode | None]) -> Encode:
    named = [(f"item_{number}", encode) for number, encode in enumerate(encoders, 1)]

    def fields(values: Any) -> dict[str, Any]:
        return {
            name: value if encode is None else encode(value)
            for (name, encode), value in zip(named, values, strict=True)
        }

    return fields


def _choice_encoder(options: tuple[tuple[str, Shape], ...], codec: Codec) -> Encode:
    by_type = {_python_type(shape): (word, _encoder(shape, codec)) for word, shape in options}

    def fields(value: Any) -> dict[str, Any]:
        word, encode = by_type[type(value)]
        return {word: value if encode is None else encode(value)}

    return fields


def _python_type(shape: Shape) -> Any:
    match shape:
        case shapes.Message(struct=struct):
            return struct
        case shapes.Wrapped(inner=shapes.Repeated(container=container)):
            return container
        case shapes.Wrapped():
            return dict
        case shapes.Scalar(word=word):
            return {"bool": bool, "int": int, "float": float, "str": str, "bytes": bytes}[word]
    raise AssertionError(shape)  # shapes.shape_of makes no other option


# --- in -----------------------------------------------------------------------------------------------


def _reader(part: Part, codec: Codec) -> _Reader:
    """How one field is read. To ask a message whether it has a field costs more than to look at the value."""
    name, get = part.name, operator.attrgetter(part.name)
    decode = _decoder(part.shape, codec)
    if not part.present:
        return _Reader(decode)
    absent = _absent(part)
    if decode is None:
        return _Reader(lambda message: get(message) if message.HasField(name) else absent(), by_message=True)
    if _is_never_empty(part.shape):
        return _Reader(lambda value: decode(value) if value else absent())
    return _Reader(lambda message: decode(get(message)) if message.HasField(name) else absent(), by_message=True)


def _is_never_empty(shape: Shape) -> bool:
    """Whether an empty text or no bytes can only mean that the field is absent."""
    match shape:
        case shapes.Packed():
            return True  # nothing packs to no bytes
        case shapes.Scalar(proto="string", allowed=allowed, enumeration=None):
            return bool(allowed) and "" not in allowed
    return False


def _absent(part: Part) -> Callable[[], Any]:
    name, default = part.name, part.default
    if isinstance(part.shape, shapes.Optional):
        return lambda: None
    if not part.required:
        return lambda: default.copy() if type(default) in (dict, list) else default

    def refuse() -> Any:
        raise ValueError(f"{name} is missing")

    return refuse


def _decoder(shape: Shape, codec: Codec) -> Decode | None:  # noqa: C901  a case for each kind of shape
    """How a value comes in; None where it does as it is."""
    match shape:
        case shapes.Scalar(enumeration=None, allowed=allowed):
            return _one_of(allowed) if allowed else None
        case shapes.Scalar(enumeration=enumeration):
            return enumeration
        case shapes.Packed(hint=hint):
            return msgspec.msgpack.Decoder(hint).decode
        case shapes.Message(struct=struct):
            converter = codec.of(struct)
            return lambda message: converter.value(message)  # noqa: PLW0108  built later, as above
        case shapes.Repeated(item=item, container=container):
            decode = _decoder(item, codec)
            return container if decode is None else lambda values: container([decode(value) for value in values])
        case shapes.Mapped(value=value):
            return _map_decoder(_decoder(value, codec))
        case shapes.Optional(inner=inner):
            return _decoder(inner, codec)
        case shapes.Wrapped(inner=inner):
            return _read_value(inner, _decoder(inner, codec))
        case shapes.Row(items=items):
            return _row_decoder(items, codec)
        case shapes.Choice(options=options):
            return _choice_decoder(options, codec)


def _one_of(allowed: frozenset[Any]) -> Decode:
    def check(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"{value!r} is none of {', '.join(sorted(map(str, allowed)))}")
        return value

    return check


def _map_decoder(decode: Decode | None) -> Decode:
    return dict if decode is None else lambda values: {key: decode(value) for key, value in values.items()}


def _read_value(inner: Shape, decode: Decode | None) -> Decode:
    def read(message: Any) -> Any:
        if isinstance(inner, shapes.Optional) and not message.HasField("value"):
            return None
        return message.value if decode is None else decode(message.value)

    return read


def _row_decoder(items: tuple[Shape, ...], codec: Codec) -> Decode:
    readers = [_read_item(f"item_{number}", item, _decoder(item, codec)) for number, item in enumerate(items, 1)]
    return lambda message: tuple([read(message) for read in readers])


def _read_item(name: str, shape: Shape, decode: Decode | None) -> Decode:
    def read(message: Any) -> Any:
        if isinstance(shape, shapes.Optional) and not message.HasField(name):
            return None
        value = getattr(message, name)
        return value if decode is None else decode(value)

    return read


def _choice_decoder(options: tuple[tuple[str, Shape], ...], codec: Codec) -> Decode:
    decoders: Mapping[str, Decode | None] = {word: _decoder(shape, codec) for word, shape in options}

    def read(message: Any) -> Any:
        word = message.WhichOneof("choice")
        if word is None:
            raise ValueError("a choice is empty, or of a newer version")
        value, decode = getattr(message, word), decoders[word]
        return value if decode is None else decode(value)

    return read
