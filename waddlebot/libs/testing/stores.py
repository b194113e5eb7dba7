"""Open storage for a test: migrated, with results passed through their stored form."""

import contextlib
from collections.abc import AsyncIterator

from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.owner import Owner


@contextlib.asynccontextmanager
async def opened_dal(url: str, *owners: Owner, replicas: tuple[str, ...] = ()) -> AsyncIterator[AsyncDAL]:
    """An open AsyncDAL on the database at the URL, upgraded to the owners' schema first."""
    dal = AsyncDAL(url, replicas=replicas, readers=2, writers=2, wire_check=True)
    for owner in owners:
        dal.register(owner.name, owner.store, owner.migrations)
    upgrade(url, dal.owners)
    async with dal:
        yield dal
