"""How active a community is, in chat and over HTTP, in every topology."""

import aiohttp
import pytest

from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.talk import WITHIN_S, Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_a_community_is_counted_and_who_opts_out_is_not(chat: Chat) -> None:
    for who in ("ann", "bob"):
        chat.say("hello everybody", as_=who)
    chat.say("!analytics", as_="ann")
    await chat.hears("@ann Only moderator and above may use !analytics.")
    chat.say("!analytics", as_="mod", roles=MOD)
    await chat.hears("Today: 3 people, …Health: no grade. There is a grade 14 days after…", within_s=WITHIN_S)
    chat.say("!analytics optout", as_="ann")
    await chat.hears("@ann No statistics are kept about your account any more…")
    chat.say("!chatstats", as_="mod", roles=MOD)
    await chat.hears("Today: 2 people, …", within_s=WITHIN_S)
    chat.say("!analytics optin", as_="ann")
    await chat.hears("@ann You are counted again from now on, with your account.")
    key = await chat.bot.key(f"export of {chat.community}", Role.ADMIN, community=chat.community)
    async with aiohttp.ClientSession(chat.bot.url, headers={"X-API-Key": key}) as session:
        async with session.get("/api/v1/core.analytics/export/activity.csv") as answer:
            assert answer.status == 200, await answer.text()
            assert (await answer.text()).splitlines()[
                0
            ] == '"start","people","newcomers","lines","commands","others"'
        async with session.get("/api/v1/core.analytics/activity?from=2026") as answer:
            assert answer.status == 400, await answer.text()
