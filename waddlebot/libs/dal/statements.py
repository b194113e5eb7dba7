"""SQL written once for both engines, its names and scope filled in, its values always bound.

A template names tables as `{points}`, the scope's condition as `{scope}` (or `{scope:p}` for the alias `p`), the
scope's one community as `{community}`, and values as `:name`. `{now}` is the database's clock in seconds since
1970, `{each:names}` a sub-select of the texts in the value `names`, a JSON list.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from waddlebot.libs.dal.dialect import Dialect
from waddlebot.libs.dal.errors import Invalid, ScopeError
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.scopes import Batch, Community, Scope, System
from waddlebot.libs.dal.table import Table

_TOKEN = re.compile(
    r"'(?:[^']|'')*'"  # a quoted text: nothing in it is ours
    r"|\{(?P<place>\w+)(?::(?P<alias>\w+))?\}"
    r"|(?<!:):(?P<value>[a-zA-Z_]\w*)"  # not the second colon of a PostgreSQL cast
    r"|%"
)
_STATEMENTS_MAX = 2_000  # templates are constants of the code; a module that builds them would fill memory


@dataclass(frozen=True, slots=True)
class Upsert:
    """An INSERT of many rows into `table`: its columns in order, how a row that is there already changes."""

    table: Table
    columns: tuple[str, ...]
    add: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    strict: bool = False
    """A plain INSERT: a row that is there already is a Conflict."""


def scope_values(scope: Scope) -> dict[str, Any]:
    """The parameters that `{scope}` and `{community}` stand for."""
    match scope:
        case Community(id=community):
            return {"scope_": community}
        case Batch(ids=ids):
            return {"scope_": json.dumps(sorted(ids))}
        case System():
            return {}


class Statements:
    """One owner's statements in one engine's dialect, each translated once."""

    __slots__ = ("_compiled", "_conflicts", "dialect", "owner", "qualified", "tables")

    def __init__(self, owner: Owner, dialect: Dialect, tables: Mapping[str, Table] | None = None) -> None:
        self.owner = owner
        self.dialect = dialect
        self.tables = owner.tables if tables is None else tables
        self.qualified = {name: dialect.qualified(owner.name, name) for name in self.tables}
        self._compiled: dict[tuple[str, type], str] = {}
        self._conflicts: dict[Upsert, str] = {}

    def compile(self, template: str, scope: Scope) -> str:
        """The template for a scope of this kind. Raises ScopeError when it could reach beyond the scope."""
        statement = self._compiled.get((template, type(scope)))
        if statement is None:
            if len(self._compiled) >= _STATEMENTS_MAX:
                raise Invalid(f"{self.owner.name} builds SQL from values: bind them as :name instead")
            statement = self._compiled[template, type(scope)] = self._translated(template, scope)
        return statement

    def conflict(self, upsert: Upsert) -> str:
        """What follows the VALUES of an INSERT: what happens to a row whose key is there already."""
        clause = self._conflicts.get(upsert)
        if clause is None:
            clause = self._conflicts[upsert] = _conflict_clause(upsert, self.qualified[upsert.table.name])
        return clause

    def _translated(self, template: str, scope: Scope) -> str:
        scoped: set[str] = set()
        marks = 0

        def replace(token: re.Match[str]) -> str:
            nonlocal marks
            place, value = token["place"], token["value"]
            if value:
                return self.dialect.bound(value)
            if place is None:  # psycopg2 reads a single % as the start of a parameter
                return token[0].replace("%", "%%") if self.dialect.name == "postgresql" else token[0]
            if place in ("scope", "community"):
                marks += 1
                return self._community(scope) if place == "community" else self._condition(scope, token["alias"])
            if place == "now":
                return self.dialect.now
            if place == "each":
                return self.dialect.each.format(token["alias"])
            if place not in self.qualified:
                raise ScopeError(f"{self.owner.name} has no table {place!r}")
            if self.tables[place].scoped:
                scoped.add(place)
            return self.qualified[place]

        text = _TOKEN.sub(replace, template)
        if len(scoped) > marks and not isinstance(scope, System):
            raise ScopeError(
                f"{self.owner.name}: a statement on {', '.join(sorted(scoped))} needs a {{scope}} or "
                f"{{community}} for each table, else it would reach every community: {template.strip()}"
            )
        return text

    def _condition(self, scope: Scope, alias: str | None) -> str:
        column = f"{alias}.community" if alias else "community"
        match scope:
            case Community():
                return f"{column} = {self.dialect.bound('scope_')}"
            case Batch():
                return f"{column} in {self.dialect.each.format('scope_')}"
            case System():
                return "true"

    def _community(self, scope: Scope) -> str:
        if not isinstance(scope, Community):
            raise ScopeError(f"{{community}} needs a scope of one community, not {scope}")
        return self.dialect.bound("scope_")


def in_key_order(upsert: Upsert, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The rows sorted by key: two transactions then lock them in the same order and cannot deadlock."""
    positions = [upsert.columns.index(name) for name in upsert.table.key if name in upsert.columns]
    if len(rows) < 2 or not positions:
        return rows
    return sorted(rows, key=itemgetter(*positions))


def merged(upsert: Upsert, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Sorted rows with those of one key made into one, as if they had been upserted one after the other.

    PostgreSQL refuses two rows of one key in one INSERT.
    """
    columns, key = upsert.columns, upsert.table.key
    if upsert.strict or not set(key) <= set(columns):
        return rows
    key_of = itemgetter(*(columns.index(name) for name in key))
    if len({key_of(row) for row in rows}) == len(rows):
        return rows
    added = [columns.index(name) for name in upsert.add]
    replaced = [columns.index(name) for name in upsert.set]
    result: list[list[Any]] = []
    for row in rows:
        if not result or key_of(result[-1]) != key_of(row):
            result.append(list(row))
            continue
        for place in added:
            result[-1][place] += row[place]
        for place in replaced:
            result[-1][place] = row[place]
    return result


def _conflict_clause(upsert: Upsert, qualified: str) -> str:
    if upsert.strict:
        return ""
    changes = [f'"{name}" = {qualified}."{name}" + excluded."{name}"' for name in upsert.add]
    changes += [f'"{name}" = excluded."{name}"' for name in upsert.set]
    key = ", ".join(f'"{name}"' for name in upsert.table.key)
    return f" on conflict ({key}) do " + (f"update set {', '.join(changes)}" if changes else "nothing")
