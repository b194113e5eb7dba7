"""Three people and the bot in a channel of a real IRC server, which is killed and comes back."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from waddlebot.libs.testing import irc_servers
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.clusters import clustered, one_each
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.irc_servers import IrcServer
from waddlebot.libs.testing.irc_user import IrcUser, irc_user
from waddlebot.libs.testing.redis_servers import valkey_running
from waddlebot.libs.testing.waiting import until

irc_certificates = irc_servers.irc_certificates
new_ngircd, new_inspircd = irc_servers.new_ngircd, irc_servers.new_inspircd

BOT = "waddlebot"
CHANNEL = "#pond"

# Who says what, and what the bot answers: * is any text. Anna came first, so the server made her an operator.
BEFORE = (
    ("anna", "!help", "Say !help <command> about one of: *!commands*"),
    ("ben", "hello everybody", ""),
    ("anna", "!command add !hi Hello $(user)", "Saved !hi."),
    ("ben", "!hi", "Hello ben"),
    ("anna", '!alias add greet "!hi"', "Saved: !greet stands for !hi"),
    ("cara", "!greet x", "Hello cara"),
    ("cara", "!command add !mine Mine", "@cara Only moderator and above may use !command add."),
    ("cara", "!mine", ""),
    ("ben", "!greet", "Hello ben"),
)
AFTER = (("ben", "!hi", "Hello ben"), ("cara", "!greet", "Hello cara"), ("anna", "!hi", "Hello anna"))


@pytest.fixture(params=["ngircd", "inspircd"])
def server(request: pytest.FixtureRequest) -> IrcServer:
    """A server of this test's own."""
    running: IrcServer = request.getfixturevalue(f"new_{request.param}")()
    return running


async def test_three_people_talk_and_the_bot_outlives_the_server(tmp_path: Path, server: IrcServer) -> None:
    urls = server.url("%23pond", BOT, "rate=100")
    async with people(server) as before, hosted(environ_of(tmp_path, IRC_URLS=urls)):
        await talk(before, BEFORE)
        server.kill()
        server.start()
        async with people(server) as after:
            await talk(after, AFTER)


async def test_the_same_with_a_process_for_each_module(
    tmp_path: Path, server: IrcServer, postgresql_server: PostgreSQLServer
) -> None:
    more = {"IRC_URLS": server.url("%23pond", BOT, "rate=100")}
    name = postgresql_server.create()
    with valkey_running(tmp_path / "valkey") as valkey:
        async with (
            people(server) as before,
            clustered(tmp_path, one_each(), postgresql_server.url(name), valkey.url, more),
        ):
            await talk(before, BEFORE)
            server.kill()
            server.start()
            async with people(server) as after:
                await talk(after, AFTER)


@contextlib.asynccontextmanager
async def people(server: IrcServer) -> AsyncIterator[dict[str, IrcUser]]:
    """Anna, Ben and Cara, who came in this order."""
    async with contextlib.AsyncExitStack() as stack:
        users = {}
        for nick in ("anna", "ben", "cara"):
            users[nick] = await stack.enter_async_context(irc_user(server.port, nick, CHANNEL))
        yield users


async def talk(users: dict[str, IrcUser], lines: Sequence[tuple[str, str, str]]) -> None:
    """Say line after line, each when the one before is answered; all hear each answer once, and no other."""
    for user in users.values():
        await user.meets(BOT, CHANNEL)
    answers: list[str] = []
    for nick, line, answer in lines:
        users[nick].say(CHANNEL, line)
        if answer:
            answers.append(answer)
            await until(lambda: all(len(user.heard(BOT, CHANNEL)) >= len(answers) for user in users.values()))
    for user in users.values():
        heard = user.heard(BOT, CHANNEL)
        assert len(heard) == len(answers), heard
        assert [pair for pair in zip(heard, answers, strict=True) if not fnmatchcase(*pair)] == []
