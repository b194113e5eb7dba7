"""Facade: what `self.db` is in the body of a store's method, the owner's own tables and no others."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from waddlebot.libs.dal.errors import Invalid, ScopeError
from waddlebot.libs.dal.scopes import Batch, Community, Scope
from waddlebot.libs.dal.statements import Statements, Upsert, in_key_order, scope_values

if TYPE_CHECKING:
    from waddlebot.libs.dal.session import Session

type Row = Mapping[str, Any] | Sequence[Any]


class Rows(list[tuple[Any, ...]]):
    """The rows a statement returned; `changed` counts those it inserted, updated or deleted."""

    __slots__ = ("changed",)

    def __init__(self, rows: Sequence[tuple[Any, ...]] = (), changed: int = 0) -> None:
        super().__init__(rows)
        self.changed = changed


class Facade:
    """PyDAL's query API and native statements, restricted to the owner's tables and to the scope.

    `self.db(self.db.aliases.name == name).select()` is PyDAL: the scope's condition is added to every select,
    update and delete, and an insert is stamped with the community. It costs 24 µs a query and 11 µs a row,
    which is fine for configuration. Hot paths use `upsert_many`, `insert_many`, `execute` and `fetch`.
    """

    __slots__ = ("_scope", "_session", "_statements", "_tables")

    def __init__(
        self, session: "Session", statements: Statements, tables: Mapping[str, Any], scope: Scope
    ) -> None:
        self._session = session
        self._statements = statements
        self._tables = tables
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        """The PyDAL table of that name."""
        try:
            return self._tables[name]
        except KeyError:
            raise ScopeError(f"{self._statements.owner.name} has no table {name!r}") from None

    def __call__(self, query: Any = None) -> Any:
        """The PyDAL Set of a query: `.select()`, `.update(…)`, `.delete()`, `.count()`."""
        return self._session.pydal(query)

    def execute(self, template: str, values: Mapping[str, Any] | None = None) -> Rows:
        """Run SQL with `{table}`, `{scope}`, `{community}` and bound `:name`, and return its rows as tuples.

        A statement on scoped tables has one `{scope}` or `{community}` for each. Booleans come back as 0 and 1 on
        SQLite. Raises ScopeError, Invalid, Conflict.
        """
        statement = self._statements.compile(template, self._scope)
        return Rows(*self._session.execute(statement, {**scope_values(self._scope), **(values or {})}))

    def fetch[T](self, kind: type[T], template: str, values: Mapping[str, Any] | None = None) -> list[T]:
        """Like `execute`, each row as a `kind`, a frozen dataclass with its fields in the order of the columns."""
        names = kind.__match_args__  # type: ignore[attr-defined]  # dataclasses and structs have it, plain types do not
        rows = self.execute(template, values)
        # Not strict: SQLite returns booleans as 0 and 1.
        return msgspec.convert([dict(zip(names, row, strict=True)) for row in rows], list[kind], strict=False)  # type: ignore[valid-type]  # a run-time type

    def insert_many(self, table: str, rows: Sequence[Row], *, columns: tuple[str, ...] = ()) -> None:
        """Insert many rows by one native call. Raises Conflict when one is there already.

        Rows are mappings, or sequences in the order of `columns`. `community` may be left out in a scope of one.
        """
        self._insert(self._upsert(table, rows, columns, strict=True), rows)

    def upsert_many(
        self,
        table: str,
        rows: Sequence[Row],
        *,
        add: tuple[str, ...] = (),
        set: tuple[str, ...] = (),  # noqa: A002  # the word of SQL, beside `add`
        columns: tuple[str, ...] = (),
    ) -> None:
        """Insert many rows by one native call; where the natural key is there, add to and replace columns.

        Columns of `add` are incremented by the row's value, those of `set` replaced; with neither, rows that
        are there stay. Rows of the same key in one call add up (the last one wins in `set`). Rows are as in
        `insert_many`.
        """
        self._insert(self._upsert(table, rows, columns, add=add, set=set), rows)

    def _upsert(self, name: str, rows: Sequence[Row], columns: tuple[str, ...], **how: Any) -> Upsert:
        table = self._statements.tables.get(name)
        if table is None:
            raise ScopeError(f"{self._statements.owner.name} has no table {name!r}")
        if not columns and rows:
            if not isinstance(rows[0], Mapping):
                raise Invalid(f"{name}: rows that are not mappings need `columns`")
            columns = tuple(rows[0])
        return Upsert(table, columns, **how)

    def _insert(self, upsert: Upsert, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns = upsert.columns
        if isinstance(rows[0], Mapping):
            plain: Sequence[Sequence[Any]] = [[row[name] for name in columns] for row in rows]  # type: ignore[call-overload]  # all rows are like the first
        else:
            plain = rows  # type: ignore[assignment]  # all rows are like the first
        if upsert.table.scoped:
            upsert, plain = self._stamped(upsert, plain)
        self._session.insert(self._statements, upsert, in_key_order(upsert, plain))

    def _stamped(self, upsert: Upsert, rows: Sequence[Sequence[Any]]) -> tuple[Upsert, Sequence[Sequence[Any]]]:
        """The rows with their community, checked against the scope."""
        scope = self._scope
        if "community" in upsert.columns:
            place = upsert.columns.index("community")
            allowed = (
                {scope.id} if isinstance(scope, Community) else scope.ids if isinstance(scope, Batch) else None
            )
            if allowed is not None and not allowed.issuperset([row[place] for row in rows]):
                strangers = {str(row[place]) for row in rows} - allowed
                raise ScopeError(f"rows of {sorted(strangers)} in a scope of {sorted(allowed)[:10]}")
            return upsert, rows
        if not isinstance(scope, Community):
            raise ScopeError(f"{upsert.table.name}: rows need their `community` in the scope {scope}")
        columns = ("community", *upsert.columns)
        stamped = Upsert(upsert.table, columns, upsert.add, upsert.set, upsert.strict)
        return stamped, [(scope.id, *row) for row in rows]
