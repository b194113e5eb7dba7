"""Replies become lines in the window, each with an outcome."""

import pytest

from waddlebot.action.pushing.console.module import deliver, module
from waddlebot.libs.contracts.console import ConsoleLine, Shown, ShowRequest
from waddlebot.libs.sdk import Reply, Send, Sent, ServiceContext
from waddlebot.libs.testing.web import LoneServices


class WithWindow(LoneServices):
    """Keeps what is shown."""

    def __init__(self) -> None:
        super().__init__(module)
        self.lines: list[ConsoleLine] = []
        self.promised["Console", "show"] = self.show

    async def show(self, request: ShowRequest) -> Shown:
        """Show lines."""
        self.lines += request.lines
        return Shown(tuple(line.id for line in request.lines))


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
    services.promised.clear()
    (outcome,) = await deliver(ServiceContext(services), [send(1, Reply("x"))])
    assert outcome.status == "refused"
    assert "nobody is there to be asked" in outcome.reason
