"""What a router tells over HTTP is the same whichever of them is asked."""

from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest

from waddlebot.libs.sdk.ports import PARTITIONS
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import Bot
from waddlebot.libs.testing.clusters import Cluster
from waddlebot.libs.testing.talk import Chat
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import JsonClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


class Owner(msgspec.Struct):
    """A host that owns partitions."""

    host: str
    name: str
    here: bool
    partitions: list[int]


class Owners(msgspec.Struct):
    """Who owns what."""

    owners: list[Owner]
    free: list[int]


def routers_of(bot: Bot) -> list[str]:
    """Where every router of a bot is asked."""
    return [host.url for host in bot.routers] if isinstance(bot, Cluster) else [bot.url]


async def test_every_router_knows_what_became_of_a_line(chat: Chat, bot: Bot) -> None:
    key = await bot.key(f"asks-{chat.community}", Role.USER, community=chat.community)
    outcome = await chat.say("!rule list", as_="ann")
    await chat.hears("@ann Only moderator…")
    plain = await chat.say("hello")
    chat.say("!rule add lol contains warn lol", as_="mod", roles=MOD)
    await chat.hears("The rule lol holds now…")
    traces = [f"/traces/{quote(event_id, safe='')}" for event_id in (outcome.event_id, plain.event_id)]
    paths = ("/executions", "/commands", "/rules", *traces)
    counted = {"answered": 1, "refused": 1, "failed": 0, "ignored": 0}
    async with aiohttp.ClientSession() as session:
        clients = [JsonClient(session, f"{url}/api/v1/processing.router") for url in routers_of(bot)]

        async def told(client: JsonClient) -> dict[str, Any]:
            found = {}
            for path in (*paths, "/metrics"):
                status, found[path], _ = await client.ask("GET", path, key=key)
                assert status == 200, (client.url, path, found[path])
            assert found.pop("/metrics")["events"] == counted
            return found

        async def listed() -> bool:  # what one wrote, another's replica of the database has a moment later
            return all([(await told(client))["/rules"]["rules"] for client in clients])

        await until(listed, 5.0)
        first, *others = [await told(client) for client in clients]
    assert all(other == first for other in others)
    assert outcome.event_id in [one["event_id"] for one in first["/executions"]["executions"]]
    assert [rule["name"] for rule in first["/rules"]["rules"]] == ["lol"]


async def test_every_router_knows_who_owns_what(chat: Chat, bot: Bot) -> None:
    key = await bot.key(f"looks-{chat.community}", Role.USER, community=chat.community)
    urls = routers_of(bot)
    async with aiohttp.ClientSession() as session:

        async def coordination() -> list[Owners]:
            asked = [
                await JsonClient(session, url).ask("GET", "/api/v1/processing.router/coordination", key=key)
                for url in urls
            ]
            return [msgspec.convert(body, Owners) for _, body, _ in asked]

        async def settled() -> bool:
            return all(len(found.owners) == len(urls) and not found.free for found in await coordination())

        await until(settled, 10.0)
        told = await coordination()
    for found in told:
        assert sorted(p for owner in found.owners for p in owner.partitions) == list(range(PARTITIONS))
        assert [owner.here for owner in found.owners].count(True) == 1
    shares = [{owner.host: owner.partitions for owner in found.owners} for found in told]
    assert all(share == shares[0] for share in shares)
    assert len({owner.host for found in told for owner in found.owners if owner.here}) == len(urls)
