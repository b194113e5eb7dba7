"""Our declarations as PyDAL tables."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from pydal import DAL, Field
from pydal.helpers.classes import SQLCustomType

from waddlebot.libs.dal.dialect import Dialect
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.resource import encode_json

# PyDAL's own types would store booleans as T and F and bytes as base64, which native statements do not.
_PLAIN = {"text": "text", "integer": "integer", "real": "double"}


def open_pydal(uri: str, dialect: Dialect, owners: Iterable[Owner]) -> tuple[Any, Mapping[str, Mapping[str, Any]]]:
    """A DAL with all owners' tables defined, and the tables of each owner by their short names.

    It never creates or alters a table: migrations do.
    """
    db = DAL(uri, migrate=False, migrate_enabled=False, attempts=1, decode_credentials=True)
    db._adapter.execution_handlers = []  # PyDAL would keep the text and time of every statement
    types = _custom_types(dialect)
    tables = {owner.name: _define(db, owner, dialect, types) for owner in owners}
    db.close()  # nothing is open yet: it makes PyDAL forget the object, which this thread would keep for ever
    return db, tables


def _define(db: Any, owner: Owner, dialect: Dialect, types: Mapping[str, Any]) -> Mapping[str, Any]:
    tables = {}
    for name, table in owner.tables.items():
        if name == "_effect":  # not for modules: the unit of work keeps it
            continue
        fields = [
            Field(column.name, "id" if table.numbered and column.name == "id" else types[column.type])
            for column in table.columns
        ]
        options: dict[str, Any] = {} if table.numbered else {"primarykey": list(table.key)}
        defined = db.define_table(
            f"{owner.schema}__{name}", *fields, rname=dialect.qualified(owner.name, name), **options
        )
        if not hasattr(defined, "_id"):  # PyDAL's aliases need one, though it gives none to a key of several
            defined._id = defined[table.key[0]]
        defined._declared = (owner.name, table)
        tables[name] = defined
    return tables


def _custom_types(dialect: Dialect) -> Mapping[str, Any]:
    postgresql = dialect.name == "postgresql"

    def null_or(encode: Callable[[Any], str]) -> Callable[[Any], str]:
        return lambda value: "" if value is None else encode(value)  # PyDAL writes NULL for an empty text

    def boolean(value: Any) -> str:
        return ("true" if value else "false") if postgresql else ("1" if value else "0")

    def octets(value: bytes) -> str:
        return f"'\\x{value.hex()}'::bytea" if postgresql else f"X'{value.hex()}'"

    def value_or_none(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda value: None if value is None else decode(value)

    return {
        **_PLAIN,
        "boolean": SQLCustomType("boolean", encoder=null_or(boolean), decoder=value_or_none(bool)),
        "bytes": SQLCustomType("blob", encoder=null_or(octets), decoder=value_or_none(bytes)),
        "json": SQLCustomType(
            "text",
            encoder=null_or(encode_json),  # PyDAL quotes what is of its type `text`
            decoder=value_or_none(msgspec.json.decode),
        ),
    }
