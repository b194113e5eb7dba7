"""Who may use what: rules, roles, and switches that hold at every router, in every topology."""

import asyncio
import contextlib

import aiohttp
import pytest

from waddlebot.libs.sdk.ports import partition_of
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import Bot
from waddlebot.libs.testing.clusters import Cluster
from waddlebot.libs.testing.talk import WITHIN_S, Chat, joined
from waddlebot.libs.testing.web import JsonClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_rules_decide_who_is_answered_and_why_says_which(chat: Chat) -> None:
    await chat.say("hello", as_="eve")
    chat.say("!role add trolls", as_="mod", roles=MOD)
    await chat.hears("There is a role trolls now.")
    chat.say("!role give eve trolls", as_="mod", roles=MOD)
    await chat.hears("eve has the role trolls now.", within_s=WITHIN_S)
    chat.say("!command add !hug $(user) hugs", as_="mod", roles=MOD)
    await chat.hears("Saved !hug.")
    chat.say("!alias add cuddle !hug", as_="mod", roles=MOD)
    await chat.hears("Saved: !cuddle stands for !hug")
    chat.say("!access add hug deny role trolls", as_="mod", roles=MOD)
    await chat.hears("The rule hug-trolls: command hug deny role trolls holds now.")
    chat.say("!cuddle", as_="eve")
    await chat.hears_nothing(within_s=WITHIN_S)
    chat.say("!hug", as_="bob")
    await chat.hears("bob hugs")
    chat.say("!why @eve", as_="mod", roles=MOD)
    await chat.hears("…denied to role trolls (rule hug-trolls on command hug)…")
    chat.say("!access test @eve hug", as_="mod", roles=MOD)
    await chat.hears("eve may not use !hug: denied to role trolls (rule hug-trolls on command hug).")
    chat.say("!access add hug require score 700", as_="mod", roles=MOD)
    await chat.hears("The rule hug-score: …")
    chat.say("!hug", as_="ann")
    await chat.hears("@ann Only for a score of at least 700: !hug.", within_s=WITHIN_S)
    chat.say("!access test @bob hug", as_="mod", roles=MOD)
    await chat.hears("bob may not use !hug: only for a score of at least 700 (rule hug-score on command hug).")
    chat.say("!access remove hug-score", as_="mod", roles=MOD)
    await chat.hears("The rule hug-score is gone.")
    chat.say("!hug", as_="bob")
    await chat.hears("bob hugs", within_s=WITHIN_S)


async def test_a_module_is_off_at_every_router_at_once(bot: Bot) -> None:
    """In communities whose partitions different routers own, while all of them serve."""
    async with contextlib.AsyncExitStack() as exits:
        chats = await _one_for_each_router(bot, exits)
        for chat in chats:
            await chat.own("boss")
            await chat.say("!reputation", as_="boss")
            await chat.hears("boss has a reputation of…")

        async def switch(chat: Chat) -> None:
            chat.say("!module off reputation", as_="boss")
            await chat.hears("core.reputation is off now…")
            chat.say("!reputation", as_="boss")
            await chat.hears_nothing(within_s=WITHIN_S)
            for _ in range(5):
                outcome = await chat.say("!reputation", as_="boss")
                assert outcome.reason == "the module core.reputation is switched off here", "off stays off"

        await asyncio.gather(*(switch(chat) for chat in chats))


async def _one_for_each_router(bot: Bot, exits: contextlib.AsyncExitStack) -> list[Chat]:
    """Channels of communities that together all routers own."""
    first = await exits.enter_async_context(joined(bot))
    if not isinstance(bot, Cluster) or len(bot.routers) == 1:
        return [first]
    key = await bot.key(f"who-{first.community}", Role.USER, community=first.community)
    async with aiohttp.ClientSession() as session:
        client = JsonClient(session, f"{bot.url}/api/v1/processing.router")
        _, found, _ = await client.ask("GET", "/coordination", key=key)
    owners = {partition: owner["host"] for owner in found["owners"] for partition in owner["partitions"]}
    chats = {owners[partition_of(first.community)]: first}
    while len(chats) < len(set(owners.values())):
        chat = await exits.enter_async_context(joined(bot))
        chats.setdefault(owners[partition_of(chat.community)], chat)
    return list(chats.values())
