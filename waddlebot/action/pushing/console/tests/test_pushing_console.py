"""Replies become lines in the window, each with an outcome."""

from collections.abc import Awaitable
from typing import Any

import pytest

from waddlebot.action.pushing.console.module import deliver, module
from waddlebot.libs.contracts.console import ConsoleLine, Shown, ShowRequest
from waddlebot.libs.sdk import CallError, CallScope, Reply, Send, Sent, ServiceContext
from waddlebot.libs.sdk.contract import Caller
from waddlebot.libs.testing.web import LoneServices


class WithWindow(LoneServices):
    """Keeps what is shown; ``fails`` as long as the window cannot be reached."""

    def __init__(self) -> None:
        super().__init__(module)
        self.lines: list[ConsoleLine] = []
        self.fails = False

    def caller(self, scope: CallScope) -> Caller:
        """Answers ``Console.show``."""

        async def show(request: ShowRequest) -> Shown:
            if self.fails:
                raise CallError("no host runs a module that promises Console")
            self.lines += request.lines
            return Shown(tuple(line.id for line in request.lines))

        def ask(contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
            assert (contract, method, answer) == ("Console", "show", Shown)
            return show(request)

        return ask


@pytest.fixture
def services() -> WithWindow:
    return WithWindow()


def send(number: int, reply: Reply, channel: str = "main") -> Send:
    return Send(f"k:{number}", "home", "console", "local", channel, reply, "e", "console:guest:ada", "Ada")


async def test_replies_are_shown_in_order(services: WithWindow) -> None:
    sends = [send(1, Reply("one")), send(2, Reply("two", private=True)), send(3, Reply("three", action="ticker"))]
    outcomes = await deliver(ServiceContext(services), sends)
    assert outcomes == [Sent("k:1", "sent"), Sent("k:2", "sent"), Sent("k:3", "sent")]
    assert [(line.text, line.private, line.action) for line in services.lines] == [
        ("one", False, "chat"),
        ("two", True, "chat"),
        ("three", False, "ticker"),
    ]
    assert {(line.to, line.to_name) for line in services.lines} == {("console:guest:ada", "Ada")}


async def test_another_channel_is_refused_by_name(services: WithWindow) -> None:
    outcomes = await deliver(ServiceContext(services), [send(1, Reply("x"), "side"), send(2, Reply("y"))])
    assert outcomes == [Sent("k:1", "refused", "there is no channel console:local:side"), Sent("k:2", "sent")]
    assert [line.text for line in services.lines] == ["y"]


async def test_a_window_that_cannot_be_reached_is_said(services: WithWindow) -> None:
    services.fails = True
    (outcome,) = await deliver(ServiceContext(services), [send(1, Reply("x"))])
    assert (outcome.status, outcome.reason) == ("refused", "no host runs a module that promises Console")
