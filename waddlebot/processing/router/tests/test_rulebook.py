"""Rules as moderators write them: options, what stays, and what is refused and how."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from waddlebot.libs.sdk import Refusal
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.talk import WITHIN_S, Chat, joined
from waddlebot.processing.router import rulebook

HERE = "test:net:#here"


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot, "lab") as chat:
        yield chat


async def ask(chat: Chat, text: str) -> str:
    """What a moderator hears."""
    outcome = await chat.say(text, as_="mod", roles=("moderator",))
    chat.unheard.clear()
    assert outcome.replies, outcome
    return " ".join(reply.text for reply in outcome.replies)


@pytest.mark.parametrize(
    ("typed", "fields", "text"),
    [
        ("spam", {}, "spam"),
        ("-seconds=10m spam no!", {"seconds": 600}, "spam no!"),
        ("-seconds 90 -priority -5 x", {"seconds": 90, "priority": -5}, "x"),
        ("-in=here x", {"entities": (HERE,)}, "x"),
        ("-in=irc:net:#a,here,here x", {"entities": ("irc:net:#a", HERE)}, "x"),
        ("-in=everywhere -exempt=VIP -case=on x", {"entities": (), "exempt": "vip", "case_sensitive": True}, "x"),
        ('"-seconds=5" x', {}, '"-seconds=5" x'),
        ("-5 degrees", {}, "-5 degrees"),
        ("-cd=5 x", {}, "-cd=5 x"),
        ("x -case=on", {}, "x -case=on"),
        ("", {}, ""),
    ],
)
def test_options_stand_before_the_pattern(typed: str, fields: dict[str, object], text: str) -> None:
    assert rulebook.read(typed, HERE) == (fields, text)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("-seconds=soon x", "soon is no time. It is a timeout such as 600 or 10m"),
        ("-priority=high x", "high is no priority. It is a number from -1000 to 1000"),
        ("-case=maybe x", "on or off, not maybe"),
        ("-exempt", "-exempt needs a value: the least rank"),
    ],
)
def test_a_wrong_value_says_what_is_right(typed: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        rulebook.read(typed, HERE)


@pytest.mark.parametrize(
    ("text", "pattern", "value"),
    [
        ("spam", "spam", None),
        ('"buy now" No, thank you!', "buy now", "No, thank you!"),
        ('x ""', "x", ""),
        ('"" x', "", "x"),
    ],
)
def test_the_pattern_comes_before_the_value(text: str, pattern: str, value: str | None) -> None:
    assert rulebook.pattern_and_value(text) == (pattern, value)


async def test_what_an_edit_leaves_out_stays(chat: Chat) -> None:
    made = await ask(
        chat, "!rule add caps regex block -seconds=10m -priority=7 -exempt=vip -case=on [A-Z]{9,} Calm!"
    )
    assert made == "The rule caps holds now: lines that match are answered with block."
    everything = (
        "caps: regex “{}” → block Calm! (timeout 600 s, priority 7, {}capitals matter, not for vip and above)"
    )
    assert await ask(chat, "!rule show caps") == everything.format("[A-Z]{9,}", "")
    await ask(chat, "!rule add caps regex block [A-Z]{8,}")
    assert await ask(chat, "!rule show caps") == everything.format("[A-Z]{8,}", "")
    here = f"test:net:{chat.channel}"
    said = await ask(chat, "!rule options caps -in=here")
    assert said == "The rule is now " + everything.format("[A-Z]{8,}", f"in {here}, ")
    outcome = await chat.say("AAAAAAAAA")
    await chat.hears("Calm!")
    assert (outcome.replies[0].data["do"], outcome.replies[0].data["seconds"]) == ("timeout", 600)
    await ask(chat, "!rule edit caps -in=everywhere -seconds=0 -case=off -exempt=moderator -priority=0")
    assert await ask(chat, "!rule show caps") == "caps: regex “[A-Z]{8,}” → block Calm!"
    await ask(chat, "!rule add caps word warn shout")
    assert await ask(chat, "!rule show caps") == "caps: word “shout” → warn", "another action has words of its own"


async def test_options_are_listed_and_act(chat: Chat) -> None:
    await ask(chat, "!rule add low word reply -priority=-1 duck low")
    await ask(chat, "!rule add all word reply -exempt=nobody -priority=9 -case=on duck high")
    listed = await ask(chat, "!rule list")
    assert listed == (
        "Rules: all (word → reply, priority 9, capitals matter, for moderators too, 0×), "
        "low (word → reply, priority -1, 0×)"
    )
    chat.say("a duck")
    await chat.hears("high")
    await chat.hears("low")
    chat.say("a duck", as_="mod", roles=("moderator",))
    await chat.hears("high")
    chat.say("a DUCK")
    await chat.hears("low")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("!rule add x word warn -in=irc:net:#theirs duck", "lab has no channel irc:net:#theirs"),
        ("!rule add x word warn -exempt=king duck", "exempt is one of nobody, viewer"),
        ("!rule add x word block -seconds=9w duck", "seconds is at most 1209600"),
        ("!rule add x word warn -priority=5000 duck", "priority is at most 1000, not 5000"),
        ("!rule add x word warn -priority=5", "stand before the pattern"),
        ("!rule options x -in=here", "There is no rule x"),
        ("!rule options x -colour=red", "There is no option -colour=red. Options are: -seconds"),
        ("!rule options x duck", "There is no option duck"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_the_reason(chat: Chat, typed: str, words: str) -> None:
    assert words in await ask(chat, typed)
    assert await ask(chat, "!rule list") == "There are no rules yet."


async def test_nobody_lends_their_rank_to_words_they_did_not_write(chat: Chat) -> None:
    """An owner who sets an option of a moderator's rule does not make it run what owners alone may."""
    await chat.own("ann")
    await chat.say("hello", as_="eve")
    for maker, change, ranks in (
        ("mod", "options trap -priority=1", "no rank"),
        ("mod", "add trap exact command admin", "no rank"),
        ("ann", "options trap -priority=1", "admin"),
    ):
        roles = ("moderator",) if maker == "mod" else ()
        await chat.say("!rule add trap exact command -exempt=nobody admin rank give eve", maker, roles)
        await chat.say(f"!rule {change}", as_="ann")
        await chat.say("admin", as_="ann")
        chat.unheard.clear()
        chat.say("!rank show eve", as_="ann")
        await chat.hears(f"eve was given: {ranks}.", within_s=WITHIN_S)
