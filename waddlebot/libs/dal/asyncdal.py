"""AsyncDAL: the one object through which a process reaches its database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources.abc import Traversable
from typing import Self

from waddlebot.libs.dal import changes, migrations
from waddlebot.libs.dal.admin import admin, sqlite_path
from waddlebot.libs.dal.binding import Engine, OwnerBinding, TargetState
from waddlebot.libs.dal.budgets import Budgets
from waddlebot.libs.dal.capacity import check_connections
from waddlebot.libs.dal.changes import Change
from waddlebot.libs.dal.effects import EffectKey
from waddlebot.libs.dal.errors import DalError
from waddlebot.libs.dal.ledger import ChangeSet, SystemStore
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.rowsecurity import check_role
from waddlebot.libs.dal.scopes import Community, Scope, System
from waddlebot.libs.dal.statements import Statements
from waddlebot.libs.dal.store import Store

_log = logging.getLogger(__name__)
_REASONS_MAX = 1_000


class AsyncDAL:
    """The database of a host: register owners, open it, bind stores.

    `url` is `sqlite:///FILE`, `postgresql://…`, or None for the file in the platform's user data folder.
    `replicas` are PostgreSQL URLs that `@reads` may use, none that is more than `lag_s_max` seconds behind.
    `budgets` say how many threads, and so connections, read and write. At most `waiting_max` units of work wait
    for each; more are refused as Busy. With `wire_check` results pass through their stored form even at first, so
    that a re-run cannot differ.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        replicas: Sequence[str] = (),
        budgets: Budgets = Budgets(),  # noqa: B008  # frozen, so that nobody can change the default
        lag_s_max: float = 5.0,
        waiting_max: int = 50_000,
        wire_check: bool = False,
    ) -> None:
        self.url = url
        self._path = sqlite_path(url)
        self._replicas = tuple(replicas)
        self._budgets = budgets
        self._lag_s_max = lag_s_max
        self._waiting_max = waiting_max
        self._wire_check = wire_check
        self._owners: dict[str, Owner] = {migrations.SYSTEM.name: migrations.SYSTEM}
        self._bindings: dict[str, OwnerBinding] = {}
        self._engine: Engine | None = None
        self._reasons: set[tuple[str, str]] = set()

    @property
    def owners(self) -> tuple[Owner, ...]:
        """Every registered owner, `system` first: what `upgrade`, `status`, `backup` … are called with."""
        return tuple(self._owners.values())

    def register(self, owner: str, store: type[Store], migrations: Traversable | None = None) -> None:
        """Announce an owner and its tables, before the database is opened."""
        if self._engine is not None:
            raise DalError(f"{owner} must be registered before the database is opened")
        if owner in self._owners:
            raise DalError(f"{owner} is registered already")
        self._owners[owner] = Owner(owner, store, migrations)

    async def open(self) -> None:
        """Check the schema and start the database's threads. Raises SchemaError, Unavailable."""
        self._engine = await asyncio.to_thread(self._opened)
        system = Statements(migrations.SYSTEM, self._engine.dialect)
        for owner in self.owners:
            statements = Statements(owner, self._engine.dialect)
            self._bindings[owner.name] = OwnerBinding(
                owner, self._engine, statements, self._bindings, system, self._wire_check
            )

    async def close(self) -> None:
        """Finish what is queued and close every connection."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            self._bindings.clear()
            await asyncio.to_thread(engine.close)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def bind(
        self, owner: str, scope: Scope, *, actor: str = "", reason: str = "", effect: EffectKey | None = None
    ) -> Store:
        """The owner's store, for one delivery. Costs about a microsecond."""
        binding = self._bindings.get(owner)
        if binding is None:
            raise DalError(f"{owner} is not registered, or the database is not open")
        if type(scope) is System:
            self._note(owner, scope.reason)
        return binding.owner.store(binding, scope, actor, reason, effect)

    async def ping(self) -> None:
        """Ask the primary something. Raises Unavailable or Busy when it does not answer."""
        await self._system(System("health")).versions_since(0)

    async def config_changes(self, since_seq: int) -> tuple[int, dict[str, int]]:
        """The configuration version of each community that changed after `since_seq`, and the next `since_seq`."""
        newest, versions = await self._system(System("configuration poll")).versions_since(since_seq)
        if versions and self._engine is not None:
            self._engine.configured(versions)  # another host's change counts as a write of ours
        return newest, versions

    def states(self) -> tuple[TargetState, ...]:
        """How each server of the database is, the primary first; nothing while it is not open. Asks nobody."""
        return self._engine.states() if self._engine is not None else ()

    def when_configured(self, configured: Callable[[], Awaitable[None]]) -> None:
        """Each `@configures` of this process returns when `configured` has: it lets the host live by the change
        at once. It must not raise. To be called while the database is open.
        """
        for binding in self._bindings.values():
            binding.configured = configured

    async def list_changes(self, community: str, limit: int = 50, before: int | None = None) -> list[Change]:
        """The community's newest changes, newest first; `before` is the id to go on from."""
        return await self._system(Community(community)).changes(limit, before)

    async def change_sets(self, community: str, limit: int = 50) -> list[ChangeSet]:
        """The community's newest change sets, newest first."""
        return await self._system(Community(community)).change_sets(limit)

    async def undo(
        self, community: str, number: int, *, actor: str, reason: str = "", force: bool = False
    ) -> ChangeSet | None:
        """Take a change set back, whole, which is itself one; None if nothing is left of it to take back.

        Raises Conflict when a record was changed again since, unless forced, and Refused when there is no such set
        in the community.
        """
        store = self._system(Community(community), actor, reason)
        made = await store.undo(number, force=force)
        return await store.change_set(made) if made else None

    async def forget_effects(self, before: float) -> int:
        """Forget effects older than `before` (seconds since 1970); the caller knows what may still be re-run."""
        scope = System("effects that no delivery can ask for any more")
        total = 0
        for owner in self._bindings:
            count = changes.FORGET_MAX
            while count == changes.FORGET_MAX:
                count = await changes.forget_effects(self.bind(owner, scope), before)
                total += count
        return total

    def _system(self, scope: Scope, actor: str = "", reason: str = "") -> SystemStore:
        store = self.bind(migrations.SYSTEM.name, scope, actor=actor, reason=reason)
        assert isinstance(store, SystemStore)  # noqa: S101  # for the type checker: it is registered above
        return store

    def _note(self, owner: str, reason: str) -> None:
        """Log each reason for working beyond a community once, not each time."""
        if (owner, reason) not in self._reasons and len(self._reasons) < _REASONS_MAX:
            self._reasons.add((owner, reason))
            _log.info("%s works for the whole system: %s", owner, reason)

    def _opened(self) -> Engine:
        if self._path is not None:
            migrations.check(self.url, self.owners)
            # Late: PyDAL takes a third of a second to import, which `waddlebot --help` need not wait for.
            from waddlebot.libs.dal.engine_sqlite import SQLiteEngine  # noqa: PLC0415  # late, as said above

            return SQLiteEngine(
                self._path, self.owners, readers=self._budgets.readers.threads, waiting_max=self._waiting_max
            )
        with admin(self.url) as database:
            check_role(database, self.owners)
            check_connections(database, self._budgets)
        migrations.check(self.url, self.owners)
        from waddlebot.libs.dal.engine_postgresql import PostgreSQLEngine  # noqa: PLC0415  # and psycopg2 is an extra

        return PostgreSQLEngine(
            str(self.url),
            self._replicas,
            self.owners,
            budgets=self._budgets,
            lag_s_max=self._lag_s_max,
            waiting_max=self._waiting_max,
        )
