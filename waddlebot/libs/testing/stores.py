"""Open storage for a test: migrated, with results passed through their stored form."""

import contextlib
from collections.abc import AsyncIterator, Iterable

from waddlebot.libs.dal import Budget, Budgets
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.testing.databases import HOST_ROLE, admin_url


def migrated(url: str, owners: Iterable[Owner]) -> list[str]:
    """Bring the database to the owners' schema, as its owner, for hosts to use; what was applied."""
    return upgrade(admin_url(url), owners, host_role=HOST_ROLE)


def small(threads: int = 2, timeout_s: float = 15.0) -> Budgets:
    """Budgets for tests."""
    return Budgets(Budget(threads, timeout_s), Budget(threads, timeout_s))


@contextlib.asynccontextmanager
async def opened_dal(url: str, *owners: Owner, replicas: tuple[str, ...] = ()) -> AsyncIterator[AsyncDAL]:
    """An open AsyncDAL on the database at the URL, upgraded to the owners' schema first."""
    dal = AsyncDAL(url, replicas=replicas, budgets=small(), wire_check=True)
    for owner in owners:
        dal.register(owner.name, owner.store, owner.migrations)
    migrated(url, dal.owners)
    async with dal:
        yield dal
