"""A Resource: a typed, community-owned configuration record whose every change can be undone."""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec

from waddlebot.libs.dal.table import Column, ColumnType, Table

_COLUMN_TYPES: tuple[tuple[type, ColumnType], ...] = (
    (bool, "boolean"),  # before int: a bool is one
    (int, "integer"),
    (str, "text"),
    (float, "real"),
    (bytes, "bytes"),
)


@dataclass(frozen=True, slots=True)
class Resource:
    """What `@resource` found out about a class: its table and how a record becomes a row and back."""

    type: type
    key: tuple[str, ...]
    table: Table
    portable: bool = True
    own: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """What of a record is carried from one community to another: its fields but those of its `own`."""
        return tuple(column.name for column in self.table.columns[1:] if column.name not in self.own)

    def alike(self, one: object, other: object) -> bool:
        """Whether two records, or none, would be carried as the same."""
        if one is None or other is None:
            return one is other
        return all(getattr(one, field) == getattr(other, field) for field in self.fields)

    @property
    def name(self) -> str:
        """How changes and exports call it: the name of its table, which outlives a renamed class."""
        return self.table.name

    def key_of(self, record: object) -> tuple[Any, ...]:
        """The record's natural key within its community."""
        return tuple(_plain(getattr(record, field)) for field in self.key)

    def row(self, record: object, community: str) -> tuple[Any, ...]:
        """The record as values in the order of the table's columns."""
        values: list[Any] = []
        for column in self.table.columns:
            if column.name == "community":
                values.append(community)
                continue
            value = getattr(record, column.name)
            is_json = column.type == "json" and not (value is None and column.null)
            values.append(encode_json(value) if is_json else _plain(value))
        return tuple(values)

    def record(self, row: Mapping[str, Any]) -> Any:
        """The record a row holds. Raises msgspec.ValidationError when the row does not fit the class."""
        fields = {}
        for column in self.table.columns[1:]:
            value = row[column.name]
            is_json = column.type == "json" and value is not None
            fields[column.name] = msgspec.json.decode(value) if is_json else value
        # Not strict: SQLite returns booleans as 0 and 1.
        return msgspec.convert(fields, self.type, strict=False)


def encode_json(value: Any) -> str:
    """The value as the text a `json` column holds."""
    return msgspec.json.encode(value).decode()


def resource[T](
    *, key: tuple[str, ...], table: str, portable: bool = True, own: tuple[str, ...] = ()
) -> Callable[[type[T]], type[T]]:
    """Declare a frozen dataclass to be a Resource, stored in `table`, unique by `key` within its community.

    Put it above `@dataclass(frozen=True, slots=True)`. Each field is a column of the same name: str, int,
    float, bool, bytes, enumerations and `Literal` of these as themselves, `X | None` as a column that may be
    null, anything else as JSON. The owner's migrations create the table with `community` first.

    A resource is `portable` unless its records are what happened rather than what somebody set up: those are not
    exported. `own` are the fields that stay behind when a record is carried elsewhere, such as who made it.
    """

    def declare(cls: type[T]) -> type[T]:
        params = getattr(cls, "__dataclass_params__", None)
        if params is None or not params.frozen:
            raise TypeError(f"{cls.__name__} must be a frozen dataclass to be a resource")
        names = [field.name for field in dataclasses.fields(typing.cast(Any, cls))]
        if not key or not set(key) <= set(names):
            raise TypeError(f"{cls.__name__}: the key {key} must name its fields")
        if not set(own) <= set(names) - set(key):
            raise TypeError(f"{cls.__name__}: its own {own} must be fields beside the key")
        if "community" in names:
            raise TypeError(f"{cls.__name__}: `community` is added by the store, take the field out")
        hints = typing.get_type_hints(cls, include_extras=True)
        columns = (Column("community", "text"), *(_column(name, hints[name]) for name in names))
        cls.__resource__ = Resource(  # type: ignore[attr-defined]  # the declaration lives on the class it describes
            cls, key, Table(table, columns, ("community", *key)), portable, own
        )
        return cls

    return declare


def resource_of(cls: type) -> Resource:
    """The declaration of a class marked `@resource`, or TypeError."""
    declared: Resource | None = cls.__dict__.get("__resource__")
    if declared is None:
        raise TypeError(f"{cls.__name__} is not a resource: mark it with @resource(key=…, table=…)")
    return declared


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _column(name: str, hint: Any) -> Column:
    hint = _unwrapped(hint)
    if get_origin(hint) not in (Union, types.UnionType):
        return Column(name, _column_type(hint))
    members = [_unwrapped(member) for member in get_args(hint)]
    null = type(None) in members
    kinds = {_column_type(member) for member in members if member is not type(None)}
    # One member and None is a column that may be null; a real union can only be told apart as JSON.
    return Column(name, kinds.pop(), null=null) if len(kinds) == 1 else Column(name, "json", null=null)


def _unwrapped(hint: Any) -> Any:
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif isinstance(hint, TypeAliasType):
            hint = hint.__value__
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        else:
            return hint


def _column_type(hint: Any) -> ColumnType:
    if get_origin(hint) is Literal:
        kinds = {_column_type(type(value)) for value in get_args(hint)}
        return kinds.pop() if len(kinds) == 1 else "json"
    if not isinstance(hint, type):
        return "json"
    if issubclass(hint, enum.Enum):
        kinds = {_column_type(type(member.value)) for member in hint}
        return kinds.pop() if len(kinds) == 1 else "json"
    for python, column in _COLUMN_TYPES:
        if hint is python or (issubclass(hint, python) and python is not bool):
            return column
    return "json"
