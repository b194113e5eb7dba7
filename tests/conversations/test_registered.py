"""A module in another process, which imports nothing of ours, registers and is asked (P11)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from waddlebot.libs.adapters.registered_endpoint import body_of
from waddlebot.libs.contracts.registration import SILENT_S, Manifest, module_of
from waddlebot.libs.contracts.router import LateResponse
from waddlebot.libs.sdk import Call, Event, Rank, Reply, Result
from waddlebot.libs.sdk.arguments import parse
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import Bot, HostBot, environ_of, hosted
from waddlebot.libs.testing.clusters import Cluster
from waddlebot.libs.testing.registered import URL, key_of, registered
from waddlebot.libs.testing.talk import Chat, joined
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import JsonClient

KNOWN_S = 5.0
"""Every router knows within a second or two; more, for a busy machine."""
MOD = ("moderator",)


@pytest.mark.asyncio(loop_scope="session")
async def test_it_is_a_module_like_others(bot: Bot, chat: Chat) -> None:
    other = bot.routers[-1].url if isinstance(bot, Cluster) else bot.url
    await chat.own("boss")
    async with registered(bot, other):
        chat.say("!weatherish Oslo", as_="ann")
        await chat.hears("Oslo: sunny-ish, says ann (viewer)", within_s=KNOWN_S)
        chat.say("!skies", as_="ann")
        await chat.hears("Here: sunny-ish, says ann (viewer)")
        chat.say("!help weatherish")
        await chat.hears("Usage: !weatherish [city…] — Say what the weather is like somewhere.")
        chat.say("!storm", as_="ann")
        await chat.hears("@ann Only moderator and above may use !storm.")
        chat.say("!storm now", as_="mod", roles=MOD)
        await chat.hears("Usage: storm")
        chat.say("!permcom weatherish moderator", as_="boss")
        await chat.hears("weatherish is for moderators and above now.", within_s=KNOWN_S)
        chat.say("!weatherish", as_="eve")
        await chat.hears("@eve Only moderator and above may use !weatherish.", within_s=KNOWN_S)
        chat.say("!module off acme.weatherish", as_="boss")
        await chat.hears("acme.weatherish is off now…", within_s=KNOWN_S)
        chat.say("!skies", as_="mod", roles=MOD)
        await chat.hears_nothing(within_s=KNOWN_S)


@pytest.mark.asyncio(loop_scope="session")
async def test_it_says_more_later_by_whichever_router(bot: Bot, chat: Chat) -> None:
    other = bot.routers[-1].url if isinstance(bot, Cluster) else bot.url
    async with registered(bot, other) as program:
        chat.say("!weatherish later")
        await chat.hears("later: sunny-ish…", within_s=KNOWN_S)
        assert "on its way" in await program.says("responded")


async def test_it_is_silent_when_killed_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.processing.router.store.SILENT_S", 6.0)
    async with hosted(environ_of(tmp_path)) as bot, joined(bot) as chat, registered(bot) as program:
        raw = await key_of(bot)
        chat.say("!weatherish Oslo")
        await chat.hears("Oslo: sunny-ish…", within_s=KNOWN_S)
        await program.kill()
        outcome = await chat.say("!weatherish Oslo")
        assert (outcome.status, "cannot be asked" in outcome.reason) == ("failed", True)
        await chat.hears("Something went wrong with 'weatherish'…")
        await until(lambda: _state(bot, raw, "silent"))
        chat.say("!weatherish Oslo")
        await chat.hears_nothing(within_s=KNOWN_S)
        assert (await chat.say("!weatherish Oslo")).status == "ignored"
        await program.start()
        chat.say("!weatherish Oslo")
        await chat.hears("Oslo: sunny-ish…", within_s=KNOWN_S)
        assert await _state(bot, raw, "alive")


async def _state(bot: HostBot, raw: str, state: str) -> bool:
    async with aiohttp.ClientSession() as session:
        _, body, _ = await JsonClient(session, bot.url).ask("GET", URL, key=raw)
    return [one["state"] for one in body["registrations"]] == [state]


COMMAND = {"name": "weatherish", "help": "Say it."}
MANIFEST = {"summary": "Weather.", "http": "http://127.0.0.1:9", "commands": [COMMAND]}


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("acme", {}, "VENDOR.MODULE"),
        ("core.weather", {}, "none of trigger"),
        ("interactive.alias", {}, "There is a module interactive.alias already"),
        ("acme.w", {"commands": []}, "1 to 100 commands"),
        ("acme.w", {"commands": [{**COMMAND, "name": "help"}]}, "'help' belongs to the module processing.router"),
        ("acme.w", {"commands": [{**COMMAND, "aliases": ["cmds"]}]}, "'cmds' belongs to the module"),
        ("acme.w", {"commands": [{**COMMAND, "name": "Not So"}]}, "is no command"),
        ("acme.w", {"commands": [COMMAND, COMMAND]}, "declared twice"),
        ("acme.w", {"commands": [{**COMMAND, "help": ""}]}, "users read them"),
        ("acme.w", {"commands": [{**COMMAND, "help": "two\nlines"}]}, "one line"),
        ("acme.w", {"commands": [{**COMMAND, "timeout_s": 600}]}, "timeout_s"),
        ("acme.w", {"commands": [{**COMMAND, "aliases": [f"a{n}" for n in range(21)]}]}, "20 aliases"),
        (
            "acme.w",
            {"commands": [{**COMMAND, "arguments": [{"name": "a", "choices": ["x" * 301]}]}]},
            "at most 300 characters",
        ),
        ("acme.w", {"commands": [{**COMMAND, "cooldown_s": -1}]}, "cooldowns"),
        ("acme.w", {"commands": [{**COMMAND, "arguments": [{"name": "not one"}]}]}, "has no name"),
        (
            "acme.w",
            {"commands": [{**COMMAND, "arguments": [{"name": "a", "type": "text"}, {"name": "b"}]}]},
            "nothing can follow",
        ),
        (
            "acme.w",
            {"commands": [{**COMMAND, "arguments": [{"name": "a", "type": "integer", "choices": ["1"]}]}]},
            "type is word",
        ),
        *(
            ("acme.w", {"http": url}, "http is where")
            for url in ("ftp://x", "http://", "http://u:p@x", "http://x/y", "http://x:99999", "http://[")
        ),
    ],
)
async def test_what_cannot_be_is_refused(name: str, more: dict[str, Any], words: str, door: JsonClient) -> None:
    status, body, _ = await door.ask("PUT", f"{URL}/{name}", json={**MANIFEST, **more})
    assert (status, body["error"]) == (400, "invalid_manifest")
    assert words in body["detail"]


async def test_two_modules_share_no_word_and_one_may_leave(door: JsonClient) -> None:
    assert (await door.ask("PUT", f"{URL}/acme.one", json=MANIFEST))[0] == 200
    status, body, _ = await door.ask("PUT", f"{URL}/acme.two", json=MANIFEST)
    assert (status, "belongs to the module acme.one" in body["detail"]) == (400, True)
    assert (await door.ask("PUT", f"{URL}/acme.one", json=MANIFEST))[0] == 200, "the same once more"
    assert (await door.ask("POST", f"{URL}/acme.one/heartbeat"))[1]["silent_s"] == SILENT_S
    assert (await door.ask("DELETE", f"{URL}/acme.one"))[0] == 200
    for method, path in (("DELETE", "acme.one"), ("POST", "acme.one/heartbeat")):
        status, body, _ = await door.ask(method, f"{URL}/{path}")
        assert (status, body["error"]) == (404, "not_registered")
    assert (await door.ask("PUT", f"{URL}/acme.two", json=MANIFEST))[0] == 200


async def test_a_living_module_is_its_keys_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        client = JsonClient(session, bot.url)
        one, two = [await bot.key(name, Role.ACTION, installation=True) for name in ("one", "two")]
        assert (await client.ask("PUT", f"{URL}/acme.w", key=one, json=MANIFEST))[0] == 200
        status, body, _ = await client.ask("PUT", f"{URL}/acme.w", key=two, json=MANIFEST)
        assert (status, body["error"], "token" in body) == (409, "registered", False)
        status, body, _ = await client.ask("POST", f"{URL}/acme.w/heartbeat", key=two)
        assert (status, body["error"]) == (404, "not_registered")
        monkeypatch.setattr("waddlebot.processing.router.store.SILENT_S", -1.0)
        assert (await client.ask("PUT", f"{URL}/acme.w", key=two, json=MANIFEST))[0] == 200, "it was silent"


async def test_only_keys_of_the_installation_register_and_they_open_nothing_else(
    tmp_path: Path,
) -> None:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        client = JsonClient(session, bot.url)
        for role, error in ((Role.ADMIN, "community_key"), (Role.TRIGGER, "wrong_role")):
            bound = await bot.key(f"bound-{role}", role, community="home")
            status, body, _ = await client.ask("PUT", f"{URL}/acme.w", key=bound, json=MANIFEST)
            assert (status, body["error"]) == (403, error)
        raw = await key_of(bot)
        for method, path in (("GET", "/commands"), ("GET", "/rules"), ("POST", "/events")):
            status, _, _ = await client.ask(method, f"/api/v1/processing.router{path}", key=raw, json={})
            assert status == 403, path
        with pytest.raises(ValueError, match="role action"):
            await bot.key("too-much", Role.ADMIN, installation=True)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[JsonClient]:
    """A host, asked with a key of the installation."""
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession(headers={}) as session:
        session.headers["X-API-Key"] = await key_of(bot)
        yield JsonClient(session, bot.url)


def test_the_guide_has_the_exact_json() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "module-author.md").read_text("utf-8")
    section = guide.partition("## A module in another language")[2]
    manifest, _, call, answer, late = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    module = module_of("acme.weatherish", msgspec.json.decode(manifest, type=Manifest))
    assert module.commands["weatherish"].usage == "weatherish c|f [city…]"
    given = msgspec.json.decode(call)
    event = msgspec.convert([given["event"][name] for name in Event.__struct_fields__], Event)
    ranks = int(Rank.VIEWER | Rank.SUBSCRIBER)
    asked = Call(
        given["module"], "command:weatherish", event, given["args"], given["person"], ranks, given["key"], 1,
        given["timeout_s"], b"", given["word"], given["session"],
    )  # fmt: skip
    arguments = module.commands["weatherish"].arguments
    values = dict(zip(given["arguments"], parse(arguments, asked.args, ""), strict=True))
    assert msgspec.json.decode(msgspec.json.encode(body_of(asked, values))) == given
    assert msgspec.json.decode(answer, type=Result).replies == (Reply("Oslo: 7 °C"),)
    assert msgspec.json.decode(late, type=LateResponse).module == module.name
