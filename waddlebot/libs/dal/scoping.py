"""The wall around a unit of work inside PyDAL: every SQL text PyDAL builds passes here.

PyDAL's own common filters leave out joined tables and can be switched off by an argument, so the scope is put
in one step lower, where the adapter turns queries into SQL.
"""

import threading
from collections.abc import Iterable
from typing import Any

from waddlebot.libs.dal.errors import ScopeError
from waddlebot.libs.dal.scopes import Batch, Community, Scope, System
from waddlebot.libs.dal.table import Table


class Scoping:
    """Mixed into a PyDAL adapter: confines each thread to the owner and the scope of its unit of work."""

    check_active_connection = False  # PyDAL would send a SELECT 1 with each new connection
    db: Any
    tables: Any

    def _initialize_(self) -> None:
        self.unit = threading.local()
        super()._initialize_()  # type: ignore[misc]  # PyDAL's adapter, next in line

    def confine(self, owner: str, scope: Scope) -> None:
        """From now on this thread touches the owner's tables and the scope's rows alone."""
        self.unit.current = (owner, scope)

    def release(self) -> None:
        """The unit of work is over: nothing may be touched."""
        self.unit.current = None

    def _insert(self, table: Any, fields: list[tuple[Any, Any]]) -> Any:
        declared, scope = self._declared(table)
        if declared.scoped:
            self._check_moves(fields, scope)
            if all(field.name != "community" for field, _ in fields):
                if not isinstance(scope, Community):
                    raise ScopeError(f"{declared.name}: a row needs its `community` in the scope {scope}")
                fields = [*fields, (table.community, scope.id)]
        return super()._insert(table, fields)  # type: ignore[misc]  # PyDAL's adapter, next in line

    def _update(self, table: Any, query: Any, fields: list[tuple[Any, Any]]) -> Any:
        declared, scope = self._declared(table)
        if declared.scoped:
            self._check_moves(fields, scope)
        return super()._update(table, self._and(query, [table]), fields)  # type: ignore[misc]  # untyped base, as above

    def _delete(self, table: Any, query: Any) -> Any:
        return super()._delete(table, self._and(query, [table]))  # type: ignore[misc]  # untyped base, as above

    def _count(self, query: Any, distinct: Any = None) -> Any:
        return super()._count(self._and(query, self.tables(query).values()), distinct)  # type: ignore[misc]  # untyped base, as above

    def _select_wcols(
        self, query: Any, fields: Any, left: Any = False, join: Any = False, **attributes: Any
    ) -> Any:
        tables = dict(self.tables(query, *fields))
        left = self._confined_joins(left, tables)
        join = self._confined_joins(join, tables)
        query = self._and(query, tables.values())
        return super()._select_wcols(query, fields, left=left, join=join, **attributes)  # type: ignore[misc]  # untyped base, as above

    def truncate(self, table: Any, mode: str = "") -> None:
        """Refused: it knows no scope."""
        raise ScopeError(f"{table} cannot be truncated: delete the rows of the scope instead")

    def drop_table(self, table: Any, mode: str = "") -> None:
        """Refused: tables come and go by migrations."""
        raise ScopeError(f"{table} cannot be dropped: write a migration")

    def create_index(self, table: Any, name: str, *fields: Any, **options: Any) -> None:
        """Refused: indexes come and go by migrations."""
        raise ScopeError(f"the index {name} cannot be created here: write a migration")

    def _confined_joins(self, joins: Any, tables: dict[str, Any]) -> Any:
        """Joins with the scope's condition in their ON: in WHERE it would turn an outer join into an inner one.

        The joined tables leave `tables`, those that only an ON names enter it.
        """
        if not joins:
            return joins
        confined = []
        for item in joins if isinstance(joins, list | tuple) else [joins]:
            if not hasattr(item, "second"):  # a bare table: a cross join
                tables[item._tablename] = item
                confined.append(item)
                continue
            for name, table in self.tables(item.second).items():
                tables.setdefault(name, table)
            condition = self._condition(item.first)
            confined.append(item if condition is None else item.first.on(item.second & condition))
        for item in confined:
            if hasattr(item, "second"):
                tables.pop(item.first._tablename, None)
        return confined

    def _and(self, query: Any, tables: Iterable[Any]) -> Any:
        for table in tables:
            condition = self._condition(table)
            if condition is not None:
                query = condition if query is None else query & condition
        return query

    def _condition(self, table: Any) -> Any:
        """The query that keeps the table to the scope, or None."""
        if getattr(table, "_query", None) is not None:  # a sub-select, confined when it was built
            return None
        declared, scope = self._declared(table)
        if not declared.scoped:
            return None
        match scope:
            case Community(id=community):
                return table.community == community
            case Batch(ids=ids):
                return table.community.belongs(sorted(ids))
            case System():
                return None

    def _check_moves(self, fields: list[tuple[Any, Any]], scope: Scope) -> None:
        """No row may be put into a community outside the scope."""
        for field, value in fields:
            if field.name != "community" or isinstance(scope, System):
                continue
            allowed = {scope.id} if isinstance(scope, Community) else scope.ids
            if value not in allowed:
                raise ScopeError(f"a row of the community {value!r} in the scope {scope}")

    def _declared(self, table: Any) -> tuple[Table, Scope]:
        current: tuple[str, Scope] | None = getattr(self.unit, "current", None)
        if current is None:
            raise ScopeError("the database is used outside of a unit of work")
        owner, scope = current
        of, declared = table._declared
        if of != owner:
            raise ScopeError(f"{owner} reaches for {declared.name}, which is {of}'s")
        return declared, scope
