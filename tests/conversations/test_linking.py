"""Two accounts of a real IRC network become one person and two again, in one process and in many."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from waddlebot.libs.testing import irc_servers
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.clusters import clustered, one_each
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.irc_servers import IrcServer
from waddlebot.libs.testing.irc_services import linked_services
from waddlebot.libs.testing.irc_user import IrcUser, irc_user
from waddlebot.libs.testing.redis_servers import valkey_running
from waddlebot.libs.testing.waiting import until

irc_certificates = irc_servers.irc_certificates
new_inspircd = irc_servers.new_inspircd

BOT, CHANNEL = "waddlebot", "#pond"
ACCOUNTS = {"anna": "of anna", "ben": "of ben"}


@pytest.fixture
def server(new_inspircd: Callable[[], IrcServer]) -> IrcServer:
    """A server of this test's own, whose services know accounts."""
    return new_inspircd()


async def test_two_accounts_are_one_person(tmp_path: Path, server: IrcServer) -> None:
    async with people(server) as users, hosted(environ_of(tmp_path, IRC_URLS=urls_of(server))):
        await converse(users)


async def test_the_same_with_a_process_for_each_module(
    tmp_path: Path, server: IrcServer, postgresql_server: PostgreSQLServer
) -> None:
    name = postgresql_server.create()
    with valkey_running(tmp_path / "valkey") as valkey:
        async with (
            people(server) as users,
            clustered(
                tmp_path, one_each(), postgresql_server.url(name), valkey.url, {"IRC_URLS": urls_of(server)}
            ),
        ):
            await converse(users)


def urls_of(server: IrcServer) -> str:
    return server.url("%23pond", BOT, "rate=100")


@contextlib.asynccontextmanager
async def people(server: IrcServer) -> AsyncIterator[dict[str, IrcUser]]:
    """The channel's operator, Anna and Ben with accounts of theirs, and Dan with a nick that anybody may have."""
    async with linked_services(server, ACCOUNTS), contextlib.AsyncExitStack() as stack:
        yield {
            nick: await stack.enter_async_context(
                irc_user(server.port, nick, CHANNEL, password=ACCOUNTS.get(nick, ""))
            )
            for nick in ("op", "anna", "ben", "dan")
        }


async def converse(users: dict[str, IrcUser]) -> None:
    """Anna is a regular; Ben is one as long as he is the same person."""
    op, anna, ben, dan = users["op"], users["anna"], users["ben"], users["dan"]
    for user in users.values():
        await user.meets(BOT, CHANNEL)
    for user in (anna, ben, dan):
        user.say(CHANNEL, "hello")
    await repeated(op, "!command add -ul=regular !pie Pie for $(user)", "Saved !pie.")
    for name in ("ben", "anna"):  # who was seen is written down in batches
        await repeated(op, f"!regulars add {name}", f"{name} has the rank regular now.")
    op.say(CHANNEL, "!regulars delete ben")
    await op.hears("ben no longer has the rank regular.")

    dan.say(CHANNEL, "!identity link irc anna")
    await until(lambda: heard(op, "Anybody may take your nick") == 1)
    code = await _code(anna)
    dan.say(CHANNEL, f"!verify {code}")
    await until(lambda: heard(op, "Anybody may take your nick") == 2)
    ben.say(CHANNEL, f"!verify {code}")
    await until(lambda: heard(op, "anna on irc asks to be one person with you") == 1)
    ben.say(CHANNEL, f"!verify {code} yes")
    await op.hears("ben and anna on irc are one person now. !identity unlink undoes it.")
    await anna.told("Your account is linked with ben on irc now.")
    ben.say(CHANNEL, "!identity")
    assert await ben.told("linked with") == "You are ben on irc, linked with anna on irc."
    await repeated(ben, "!pie", "Pie for ben")
    ben.say(CHANNEL, "!identity unlink")
    await op.hears("ben on irc is on its own again, with all that it had and earned.")

    async def is_no_regular() -> bool:
        """Whether Ben goes without what Anna, who asks after him, gets."""
        before = heard(op, "Pie for ben"), heard(op, "Pie for anna")
        ben.say(CHANNEL, "!pie")
        anna.say(CHANNEL, "!pie")
        await until(lambda: heard(op, "Pie for anna") > before[1])
        return heard(op, "Pie for ben") == before[0]

    await until(is_no_regular)  # every host knows within a second


def heard(user: IrcUser, text: str) -> int:
    """How many lines of the bot have such a text in them."""
    return sum(text in line for line in user.heard(BOT, CHANNEL))


async def repeated(user: IrcUser, line: str, answer: str) -> None:
    async with asyncio.timeout(60.0):  # a live line may be lost where much else goes on
        while answer not in user.heard(BOT, CHANNEL):
            user.say(CHANNEL, line)
            with contextlib.suppress(TimeoutError):
                await user.hears(answer, timeout_s=1.0)


async def _code(user: IrcUser) -> str:
    user.say(CHANNEL, "!identity link irc ben")
    found = re.search(r"verify (\w{6}) as ben on irc", await user.told("verify"))
    assert found is not None
    return found[1]
