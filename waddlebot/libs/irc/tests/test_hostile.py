"""Against servers that break off, flood, lie or say nothing."""

import asyncio
import dataclasses
import random

import pytest
import uvloop

from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.errors import SendError
from waddlebot.libs.irc.message import LINE_SIZE_MAX, IrcMessage
from waddlebot.libs.irc.settings import Channel, Timing
from waddlebot.libs.irc.tests.conftest import QUICK, Connect, guard
from waddlebot.libs.irc.tests.scripted import greet, peer, stay
from waddlebot.libs.irc.url import parse_irc_url
from waddlebot.libs.testing.ports import free_port


@pytest.mark.parametrize("ending", [b"", b"\r\n"])
async def test_a_line_without_measure_ends_the_link(connect: Connect, ending: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, b":a!b@c PRIVMSG #c :" + b"x" * (LINE_SIZE_MAX + 1) + ending)
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(settings, ready=False)
        await bot.until(lambda: any("a line of more than" in state.error for state in bot.states))
        assert not bot.chat()


async def test_a_line_of_the_longest_allowed_size_in_small_pieces(connect: Connect) -> None:
    text = "y" * 8000
    tags = "t=" + "z" * 8000

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        data = f"@{tags} :a!b@c PRIVMSG #c :{text}\r\n:a!b@c PRIVMSG #c :é\r\n".encode()
        for start in range(0, len(data), 701):
            writer.write(data[start : start + 701])
            await writer.drain()
            await asyncio.sleep(0)
        for byte in ":a!b@c PRIVMSG #c :ünï👍\r\n".encode():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.002)
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(settings)
        await bot.until_hears("ünï👍")
        assert [message.text for message in bot.chat()] == [text, "é", "ünï👍"]
        assert bot.chat()[0].tags == tags


async def test_the_reason_of_a_closed_link_is_told(connect: Connect) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, b"ERROR :Closing Link: bot (K-lined)\r\n")

    async with peer(script) as settings:
        bot = await connect(settings, ready=False)
        await bot.until(lambda: any("Closing Link: bot (K-lined)" in state.error for state in bot.states))


async def test_a_server_that_repeats_secrets_does_not_spread_them(connect: Connect) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PASS topsecret\r\n")
        await greet(reader, writer)
        await reader.readuntil(b" topkey\r\n")
        writer.write(b"ERROR :Closing Link: topsecret and topkey were wrong\r\n")

    async with peer(script) as plain:
        channels = (Channel("#c"), Channel("#d", "topkey"))
        bot = await connect(dataclasses.replace(plain, password="topsecret", channels=channels), ready=False)
        await bot.until(lambda: any("[redacted] and [redacted] were wrong" in state.error for state in bot.states))
        assert "top" not in str(bot.states)


async def test_a_server_that_says_nothing_is_left(connect: Connect) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(settings, timing=Timing(tick_s=0.02, register_timeout_s=0.2), ready=False)
        await bot.until(lambda: any("no welcome within 0.2 s" in state.error for state in bot.states))


@pytest.mark.parametrize("seed", range(5))
async def test_noise_does_not_cost_the_link(connect: Connect, seed: int) -> None:
    dice = random.Random(seed)
    words = [
        b"CAP",
        b"JOIN",
        b"KICK",
        b"MODE",
        b"NICK",
        b"005",
        b"353",
        b"BATCH",
        b"INVITE",
        b"471",
        b"NOTICE",
        b"PING",
    ]
    words += [
        b"#c",
        b"bot",
        b":",
        b":bot!u@h",
        b"*",
        b"+o",
        b"LS",
        b"PREFIX=(",
        b"\xff\xfe",
        b"",
        b"=",
        b"CHANTYPES=",
    ]
    noise = b"".join(b" ".join(dice.choices(words, k=dice.randrange(6))) + b"\r\n" for _ in range(400))
    noise += bytes(dice.randrange(256) for _ in range(2000)) + b"\r\n"
    noise = noise.replace(b"ERROR", b"").replace(b"RECONNECT", b"")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, noise + b":a!b@c PRIVMSG #c :after all\r\n")
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(settings, ready=False)
        await bot.until_hears("after all")
        assert [state.phase for state in bot.states].count("connecting") == 1


async def test_pings_are_answered_before_waiting_texts_and_not_without_end(connect: Connect) -> None:
    received = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await greet(reader, writer)
        await reader.readuntil(b"JOIN")
        for number in range(20_000):  # far more answers than fit into any buffer, and nobody reads them
            writer.write(b"PING :%d\r\n" % number + b"PING :" + b"x" * 400 + b"\r\n")
            await writer.drain()
        writer.write(b":a!b@c PRIVMSG #c :all asked\r\n")
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(settings)
        await bot.until_hears("all asked")
        assert bot.client.state.phase == "registered"


