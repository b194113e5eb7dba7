"""How Python types look in protobuf: one description for what writes the protos and for what converts values.

Protobuf has neither unions, nor lists of lists, nor a list that may be absent, nor maps of lists: each gets a
message of its own. What has no fixed type (``Any``, an event) travels as msgpack.
"""

import enum
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import msgspec

from waddlebot.libs.sdk.event import Event

PACKAGE = "waddlebot"
"""The package of all protos; each Python module with structs has one of its own below."""

_SCALARS: dict[Any, tuple[str, str]] = {
    bool: ("bool", "bool"), int: ("int64", "int"), float: ("double", "float"),
    str: ("string", "str"), bytes: ("bytes", "bytes"),
}  # fmt: skip
"""Python type → protobuf's name (protobuf.dev/programming-guides/proto3/#scalar), and its word in a union."""


class ShapeError(TypeError):
    """A type that has no place in protobuf; the text says which and what to declare in its stead."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that protobuf knows. ``allowed`` are a Literal's words, ``enumeration`` is what the value is of."""

    proto: str
    word: str
    allowed: frozenset[Any] = frozenset()
    enumeration: type[enum.Enum] | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """Something as msgpack: what has no fixed type, and events, which keep the bytes of the receiver."""

    hint: Any


@dataclass(frozen=True, slots=True)
class Message:
    """A struct."""

    struct: type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A list, or a tuple of any length; ``container`` makes one of the items."""

    item: "Shape"
    container: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Values by text."""

    value: "Shape"


@dataclass(frozen=True, slots=True)
class Row:
    """A tuple of so many items, each with a type of its own: a message with the fields ``item_1`` …"""

    items: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several types: a message with a ``oneof`` that has a field for each."""

    options: tuple[tuple[str, "Shape"], ...]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A message with the one field ``value``, around what could not be absent, or repeated, by itself."""

    inner: "Shape"


@dataclass(frozen=True, slots=True)
class Optional:
    """Something, or None where it is absent."""

    inner: "Shape"


type Shape = Scalar | Packed | Message | Repeated | Mapped | Row | Choice | Wrapped | Optional


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a struct. ``present`` says that the wire tells its absence from its zero: then, and in lists
    and maps, what an older sender did not know has the ``default`` here.
    """

    name: str
    shape: Shape
    present: bool
    default: Any
    required: bool


def parts_of(struct: type[msgspec.Struct]) -> tuple[Part, ...]:
    """The fields of a struct, in order. Raises :class:`ShapeError` for what has no place in protobuf."""
    parts = []
    for field in msgspec.structs.fields(struct):
        where = f"{struct.__module__}.{struct.__qualname__}.{field.name}"
        shape = shape_of(field.type, where)
        default, required = field.default, field.required
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if isinstance(shape, Optional) and not required and default is not None:
            raise ShapeError(f"{where}: what may be None has the default None; an older sender leaves it out")
        if isinstance(shape, Repeated | Mapped) and not required and default:
            shape = Wrapped(shape)
        parts.append(Part(field.name, shape, _is_present(shape, default, required), default, required))
    return tuple(parts)


def _is_present(shape: Shape, default: Any, required: bool) -> bool:
    match shape:
        case Optional() | Message() | Row() | Choice() | Wrapped() | Packed():
            return True
        case Scalar(allowed=allowed, enumeration=enumeration):
            return bool(allowed) or enumeration is not None or not (required or not default)
    return False


def shape_of(hint: Any, where: str) -> Shape:  # noqa: C901  a look at each kind of type
    """The shape of a type; ``where`` is named when it has none. Raises :class:`ShapeError`."""
    if isinstance(hint, typing.TypeAliasType):
        return shape_of(hint.__value__, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        return shape_of(arguments[0], where)
    if hint is Any or hint is object or hint is Event:
        return Packed(hint)
    if hint in _SCALARS:
        proto, word = _SCALARS[hint]
        return Scalar(proto, word)
    if origin is Literal:
        return _limited(arguments, arguments, None, where)
    if origin in (types.UnionType, typing.Union):
        return _union(arguments, where)
    if origin in (tuple, list):
        return _sequence(origin, arguments, where)
    if origin is dict:
        return _mapping(arguments, where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _limited([member.value for member in hint], (), hint, where)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return Message(hint)
    raise ShapeError(f"{where}: {hint!r} has no place in protobuf; declare a Struct, or Any for msgpack")


def _limited(values: Any, allowed: Any, enumeration: type[enum.Enum] | None, where: str) -> Scalar:
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or kinds <= {bool} or not kinds <= set(_SCALARS):
        raise ShapeError(f"{where}: the values of a Literal or Enum are all text, or all numbers")
    proto, word = _SCALARS[kinds.pop()]
    return Scalar(proto, word, frozenset(allowed), enumeration)


def _union(arguments: tuple[Any, ...], where: str) -> Shape:
    options = [argument for argument in arguments if argument is not type(None)]
    if len(options) < len(arguments):
        rest = options[0] if len(options) == 1 else typing.Union[tuple(options)]  # noqa: UP007  made of a list
        inner = shape_of(rest, where)
        return Optional(Wrapped(inner) if isinstance(inner, Repeated | Mapped) else inner)
    named = [_option(shape_of(option, where), where) for option in options]
    if len({word for word, _ in named}) < len(named):
        raise ShapeError(f"{where}: two parts of the union look alike on the wire; give each a Struct of its own")
    return Choice(tuple(named))


def _option(shape: Shape, where: str) -> tuple[str, Shape]:
    match shape:
        case Scalar(word=word, allowed=allowed, enumeration=enumeration) if not allowed and enumeration is None:
            return f"as_{word}", shape
        case Message(struct=struct):
            return _snake(struct.__name__), shape
        case Repeated() | Mapped():
            return ("as_list" if isinstance(shape, Repeated) else "as_map"), Wrapped(shape)
    raise ShapeError(f"{where}: a union is of structs, plain values, a list and a map; declare a Struct for more")


def _sequence(origin: Any, arguments: tuple[Any, ...], where: str) -> Shape:
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is ...):
        return Row(tuple(_field(shape_of(argument, where)) for argument in arguments))
    return Repeated(_element(shape_of(arguments[0], where)), origin)


def _mapping(arguments: tuple[Any, ...], where: str) -> Shape:
    key, value = arguments
    if key is not str:
        raise ShapeError(f"{where}: the keys of a map are text")
    return Packed(dict[str, Any]) if value is Any or value is object else Mapped(_element(shape_of(value, where)))


def _element(shape: Shape) -> Shape:
    """What may stand in a list or map: neither another one, nor something absent."""
    return Wrapped(shape) if isinstance(shape, Repeated | Mapped | Optional) else shape


def _field(shape: Shape) -> Shape:
    return Wrapped(shape) if isinstance(shape, Repeated | Mapped) else shape


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def file_of(struct: type) -> str:
    """The name of the proto that a class's Python module has: its last part."""
    return struct.__module__.rsplit(".", 1)[-1]


def method_of(name: str) -> str:
    """What a method or nested message of this Python name is called in protos: ``CamelCase``."""
    return "".join(word.capitalize() for word in name.split("_"))


def has_proto(struct: Any) -> bool:
    """Whether a type is one of those that protos are made of: the structs of this package's libs."""
    return isinstance(struct, type) and issubclass(struct, msgspec.Struct) and (
        struct.__module__.startswith(("waddlebot.libs.contracts.", "waddlebot.libs.sdk."))
    )  # fmt: skip
