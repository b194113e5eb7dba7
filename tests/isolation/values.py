"""Made-up values for every declared type: rows of one community, and what another one asks with."""

import dataclasses
import enum
import types
import typing
import zlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec

from waddlebot.action.security.content_filter.chat import Line
from waddlebot.action.security.content_filter.store import Target
from waddlebot.libs.contracts.router import Trace
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.resource import encode_json
from waddlebot.libs.dal.table import Column, Table

type Row = dict[str, Any]

_NUMBER = 7
_TIME = 4_000_000_000.0
"""In the year 2096: nothing that was made up has expired."""


def made_up(hint: Any, name: str, word: str) -> Any:
    """A value of a type; texts hold the word and what they are called. Raises TypeError for a type unknown."""
    hint = _plain(hint)
    if hint in (str, object, Any):
        return text(name, word)
    if hint in _SIMPLE:
        return _SIMPLE[hint](name, word)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return args[0]
    if origin in (Union, types.UnionType):
        return made_up(next(arg for arg in args if arg is not type(None)), name, word)
    if origin in (list, set, frozenset, Sequence, typing.Sequence):
        return (list if origin is Sequence else origin)([made_up(args[0], name, word)])
    if origin is tuple:
        inner = args[:1] if args[1:] == (...,) else args
        return tuple(made_up(one, name, word) for one in inner)
    if origin in (dict, Mapping):
        return {made_up(args[0], name, word): made_up(args[1], name, word)}
    if isinstance(hint, type):
        return _instance(hint, name, word)
    raise TypeError(f"no value is made up for {hint}: teach it here")


_SIMPLE: Mapping[Any, Any] = {
    int: lambda name, word: _NUMBER,
    float: lambda name, word: _TIME,
    bool: lambda name, word: True,
    bytes: lambda name, word: text(name, word).encode(),
    type(None): lambda name, word: None,
}


_FORMED: Mapping[str, str] = {
    "action": "warn", "cron": "0 18 * * *", "exempt": "moderator", "kind": "contains", "zone": "UTC",
}  # fmt: skip
"""Texts that must have a form, since running bots read them."""


def text(name: str, word: str) -> str:
    """What a text of this name is; a channel's has the form of one."""
    if name in _FORMED:
        return _FORMED[name]
    if name in ("entity", "entities"):
        return f"irc:{word}:#{word}"
    if name in ("account", "accounts", "other", "actor"):
        return f"irc:{word}-account"
    return f"{word}-{name.rstrip('s')}"


def _instance(hint: type, name: str, word: str) -> Any:
    if issubclass(hint, enum.Enum):
        return next(iter(hint))
    hints = typing.get_type_hints(hint, include_extras=True)
    if dataclasses.is_dataclass(hint):
        names = [field.name for field in dataclasses.fields(hint)]
        return hint(**{one: made_up(hints[one], one, word) for one in names})
    if issubclass(hint, msgspec.Struct):
        return hint(**{one: made_up(hints[one], one, word) for one in hint.__struct_fields__})
    if issubclass(hint, tuple):
        return hint(*(made_up(one, field, word) for field, one in hints.items()))
    raise TypeError(f"no value is made up for {hint}: teach it here")


def _plain(hint: Any) -> Any:
    while True:
        if isinstance(hint, TypeAliasType):
            hint = hint.__value__
        elif get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        else:
            return hint


def rows_of(owner: Owner, community: str, word: str) -> dict[str, Row]:
    """One row for each of the owner's tables that hold communities' rows."""
    resources = {declared.table.name: declared for declared in owner.resources.values()}
    rows = {}
    for name, table in owner.tables.items():
        if not table.scoped:
            continue
        if name in resources:
            record = made_up(resources[name].type, name, word)
            values = dict(
                zip((c.name for c in table.columns), resources[name].row(record, community), strict=True)
            )
        else:
            values = {column.name: _cell(owner, table, column, word) for column in table.columns}
            values["community"] = community
        rows[name] = values | _numbered(table, word)
    return rows


def _numbered(table: Table, word: str) -> Row:
    """Rows that number themselves have a number that no other has, nor will be given while a test runs."""
    numbers = table.key == ("id",) and table.column("id").type == "integer"
    return {"id": {"red": 1_000_007, "green": 1_000_100}.get(word, 1_000_200)} if numbers else {}


PACKED: Mapping[tuple[str, str, str], Any] = {
    ("processing.router", "failures", "trace"): Trace,
    ("security.content_filter", "chat", "packed"): list[Line],
    ("security.content_filter", "nuke", "targets"): tuple[Target, ...],
}
"""What is packed in columns of bytes, by owner, table and column."""
COMPRESSED = frozenset({("security.content_filter", "chat", "packed")})
"""Columns whose bytes are compressed, too."""


def _cell(owner: Owner, table: Table, column: Column, word: str) -> Any:
    if shape := PACKED.get((owner.name, table.name, column.name)):
        packed = msgspec.msgpack.encode(made_up(shape, column.name, word))
        return zlib.compress(packed) if (owner.name, table.name, column.name) in COMPRESSED else packed
    made = text(column.name, word)
    number = int(_TIME) if column.name == "bucket" else _NUMBER  # old ones would be swept away
    values: Row = {
        "text": made, "integer": number, "real": _TIME, "boolean": True, "bytes": made.encode(),
        "json": encode_json([made]),
    }  # fmt: skip
    return values[column.type]
