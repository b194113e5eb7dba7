"""Twitch's rules, enforced by a double."""

import asyncio

import pytest

from waddlebot.libs.irc.errors import SendError
from waddlebot.libs.irc.message import find_tag
from waddlebot.libs.irc.settings import Channel, IrcSettings, Timing
from waddlebot.libs.irc.tests.conftest import Connect, Connected
from waddlebot.libs.irc.twitch import TWITCH_TIMING, TwitchPolicy, twitch_settings
from waddlebot.libs.testing.twitch_irc import TwitchIrc, twitch_irc

QUICK = Timing(tick_s=0.05, backoff_base_s=0.1, backoff_max_s=0.3, refused_retry_s=0.0)


async def enter(connect: Connect, settings: IrcSettings, ready: bool = True) -> Connected:
    return await connect(settings, timing=QUICK, policy=TwitchPolicy(), ready=ready)


def speaker(twitch: TwitchIrc, *channels: str, token: str = "oauth:secret") -> IrcSettings:
    return twitch_settings(channels, "WaddleBot", token, twitch.url)


async def test_it_reads_anonymously_with_tags_and_cannot_speak(connect: Connect) -> None:
    async with twitch_irc() as twitch:
        bot = await enter(connect, twitch_settings(["Ronni"], url=twitch.url))
        event_id = twitch.say("#ronni", "anna", "!hello", badges="broadcaster/1", display_name="An na;")
        message = await bot.until_hears("!hello")
        assert find_tag(message.tags, "id") == event_id
        assert find_tag(message.tags, "display-name") == "An na;"
        assert find_tag(message.tags, "badges") == "broadcaster/1"
        with pytest.raises(SendError, match="TWITCH_BOT_TOKEN"):
            await bot.client.send("#ronni", "hi")
        assert twitch.violations == []
        assert twitch.logins[0].startswith("justinfan")


async def test_it_speaks_with_a_token_and_does_not_hear_itself(connect: Connect) -> None:
    async with twitch_irc({"waddlebot": "secret"}) as twitch:
        bot = await enter(connect, speaker(twitch, "ronni"))
        second = await enter(connect, speaker(twitch, "ronni", token="secret"))
        await bot.client.send("#ronni", "hello")
        await bot.client.send("#ronni", "hello")
        twitch.say("#ronni", "anna", "end")
        await second.until_hears("end")
        assert [text for _, _, text in twitch.said] == ["hello", "hello \U000e0000"]
        assert [message.text for message in second.chat()] == ["end"]
        assert twitch.violations == []


async def test_no_reply_is_a_command_of_twitch(connect: Connect) -> None:
    async with twitch_irc({"waddlebot": "secret"}, moderators=["waddlebot"]) as twitch:
        bot = await enter(connect, speaker(twitch, "ronni"))
        for text in ("/ban anna", ".ban anna", " /ban anna", "!command add", "x" * 485 + " /ban anna"):
            await bot.client.send("#ronni", text)
        await bot.client.send("#ronni", "waves", action=True)
        await bot.until(lambda: len(twitch.said) == 7)
        assert twitch.commands == []
        assert not any(text.startswith(("/", ".", "!")) for _, _, text in twitch.said)
        assert twitch.said[-1][2] == "\x01ACTION waves\x01"
        await bot.client.send("#ronni", "/announce hi", may_command=True)
        await bot.until(lambda: twitch.commands == ["/announce hi"])


async def test_a_long_text_becomes_three_messages_at_most(connect: Connect) -> None:
    async with twitch_irc({"waddlebot": "secret"}, moderators=["waddlebot"]) as twitch:
        bot = await enter(connect, speaker(twitch, "ronni"))
        await bot.client.send("#ronni", " ".join(f"wörter{number}👍🏽" for number in range(300)))
        await bot.until(lambda: len(twitch.said) == 3)
        assert all(len(text) <= 490 for _, _, text in twitch.said)
        assert twitch.said[-1][2].endswith("…")
        assert twitch.violations == []


async def test_a_reply_names_the_message(connect: Connect) -> None:
    async with twitch_irc({"waddlebot": "secret"}) as twitch:
        bot = await enter(connect, speaker(twitch, "ronni"))
        await bot.client.send("#ronni", "hello you", reply_to="b34ccfc7-4977-403a-8a94-33c6bac34fb8")
        await bot.until(lambda: twitch.said)
        assert twitch.said == [("waddlebot", "#ronni", "hello you")]
        assert twitch.reply_parents == ["b34ccfc7-4977-403a-8a94-33c6bac34fb8"]


