"""Conversations through a whole bot."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from waddlebot.libs.sdk import Refusal, Role
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.talk import Chat, joined

MOD = ("moderator",)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[HostBot]:
    async with hosted(environ_of(tmp_path)) as running:
        yield running


@pytest.fixture
async def chat(bot: HostBot) -> AsyncIterator[Chat]:
    async with joined(bot) as room:
        yield room


async def talk(chat: Chat, script: str) -> None:
    """``who: line`` is said, by a moderator where who is ``mod``; ``> text`` is heard, ``> -`` is silence."""
    for step in script.strip().splitlines():
        who, _, text = step.strip().partition(" ")
        if who == ">":
            if text == "-":
                await chat.hears_nothing()
            else:
                await chat.hears(text)
        else:
            chat.say(text, as_=who.removesuffix(":"), roles=MOD if who == "mod:" else ())


async def test_what_is_taught_is_answered_at_once_on_both_engines(tmp_path: Path, database_url: str) -> None:
    async with hosted(environ_of(tmp_path / "bot", database_url)) as bot, joined(bot) as chat:
        await talk(
            chat,
            """
            mod: !command add !hi Hello $(user)
            > Saved !hi.
            ann: !hi
            > Hello ann
            mod: !alias add greet "!hi"
            > Saved: !greet stands for !hi
            ann: !greet x
            > Hello ann
            mod: !command edit !hi Hi $(user), $(count)
            > Saved !hi.
            ann: !greet
            > Hi ann, 1
            bob: !hi
            > Hi bob, 2
            mod: !command remove !hi
            > Command !hi is gone. These aliases lead to nothing now: greet.
            ann: !hi
            > -
            ann: !greet
            > -
            """,
        )


async def test_every_bots_words_for_it(chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !addcom -ul=vip -cd=5 !a A
        > Saved !a.
        ann: !a
        > @… Only vip and above may use !a.
        mod: !editcom !a -ul=everyone AA
        > Saved !a.
        mod: !a
        > AA
        mod: !cmd options !a -type reply -cd 0
        > Saved !a.
        ann: !a
        > @ann, AA
        mod: !commands add gg Good game $(touser)
        > Saved gg. It is said without !.
        ann: gg bob
        > Good game bob
        ann: ggs
        > -
        mod: !command add "good morning" Morning, {user}!
        > Saved good morning. It is said without !. Its variables are read as in native.
        ann: Good morning everybody
        > Morning, ann!
        """,
    )


async def test_every_bots_words_for_other_words_and_options(chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !command add !a -type reply AA
        > Saved !a.
        mod: !commands add gg Good game
        > Saved gg. It is said without !.
        mod: !commands add -a=!gg !game $(query)
        > There is no command gg here.
        mod: !commands add -a=!a !same $(query)
        > Saved: !same stands for !a {args}
        ann: !same
        > @ann, AA
        mod: !aliascom other a
        > Saved: !other stands for !a
        mod: !command alias !a !third
        > Saved: !third stands for !a
        mod: !command response !a Third
        > Saved !a.
        ann: !third
        > @ann, Third
        mod: !unalias third
        > The alias !third is gone.
        mod: !alias
        > Aliases: other, same
        mod: !command cooldown !a 2
        > Command !a can be used every 120 s.
        mod: !command cooldown !a 30 60
        > Command !a can be used every 30 s, and every 60 s by one person.
        mod: !command restrict !a Sub,Mod
        > Command !a is for vip, subscriber, regular now.
        mod: !command usage !a SW
        > Command !a answers by whisper now.
        mod: !pricecom a 50
        > Command !a costs 50. It is taken once there is loyalty here.
        mod: !hidecom a
        > Command !a is in no list now.
        mod: !command show !a
        > Command !a is for vip, subscriber, regular, every 30 s, …, costs 50, answers by whisper, hidden, …: Third
        mod: !command list
        > Custom commands: gg
        mod: !cmd
        > Custom commands: gg
        mod: !delcom !a
        > Command !a is gone. These aliases lead to nothing now: other, same.
        """,
    )


async def test_counters(chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !command add !deaths Died $(count) times -count 5
        > Saved !deaths.
        mod: !deaths
        > Died 1 times -count 5
        mod: !editcounter deaths +10
        > deaths is 11 now.
        ann: !count !deaths
        > deaths: 11
        mod: !alias rip=deaths
        > Saved: !rip stands for !deaths
        ann: !rip
        > Died 12 times -count 5
        mod: !command setcount !deaths 3
        > The count of !deaths is 3 now.
        mod: !resetcom deaths
        > The count of !deaths is 0 now.
        mod: !command add !wins -dialect se ${count wins +2} of ${getcount !deaths}
        > Saved !wins.
        ann: !wins
        > 2 of 0
        mod: !editcounter wins some
        > some is no number from 0 to …
        """,
    )


