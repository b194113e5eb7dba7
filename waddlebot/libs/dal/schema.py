"""Does the migrated database hold what the code declares? A test asks this of every owner, on both engines."""

from collections.abc import Iterable

from waddlebot.libs.dal.admin import Admin, admin
from waddlebot.libs.dal.dialect import POSTGRESQL
from waddlebot.libs.dal.migrations import with_system
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.table import Column, Table

_COLUMNS = """
    select column_name, data_type, is_nullable = 'YES' from information_schema.columns
    where table_schema = %(schema)s and table_name = %(table)s
"""
_KEYS = """
    select array_agg(attname::text) from pg_index
    join pg_attribute on attrelid = indrelid and attnum = any (indkey)
    where indrelid = %(qualified)s::regclass and indisunique and indpred is null
    group by indexrelid
"""
_RLS = "select relrowsecurity and relforcerowsecurity from pg_class where oid = %(qualified)s::regclass"


def differences(url: str | None, owners: Iterable[Owner]) -> list[str]:
    """Each way in which the database and the declared tables disagree, in words; empty when all is well."""
    with admin(url) as database:
        return [
            f"{owner.name}.{table.name}: {difference}"
            for owner in with_system(owners)
            for table in owner.tables.values()
            for difference in _differences(database, owner, table)
        ]


def _differences(database: Admin, owner: Owner, table: Table) -> Iterable[str]:
    found = _columns(database, owner, table)
    if not found:
        yield "no migration creates the table"
        return
    for column in table.columns:
        if column.name not in found:
            yield f"no migration creates the column {column.name!r}"
            continue
        type_name, null = found.pop(column.name)
        if type_name != _type_name(database, column):
            yield f"the column {column.name!r} is {type_name} in the database, {column.type} in the code"
        if null != column.null and not (table.numbered and column.name == "id"):
            words = ("may be null", "may not be null")
            yield f"the column {column.name!r} {words[not null]} in the database, {words[null]} in the code"
    for name in found:
        yield f"the column {name!r} is not declared"
    if frozenset(table.key) not in _keys(database, owner, table):
        yield f"the key {table.key} is not unique in the database"
    if database.dialect is POSTGRESQL and table.scoped:
        qualified = database.dialect.qualified(owner.name, table.name)
        if not database.run(_RLS, {"qualified": qualified})[0][0]:
            yield "row-level security is off"


def _type_name(database: Admin, column: Column) -> str:
    return database.dialect.types[column.type]


def _columns(database: Admin, owner: Owner, table: Table) -> dict[str, tuple[str, bool]]:
    """Each column's type and whether it may be null."""
    if database.dialect is POSTGRESQL:
        rows = database.run(_COLUMNS, {"schema": owner.schema, "table": table.name})
        return {name: (type_name, null) for name, type_name, null in rows}
    qualified = database.dialect.qualified(owner.name, table.name)
    return {
        name: (type_name.lower(), not not_null)
        for _, name, type_name, not_null, *_ in database.run(f"pragma table_info({qualified})")
    }


def _keys(database: Admin, owner: Owner, table: Table) -> set[frozenset[str]]:
    """The sets of columns that are unique together."""
    qualified = database.dialect.qualified(owner.name, table.name)
    if database.dialect is POSTGRESQL:
        return {frozenset(names) for (names,) in database.run(_KEYS, {"qualified": qualified})}
    primary = [name for _, name, *_, place in database.run(f"pragma table_info({qualified})") if place]
    keys = {frozenset(primary)}
    for _, index, unique, _, partial in database.run(f"pragma index_list({qualified})"):
        if unique and not partial:
            keys.add(frozenset(name for _, _, name in database.run(f'pragma index_info("{index}")')))
    return keys
