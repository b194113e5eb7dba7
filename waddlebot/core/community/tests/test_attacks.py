"""Nobody gets more by roles, rules or keys than they have: each way that was thought of is tried."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.talk import WITHIN_S, Chat, joined

MOD = ("moderator",)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot, "lab") as talking:
        await talking.own("boss")
        for login in ("eve", "mod"):
            await talking.say("hello", as_=login)
        yield talking


async def refused(chat: Chat, line: str, as_: str = "eve", roles: tuple[str, ...] = ()) -> None:
    outcome = await chat.say(line, as_=as_, roles=roles)
    assert outcome.status in ("refused", "ignored"), outcome
    chat.unheard.clear()


async def ranks(chat: Chat, login: str, roles: tuple[str, ...] = ()) -> str:
    chat.say("!rank show", as_=login, roles=roles)
    return await chat.hears("…", within_s=WITHIN_S)


async def test_no_viewer_makes_or_gets_roles(chat: Chat) -> None:
    chat.say("!role add helper moderator", as_="boss")
    await chat.hears("There is a role helper now, which counts as moderator.")
    for line in (
        "!role add king", "!role give eve helper", "!role take mod helper", "!role earn helper points 1",
        "!role remove helper", "!rank give eve moderator", "!access add * allow @eve",
        "!access remove 1", "!setting set community prefix ?", "!module off core.reputation", "!undo",
    ):  # fmt: skip
        for roles in ((), ("vip",), ("Moderator",), ("staff",), ("helper",)):
            await refused(chat, line, roles=roles)
    assert await ranks(chat, "eve") == "eve is: viewer."


async def test_a_moderator_climbs_by_no_role_they_make_or_earn(chat: Chat) -> None:
    for line in ("!role add king owner", "!role add boss2 admin", "!rank give mod admin", "!rank give mod owner"):
        await refused(chat, line, "mod", MOD)
    chat.say("!role add elder admin", as_="boss")
    await chat.hears("There is a role elder now, which counts as admin.")
    for line in (
        "!role give mod elder", "!role give eve elder", "!role earn elder points 1", "!role remove elder",
        "!role take boss elder",
    ):  # fmt: skip
        await refused(chat, line, "mod", MOD)
    assert "admin" not in await ranks(chat, "mod", MOD)


async def test_an_access_rule_gives_no_more_than_its_maker_has(chat: Chat) -> None:
    chat.say("!role add crew", as_="mod", roles=MOD)
    await chat.hears("There is a role crew now.")
    chat.say("!role give eve crew", as_="mod", roles=MOD)
    await chat.hears("eve has the role crew now.")
    for line in ("!access add setting allow role crew", "!access add module allow role crew"):
        await chat.say(line, as_="mod", roles=MOD)
        chat.unheard.clear()
    for line in ("!setting set community prefix ?", "!module off core.reputation", "!rank give eve moderator"):
        await refused(chat, line)
    assert await ranks(chat, "eve") == "eve is: viewer."


async def test_an_alias_or_rule_lends_nobody_a_rank(chat: Chat) -> None:
    chat.say("!alias add promote rank give {user} moderator", as_="boss")
    await chat.hears("Saved: …")
    chat.say("!rule add trap contains command pretty please rank give eve moderator", as_="boss")
    await chat.hears("The rule trap holds now…")
    for line in ("!promote", "pretty please"):
        await chat.say(line, as_="eve")
        chat.unheard.clear()
    assert "moderator" not in await ranks(chat, "eve")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_no_key_but_an_admins_configures(chat: Chat, role: Role) -> None:
    raw = await chat.bot.key("climber", role, community="lab")
    narrow = await chat.bot.key("narrow", Role.ADMIN, community="elsewhere")
    asked = (
        ("PUT", "core.community/settings/core.community/prefix", {"value": "?"}),
        ("POST", "processing.router/rules", {"name": "x", "pattern": "x", "kind": "contains", "action": "warn"}),
        ("GET", "core.identity/keys", None),
        ("POST", "core.identity/keys", {"name": "more", "role": "admin"}),
        ("GET", "core.identity/people/data/test:eve", None),
        ("POST", "core.identity/people/forget/test:eve", None),
    )
    async with aiohttp.ClientSession() as session:
        for method, path, body in asked:
            url = f"{chat.bot.url}/api/v1/{path}"
            async with session.request(method, url, json=body, headers={"X-API-Key": raw}) as answer:
                assert answer.status in (403, 404, 405), (method, path, await answer.text())
        url = f"{chat.bot.url}/api/v1/core.identity/keys?community=lab"
        async with session.get(url, headers={"X-API-Key": narrow}) as answer:
            assert "climber" not in await answer.text(), "a key names its own community"
