"""Clients that run together: flow control towards the consumer, and replies that wait."""

import asyncio
import logging

import pytest

from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.connections import Connections, StateLog
from waddlebot.libs.irc.message import IrcMessage
from waddlebot.libs.irc.speaking import Speaker, Utterance
from waddlebot.libs.irc.tests.conftest import QUICK, Connect, guard
from waddlebot.libs.irc.tests.scripted import greet, peer, stay
from waddlebot.libs.irc.url import parse_irc_url

TOTAL = 30_000


async def send_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await greet(reader, writer)
    for number in range(TOTAL):
        writer.write(b":a!b@c PRIVMSG #c :%d %s\r\n" % (number, b"x" * 300))
        await writer.drain()
    await stay(reader)


async def test_a_full_consumer_pauses_the_reading_and_nothing_is_lost() -> None:
    gate = asyncio.Event()
    seen: list[IrcMessage] = []

    async def take(messages: list[IrcMessage]) -> None:
        await gate.wait()
        seen.extend(message for message in messages if message.command == "PRIVMSG")

    async with peer(send_much) as settings:
        connections: Connections[IrcMessage] = Connections(items_max=100)
        arrived: list[int] = []

        def put(messages: list[IrcMessage]) -> None:
            arrived.append(len(messages))
            connections.put(messages)

        connections.add(IrcClient(settings, put, guard=guard, timing=QUICK))
        task = asyncio.create_task(connections.run(take))
        await asyncio.sleep(0.5)
        held = sum(arrived)
        await asyncio.sleep(0.3)
        assert sum(arrived) == held < TOTAL
        gate.set()
        async with asyncio.timeout(20):
            while len(seen) < TOTAL:  # noqa: ASYNC110  what a test waits for has no event of its own
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connections.close()
    assert [int(message.text.split()[0]) for message in seen] == list(range(TOTAL))


async def test_a_failing_consumer_is_told_and_the_link_stays(caplog: pytest.LogCaptureFixture) -> None:
    async def take(messages: list[IrcMessage]) -> None:
        raise RuntimeError("no")

    caplog.set_level(logging.INFO)
    log = logging.getLogger("irc.test")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await stay(reader)

    async with peer(script) as settings:
        connections: Connections[IrcMessage] = Connections()
        client = IrcClient(settings, connections.put, StateLog(log), guard=guard, timing=QUICK)
        connections.add(client)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no"):
                await connections.run(take)
            connections.put([IrcMessage("", "", "X", ())])
        async with asyncio.timeout(10):
            while not client.state.ready:  # noqa: ASYNC110  what a test waits for has no event of its own
                await asyncio.sleep(0.01)
        await connections.close()
        assert client.state.phase == "stopped"
    assert "in 1 channels as bot" in caplog.text


async def test_a_reply_that_waits_for_the_rate_counts_as_sent_and_its_loss_is_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(parse_irc_url(f"irc://bot@127.0.0.1:{settings.port}/%23c?rate=0.1"))
        speaker = Speaker(logging.getLogger("irc.test"))
        texts = {f"k:{number}": (bot.client, Utterance("#c", f"text {number}")) for number in range(20)}
        assert await speaker.say(texts) == dict.fromkeys(texts, "")
        elsewhere, empty = Utterance("#elsewhere", "x"), Utterance("#c", "/me  ")
        refusals = await speaker.say({"elsewhere": (bot.client, elsewhere), "empty": (bot.client, empty)})
        assert "not in #elsewhere" in refusals["elsewhere"]
        assert "no text" in refusals["empty"]
        assert await speaker.say({}) == {}
        await bot.client.close()
        await bot.until(lambda: "a reply that waited for its turn was lost" in caplog.text)
