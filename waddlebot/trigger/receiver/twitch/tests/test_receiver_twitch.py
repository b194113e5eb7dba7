"""The module on a double that keeps Twitch's rules."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from waddlebot.libs.contracts.irc import Line, SayRequest, StatusRequest
from waddlebot.libs.sdk import FieldError, ServiceContext
from waddlebot.libs.testing.leases import coordinating
from waddlebot.libs.testing.twitch_irc import twitch_irc
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import LoneServices
from waddlebot.trigger.receiver.twitch.module import Config, module, read, say, start, status


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[tuple[ServiceContext[None, None], LoneServices]]:
    services = LoneServices(module, config)
    context: ServiceContext[None, None] = ServiceContext(services)
    async with start(context) as state:
        services.entered = state
        task = asyncio.ensure_future(read(context))
        await until(lambda: state.client.state.ready)
        yield context, services
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_reads_anonymously(caplog: pytest.LogCaptureFixture) -> None:
    async with twitch_irc() as twitch, running(Config("Ronni, dallas", irc_url=twitch.url)) as (ctx, services):
        assert services.adopted == {"twitch::ronni": "home", "twitch::dallas": "home"}
        event_id = twitch.say("#ronni", "anna", "!hello", badges="vip/1")
        await until(lambda: services.announced)
        (event,) = services.announced
        assert (event.id, event.entity, event.text, event.roles) == (event_id, "twitch::ronni", "!hello", ("vip",))
        (outcome,) = (await say(ctx, SayRequest((Line("k", "", "ronni", "hi"),)))).outcomes
        assert "TWITCH_BOT_TOKEN" in outcome.refusal


async def test_it_answers_with_a_token_and_tells_what_twitch_did_not_show(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        twitch_irc({"bot": "secret"}) as twitch,
        running(Config("ronni", "bot", "oauth:secret", twitch.url)) as (ctx, services),
    ):
        lines = tuple(
            Line(f"k{number}", "", "ronni", text) for number, text in enumerate(("hi", "/ban anna", "hi"))
        )
        assert [outcome.refusal for outcome in (await say(ctx, SayRequest(lines))).outcomes] == ["", "", ""]
        await until(lambda: len(twitch.said) == 3)
        assert [text for _, _, text in twitch.said] == ["hi", "» /ban anna", "hi"]
        assert twitch.commands == twitch.violations == []
        assert services.announced == []
        (state,) = (await status(ctx, StatusRequest())).connections
        assert (state.server, state.nick, state.joined, state.ready) == ("twitch", "bot", 1, True)
        twitch.send("#ronni", "@msg-id=msg_banned :tmi.twitch.tv NOTICE #ronni :You are permanently banned.")
        await until(lambda: "You are permanently banned" in caplog.text)


async def test_a_refused_token_shows_in_the_status() -> None:
    async with twitch_irc({"bot": "secret"}) as twitch:
        services = LoneServices(module, Config("ronni", "bot", "wrong", twitch.url))
        context: ServiceContext[None, None] = ServiceContext(services)
        async with start(context) as state:
            services.entered = state
            task = asyncio.ensure_future(read(context))
            await until(lambda: state.client.state.phase == "stopped")
            (found,) = (await status(context, StatusRequest())).connections
            assert "TWITCH_BOT_TOKEN" in found.error
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert twitch.logins == ["bot"]


async def test_without_a_login_each_replica_reads_as_many_as_a_user_may() -> None:
    names = [f"room{number}" for number in range(150)]
    async with twitch_irc() as twitch:
        config = Config(",".join(names), irc_url=twitch.url)
        services = LoneServices(module, config)
        context: ServiceContext[None, None] = ServiceContext(services)
        async with start(context) as state:
            services.entered = state
            task = asyncio.ensure_future(read(context))
            await until(lambda: len(state.client.joined) == 20)
            assert list(services.claims.held) == [f"twitch::{name}" for name in names[:100]]
            assert len(services.claims.wanted) == 150
            found = await status(context, StatusRequest())
            assert found.unread == tuple(f"twitch::{name}" for name in names[100:])
            assert found.connections[0].failures == {}
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert twitch.violations == []


async def test_with_a_login_no_more_is_shared_than_one_user_may_read() -> None:
    names = [f"room{number}" for number in range(150)]
    async with twitch_irc({"bot": "secret"}) as twitch:
        services = LoneServices(module, Config(",".join(names), "bot", "secret", twitch.url))
        context: ServiceContext[None, None] = ServiceContext(services)
        async with start(context) as state:
            state.want()
        assert list(services.claims.wanted) == [f"twitch::{name}" for name in names[:100]]


async def test_replicas_of_one_user_share_its_joins_and_lose_no_channel(postgresql_url: str) -> None:
    """Real claims: 24 channels, 20 of which one may join at once. The double notes who exceeds Twitch's limits."""
    names = [f"room{number}" for number in range(24)]
    async with twitch_irc({"bot": "secret"}) as twitch, contextlib.AsyncExitStack() as stack:
        config = Config(",".join(names), "bot", "secret", twitch.url)
        chats = []
        for replica in range(2):
            coordinator = await stack.enter_async_context(coordinating(postgresql_url, str(replica)))
            services = LoneServices(module, config, claims=coordinator.claims(module.name))
            context: ServiceContext[None, None] = ServiceContext(services)
            services.entered = await stack.enter_async_context(start(context))
            task = asyncio.ensure_future(read(context))
            stack.callback(task.cancel)
            chats.append(services.entered)
            await until(lambda: len(chats[0].client.joined) == 20)
        await until(lambda: [len(chat.client.joined) for chat in chats] == [12, 12], 60)
        assert sorted(name for chat in chats for name in chat.client.joined) == sorted(
            f"#{name}" for name in names
        )
        assert twitch.violations == []


def test_what_is_wrong_is_said_at_start() -> None:
    for config in ({"channels": "a b"}, {"bot_login": "x"}, {"irc_url": "wss://x"}):
        with pytest.raises(FieldError, match="TWITCH_"):
            Config(**config)
    assert module.enabled is not None
    assert not module.enabled(Config(" , "))
    assert module.enabled(Config("ronni"))
