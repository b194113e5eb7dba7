"""Who is kept out is not answered, hears why, and is let in again. The same in every topology."""

import pytest

from waddlebot.libs.testing.talk import WITHIN_S, Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_a_ban_holds_and_is_taken_back(chat: Chat) -> None:
    bob = f"bob-{chat.community}"
    chat.say("!command add !pie Pie!", as_="mod", roles=MOD)
    await chat.hears("Saved !pie.")
    chat.say("!pie", as_=bob)
    await chat.hears("Pie!", within_s=WITHIN_S)
    chat.say(f"!ban {bob}")
    await chat.hears("@ann Only moderator and above may use !ban.")
    chat.say(f"!ban {bob} spam", as_="mod", roles=MOD)
    await chat.hears(f"{bob} is banned for “spam”.", within_s=2 * WITHIN_S)
    chat.say("!pie", as_=bob)
    await chat.hears_nothing(within_s=WITHIN_S)
    chat.say("!case", as_=bob)
    await chat.hears(f"{bob}: banned for “spam” by …")
    chat.say(f"!unban {bob} not him", as_="mod", roles=MOD)
    await chat.hears(f"{bob} is no longer banned, for “not him”.")
    chat.say("!pie", as_=bob)
    await chat.hears("Pie!", within_s=WITHIN_S)
    chat.say(f"!modlog {bob}", as_="mod", roles=MOD)
    await chat.hears("Log: unban …")
