"""Coordinators on a real database, as hosts have them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import cast

from waddlebot.libs.adapters.lease_store import OWNER, HostRow, LeaseStore
from waddlebot.libs.dal import System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.runtime.coordination import Coordinator, Timing

LEASES = Owner(OWNER, LeaseStore, files("waddlebot.libs.adapters") / "migrations" / "coordination")


def leases_of(dal: AsyncDAL) -> Callable[[], LeaseStore]:
    """Opens the store for one piece of work."""

    def opened() -> LeaseStore:
        return cast("LeaseStore", dal.bind(OWNER, System("a test")))

    return opened


@contextlib.asynccontextmanager
async def coordinating(
    url: str,
    name: str = "test",
    *,
    grpc: str = "",
    routes: bool = False,
    alone: bool = False,
    timing: Timing | None = None,
) -> AsyncIterator[Coordinator]:
    """A coordinator that runs, on a database connection of its own. It stops gracefully at the end."""
    async with opened_dal(url, LEASES) as dal:
        log = logging.getLogger("test.coordination")
        coordinator = Coordinator(
            leases_of(dal), HostRow("", name, grpc), log, routes=routes, alone=alone, timing=timing
        )
        await coordinator.start()
        running = asyncio.ensure_future(coordinator.run())
        try:
            yield coordinator
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await coordinator.close()
