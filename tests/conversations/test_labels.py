"""Labels in chat: moderators alone give them, and no label gives a rank. The same in every topology."""

import pytest

from waddlebot.libs.testing.talk import WITHIN_S, Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_moderators_label_people_and_things(chat: Chat) -> None:
    chat.say("!label add @bob artist")
    await chat.hears("@ann Only moderator and above may use !label add.")
    bob = f"bob-{chat.community}"
    chat.say("hello", as_=bob)
    chat.say(f"!label add @{bob} Artist fan", as_="mod", roles=MOD)
    await chat.hears(f"{bob} has the labels: artist, fan", within_s=2 * WITHIN_S)
    chat.say("!label add community cosy", as_="mod", roles=MOD)
    await chat.hears(f"{chat.community} has the labels: cosy")
    chat.say(f"!label remove {bob} fan", as_="mod", roles=MOD)
    await chat.hears(f"{bob} has the labels: artist")
    chat.say("!label search artist", as_="mod", roles=MOD)
    await chat.hears(f"artist: user {bob}.")
    chat.say("!label map boss to discord Moderator", as_="mod", roles=MOD)
    await chat.hears("@mod Only admin and above may use !label map.")
