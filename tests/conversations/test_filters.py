"""Filters of chat, in every topology."""

import pytest

from waddlebot.libs.testing.talk import WITHIN_S, Chat
from waddlebot.libs.testing.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_links_permits_and_canaries(chat: Chat) -> None:
    chat.say("!filters links enable", as_="mod", roles=MOD)
    await chat.hears("The filter links is on: …")
    chat.say("look at example.com", as_="bob")
    await chat.hears("@bob, please ask a moderator for a permit before you post links.", within_s=WITHIN_S)
    outcome = await chat.say("or at exаmple。com", as_="cat")
    assert outcome.reason == "filter links: a link to exаmple.com"
    assert [(reply.data["do"], reply.data["user_id"]) for reply in outcome.replies] == [("delete", "cat")]
    chat.unheard.clear()
    chat.say("!permit bob", as_="mod", roles=MOD)
    await chat.hears("@bob may post links for 60 s.")

    async def is_let_through() -> bool:
        return (await chat.say("look at example.com", as_="bob")).reason == "no match"

    await until(is_let_through)
    assert (await chat.say("my own: example.com", as_="mod", roles=MOD)).reason == "no match"
    chat.unheard.clear()

    chat.say("!filters caps canary", as_="mod", roles=MOD)
    await chat.hears("The filter caps is canary: …")

    async def is_counted() -> bool:
        outcome = await chat.say("NOBODY MAY SHOUT LIKE THIS", as_="dan")
        assert outcome.replies == []
        shown = (await chat.say("!filters caps", as_="mod", roles=MOD)).replies[0].text
        return "as a canary" in shown

    await until(is_counted)
    chat.unheard.clear()


async def test_nukes_and_backtests(chat: Chat) -> None:
    for who in ("bob", "cat"):
        await chat.say("get fr33 c0ins here", as_=who)

    async def is_kept() -> bool:
        said = (await chat.say("!filters backtest blocklist 1 free coins", as_="mod", roles=MOD)).replies[0].text
        return "would have hit 2 of" in said

    await until(is_kept)
    chat.unheard.clear()
    chat.say("!nuke 60s 10m free coins", as_="mod", roles=MOD)
    await chat.hears("2 people are timed out for 600 s. Undo: !nuke undo")
    chat.say("!nuke undo", as_="mod", roles=MOD)
    await chat.hears("The timeouts of 2 people are lifted.")