async def test_who_may_and_when_is_the_same_by_any_name(chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !command add !slow -cd=60 Slow
        > Saved !slow.
        mod: !alias quick=!slow
        > Saved: !quick stands for !slow
        ann: !quick
        > Slow
        bob: !slow
        > @… Wait another … s for !slow.
        bob: !quick
        > -
        carl: !quick
        > @… Wait another … s for !slow.
        mod: !permcom quick vip
        > There is no built-in command quick…
        mod: !permcom slow vip
        > Command !slow is for vip, every 60 s.
        dora: !quick
        > @… Only vip and above may use !slow.
        mod: !disablecom slow
        > Command !slow is for vip, every 60 s, disabled.
        mod: !quick
        > -
        mod: !enablecom slow
        > Command !slow is for vip, every 60 s.
        mod: !coolcom slow clear
        > Command !slow is for vip.
        mod: !quick
        > Slow
        ann: !alias x=!slow
        > @… Only moderator and above may use !alias.
        """,
    )


async def test_nobody_gains_rights_by_an_alias(chat: Chat) -> None:
    await chat.own("olga")
    await talk(
        chat,
        """
        mod: !alias off=!module off interactive.alias
        > module off is not yours to use, so neither is an alias for it yours to make.
        mod: !alias promote=!rank give {arg1} vip
        > Saved: !promote stands for !rank give {arg1} vip
        mod: !alias evil=!rank give mod admin
        > Saved: !evil stands for !rank give mod admin
        ann: !evil
        > @… Only moderator and above may use !rank give.
        olga: !evil
        > Only owners and above can make or unmake a admin.
        olga: !promote mod
        > Only admins and above can make or unmake a vip.
        olga: !alias stop=!module off interactive.alias
        > Saved: !stop stands for !module off interactive.alias
        mod: !stop
        > @… Only admin and above may use !module off.
        mod: !alias friendly=!stop
        > Saved: !friendly stands for !stop
        olga: !friendly
        > @… Only admin and above may use !module off.
        olga: !stop
        > interactive.alias is off now…
        olga: !stop
        > -
        olga: !module on interactive.alias
        > interactive.alias is on now.
        """,
    )


async def test_values_run_nothing(chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !command add !say $(query)
        > Saved !say.
        ann: !say !command remove !say
        > …!command remove !say
        ann: !say /ban bob
        > …/ban bob
        ann: !say $(user) {user} ${user} $(eval 1)
        > $(user) {user} ${user} $(eval 1)
        mod: !alias echo=!say {args} by {user}
        > Saved: !echo stands for !say {args} by {user}
        ann: !echo {user} {arg1} $(user)
        > {user} {arg1} $(user) by ann
        mod: !alias any={arg1} x
        > An alias stands for one command: {arg1} would let people choose any.
        """,
    )
    for text in ("!say !command remove !say", "!say /ban bob", "!say !say hi"):
        heard = (await chat.say(text)).replies
        assert [reply.text[:2] for reply in heard] == ["» "]
        chat.unheard.clear()


async def test_platform_commands_are_for_admins(chat: Chat) -> None:
    await chat.own("olga")
    await talk(
        chat,
        """
        mod: !command add !shout /announce $(query)
        > Saved !shout.
        mod: !command options !shout -maycommand on
        > Only admins and the owner may let a command run platform commands.
        olga: !command options !shout -maycommand on
        > Saved !shout.
        ann: !shout hi
        > /announce hi
        mod: !command edit !shout /ban $(1)
        > Saved !shout. It runs no platform commands any more…
        """,
    )
    chat.say("!shout bob")
    await chat.hears("» /ban bob")


