"""Fixtures of the delivery suites: its tables on each engine, and what they are told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import cast

import pytest

from waddlebot.libs.adapters.delivery_store import OWNER, DeliveryStore
from waddlebot.libs.dal import InDoubt, Store, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk import Event
from waddlebot.libs.testing.stores import opened_dal

type OpenStore = Callable[[], DeliveryStore]
type MakeEvent = Callable[..., Event]


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    owner = Owner(OWNER, DeliveryStore, files("waddlebot.libs.adapters") / "migrations")
    async with opened_dal(database_url, owner) as dal:
        yield dal


@pytest.fixture
def store(dal: AsyncDAL) -> OpenStore:
    """Opens the store for one piece of work."""
    return lambda: cast("DeliveryStore", dal.bind(OWNER, System("a test")))


@pytest.fixture
def event() -> MakeEvent:
    """A line in the community `home`, unless said otherwise."""

    def event(id_: str = "e1", text: str = "hello", community: str = "home", source: str = "key:1") -> Event:
        return Event(
            1,
            id_,
            "chat.message",
            "irc",
            "net",
            "#room",
            "u1",
            "ann",
            "Ann",
            (),
            text,
            100.0,
            101.0,
            community,
            source,
        )

    return event


class Unwell[S: Store]:
    """A store whose methods fail as often as asked, with one error, before they work; in doubt, after they did."""

    def __init__(self, opened: Callable[[], S], error: Exception, **times: int) -> None:
        self._opened = opened
        self._error = error
        self.times = times

    def __call__(self) -> S:
        return cast("S", self)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*args: object, **kwargs: object) -> object:
            if self.times.get(name, 0):
                self.times[name] -= 1
                if isinstance(self._error, InDoubt):
                    await getattr(self._opened(), name)(*args, **kwargs)
                raise self._error
            return await getattr(self._opened(), name)(*args, **kwargs)

        return call
