"""A router is killed, and who takes over knows what only it had in its memory."""

import contextlib
from pathlib import Path

import aiohttp
from redis import Redis

from waddlebot.libs.sdk.ports import partition_of
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import ProcessBot
from waddlebot.libs.testing.clusters import ROUTER, Cluster, clustered, rest_of
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.registered import key_of, registered
from waddlebot.libs.testing.talk import WITHIN_S, joined
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import JsonClient

TAKE_OVER_S = 30.0
KNOWN_S = 5.0
"""Every router knows of a registered module within a second or two; more, for a busy machine."""


async def owner_of(cluster: Cluster, community: str) -> tuple[ProcessBot, ProcessBot]:
    """The router that owns a community, and the other one, once each owns its share."""
    key = await cluster.key("looks", Role.USER, community=community)
    owners: list[ProcessBot] = []
    async with aiohttp.ClientSession() as session:

        async def found() -> bool:
            owners.clear()
            for router in cluster.routers:
                _, body, _ = await JsonClient(session, router.url).ask(
                    "GET", "/api/v1/processing.router/coordination", key=key
                )
                owners.extend(
                    router
                    for owner in body["owners"]
                    if owner["here"] and partition_of(community) in owner["partitions"] and not body["free"]
                )
            return len(owners) == 1

        await until(found)
    return owners[0], next(router for router in cluster.routers if router is not owners[0])


async def test_cooldowns_and_sessions_hold_though_their_router_is_killed(
    tmp_path: Path, postgresql_server: PostgreSQLServer, valkey_server: RedisServer
) -> None:
    url = postgresql_server.url(postgresql_server.create())
    grouping = [(ROUTER,), (ROUTER,), rest_of(ROUTER)]
    async with (
        clustered(tmp_path, grouping, url, valkey_server.url) as cluster,
        joined(cluster) as chat,
        contextlib.AsyncExitStack() as stack,
    ):
        await chat.own("boss")
        chat.say("!coolcom commands user=1h", as_="boss")
        await chat.hears("commands can be used…")
        chat.say("!commands", as_="ann")
        await chat.hears("Commands: …")
        chat.say("!commands", as_="ann")
        await chat.hears("@ann Wait another … s for !commands.", within_s=WITHIN_S)
        owner, other = await owner_of(cluster, chat.community)
        with Redis(port=valkey_server.port) as client:
            name = f"wb:{{{partition_of(chat.community):02}}}:checkpoint"
            await until(lambda: b"commands" in (client.get(name) or b""))
        cluster.url = other.url
        program = await stack.enter_async_context(registered(cluster))
        chat.say("!weatherish", as_="ann")
        await chat.hears("Here: sunny-ish…", within_s=WITHIN_S + KNOWN_S)
        session, _, entity = (await program.says("asked")).partition(" ")
        with Redis(port=valkey_server.port) as client:
            await until(lambda: session.encode() in (client.get(name) or b""))
        await owner.kill()
        chat.say("!commands", as_="bob")
        await chat.hears("Commands: …", within_s=TAKE_OVER_S)
        outcome = await chat.say("!commands", as_="ann")
        assert "cooling down for another 3" in outcome.reason
        await chat.hears("@ann Wait another 3… s for !commands.")
        late = {"session": session, "entity": entity, "module": "acme.weatherish", "text": "And now it rains."}
        async with aiohttp.ClientSession() as http:
            client = JsonClient(http, f"{other.url}/api/v1/processing.router")
            status, body, _ = await client.ask("POST", "/responses", key=await key_of(cluster), json=late)
            assert status == 200, body
            status, _, _ = await client.ask(
                "POST", "/responses", key=await key_of(cluster), json={**late, "session": "0" * 32}
            )
            assert status == 403
