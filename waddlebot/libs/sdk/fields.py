"""Settings and Config: dataclasses whose fields say what they mean, once, for forms, docs and checks."""

import dataclasses
import functools
import math
import os
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """What one field of a Settings, Config, Resource or command argument means and may hold.

    Bounds are inclusive. ``env`` overrides the derived variable name of a Config field. A ``secret`` is
    never printed, logged, exported or shown again.
    """

    help: str
    at_least: float | None = None
    at_most: float | None = None
    length_max: int | None = None
    choices: tuple[str, ...] = ()
    env: str = ""
    secret: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class FieldInfo:
    """One declared field: its name, plain type, meaning and default (``MISSING`` where there is none)."""

    name: str
    type: Any
    field: Field
    default: Any

    @property
    def required(self) -> bool:
        """True where the declaration gives no default."""
        return self.default is dataclasses.MISSING


class FieldError(ValueError):
    """A value that its field refuses; the text names the field and says what it takes."""


def fields_of(shape: type) -> tuple[FieldInfo, ...]:
    """The declared fields of a dataclass, in order."""
    return _declared(shape)


@functools.cache
def _declared(shape: Any) -> tuple[FieldInfo, ...]:
    hints = get_type_hints(shape, include_extras=True)
    found = []
    for declared in dataclasses.fields(shape):
        hint = hints[declared.name]
        plain, field = split_annotation(hint)
        default = declared.default
        if default is dataclasses.MISSING and declared.default_factory is not dataclasses.MISSING:
            default = declared.default_factory()
        found.append(FieldInfo(declared.name, plain, field or Field(""), default))
    return tuple(found)


def split_annotation(hint: Any) -> tuple[Any, Field | None]:
    """``Annotated[T, Field(…)]`` as (T, Field); any other hint as (hint, None)."""
    if get_origin(hint) is Annotated:
        plain, *extras = get_args(hint)
        return plain, next((extra for extra in extras if isinstance(extra, Field)), None)
    return hint, None


def unwrap_optional(hint: Any) -> tuple[Any, bool]:
    """``T | None`` as (T, True); any other hint as (hint, False)."""
    if get_origin(hint) in (types.UnionType, Union):
        inner = [part for part in get_args(hint) if part is not type(None)]
        if len(inner) == 1 and len(get_args(hint)) == 2:
            return inner[0], True
    return hint, False


def check(info: FieldInfo, value: Any) -> Any:
    """``value`` as the field's type, within its bounds.

    Raises :class:`FieldError` that names the field and says what it takes.
    """
    try:
        converted = msgspec.convert(value, info.type, strict=not isinstance(value, str) or info.type is str)
    except msgspec.ValidationError:
        raise FieldError(f"{info.name} takes {type_words(info)}, not {_shown(info, value)}.") from None
    field = info.field
    if field.choices and converted not in field.choices:
        raise FieldError(f"{info.name} is one of {', '.join(field.choices)}, not {_shown(info, value)}.")
    if isinstance(converted, (int, float)) and not isinstance(converted, bool):
        if not math.isfinite(converted):  # nan would pass every bound, and inf where there is none
            raise FieldError(f"{info.name} takes {type_words(info)}, not {_shown(info, value)}.")
        if field.at_least is not None and converted < field.at_least:
            raise FieldError(f"{info.name} is at least {field.at_least:g}, not {converted:g}.")
        if field.at_most is not None and converted > field.at_most:
            raise FieldError(f"{info.name} is at most {field.at_most:g}, not {converted:g}.")
    if field.length_max is not None and isinstance(converted, str) and len(converted) > field.length_max:
        raise FieldError(f"{info.name} has at most {field.length_max} characters, not {len(converted)}.")
    return converted


def type_words(info: FieldInfo) -> str:
    """What a field takes, in words: ``a whole number``, ``on or off``."""
    plain, _ = unwrap_optional(info.type)
    choices = literal_choices(plain)
    if choices:
        return " or ".join(choices)
    known = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return known.get(plain, getattr(plain, "__name__", str(plain)))


def build[T](shape: type[T], values: Mapping[str, Any]) -> T:
    """An instance of ``shape`` from plain values, each checked; unknown names are refused by name.

    Raises :class:`FieldError`.
    """
    infos = {info.name: info for info in fields_of(shape)}
    unknown = sorted(set(values) - set(infos))
    if unknown:
        raise FieldError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(infos))}.")
    return shape(**{name: check(infos[name], value) for name, value in values.items()})


def env_name(module: str, info: FieldInfo) -> str:
    """The environment variable of a Config field: ``interactive.ai`` and ``model`` → ``INTERACTIVE_AI_MODEL``."""
    return info.field.env or f"{module}_{info.name}".replace(".", "_").upper()


def from_environment[T](shape: type[T], module: str, environ: Mapping[str, str] | None = None) -> T:
    """A module's Config from the environment; empty variables count as unset.

    Raises :class:`FieldError` that names the variable.
    """
    environ = os.environ if environ is None else environ
    values = {}
    for info in fields_of(shape):
        name = env_name(module, info)
        raw = environ.get(name, "")
        if raw:
            values[info.name] = check(dataclasses.replace(info, name=name), raw)
        elif info.required:
            raise FieldError(f"{name} is not set: {info.field.help}")
    return shape(**values)


def json_schema(shape: type) -> dict[str, Any]:
    """The JSON Schema of a dataclass or struct, for forms and OpenAPI."""
    schema: dict[str, Any] = msgspec.json.schema(shape)
    return schema


def _shown(info: FieldInfo, value: Any) -> str:
    return "that" if info.field.secret else repr(value)


def literal_choices(hint: Any) -> tuple[str, ...]:
    """The strings of a ``Literal`` type; empty for any other."""
    if isinstance(hint, typing.TypeAliasType):
        hint = hint.__value__
    return tuple(get_args(hint)) if get_origin(hint) is typing.Literal else ()
