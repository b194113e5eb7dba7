"""Fixtures of the storage suites."""

from collections.abc import AsyncIterator, Callable

import pytest

from waddlebot.libs.dal import Community, EffectKey, Scope
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.tests.sample import SAMPLE, SampleStore
from waddlebot.libs.testing.stores import opened_dal

type Bind = Callable[..., SampleStore]


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, SAMPLE) as dal:
        yield dal


@pytest.fixture
def bind(dal: AsyncDAL) -> Bind:
    """A store of the sample, for the community `home` unless said otherwise."""

    def bind(scope: Scope | str = "home", effect: str | None = None, actor: str = "tester") -> SampleStore:
        store = dal.bind(
            SAMPLE.name,
            Community(scope) if isinstance(scope, str) else scope,
            actor=actor,
            reason="a test",
            effect=None if effect is None else EffectKey(effect, "interactive.sample.handler"),
        )
        assert isinstance(store, SampleStore)
        return store

    return bind
