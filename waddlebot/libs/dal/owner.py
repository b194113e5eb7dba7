"""An Owner: one module as storage sees it, its tables, its resources, its migrations."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from types import MappingProxyType

from waddlebot.libs.dal.dialect import SQLITE
from waddlebot.libs.dal.effects import EFFECT
from waddlebot.libs.dal.resource import Resource, resource_of
from waddlebot.libs.dal.store import Store
from waddlebot.libs.dal.table import Table, check_name

# Words of migrations (`{text}`), of statements (`{scope}`), and methods of the facade (`self.db.fetch`).
_RESERVED = frozenset(
    (*SQLITE.types, "scope", "community", "now", "each", "execute", "fetch", "insert_many", "upsert_many")
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns tables: a module's name, its store class, the folder of its migrations (None: no tables yet)."""

    name: str
    store: type[Store]
    migrations: Traversable | None = None

    def __post_init__(self) -> None:
        check_name(self.schema, "owner")
        names = [table.name for table in (*self.store.tables, *(r.table for r in self._resources()))]
        if taken := _RESERVED.intersection(names):
            raise ValueError(f"{self.name}: no table can be called {sorted(taken)}, which means something else")
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name} declares a table twice: {sorted(names)}")

    @property
    def schema(self) -> str:
        """The owner's PostgreSQL schema, and its prefix in SQLite."""
        return self.name.replace(".", "_")

    @property
    def tables(self) -> Mapping[str, Table]:
        """Every table of the owner by name: declared ones, those of resources, and `_effect`."""
        resources = (declared.table for declared in self._resources())
        return MappingProxyType({table.name: table for table in (*self.store.tables, *resources, EFFECT)})

    @property
    def resources(self) -> Mapping[str, Resource]:
        """The owner's resources by name."""
        return MappingProxyType({declared.name: declared for declared in self._resources()})

    def _resources(self) -> tuple[Resource, ...]:
        return tuple(resource_of(cls) for cls in self.store.resources)
