"""An installation without a host: its database, opened for the time of an operator's command."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from waddlebot.libs.adapters.delivery_store import REPLAY, DeliveryStore
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.web.ring import KeyRing
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.host import database, delivery_of, keys_of
from waddlebot.runtime.profiles import profile_of
from waddlebot.runtime.upgrade import prepare

__all__ = ["REPLAY", "Installation", "opened"]


@dataclass(frozen=True, slots=True)
class Installation:
    """The database of an installation, open, whether or not a host runs on it."""

    environment: Environment
    manifests: Mapping[str, Module]
    dal: AsyncDAL

    @property
    def delivery(self) -> DeliveryStore:
        """Inbox, outbox and dead letters. One store is for one piece of work."""
        return delivery_of(self.dal)

    @property
    def keys(self) -> KeyRing:
        """The API keys, to make, list and revoke them."""
        return KeyRing(lambda: keys_of(self.dal))


@contextlib.asynccontextmanager
async def opened(environment: Environment) -> AsyncIterator[Installation]:
    """The installation that the environment describes, its schema brought up to date as a host would.

    Raises ``StartError``, ``SchemaError``, ``Unavailable``.
    """
    manifests = discover()
    # An operator's command is one unit or two: what it has to see, another process wrote a moment ago.
    environment = dataclasses.replace(environment, database_replica_urls="")
    dal = database(environment, manifests)
    await asyncio.to_thread(prepare, environment, dal, profile_of(environment.database))
    async with dal:
        yield Installation(environment, manifests, dal)
