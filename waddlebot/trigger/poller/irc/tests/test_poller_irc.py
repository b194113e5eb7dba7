"""The module on real servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from waddlebot.libs.contracts.irc import Line, SayRequest, StatusRequest
from waddlebot.libs.sdk import FieldError, ServiceContext
from waddlebot.libs.testing import irc_servers
from waddlebot.libs.testing.irc_servers import IrcServer
from waddlebot.libs.testing.irc_user import irc_user
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import LoneServices
from waddlebot.trigger.poller.irc.module import Config, Networks, module, read, say, start, status

irc_certificates, ngircd, inspircd = irc_servers.irc_certificates, irc_servers.ngircd, irc_servers.inspircd


@contextlib.asynccontextmanager
async def running(urls: str) -> AsyncIterator[tuple[ServiceContext[None, None], LoneServices]]:
    services = LoneServices(module, Config(urls))
    context: ServiceContext[None, None] = ServiceContext(services)
    async with start(context) as state:
        services.entered = state
        task = asyncio.ensure_future(read(context))
        await until(lambda: all(client.state.ready for client in state.clients.values()))
        yield context, services
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def line(number: int, text: str, server: str = "one", channel: str = "#talk", nick: str = "") -> Line:
    return Line(f"k:{number}", server, channel, text, nick)


async def test_two_networks_are_read_and_answered(ngircd: IrcServer, inspircd: IrcServer) -> None:
    urls = " ".join(
        (ngircd.url("%23Talk", "bot", "name=one&rate=100"), inspircd.url("%23talk", "bot", "name=two&rate=100"))
    )
    async with running(urls) as (ctx, services):
        assert services.adopted == {"irc:one:#talk": "home", "irc:two:#talk": "home"}
        async with irc_user(ngircd.port, "anna", "#Talk") as anna, irc_user(inspircd.port, "ben", "#talk") as ben:
            anna.say("#Talk", "from anna")
            ben.say("#talk", "from ben")
            await until(lambda: len(services.announced) == 2)
            assert {(event.entity, event.user_login, event.text) for event in services.announced} == {
                ("irc:one:#talk", "anna", "from anna"),
                ("irc:two:#talk", "ben", "from ben"),
            }
            request = SayRequest(
                (
                    line(1, "to anna"),
                    line(2, "to ben", "two"),
                    line(3, "for you alone", nick="anna"),
                    line(4, "nowhere", "three"),
                    line(5, "elsewhere", channel="#away"),
                    line(6, "/me waves"),
                    line(7, "/announce hear!"),
                    line(8, "!ban anna"),
                )
            )
            outcomes = {outcome.id: outcome.refusal for outcome in (await say(ctx, request)).outcomes}
            assert [number for number in range(1, 9) if outcomes[f"k:{number}"]] == [4, 5]
            assert outcomes["k:4"] == "#talk on three is no channel of this bot"
            assert "no channel of this bot" in outcomes["k:5"]
            await anna.hears("to anna")
            await ben.hears("to ben")
            await anna.until(lambda text: "NOTICE anna :for you alone" in text)
            await anna.hears("\x01ACTION waves\x01")
            await anna.hears("hear!")
            await anna.hears("» !ban anna")
        assert len(services.announced) == 2
        states = (await status(ctx, StatusRequest())).connections
        assert [(state.server, state.phase, state.joined, state.ready) for state in states] == [
            ("one", "registered", 1, True),
            ("two", "registered", 1, True),
        ]


async def test_a_channel_operator_has_a_role(ngircd: IrcServer) -> None:
    urls = ngircd.url("%23ops", "opsbot", "name=one&rate=100")
    async with irc_user(ngircd.port, "chief", "#ops") as chief, running(urls) as (_, services):
        chief.say("#ops", "hello")
        await until(lambda: services.announced)
        assert "moderator" in services.announced[0].roles


async def test_a_slow_consumer_slows_the_server_and_loses_nothing(ngircd: IrcServer) -> None:
    async with running(ngircd.url("%23flood", "floodbot", "name=one&rate=100")) as (_, services):
        gate, taken = asyncio.Event(), 0
        announce = services.announce

        async def slowly(events):  # type: ignore[no-untyped-def]  # it stands in for announce, whatever that takes
            nonlocal taken
            taken += 1
            await gate.wait()
            await announce(events)

        services.announce = slowly  # type: ignore[method-assign]  # a consumer that takes its time
        async with irc_user(ngircd.port, "flooder", "#flood") as flooder:
            for number in range(3_000):
                flooder.say("#flood", f"line {number}")
            await until(lambda: taken)
            assert services.announced == []
            gate.set()
            await until(lambda: len(services.announced) == 3_000)
        assert [event.text for event in services.announced] == [f"line {number}" for number in range(3_000)]


async def test_a_channel_that_another_replica_took_is_left_at_once(ngircd: IrcServer) -> None:
    async with running(ngircd.url("%23mine,%23theirs", "sharer", "name=one&rate=100")) as (ctx, services):
        claims, state = services.claims, ctx.state(Networks)
        assert list(claims.wanted.items()) == [("irc:one:#mine", 2), ("irc:one:#theirs", 1)]
        async with irc_user(ngircd.port, "anna", "#mine", "#theirs") as anna:
            claims.give(["irc:one:#theirs"], "host-two")
            anna.say("#theirs", "not for us")
            anna.say("#mine", "for us")
            await anna.until(lambda line: line.startswith(":sharer!") and " PART " in line and "#theirs" in line)
            await until(lambda: services.announced)
            assert [event.text for event in services.announced] == ["for us"]
            lines = (line(1, "hi", channel="#theirs"), line(2, "hi", channel="#mine"), line(3, "hi", channel="#x"))
            outcomes = (await say(ctx, SayRequest(lines))).outcomes
            assert [outcome.holder for outcome in outcomes] == ["host-two", "", ""]
            assert [bool(outcome.refusal) for outcome in outcomes] == [True, False, True]
            assert "does not read #theirs on one" in outcomes[0].refusal
            claims.give(["irc:one:#theirs"], "")
            assert (await status(ctx, StatusRequest())).unread == ("irc:one:#theirs",)
            claims.take(["irc:one:#theirs"])
            await until(lambda: len(state.clients["one"].joined) == 2)
            anna.say("#theirs", "for us again")
            await until(lambda: len(services.announced) == 2)


async def test_of_two_replicas_on_one_network_one_takes_another_nick(ngircd: IrcServer) -> None:
    url = ngircd.url("%23both", "twin", "name=one&rate=100")
    async with running(url) as (_, one), running(url) as (ctx, two):
        assert [c.nick for c in (await status(ctx, StatusRequest())).connections] == ["twin_"]
        two.claims.give(["irc:one:#both"])
        async with irc_user(ngircd.port, "anna", "#both") as anna:
            anna.say("#both", "hello")
            await until(lambda: one.announced)
            assert two.announced == []


async def test_what_is_wrong_is_said_at_start() -> None:
    with pytest.raises(FieldError, match=r"IRC_URLS, network 2.*host is missing"):
        Config("ircs://a@h/ irc:///x")
    assert module.enabled is not None
    assert not module.enabled(Config(" "))
    assert module.enabled(Config("irc://localhost/"))
