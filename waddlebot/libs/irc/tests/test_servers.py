"""Against the real servers of Debian."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Callable

import pytest

from waddlebot.libs.irc.errors import SendError
from waddlebot.libs.irc.message import find_tag
from waddlebot.libs.irc.settings import Channel, IrcSettings, Timing
from waddlebot.libs.irc.tests.conftest import QUICK, Connect
from waddlebot.libs.irc.url import parse_irc_url
from waddlebot.libs.testing.irc_servers import IrcCertificates, IrcServer
from waddlebot.libs.testing.irc_services import linked_services
from waddlebot.libs.testing.irc_user import irc_user

type NewServer = Callable[..., IrcServer]


def at(
    server: IrcServer, channels: str, nick: str = "waddlebot", options: str = "", tls: bool = False
) -> IrcSettings:
    return parse_irc_url(server.url(channels, nick, f"rate=100&{options}".rstrip("&"), tls))


@pytest.fixture(params=["ngircd", "inspircd"])
def server(request: pytest.FixtureRequest) -> IrcServer:
    found: IrcServer = request.getfixturevalue(request.param)
    return found


async def test_a_conversation_of_three(server: IrcServer, connect: Connect) -> None:
    bot = await connect(at(server, "%23talk,%23other", "talkbot"))
    async with irc_user(server.port, "anna", "#talk") as anna, irc_user(server.port, "ben", "#talk") as ben:
        anna.say("#talk", "!ping é 👍🏽")
        message = await bot.until_hears("!ping é 👍🏽")
        assert (message.nick, message.target) == ("anna", "#talk")
        await bot.client.send("#talk", "pong, anna")
        await anna.hears("pong, anna")
        await ben.hears("pong, anna")
        ben.say("talkbot", "in private")
        assert (await bot.until_hears("in private")).target == "talkbot"
        await bot.client.send("ben", "yes?")
        await ben.hears("yes?")
        await bot.client.send("#talk", "waves", action=True)
        await anna.hears("\x01ACTION waves\x01")
        assert not any(message.nick == "talkbot" for message in bot.chat())
        assert "o" in bot.client.status("#talk", "talkbot")
        assert bot.client.status("#talk", "anna") == ""


async def test_no_text_becomes_a_second_line_or_a_command(server: IrcServer, connect: Connect) -> None:
    bot = await connect(at(server, "%23inject", "injbot"))
    async with irc_user(server.port, "watcher", "#inject") as watcher:
        await bot.client.send("#inject", "a\r\nPRIVMSG #inject :b\nQUIT :x\0\x01VERSION\x01")
        await watcher.hears("a PRIVMSG #inject :b QUIT :xVERSION")
        await bot.client.send("#inject", "!command add x y")
        await watcher.hears("» !command add x y")
        await bot.client.send("#inject", "!raw", may_command=True)
        await watcher.hears("!raw")
        for target in ("#inject,#b", "#in ject", "", "$*", "#a\r\nQUIT", "@#inject"):
            with pytest.raises(SendError):
                await bot.client.send(target, "x")
        with pytest.raises(SendError, match="not in #elsewhere"):
            await bot.client.send("#elsewhere", "x")


async def test_a_long_text_arrives_whole(server: IrcServer, connect: Connect) -> None:
    bot = await connect(at(server, "%23long", "longbot"))
    text = " ".join(f"wörd{number:04d}" for number in range(150))
    async with irc_user(server.port, "reader", "#long") as reader:
        await bot.client.send("#long", text)
        await bot.client.send("#long", "end")
        await reader.hears("end")
        parts = [line.partition(" :")[2] for line in reader.lines if " PRIVMSG #long :" in line][:-1]
        assert len(parts) > 2
        assert " ".join(parts) == text


async def test_ctcp_is_answered_seldom(server: IrcServer, connect: Connect) -> None:
    bot = await connect(at(server, "%23ctcp", "ctcpbot"))
    async with irc_user(server.port, "asker", "#ctcp") as asker:
        for _ in range(20):
            asker.say("ctcpbot", "\x01VERSION\x01")
        asker.say("ctcpbot", "\x01DCC CHAT chat 1 2\x01")
        asker.say("ctcpbot", "done")
        await bot.until_hears("done")
        await asker.until(lambda line: "NOTICE asker :\x01VERSION WaddleBot\x01" in line)
        await bot.client.send("asker", "counted")
        await asker.hears("counted")
        assert 1 <= sum("\x01VERSION" in line for line in asker.lines) <= 3
        assert not any("\x01" in message.text for message in bot.chat())


async def test_the_server_is_killed_and_the_bot_is_back(new_ngircd: NewServer, connect: Connect) -> None:
    server = new_ngircd()
    bot = await connect(at(server, "%23a,%23b"))
    server.kill()
    await bot.until(lambda: bot.client.state.phase == "waiting")
    assert bot.client.state.error
    assert not bot.client.state.ready
    with pytest.raises(SendError, match="not connected"):
        await bot.client.send("#a", "hello?")
    server.start()
    await bot.until_ready()
    async with irc_user(server.port, "anna", "#a") as anna:
        await bot.client.send("#a", "back")
        await anna.hears("back")


async def test_a_server_that_hangs_is_left_after_a_ping(new_ngircd: NewServer, connect: Connect) -> None:
    server = new_ngircd()
    timing = Timing(tick_s=0.02, silence_s=0.2, ping_timeout_s=0.3, backoff_base_s=0.1, backoff_max_s=0.2)
    bot = await connect(at(server, "%23a"), timing=timing)
    await asyncio.sleep(1)  # answered pings keep the link
    assert [state.phase for state in bot.states].count("connecting") == 1
    server.suspend()
    await bot.until(lambda: any("ping timeout" in state.error for state in bot.states))
    server.resume()
    await bot.until_ready()


async def test_a_taken_nick_is_varied_and_regained(server: IrcServer, connect: Connect) -> None:
    timing = Timing(tick_s=0.05, regain_nick_s=0.2)
    async with irc_user(server.port, "mynick", "#nicks"):
        bot = await connect(at(server, "%23nicks", "mynick"), timing=timing)
        assert bot.client.state.nick == "mynick_"
    await bot.until(lambda: bot.client.state.nick == "mynick")
    async with irc_user(server.port, "other", "#nicks") as other:
        await bot.client.send("#nicks", "it is me")
        assert (await other.hears("it is me")).startswith(":mynick!")
        assert not any(message.nick == "mynick" for message in bot.chat())


async def test_tls_is_verified_unless_told_otherwise(server: IrcServer, connect: Connect) -> None:
    trusting = await connect(at(server, "%23tls", "trusting", f"ca={server.ca}", tls=True))
    assert trusting.client.state.ready
    careless = await connect(at(server, "%23tls", "careless", "insecure=1", tls=True))
    assert careless.client.state.ready
    careful = await connect(at(server, "%23tls", "careful", tls=True), ready=False)
    await careful.until(lambda: careful.client.state.error)
    assert "is not trusted" in careful.client.state.error
    assert "?ca=" in careful.client.state.error
    assert all(state.phase != "registered" for state in careful.states)


async def test_a_plain_port_is_told_apart(server: IrcServer, connect: Connect) -> None:
    settings = parse_irc_url(f"ircs://bot@127.0.0.1:{server.port}/?insecure=1")
    bot = await connect(settings, ready=False, timing=Timing(connect_timeout_s=2))
    await bot.until(lambda: bot.client.state.error)
    assert bot.client.state.phase == "waiting"


@pytest.mark.parametrize(
    ("mode", "words"),
    [("+b *!*@*", "banned"), ("+i", "invited"), ("+k secret", "key"), ("+l 1", "full")],
)
async def test_a_channel_that_keeps_us_out_is_told_in_words(
    server: IrcServer, connect: Connect, mode: str, words: str
) -> None:
    channel = f"#shut{words}"
    async with irc_user(server.port, f"own{words}", channel) as owner:
        owner.send(f"MODE {channel} {mode}")
        await owner.until(lambda line: f" MODE {channel} " in line and mode[:2] in line)
        bot = await connect(at(server, channel.replace("#", "%23"), f"in{words}"), ready=False)
        await bot.until(lambda: words in bot.client.state.failures.get(channel, ""))
        await bot.until(lambda: "given up after 2 tries" in bot.client.state.failures[channel])
        with pytest.raises(SendError, match=words):
            await bot.client.send(channel, "let me in")
        if mode == "+i":
            owner.send(f"INVITE in{words} {channel}")
            await bot.until_ready()
            assert bot.client.state.failures == {}


async def test_after_a_kick_the_bot_returns_and_says_who_kicked_it(server: IrcServer, connect: Connect) -> None:
    async with irc_user(server.port, "boss", "#kick") as boss:
        bot = await connect(at(server, "%23kick", "kickbot"))
        boss.send("KICK #kick kickbot :out with you")
        await bot.until(lambda: any("kicked by boss: out with you" in str(state.failures) for state in bot.states))
        await bot.until_ready()


async def test_joined_and_parted_while_running(server: IrcServer, connect: Connect) -> None:
    bot = await connect(at(server, "%23one", "mover"))
    many = [f"#more{number}" for number in range(18)]  # InspIRCd allows 20
    bot.client.join(*map(Channel, ("#two", *many)))
    await bot.until(lambda: set(bot.client.joined) == {"#one", "#two", *many})
    async with irc_user(server.port, "seer", "#two", many[-1]) as seer:
        bot.client.part("#two", *many)
        for channel in ("#two", many[-1]):
            await seer.until(re.compile(rf":mover!\S+ PART :?{channel}\b").match)
    assert bot.client.joined == ("#one",)


async def test_a_netsplit_and_its_end(new_ngircd: NewServer, connect: Connect) -> None:
    """Two linked servers; one dies with its users, comes back, and so do they."""
    near = new_ngircd(name="near")
    link = "[Server]\nName = {}.ngircd.test\nHost = 127.0.0.1\n{}MyPassword = a\nPeerPassword = a\n"
    far = new_ngircd(name="far", peer=link.format("near", f"Port = {near.port}\n"), ConnectRetry="1")
    near.kill()
    near.configure(link.format("far", "Passive = yes\n"))
    near.start()
    bot = await connect(at(near, "%23split"))
    async with irc_user(far.port, "farmer", "#split") as farmer:
        await bot.until(lambda: any(m.command == "JOIN" and m.nick == "farmer" for m in bot.messages), 30)
        await bot.client.send("#split", "hello over there")
        await farmer.hears("hello over there")
        far.kill()
    await bot.until(lambda: any(m.command == "QUIT" and m.nick == "farmer" for m in bot.messages))
    assert bot.client.state.ready
    far.start()
    async with irc_user(far.port, "farmer", "#split") as farmer:
        await bot.until(lambda: sum(m.command == "JOIN" and m.nick == "farmer" for m in bot.messages) == 2, 30)
        farmer.say("#split", "back together")
        await bot.until_hears("back together")


async def test_a_thousand_joins_do_not_overrun_inspircds_receive_queue(
    new_inspircd: NewServer, connect: Connect
) -> None:
    """Its default receive queue of 8 KB, its default penalties; only the clock runs ten times faster for both."""
    server = new_inspircd(connect='commandrate="10000"')
    channels = ",".join(f"%23channel{number:04d}" for number in range(1000))
    bot = await connect(parse_irc_url(server.url(channels, options="rate=10")), timing=Timing(), ready=False)
    await bot.until(lambda: bot.client.state.joined == 1000, 60)
    assert [state.phase for state in bot.states].count("connecting") == 1
    assert bot.client.state.failures == {}


async def test_sasl_by_password(inspircd: IrcServer, connect: Connect) -> None:
    async with linked_services(inspircd, {"account": "pass word"}) as services:
        bot = await connect(at(inspircd, "%23sasl", "saslbot:pass%20word", "account=account"))
        assert services.logins == ["account"]
        listener = await connect(at(inspircd, "%23sasl", "listener"))
        await bot.client.send("#sasl", "it is me")
        message = await listener.until_hears("it is me")
        assert find_tag(message.tags, "account") == "account"
        assert find_tag(message.tags, "time").endswith("Z")
        assert find_tag(message.tags, "msgid")


async def test_a_wrong_password_is_not_tried_again_and_again(inspircd: IrcServer, connect: Connect) -> None:
    async with linked_services(inspircd, {"account": "right"}) as services:
        bot = await connect(at(inspircd, "%23sasl", "account:wrong"), ready=False)
        await bot.until(lambda: bot.client.state.phase == "waiting")
        assert "SASL PLAIN failed" in bot.client.state.error
        assert "wrong" not in bot.client.state.error
        assert bot.client.state.retry_in_s == QUICK.refused_retry_s
        assert services.logins == [""]


async def test_sasl_by_certificate(
    inspircd: IrcServer, connect: Connect, irc_certificates: IrcCertificates
) -> None:
    pem = irc_certificates.client.read_text()
    certificate = ssl.PEM_cert_to_DER_cert(
        pem[pem.index("-----BEGIN CERTIFICATE") :].partition("\n-----END")[0] + "\n-----END CERTIFICATE-----\n"
    )
    fingerprint = hashlib.sha256(certificate).hexdigest()
    async with linked_services(inspircd, {}, {fingerprint: "certified"}) as services:
        options = f"sasl=external&cert={irc_certificates.client}&ca={inspircd.ca}"
        await connect(at(inspircd, "%23sasl", "certbot", options, tls=True))
        assert services.logins == ["certified"]


async def test_a_server_that_offers_no_sasl_gets_no_password(ngircd: IrcServer, connect: Connect) -> None:
    bot = await connect(at(ngircd, "%23a", "bot:topsecret"), ready=False)
    await bot.until(lambda: bot.client.state.phase == "waiting")
    assert "offers no SASL" in bot.client.state.error
    assert "?sasl=off" in bot.client.state.error


async def test_replayed_history_is_no_news(inspircd: IrcServer, connect: Connect) -> None:
    async with irc_user(inspircd.port, "historian", "#history") as historian:
        historian.send("MODE #history +H 10:1h")
        await historian.until(lambda line: "MODE #history" in line and "+H" in line)
        historian.say("#history", "!old command")
        bot = await connect(at(inspircd, "%23history", "latebot"))
        historian.say("#history", "!new command")
        await bot.until_hears("!new command")
        assert [message.text for message in bot.chat()] == ["!new command"]


async def test_users_lost_in_a_netsplit_lose_their_status(inspircd: IrcServer, connect: Connect) -> None:
    async with linked_services(inspircd, {}) as services:
        bot = await connect(at(inspircd, "%23far", "nearbot"))
        services.introduce("faraway", "#far")
        await bot.until(lambda: bot.client.status("#far", "faraway") == "o")
        services.split()
        await bot.until(lambda: any(m.command == "QUIT" and m.nick == "faraway" for m in bot.messages))
        quit_message = next(m for m in bot.messages if m.command == "QUIT")
        assert quit_message.text == "inspircd.test services.test"
        assert bot.client.status("#far", "faraway") == ""
