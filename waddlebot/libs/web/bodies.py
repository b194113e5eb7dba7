"""Request bodies: JSON as the type that a route declares, with refusals in plain words."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as shapes

from waddlebot.libs.web.errors import HttpError

_EXPECTED = re.compile(r"Expected `(?P<wanted>.+?)`(?:, got `(?P<got>.+?)`)?(?: - at `\$(?P<place>.*)`)?")
_PLACE = re.compile(r"^(?P<words>.*?)(?: - at `\$(?P<place>.*)`)?$", re.DOTALL)
type _Object = shapes.StructType | shapes.DataclassType | shapes.TypedDictType
_OBJECTS = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType)
_LISTS = (shapes.ListType, shapes.VarTupleType, shapes.SetType, shapes.FrozenSetType)
_WORDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "null": "null",
    "array": "a list", "object": "an object",
}  # fmt: skip


class Body:
    """One type of body. An unknown field is refused by name, at every depth, and a missing one is named."""

    def __init__(self, shape: Any) -> None:
        self._shape = shapes.type_info(shape)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(shape)

    def decode(self, raw: bytes) -> Any:
        """``raw`` as the type. Raises :class:`HttpError` 400 with all that is wrong with its fields."""
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise HttpError(400, "bad_json", f"The body is not JSON: {error}.") from error
        found = list(_misfits(value, self._shape, ""))
        if found:
            raise HttpError(400, found[0][0], " ".join(words for _, words in found[:10]))
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise HttpError(400, "bad_value", _reworded(str(error))) from error


def _misfits(value: Any, shape: shapes.Type, place: str) -> Iterator[tuple[str, str]]:
    """What is unknown or missing in ``value``: pairs of an error's word and its words for people."""
    if isinstance(shape, shapes.UnionType):
        shape = _member(value, shape.types)
    if isinstance(value, dict):
        if isinstance(shape, _OBJECTS):
            yield from _object_misfits(value, shape, place)
        elif isinstance(shape, shapes.DictType):
            for name, part in value.items():
                yield from _misfits(part, shape.value_type, _below(place, name))
    elif isinstance(value, list) and isinstance(shape, _LISTS):
        for number, part in enumerate(value):
            yield from _misfits(part, shape.item_type, f"{place}[{number}]")


def _object_misfits(value: dict[str, Any], shape: _Object, place: str) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in shape.fields}
    known = set(fields)
    if isinstance(shape, shapes.StructType) and shape.tag_field is not None:
        known.add(shape.tag_field)
    for name in value:
        if name not in known:
            words = ", ".join(sorted(known)) or "none"
            yield "unknown_field", f"Unknown field {_below(place, name)!r}; known here: {words}."
    for name, field in fields.items():
        if name in value:
            yield from _misfits(value[name], field.type, _below(place, name))
        elif field.required:
            yield "missing_field", f"Missing field {_below(place, name)!r}."


def _member(value: Any, types: tuple[shapes.Type, ...]) -> shapes.Type:
    """The member of a union that a value is meant to be, as far as its fields can be checked."""
    if isinstance(value, list):
        return next((shape for shape in types if isinstance(shape, _LISTS)), shapes.AnyType())
    objects = [shape for shape in types if isinstance(shape, _OBJECTS)]
    if isinstance(value, dict):
        for shape in types:
            if (
                isinstance(shape, shapes.StructType)
                and shape.tag_field
                and value.get(shape.tag_field) == shape.tag
            ):
                return shape
    if len(objects) == 1:
        return objects[0]
    return next((shape for shape in types if isinstance(shape, shapes.DictType)), shapes.AnyType())


def _below(place: str, name: str) -> str:
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    return f"{place}.{shown}" if place else shown


def _reworded(text: str) -> str:
    """msgspec's words, in ours: ``Expected `int`, got `str` - at `$.items[0].x``` → ``items[0].x takes …``."""
    found = _EXPECTED.fullmatch(text)
    if found is not None and found["wanted"]:
        wanted = " or ".join(_WORDS.get(part, part) for part in found["wanted"].split(" | "))
        got = f", not {_WORDS.get(found['got'], found['got'])}" if found["got"] else ""
        return f"{_subject(found['place'])} takes {wanted}{got}."
    parts = _PLACE.match(text)
    assert parts is not None  # noqa: S101  it matches every text
    return f"{_subject(parts['place'])}: {parts['words']}."


def _subject(place: str | None) -> str:
    return repr(place.lstrip(".")) if place else "The body"
