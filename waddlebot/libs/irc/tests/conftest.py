import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from waddlebot.libs.irc.client import IrcClient, IrcState
from waddlebot.libs.irc.message import IrcMessage
from waddlebot.libs.irc.policy import SendPolicy
from waddlebot.libs.irc.settings import IrcSettings, Timing
from waddlebot.libs.testing import irc_servers

irc_certificates = irc_servers.irc_certificates
ngircd, new_ngircd = irc_servers.ngircd, irc_servers.new_ngircd
inspircd, new_inspircd = irc_servers.inspircd, irc_servers.new_inspircd


def guard(text: str) -> str:
    """A simple one: the product has a better one, which is not this package's."""
    return "» " + text if text.lstrip()[:1] in ("/", ".", "!") else text


QUICK = Timing(tick_s=0.05, backoff_base_s=0.1, backoff_max_s=0.5, silence_s=5.0, rejoin_s=(0.1, 0.2))


@dataclass
class Connected:
    """A running client and all it told."""

    client: IrcClient
    messages: list[IrcMessage] = field(default_factory=list)
    states: list[IrcState] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Wait until a condition of this client holds."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():  # noqa: ASYNC110  what a test waits for has no event of its own
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"still not so: {self.client.state}, last messages {self.messages[-5:]}")

    async def until_ready(self) -> None:
        await self.until(lambda: self.client.state.ready and len(self.client.joined) == self.client.state.wanted)

    async def until_hears(self, text: str) -> IrcMessage:
        """Wait for a chat message with this text."""
        await self.until(lambda: any(text == message.text for message in self.chat()))
        return next(message for message in self.chat() if message.text == text)

    def chat(self) -> list[IrcMessage]:
        return [message for message in self.messages if message.command == "PRIVMSG"]


type Connect = Callable[..., Awaitable[Connected]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Runs clients until the test ends; waits until they are in their channels unless told not to."""
    running: list[Connected] = []

    async def run(
        settings: IrcSettings,
        *,
        timing: Timing = QUICK,
        policy: SendPolicy | None = None,
        ready: bool = True,
    ) -> Connected:
        messages: list[IrcMessage] = []
        states: list[IrcState] = []
        client = IrcClient(settings, messages.extend, states.append, guard=guard, policy=policy, timing=timing)
        connected = Connected(client, messages, states, asyncio.create_task(client.run()))
        running.append(connected)
        if ready:
            await connected.until_ready()
        return connected

    yield run
    for connected in running:
        await connected.client.close()
        assert connected.task is not None
        await asyncio.wait_for(connected.task, 10)