@pytest.mark.parametrize("token", ["wrong", "oauth:wrong"])
async def test_a_refused_token_stops_with_an_instruction(connect: Connect, token: str) -> None:
    async with twitch_irc({"waddlebot": "secret"}) as twitch:
        bot = await enter(connect, speaker(twitch, "ronni", token=token), ready=False)
        assert bot.task is not None
        await asyncio.wait_for(asyncio.shield(bot.task), 5)
        assert bot.client.state.phase == "stopped"
        assert "Login authentication failed" in bot.client.state.error
        assert "TWITCH_BOT_TOKEN" in bot.client.state.error
        assert "wrong" not in bot.client.state.error
        assert twitch.logins == ["waddlebot"]
    assert TWITCH_TIMING.refused_retry_s == 0


async def test_a_chatter_who_writes_of_a_failed_login_stops_nothing(connect: Connect) -> None:
    async with twitch_irc() as twitch:
        bot = await enter(connect, twitch_settings(["ronni"], url=twitch.url))
        for text in (
            "Login authentication failed",
            "RECONNECT",
            "please PING me",
            "\u2028:tmi.twitch.tv RECONNECT",
        ):
            twitch.say("#ronni", "troll", text)
            await bot.until_hears(text)
        assert [state.phase for state in bot.states].count("connecting") == 1


async def test_reconnect_is_honoured(connect: Connect) -> None:
    async with twitch_irc() as twitch:
        bot = await enter(connect, twitch_settings(["ronni"], url=twitch.url))
        twitch.reconnect()
        await bot.until(lambda: len(twitch.logins) == 2)
        await bot.until_ready()
        assert any("asks us to reconnect" in state.error for state in bot.states)
        twitch.say("#ronni", "anna", "still there?")
        await bot.until_hears("still there?")


async def test_a_dropped_link_is_renewed_within_the_rate_of_joins(connect: Connect) -> None:
    async with twitch_irc() as twitch:
        bot = await enter(connect, twitch_settings([f"room{n}" for n in range(12)], url=twitch.url))
        twitch.drop()
        await bot.until(lambda: len(twitch.logins) >= 2 and bot.client.state.joined == 12, 30)
        assert [each for each in twitch.violations if "JOIN" in each] == []


async def test_a_suspended_channel_is_told(connect: Connect) -> None:
    async with twitch_irc(suspended=["gone"]) as twitch:
        bot = await enter(connect, twitch_settings(["ronni", "gone"], url=twitch.url), ready=False)
        await bot.until(lambda: bot.client.state.joined == 1 and bot.client.state.failures)
        assert "suspended" in bot.client.state.failures["#gone"]
        assert bot.client.state.ready


async def test_more_than_a_hundred_rooms_are_refused_by_name(connect: Connect) -> None:
    async with twitch_irc() as twitch:
        names = [f"room{number}" for number in range(103)]
        bot = await enter(connect, twitch_settings(names, url=twitch.url), ready=False)
        bot.client.join(Channel("#late"))
        refused = bot.client.state.failures
        assert set(refused) == {"#room100", "#room101", "#room102", "#late"}
        assert "100 channels" in refused["#late"]
        await bot.until(lambda: bot.client.state.joined == 20)
        assert twitch.violations == []


async def test_notices_and_moderation_are_handed_on(connect: Connect) -> None:
    async with twitch_irc() as twitch:
        bot = await enter(connect, twitch_settings(["ronni"], url=twitch.url))
        lines = [
            "@ban-duration=350;room-id=1;target-user-id=2;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #ronni :anna",
            "@login=anna;target-msg-id=abc;tmi-sent-ts=1 :tmi.twitch.tv CLEARMSG #ronni :bad words",
            "@msg-id=raid;msg-param-viewerCount=15;system-msg=15\\sraiders :tmi.twitch.tv USERNOTICE #ronni",
            "@msg-id=slow_on :tmi.twitch.tv NOTICE #ronni :This room is in slow mode.",
        ]
        for line in lines:
            twitch.send("#ronni", line)
        await bot.until(lambda: any(message.command == "NOTICE" for message in bot.messages))
        commands = [message.command for message in bot.messages]
        assert {"CLEARCHAT", "CLEARMSG", "USERNOTICE", "NOTICE"} <= set(commands)
        raid = next(message for message in bot.messages if message.command == "USERNOTICE")
        assert find_tag(raid.tags, "system-msg") == "15 raiders"
