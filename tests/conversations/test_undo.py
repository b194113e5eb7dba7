"""What was done in chat is taken back: by the operator beside the running bot, and in chat."""

import re
from pathlib import Path

import pytest

from waddlebot.libs.testing.bots import environ_of, launched, run
from waddlebot.libs.testing.talk import WITHIN_S, Chat, joined

MOD = ("moderator",)


async def test_a_change_in_chat_is_undone_by_the_operator(tmp_path: Path, database_url: str) -> None:
    environ = environ_of(tmp_path, database_url)
    async with launched(environ) as bot, joined(bot) as chat:
        chat.say("!rule add x word reply hello Hi!", as_="mod", roles=MOD)
        await chat.hears("The rule x holds now…")
        chat.say("!rule add x word reply hello Go!", as_="mod", roles=MOD)
        await chat.hears("The rule x holds now…")
        listed = await run("undo", "--list", "--community", chat.community, environ=environ)
        numbers = [int(number) for number in re.findall(r"^\W*(\d+)\b.*test:mod", listed, re.MULTILINE)]
        await run("undo", str(max(numbers)), "--community", chat.community, environ=environ)
        chat.say("hello")
        await chat.hears("Hi!", within_s=WITHIN_S)
        with pytest.raises(RuntimeError, match="no change 999"):
            await run("undo", "999", "--community", chat.community, environ=environ)


@pytest.mark.asyncio(loop_scope="session")
async def test_what_was_done_in_chat_is_taken_back_in_chat(chat: Chat) -> None:
    chat.say("!rule add x word reply hello Hi!", as_="mod", roles=MOD)
    await chat.hears("The rule x holds now…")
    chat.say("!rule add x word reply hello Go!", as_="mod", roles=MOD)
    await chat.hears("The rule x holds now…")
    chat.say("hello")
    await chat.hears("Go!", within_s=WITHIN_S)
    chat.say("!undo", as_="mod", roles=MOD)
    await chat.hears("Change … is undone: changed rules x. !redo brings it back.")
    chat.say("hello")
    await chat.hears("Hi!", within_s=WITHIN_S)
    chat.say("!redo", as_="mod", roles=MOD)
    await chat.hears("Change … holds again.")
    chat.say("hello")
    await chat.hears("Go!", within_s=WITHIN_S)
    chat.say("!undo 999", as_="mod", roles=MOD)
    await chat.hears("There is no change 999 here. See: !changes")
    chat.say("!changes", as_="mod", roles=MOD)
    await chat.hears("Changes: …")
