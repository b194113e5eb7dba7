"""Commands that a community makes itself, in every topology."""

import pytest

from waddlebot.libs.testing.talk import WITHIN_S, Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_custom_commands(chat: Chat) -> None:
    chat.say("!command add !hi Hello $(user)", as_="mod", roles=MOD)
    await chat.hears("…!hi…")
    chat.say("!hi", as_="ann")
    await chat.hears("Hello ann", within_s=WITHIN_S)
    chat.say("!command edit !hi Good day $(user)", as_="mod", roles=MOD)
    await chat.hears("…!hi…")
    chat.say("!hi", as_="mod", roles=MOD)
    await chat.hears("Good day mod", within_s=WITHIN_S)
    chat.say("!command delete !hi", as_="mod", roles=MOD)
    await chat.hears("…!hi…")
    chat.say("!hi", as_="mod", roles=MOD)
    await chat.hears_nothing(within_s=WITHIN_S)


async def test_aliases(chat: Chat) -> None:
    chat.say("!command add !hi Hello $(touser)", as_="mod", roles=MOD)
    await chat.hears("…!hi…")
    chat.say('!alias add greet "!hi"', as_="mod", roles=MOD)
    await chat.hears("…greet…")
    chat.say("!greet x", as_="mod", roles=MOD)
    await chat.hears("Hello x", within_s=WITHIN_S)
