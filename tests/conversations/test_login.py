"""Somebody who signs in connects an account by a code: not with one that anybody may name."""

import pytest

from waddlebot.libs.testing.talk import Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_code_connects_no_account_that_is_not_proved(chat: Chat) -> None:
    chat.say("!login ABC234")
    await chat.hears("That does not prove here who you are. Type it on a platform where the bot itself reads.")
