"""Replies become lines on the connection that another module holds, each with an outcome."""

from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest

from waddlebot.action.pushing.twitch.module import deliver, module
from waddlebot.libs.contracts.irc import Line, Outcome, Said, SayRequest
from waddlebot.libs.sdk import CallError, CallScope, Reply, Send, Sent, ServiceContext
from waddlebot.libs.sdk.contract import Caller
from waddlebot.libs.testing.web import LoneServices

CONTRACT = "TwitchChat"


class WithConnection(LoneServices):
    """Keeps what is said; ``fails`` as long as nobody holds a connection."""

    def __init__(self) -> None:
        super().__init__(module)
        self.adopted[send(0, Reply("")).entity] = "home"
        self.lines: list[Line] = []
        self.fails = False

    def caller(self, scope: CallScope) -> Caller:
        """Answers ``say``."""

        async def say(request: SayRequest) -> Said:
            if self.fails:
                raise CallError("no host runs a module that promises it")
            self.lines += request.lines
            return Said(
                tuple(Outcome(line.id, "full" if line.text == "too much" else "") for line in request.lines)
            )

        def ask(contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
            assert (contract, method, answer) == (CONTRACT, "say", Said)
            return say(request)

        return ask


@pytest.fixture
def services() -> WithConnection:
    return WithConnection()


def send(number: int, reply: Reply) -> Send:
    return Send(f"k:{number}", "home", "twitch", "net", "#talk", reply, "e", "twitch:net/~ada", "Ada")


async def test_replies_are_said_in_order_and_refusals_told(services: WithConnection) -> None:
    replies = (Reply("one"), Reply("too much"), Reply("/raid", may_command=True), Reply("x", action="ticker"))
    outcomes = await deliver(ServiceContext(services), [send(n, reply) for n, reply in enumerate(replies)])
    assert [outcome.status for outcome in outcomes] == ["sent", "refused", "sent", "refused"]
    assert outcomes[1].reason == "full"
    assert "ticker" in outcomes[3].reason
    assert services.lines == [
        Line("k:0", "net", "#talk", "one"),
        Line("k:1", "net", "#talk", "too much"),
        Line("k:2", "net", "#talk", "/raid", may_command=True),
    ]


async def test_nobody_holds_a_connection(services: WithConnection) -> None:
    services.fails = True
    (outcome,) = await deliver(ServiceContext(services), [send(1, Reply("x"))])
    assert (outcome.status, outcome.reason) == ("refused", "no host runs a module that promises it")


async def test_a_private_reply_is_not_said_in_public(services: WithConnection) -> None:
    (outcome,) = await deliver(ServiceContext(services), [send(1, Reply("x", private=True))])
    assert outcome == Sent("k:1", "refused", "Twitch chat cannot tell it to one user alone")
    assert services.lines == []


async def test_only_channels_of_the_community_are_spoken_in(services: WithConnection) -> None:
    for platform, server, channel in (("twitch", "", "Talk"), ("twitch", "", "other")):
        foreign = msgspec.structs.replace(send(1, Reply("x")), platform=platform, server=server, channel=channel)
        (outcome,) = await deliver(ServiceContext(services), [foreign])
        assert outcome.status == "refused"
    (outcome,) = await deliver(
        ServiceContext(services), [msgspec.structs.replace(send(1, Reply("x")), community="b")]
    )
    assert outcome.status == "refused"
    assert services.lines == []


async def test_of_an_order_that_cannot_be_done_the_words_are_said(services: WithConnection) -> None:
    order = Reply("Mind your words.", action="general", data={"do": "timeout"})
    (outcome,) = await deliver(ServiceContext(services), [send(1, order)])
    assert outcome.status == "sent"
    assert [line.text for line in services.lines] == ["Mind your words."]
