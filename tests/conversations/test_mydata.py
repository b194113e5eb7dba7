"""Somebody on a real IRC network gets what is held about them and has it deleted, in one process and in many."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conversations.test_linking import BOT, CHANNEL, heard, people, repeated, urls_of
from waddlebot.libs.testing import irc_servers
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.clusters import clustered, one_each
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.irc_servers import IrcServer
from waddlebot.libs.testing.irc_user import IrcUser
from waddlebot.libs.testing.redis_servers import valkey_running
from waddlebot.libs.testing.waiting import until

irc_certificates = irc_servers.irc_certificates
new_inspircd = irc_servers.new_inspircd

PLACE = "https://bot.example.org"
"""Where a proxy would serve the bot; the test asks the host behind it."""


@pytest.fixture
def server(new_inspircd: Callable[[], IrcServer]) -> IrcServer:
    """A server of this test's own, whose services know accounts."""
    return new_inspircd()


async def test_people_get_their_data_and_have_it_deleted(tmp_path: Path, server: IrcServer) -> None:
    environ = environ_of(tmp_path, IRC_URLS=urls_of(server), HTTP_PUBLIC_URL=PLACE)
    async with people(server) as users, hosted(environ) as bot:
        await converse(users, bot.url)


async def test_the_same_with_a_process_for_each_module(
    tmp_path: Path, server: IrcServer, postgresql_server: PostgreSQLServer
) -> None:
    url = postgresql_server.url(postgresql_server.create())
    more = {"IRC_URLS": urls_of(server), "HTTP_PUBLIC_URL": PLACE}
    with valkey_running(tmp_path / "valkey") as valkey:
        async with people(server) as users, clustered(tmp_path, one_each(), url, valkey.url, more) as cluster:
            await converse(users, cluster.host_of("core.identity").url)


async def converse(users: dict[str, IrcUser], url: str) -> None:
    """Anna is a regular, looks at what is held about her, and is nobody afterwards."""
    op, anna, ben, dan = users["op"], users["anna"], users["ben"], users["dan"]
    for user in users.values():
        await user.meets(BOT, CHANNEL)
    for user in (anna, ben, dan):
        user.say(CHANNEL, "hello")
    await repeated(op, "!command add -ul=regular !pie Pie for $(user)", "Saved !pie.")
    await repeated(op, "!regulars add anna", "anna has the rank regular now.")
    await repeated(anna, "!pie", "Pie for anna")

    dan.say(CHANNEL, "!mydata")
    await until(lambda: heard(op, "Anybody may take your nick") == 1)
    anna.say(CHANNEL, "!mydata")
    assert "!mydata forget deletes it." in await anna.told("entries about you")
    await download(anna, url)

    anna.say(CHANNEL, "!mydata forget")
    found = re.search(r"mydata forget (\w{6}) within", await anna.told("It cannot be undone."))
    assert found is not None
    ben.say(CHANNEL, f"!mydata forget {found[1]}")
    await until(lambda: heard(op, "That code is not good, or no more.") == 1)
    anna.say(CHANNEL, f"!mydata forget {found[1].lower()}")
    told = await anna.told("entries are deleted")
    assert re.match(r"Done: [1-9]\d* entries are deleted\.", told)
    assert "Still to be done" not in told
    assert "who changed which settings" in told

    async def is_no_regular() -> bool:
        """Whether Anna goes without what the operator, who asks after her, gets."""
        before = heard(op, "Pie for anna"), heard(op, "Pie for op")
        anna.say(CHANNEL, "!pie")
        op.say(CHANNEL, "!pie")
        await until(lambda: heard(op, "Pie for op") > before[1])
        return heard(op, "Pie for anna") == before[0]

    await until(is_no_regular)  # every host knows within a second


async def download(anna: IrcUser, url: str) -> None:
    """The link that Anna is told works once, and not by being looked at."""
    anna.say(CHANNEL, "!mydata export")
    link = (await anna.told(f"{PLACE}/")).rpartition(" ")[2].replace(PLACE, url)
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.get(link) as answer:
                assert '<form method="post">' in await answer.text()
        async with session.post(link) as answer:
            assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
            found: dict[str, Any] = await answer.json()
        async with session.post(link) as answer:
            assert (answer.status, (await answer.json())["error"]) == (404, "no_link")
    assert [account.rpartition("/")[2] for account in found["accounts"]] == ["anna"]
    assert found["not_asked"] == {}
    held = found["held"]
    assert held["core.identity"]["account"][0]["login"] == "anna"
    assert held["core.community"]["member"][0]["ranks"] == '["regular"]'
    assert {"core.reputation", "system"} < held.keys()
