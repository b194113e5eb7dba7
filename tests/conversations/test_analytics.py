"""How active a community is, and who is not counted, in every topology."""

import pytest

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