async def test_the_reader_can_be_paused(connect: Connect) -> None:
    total = 50_000

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.readuntil(b"now")
        for number in range(total):
            writer.write(b":a!b@c PRIVMSG #c :%d %s\r\n" % (number, b"x" * 300))
            await writer.drain()
        await stay(reader)

    async with peer(script) as settings:
        bot = await connect(settings)
        bot.client.pause_reading()
        await bot.client.send("#c", "now")
        await asyncio.sleep(0.3)
        assert len(bot.chat()) == 0
        bot.client.resume_reading()
        await bot.until(lambda: len(bot.messages) > 1000)
        bot.client.pause_reading()
        held = len(bot.messages)
        await asyncio.sleep(0.3)
        assert len(bot.messages) == held < total
        bot.client.resume_reading()
        await bot.until(lambda: len(bot.chat()) == total)
        assert [int(message.text.split()[0]) for message in bot.chat()] == list(range(total))


async def test_a_full_queue_refuses_and_a_cancelled_text_is_not_sent(connect: Connect) -> None:
    received = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        while data := await reader.read(65536):
            received.extend(data)

    async with peer(script) as settings:
        slow = parse_irc_url(f"irc://bot@127.0.0.1:{settings.port}/%23c?rate=0.1")
        bot = await connect(slow)
        sends = [asyncio.create_task(bot.client.send("#c", f"text {number}")) for number in range(300)]
        await bot.until(lambda: sum(task.done() for task in sends) > 90)
        refused = [task for task in sends if task.done() and task.exception()]
        assert 90 <= len(refused) < 110
        with pytest.raises(SendError, match="too many lines wait"):
            refused[0].result()
        waiting = [task for task in sends if not task.done()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*sends, return_exceptions=True)
        await bot.client.close()
        await bot.until(lambda: b"QUIT" in received)
        assert received.count(b"PRIVMSG") == 300 - len(refused) - len(waiting)


async def test_a_text_that_waits_when_the_link_breaks_is_refused(connect: Connect) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.readuntil(b"text 0")

    async with peer(script) as settings:
        slow = parse_irc_url(f"irc://bot@127.0.0.1:{settings.port}/%23c?rate=0.1")
        bot = await connect(slow)
        sends = [asyncio.create_task(bot.client.send("#c", f"text {number}")) for number in range(30)]
        results = await asyncio.gather(*sends, return_exceptions=True)
        assert "ended before the line was sent" in str(results[-1])
        assert results[0] is None


async def test_a_failing_consumer_does_not_cost_the_link(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[IrcMessage] = []

    def consume(messages: list[IrcMessage]) -> None:
        seen.extend(messages)
        raise RuntimeError("the consumer's fault")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for number in range(3):
            writer.write(b":a!b@c PRIVMSG #c :%d\r\n" % number)
            await writer.drain()
            await asyncio.sleep(0.05)
        await stay(reader)

    async with peer(script) as settings:
        client = IrcClient(settings, consume, guard=guard, timing=QUICK)
        task = asyncio.create_task(client.run())
        async with asyncio.timeout(10):
            while sum(message.command == "PRIVMSG" for message in seen) < 3:  # noqa: ASYNC110  no event to await
                await asyncio.sleep(0.01)
        await client.close()
        await task
    assert "the consumer's fault" in caplog.text


async def test_nobody_there_is_tried_with_growing_random_pauses(connect: Connect) -> None:
    settings = parse_irc_url(f"irc://bot@127.0.0.1:{free_port()}/")
    timing = Timing(backoff_base_s=0.01, backoff_max_s=0.3)
    bot = await connect(settings, timing=timing, ready=False)
    await bot.until(lambda: len(bot.states) > 40)
    pauses = [state.retry_in_s for state in bot.states if state.phase == "waiting"]
    assert all(pause <= min(0.3, 0.01 * 2 ** (number + 1)) for number, pause in enumerate(pauses))
    assert len(set(pauses)) == len(pauses)
    assert max(pauses) > 0.05
    assert "cannot connect to 127.0.0.1" in bot.client.state.error


async def test_it_stops_while_it_waits_to_try_again() -> None:
    client = IrcClient(parse_irc_url(f"irc://bot@127.0.0.1:{free_port()}/"), lambda messages: None, guard=guard)
    task = asyncio.create_task(client.run())
    await asyncio.sleep(0.1)
    await client.close()
    await asyncio.wait_for(task, 5)
    assert client.state.phase == "stopped"


def test_it_runs_on_uvloop_too() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, b":a!b@c PRIVMSG #c :hello\r\n")
        await stay(reader)

    async def main() -> list[IrcMessage]:
        seen: list[IrcMessage] = []
        async with peer(script) as settings:
            client = IrcClient(settings, seen.extend, guard=guard)
            task = asyncio.create_task(client.run())
            async with asyncio.timeout(10):
                while not seen or seen[-1].text != "hello":  # noqa: ASYNC110  no event to await
                    await asyncio.sleep(0.01)
            await client.send("#c", "bye")
            await client.close()
            await task
        return seen

    assert uvloop.run(main())[-1].text == "hello"
