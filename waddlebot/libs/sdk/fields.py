"""Settings and Config: dataclasses whose fields say what they mean, once, for forms, docs and checks."""

import dataclasses
import functools
import math
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

_SHOWN_MAX = 60
_TYPE_WORDS: dict[Any, str] = {
    int: "a whole number", float: "a number", bool: "true or false", str: "text",
    tuple: "a list", list: "a list", dict: "values by name",
}  # fmt: skip


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
    length_min: int | None = None
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
    """``Annotated[T, Field(…)]`` as (T, Field), behind an alias or in ``… | None`` too; else (hint, None)."""
    if isinstance(hint, typing.TypeAliasType):
        return split_annotation(hint.__value__)
    if get_origin(hint) is Annotated:
        plain, *extras = get_args(hint)
        plain, inner = split_annotation(plain)
        return plain, next((extra for extra in extras if isinstance(extra, Field)), inner)
    plain, nullable = unwrap_optional(hint)
    if nullable:
        plain, field = split_annotation(plain)
        return plain | None, field
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
        if info.type is str and type(value) is str and value.isascii():
            converted: Any = value  # nearly all words of commands: nothing to convert, and no half of a pair
        else:
            converted = msgspec.convert(value, info.type, strict=not isinstance(value, str) or info.type is str)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter for halves of surrogate pairs
        raise FieldError(f"{info.name} takes {type_words(info)}, not {_shown(info, value)}.") from None
    field = info.field
    if field.choices and converted is not None and converted not in field.choices:
        raise FieldError(f"{info.name} is one of {', '.join(field.choices)}, not {_shown(info, value)}.")
    if isinstance(converted, (int, float)) and not isinstance(converted, bool):
        _check_number(info, converted)
    if isinstance(converted, str):
        _check_length(info, len(converted))
    return converted


def _check_length(info: FieldInfo, length: int) -> None:
    field = info.field
    if field.length_max is not None and length > field.length_max:
        raise FieldError(f"{info.name} has at most {field.length_max} characters, not {length}.")
    if field.length_min is not None and length < field.length_min:
        raise FieldError(f"{info.name} has at least {field.length_min} characters, not {length}.")


def _check_number(info: FieldInfo, number: float) -> None:
    field = info.field
    if isinstance(number, int) and number.bit_length() > 63:  # neither database holds more
        raise FieldError(f"{info.name} is too large a number.")
    if not math.isfinite(number):  # nan would pass every bound, and inf where there is none
        raise FieldError(f"{info.name} takes {type_words(info)}, not {_shown(info, number)}.")
    if field.at_least is not None and number < field.at_least:
        raise FieldError(f"{info.name} is at least {_digits(field.at_least)}, not {_shown(info, number)}.")
    if field.at_most is not None and number > field.at_most:
        raise FieldError(f"{info.name} is at most {_digits(field.at_most)}, not {_shown(info, number)}.")


def type_words(info: FieldInfo) -> str:
    """What a field takes, in words: ``a whole number``, ``on or off``."""
    plain, _ = unwrap_optional(info.type)
    choices = literal_choices(plain)
    if choices:
        return " or ".join(choices)
    while isinstance(plain, typing.NewType):
        plain = plain.__supertype__
    plain = get_origin(plain) or plain
    return _TYPE_WORDS.get(plain, getattr(plain, "__name__", str(plain)))


def build[T](shape: type[T], values: Mapping[str, Any]) -> T:
    """An instance of ``shape`` from plain values, each checked; unknown and missing names are refused by name.

    Raises :class:`FieldError`.
    """
    infos = {info.name: info for info in fields_of(shape)}
    unknown = sorted(set(values) - set(infos))
    if unknown:
        raise FieldError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(infos))}.")
    missing = [name for name, info in infos.items() if info.required and name not in values]
    if missing:
        raise FieldError(f"missing: {', '.join(missing)}.")
    return shape(**{name: check(infos[name], value) for name, value in values.items()})


def env_name(module: str, info: FieldInfo) -> str:
    """The environment variable of a Config field: ``interactive.ai`` and ``model`` → ``INTERACTIVE_AI_MODEL``."""
    return info.field.env or f"{module}_{info.name}".replace(".", "_").upper()


def from_environment[T](shape: type[T], module: str, environ: Mapping[str, str] | None = None) -> T:
    """A module's Config from the environment; empty variables count as unset.

    Raises :class:`FieldError` that names the variable.
    """
    environ = os.environ if environ is None else environ
    return shape(**{info.name: _read(info, env_name(module, info), environ) for info in fields_of(shape)})


def _read(info: FieldInfo, name: str, environ: Mapping[str, str]) -> Any:
    raw = value_of(info, name, environ)
    if raw:
        return check(dataclasses.replace(info, name=name), raw)
    if info.required:
        raise FieldError(f"{name} is not set: {info.field.help}")
    return info.default


def value_of(info: FieldInfo, name: str, environ: Mapping[str, str]) -> str:
    """What is set for a variable, as written. A secret may be in a file that ``NAME_FILE`` names instead.

    Raises :class:`FieldError` where that file cannot be read.
    """
    raw = environ.get(name, "")
    path = environ.get(f"{name}_FILE", "") if info.field.secret and not raw else ""
    if not path:
        return raw
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "it is no text"
        raise FieldError(f"{name}_FILE names {path}, which cannot be read: {words}.") from None


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one environment variable, and what it takes."""

    variable: str
    problem: str


def problems_of(shape: type, module: str, environ: Mapping[str, str]) -> list[Problem]:
    """Everything that :func:`from_environment` would refuse, not only the first."""
    found = []
    for info in fields_of(shape):
        name = env_name(module, info)
        try:
            _read(info, name, environ)
        except FieldError as error:
            found.append(Problem(name, str(error)))
    if not found:
        try:
            from_environment(shape, module, environ)
        except ValueError as error:  # what the shape itself says of its values together
            found.append(Problem(module, str(error)))
    return found


def json_schema(shape: type) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a dataclass, with what its fields mean and may hold, for forms.

    A secret is ``writeOnly`` and its default is left out.
    """
    schema: dict[str, Any] = msgspec.json.schema(shape)
    properties = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]
    for info in fields_of(shape):
        properties[info.name] |= _schema_words(info)
        if info.field.secret:
            properties[info.name].pop("default", None)
    return schema


def _schema_words(info: FieldInfo) -> dict[str, Any]:
    field = info.field
    choices: list[str | None] = [*field.choices]
    if choices and unwrap_optional(info.type)[1]:
        choices.append(None)
    words = {
        "description": field.help or None,
        "minimum": field.at_least,
        "maximum": field.at_most,
        "maxLength": field.length_max,
        "minLength": field.length_min,
        "enum": choices or None,
        "writeOnly": field.secret or None,
    }
    return {word: value for word, value in words.items() if value is not None}


def _shown(info: FieldInfo, value: Any) -> str:
    if info.field.secret:
        return "that"
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_MAX else f"{shown[:_SHOWN_MAX]}…"


def _digits(number: float) -> str:
    """A bound as people write it: 2592000, neither 2.592e+06 nor 2592000.0."""
    return str(number) if isinstance(number, int) else f"{number:.15g}"


def literal_choices(hint: Any) -> tuple[str, ...]:
    """The values of a ``Literal`` type, as typed; empty for any other."""
    return tuple(map(str, get_args(hint))) if get_origin(hint) is typing.Literal else ()
