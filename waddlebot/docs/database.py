"""The page of the database's tables."""

from collections.abc import Iterator, Sequence

from waddlebot.docs.pages import Page, Section, code, summary_of, table
from waddlebot.libs.dal.dialect import POSTGRESQL, SQLITE
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk.module import Module
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.host import database

_ABOUT = """
Every module owns its tables and sees no other's: a schema of its own on PostgreSQL, a prefix in the one SQLite
file. A **scoped** table holds rows of many communities; PostgreSQL guards it by row-level security. Times are
seconds since 1970 (UTC). Resource tables are written only through changes, each kept with actor and difference
(`waddlebot undo`).
"""


def page(manifests: Sequence[Module]) -> Page:
    """Every owner's tables."""
    owners = database(Environment(), {module.name: module for module in manifests}).owners
    sections = [Section(owner.name, "\n".join(_tables(owner))) for owner in owners]
    return Page("database-schema", "Database schema", _ABOUT, sections)


def _tables(owner: Owner) -> Iterator[str]:
    words = summary_of(owner.store)
    if words:
        yield f"{words}\n"
    for found in owner.tables.values():
        there, here = (code(dialect.qualified(owner.name, found.name)) for dialect in (POSTGRESQL, SQLITE))
        scoped = "scoped" if found.scoped else "not scoped"
        yield f"**{found.name}** ({there}, in SQLite {here}; {scoped}; key {', '.join(map(code, found.key))})\n"
        yield table(
            ("Column", "Type", "May be null"),
            [(code(column.name), column.type, "yes" if column.null else "") for column in found.columns],
        )
