"""A desk learns who belongs together: in order, again after a change, and when Identity is back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from waddlebot.libs.contracts.community import GLOBAL
from waddlebot.libs.contracts.identity import People, PeopleRequest
from waddlebot.libs.sdk import CallError, ServiceContext
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.waiting import until
from waddlebot.processing.router.desk import Desk
from waddlebot.processing.router.store import RouterStore

OLD = (("irc:1", "twitch:1"),)
NEW = (("irc:1", "twitch:1"), ("irc:2", "twitch:2"))


class Identities:
    """An Identity whose answers come when the test says so. It stands for its own context."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[People]] = []

    def use(self, _contract: object) -> "Identities":
        return self

    async def people(self, request: PeopleRequest) -> People:
        assert request == PeopleRequest(), "everybody's"
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]

    async def answers(self, number: int, groups: tuple[tuple[str, ...], ...]) -> None:
        await until(lambda: len(self.asked) > number)
        self.asked[number].set_result(People(groups))

    async def fails(self, number: int) -> None:
        await until(lambda: len(self.asked) > number)
        self.asked[number].set_exception(CallError("nobody runs core.identity"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with hosted(environ_of(tmp_path)) as bot:
        services = bot.host.runners["processing.router"].services
        assert services.state().met, "a host with Identity knows at its start"
        desk = Desk(ServiceContext(services))  # one of our own: nobody else lets it ask
        async with contextlib.aclosing(desk.webhooks):
            yield desk
            desk.close()


@pytest.fixture
def identities() -> Identities:
    return Identities()


@pytest.fixture
def ctx(identities: Identities) -> ServiceContext[Any, RouterStore]:
    return cast("ServiceContext[Any, RouterStore]", identities)


def known(desk: Desk) -> set[tuple[str, ...]]:
    return {tuple(group) for group in desk.router.fellows.values()}


async def test_only_a_change_of_everybody_s_community_is_asked_about(
    desk: Desk, ctx: ServiceContext[Any, RouterStore], identities: Identities
) -> None:
    assert desk.heed(ctx, ["lab", "home"]) is None
    assert not identities.asked
    task = desk.heed(ctx, ["lab", GLOBAL])
    assert task is not None
    assert not desk.met
    await identities.answers(0, OLD)
    await task
    assert (desk.met, known(desk)) == (True, set(OLD))
    await desk.meet(ctx)
    assert len(identities.asked) == 1, "what is known is not asked again"


async def test_an_answer_from_before_a_change_is_not_the_last_word(
    desk: Desk, ctx: ServiceContext[Any, RouterStore], identities: Identities
) -> None:
    first = desk.heed(ctx, [GLOBAL])
    await until(lambda: identities.asked)
    second = desk.heed(ctx, [GLOBAL])
    assert first is not None
    assert second is not None
    await identities.answers(0, OLD)
    await first
    assert not desk.met
    await identities.answers(1, NEW)
    await second
    assert (desk.met, known(desk)) == (True, set(NEW))


async def test_nothing_is_forgotten_while_identity_is_away(
    desk: Desk, ctx: ServiceContext[Any, RouterStore], identities: Identities
) -> None:
    task = desk.heed(ctx, [GLOBAL])
    assert task is not None
    await identities.answers(0, OLD)
    await task
    task = desk.heed(ctx, [GLOBAL])
    assert task is not None
    await identities.fails(1)
    await task
    assert (desk.met, known(desk)) == (False, set(OLD))
    meeting = asyncio.create_task(desk.meet(ctx))
    await identities.answers(2, NEW)
    await meeting
    assert (desk.met, known(desk)) == (True, set(NEW))


async def test_a_desk_that_closes_waits_for_nobody(
    desk: Desk, ctx: ServiceContext[Any, RouterStore], identities: Identities
) -> None:
    task = desk.heed(ctx, [GLOBAL])
    assert task is not None
    await until(lambda: identities.asked)
    desk.close()
    with pytest.raises(asyncio.CancelledError):
        await task
