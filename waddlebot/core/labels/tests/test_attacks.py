"""Nobody gets a label, a rank or a role that they may not give themselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.talk import WITHIN_S, Chat, joined

MOD = ("moderator",)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot, "lab") as talking:
        await talking.own("boss")
        yield talking


async def refused(chat: Chat, line: str, as_: str = "eve", roles: tuple[str, ...] = ()) -> None:
    outcome = await chat.say(line, as_=as_, roles=roles)
    assert outcome.status in ("refused", "ignored"), outcome
    chat.unheard.clear()


async def labels(chat: Chat, login: str) -> str:
    chat.say(f"!label show {login}", as_="mod", roles=MOD)
    return await chat.hears("…", within_s=WITHIN_S)


async def test_no_viewer_labels_anybody_by_any_way(chat: Chat) -> None:
    for login in ("eve", "mod"):
        await chat.say("hello", as_=login)
    chat.say("!label add eve fan", as_="mod", roles=MOD)
    await chat.hears("eve has the labels: fan", within_s=WITHIN_S)
    for line in (
        "!label add eve boss", "!label remove eve fan", "!label map boss from test nobody", "!group add all here",
        "!label add community cosy", "!label search fan", "!label list", "!label show eve",
    ):  # fmt: skip
        for roles in ((), ("vip",), ("subscriber", "vip"), ("Moderator",), ("staff",)):
            await refused(chat, line, roles=roles)
    assert await labels(chat, "eve") == "eve has the labels: fan"


async def test_an_alias_or_rule_lends_nobody_the_right(chat: Chat) -> None:
    for login in ("eve", "mod"):
        await chat.say("hello", as_=login)
    chat.say("!alias add gimme label add {user} boss", as_="mod", roles=MOD)
    await chat.hears("Saved: …")
    chat.say("!rule add trap contains command please label add eve boss", as_="mod", roles=MOD)
    await chat.hears("The rule trap holds now…")
    await refused(chat, "!gimme")
    await refused(chat, "please")
    assert await labels(chat, "eve") == "eve has no labels."


async def test_no_label_gives_a_rank(chat: Chat) -> None:
    await chat.say("hello", as_="eve")
    chat.say("!label add eve owner admin moderator vip broadcaster", as_="mod", roles=MOD)
    await chat.hears("eve has the labels: admin, broadcaster, moderator, owner, vip", within_s=WITHIN_S)
    chat.say("!label map moderator from test nobody", as_="boss")
    await chat.hears("the role nobody on test brings the label moderator.")
    chat.say("!rank", as_="eve", roles=("nobody",))
    await chat.hears("eve is: viewer.")
    for line in ("!rule list", "!module off core.reputation", "!label add eve x", "!reputation adjust eve +9 me"):
        await refused(chat, line, roles=("nobody",))


async def test_moderators_map_no_roles_and_give_no_reserved_labels(chat: Chat) -> None:
    await chat.say("hello", as_="eve")
    chat.say("!setting set labels reserved staff", as_="boss")
    await chat.hears("core.labels: reserved = staff now.")
    for line in ("!label map staff from test nobody", "!label map fan to test Owner", "!label unmap a from b c"):
        await refused(chat, line, "mod", MOD)
    for line in ("!label add eve staff", "!label add eve fan, STAFF"):
        await refused(chat, line, "mod", MOD)
    assert await labels(chat, "eve") == "eve has no labels."
    chat.say("!label add eve staff", as_="boss")
    await chat.hears("eve has the labels: staff")


async def test_nobody_adjusts_or_absolves_themselves(chat: Chat) -> None:
    await chat.say("hello", as_="mod", roles=MOD)
    chat.say("!reputation adjust mod +100 I am good", as_="mod", roles=MOD)
    await chat.hears("Nobody adjusts their own reputation. Ask another moderator.", within_s=WITHIN_S)
    await refused(chat, "!reputation pardon mod because", "mod", MOD)
    for line in (
        "!reputation adjust mod -100 mean",
        "!appeals accept mod",
        "!reputation pardon mod x",
        "!appeals",
    ):
        await refused(chat, line)


async def test_access_rules_know_labels_of_people_and_of_roles(chat: Chat) -> None:
    await chat.say("hello", as_="eve")
    chat.say("!command add !pie Pie!", as_="mod", roles=MOD)
    await chat.hears("Saved !pie.")
    chat.say("!access add pie deny label troll", as_="mod", roles=MOD)
    await chat.hears("…")
    chat.say("!label map troll from test imp", as_="boss")
    await chat.hears("the role imp on test brings the label troll.")
    chat.say("!pie", as_="eve")
    await chat.hears("Pie!")
    await refused(chat, "!pie", roles=("imp",))
    chat.say("!pie", as_="eve")
    await chat.hears("Pie!")
    chat.say("!label add eve troll", as_="mod", roles=MOD)
    await chat.hears("eve has the labels: troll", within_s=WITHIN_S)
    await refused(chat, "!pie")
    chat.say("!label remove eve troll", as_="mod", roles=MOD)
    await chat.hears("eve has no labels.")
    chat.say("!pie", as_="eve")
    await chat.hears("Pie!", within_s=WITHIN_S)