async def test_rings_are_refused_and_so_is_an_undo_that_makes_one(bot: HostBot, chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !command add !hi Hello
        > Saved !hi.
        mod: !alias a=hi
        > Saved: !a stands for !hi
        mod: !alias a=a
        > That would go round in a ring: a → a.
        mod: !alias b=!a
        > Saved: !b stands for !a
        mod: !alias a=b
        > That would go round in a ring: a → b → a.
        mod: !alias b=hi
        > Saved: !b now stands for !hi
        mod: !alias a=b
        > Saved: !a now stands for !b
        """,
    )
    newest, to_hi, *_ = await bot.host.dal.list_changes(chat.community)
    assert (newest.key, to_hi.key) == ('["a"]', '["b"]')
    for force in (False, True):
        with pytest.raises(Refusal, match="a → b → a"):
            await bot.host.dal.undo(chat.community, to_hi.version, actor="operator", force=force)
    await talk(
        chat,
        """
        ann: !a
        > Hello
        mod: !command rename !hi !hello
        > Command !hi is !hello now.
        mod: !unalias b
        > The alias !b is gone.
        mod: !alias a=hello
        > Saved: !a now stands for !hello
        ann: !a
        > Hello
        mod: !command rename !hello !a
        > There is an alias a already. Remove it first: unalias a
        """,
    )


async def test_built_in_names_are_free_where_they_were_given_up(chat: Chat) -> None:
    await chat.own("olga")
    await talk(
        chat,
        """
        mod: !command add !stats Mine
        > stats is a built-in command. Choose another name, or free it first: renamecom stats …
        olga: !renamecom stats figures
        > stats is called figures now.
        mod: !command add !stats Mine
        > Saved !stats.
        ann: !stats
        > Mine
        ann: !figures
        > Up …
        mod: !alias numbers=figures
        > Saved: !numbers stands for !figures
        bob: !numbers
        > Up …
        mod: !alias figures=stats
        > figures is a built-in command…
        mod: !command edit !figures x
        > figures is a built-in command. These change it: permcom, coolcom, disablecom, renamecom.
        """,
    )


async def test_settings(chat: Chat) -> None:
    await chat.own("olga")
    await talk(
        chat,
        """
        olga: !setting set interactive.alias reply reply
        > interactive.alias: reply = reply now.
        olga: !setting set interactive.alias dialect streamelements
        > interactive.alias: dialect = streamelements now.
        mod: !command add !hi Hello ${sender}
        > Saved !hi.
        ann: !hi
        > @ann, Hello ann
        olga: !setting set interactive.alias managers admin
        > interactive.alias: managers = admin now.
        mod: !command edit !hi x
        > Only admins and above change commands here.
        mod: !permcom hi vip
        > Commands are not yours to change here.
        olga: !prefix ?
        > Commands start with ? now.
        ann: ?hi
        > @ann, Hello ann
        olga: ?command edit ?hi Changed
        > Saved ?hi.
        ann: ?hi
        > @ann, Changed
        """,
    )


async def ask(bot: HostBot, method: str, path: str, key: str, json: Any = None) -> tuple[int, Any]:
    url = f"{bot.url}/api/v1/interactive.alias{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=json, headers={"X-API-Key": key}) as answer,
    ):
        return answer.status, await answer.json()


async def test_export_and_import_by_rest(bot: HostBot, chat: Chat) -> None:
    await talk(
        chat,
        """
        mod: !command add "good day" -cd=5 Day, $(user)
        > Saved good day. It is said without !.
        mod: !alias day=good day {args}
        > Saved: !day stands for good day {args}
        """,
    )
    reader = await bot.key("reader", Role.USER, community=chat.community)
    admin = await bot.key("admin", Role.ADMIN, community=chat.community)
    _, commands = await ask(bot, "GET", "/commands", reader)
    _, aliases = await ask(bot, "GET", "/aliases", reader)
    assert [c["name"] for c in commands["commands"]] == ["good day"]
    assert aliases == {"aliases": [{"name": "day", "line": "good day {args}"}]}
    assert (await ask(bot, "PUT", "/commands", reader, commands["commands"][0]))[0] == 403

    assert (await ask(bot, "DELETE", "/aliases/day", admin))[0] == 200
    assert (await ask(bot, "DELETE", "/commands/good%20day", admin))[0] == 200
    assert (await ask(bot, "DELETE", "/commands/good%20day", admin))[0] == 404
    for command in commands["commands"]:
        assert (await ask(bot, "PUT", "/commands", admin, command))[0] == 200
    for alias in aliases["aliases"]:
        assert (await ask(bot, "PUT", "/aliases", admin, alias))[0] == 200
    assert (await ask(bot, "GET", "/commands", reader))[1] == commands
    assert (await ask(bot, "GET", "/aliases", reader))[1] == aliases
    await talk(chat, "ann: !day\n> Day, ann")

    for path, body in (
        ("/commands", {"name": "Two Words", "text": "x"}),
        ("/commands", {"name": "help", "text": "x"}),
        ("/commands", {"name": "x", "text": "x", "least": 1000}),
        ("/commands", {"name": "x", "text": "{" * 20 + "a", "dialect": "klingon"}),
        ("/aliases", {"name": "x", "line": "!x"}),
    ):
        status, answer = await ask(bot, "PUT", path, admin, body)
        assert (status, bool(answer["detail"])) == (400, True), body
