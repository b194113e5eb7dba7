"""What commands say: real-life texts, values that would like to be more, and what it costs."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from waddlebot.action.interactive.alias.edits import changed
from waddlebot.action.interactive.alias.grammar import Edit
from waddlebot.action.interactive.alias.module import module
from waddlebot.action.interactive.alias.rendering import TEMPLATES_MAX, Kitchen, recipe_of
from waddlebot.action.interactive.alias.services import Web, counter_of
from waddlebot.action.interactive.alias.store import CustomCommand
from waddlebot.libs.adapters.local import LocalEndpoint
from waddlebot.libs.fetch import Fetcher, Policy
from waddlebot.libs.sdk import Call, Event, Rank, Refusal, Result
from waddlebot.libs.templates.script import JavaScript
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.web import LoneServices

type Say = Callable[..., Any]


def said_by(kitchen: Kitchen) -> Say:
    """Runs a command as the router does and gives its reply."""
    services = LoneServices(module)
    services.entered = kitchen
    endpoint = LocalEndpoint(module, services)

    async def say(text: str, args: str = "", dialect: str = "nightbot", ranks: int = 1, **more: Any) -> str:
        event = Event(
            1, "event-1", "chat.message", "twitch", "irc", "#night", "42", "bob", "Bob", (), f"!test {args}",
            1_773_500_966.0, 1_773_500_966.0, "home", "test",
        )  # fmt: skip
        data = recipe_of(CustomCommand("test", text, dialect, reply="say", **more))
        call = Call(module.name, "dynamic:custom", event, args, "twitch:42", ranks, "key", 1, 10.0, data, "test")
        answer = endpoint.execute(call)
        result = answer if isinstance(answer, Result) else await answer
        assert result.status == "ok", result
        return "\n".join(reply.text for reply in result.replies)

    return say


@pytest.fixture
async def say() -> AsyncIterator[Say]:
    async with Web() as asking, JavaScript() as script:
        yield said_by(Kitchen({}, asking, script))


@pytest.mark.parametrize(
    ("text", "args", "dialect", "said"),
    [
        # As found in channels' public command lists.
        ("$(touser) Follow me at twitter.com/x", "@Ann", "nightbot", "@Ann Follow me at twitter.com/x"),
        ("$(user) hugs $(touser) <3", "", "nightbot", "Bob hugs Bob <3"),
        ("$(user) slaps $(1) with $(2)", "Ann trout", "nightbot", "Bob slaps Ann with trout"),
        ("https://google.com/search?q=$(querystring)", "a b&c", "nightbot", "https://google.com/search?q=a%20b%26c"),
        ("$(eval 2 + 3)", "", "nightbot", "5"),
        ("$(eval const q = '$(query)'; q.length)", "it's", "nightbot", "4"),
        ("Title: $(twitch $(channel) \"{{title}}\")", "", "nightbot", "Title: unknown"),
        ("${sender} loves ${1|the stream}", "", "streamelements", "Bob loves the stream"),
        ("$(user) says $(1:) on $(channel)", "hi all", "streamelements", "Bob says hi all on night"),
        ("$(math 6*7) $(repeat 2 ho)", "", "streamelements", "42 ho ho"),
        ("{user}: {all_args} / {arg2}", "a b", "native", "Bob: a b / b"),
        ("$(game) $(uptime)", "", "streamelements", "unknown unknown"),
    ],
)  # fmt: skip
async def test_real_life_commands(say: Say, text: str, args: str, dialect: str, said: str) -> None:
    assert await say(text, args, dialect) == said


NASTY = [
    "$(eval 1+1)", "${sender}", "{user}", "{args}", "$(count)", "$(urlfetch http://127.0.0.1/)",
    "!command remove x", "$(1)", "{{title}}", "\\$(user)", "$($(user))", "'); 1+1; ('", "`${1+1}`",
]  # fmt: skip


@pytest.mark.parametrize("value", NASTY)
async def test_values_are_data_in_every_dialect(say: Say, value: str) -> None:
    assert await say("<$(query)>", value) == f"<{value}>"
    assert await say("<$(1:)>", value, "streamelements") == f"<{value}>"
    assert await say("<{args}>", value, "native") == f"<{value}>"
    assert await say("$(eval '$(query)')", value) == value
    assert await say("$(eval `$(query)`)", value) == value


async def test_chance_is_repeated_by_a_re_run(say: Say) -> None:
    texts = {await say("$(random 1-1000000) $(random.pick a b c d e f g)", "", "streamelements") for _ in range(5)}
    assert len(texts) == 1


async def test_a_text_of_nothing_says_nothing(say: Say) -> None:
    assert await say("$(query)", "") == ""


@contextlib.asynccontextmanager
async def api() -> AsyncIterator[tuple[Kitchen, list[web.Request], str]]:
    """A custom API on this machine, which this kitchen's client may ask."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        if request.path == "/script.js":
            return web.Response(text="(function (q) { return q.split('').reverse().join('') })")
        return web.Response(text="$(user) says !hi {user}", status=int(request.query.get("status", "200")))

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    policy = Policy(ports=frozenset({port}), allowed=lambda address, port: True)
    try:
        async with Fetcher(policy, resolve) as fetcher, JavaScript() as script:
            yield Kitchen({}, Web(fetcher), script), asked, f"http://api.example.com:{port}"
    finally:
        await runner.cleanup()


async def test_answers_of_custom_apis_are_data_too() -> None:
    async with api() as (kitchen, asked, url):
        say = said_by(kitchen)
        assert await say(f"$(urlfetch {url}/x?q=$(querystring))", "a b") == "$(user) says !hi {user}"
        assert asked[0].query["q"] == "a b"
        assert "Nightbot-User" not in asked[0].headers
        assert await say(f"$(customapi {url}/?status=500)", "", "streamelements") == "Unable to make request"
        assert await say(f"$(eval $(urlfetch json {url}/script.js)('$(query)'))", "abc") == "cba"


async def test_custom_apis_are_told_who_asks_where_a_command_says_so() -> None:
    async with api() as (kitchen, asked, url):
        await said_by(kitchen)(f"$(urlfetch {url}/)", ranks=int(Rank.MODERATOR), tell_identity=True)
        assert (
            "name=bob&displayName=Bob&provider=twitch&providerId=42&userLevel=moderator"
            in (asked[0].headers["Nightbot-User"])
        )
        assert "name=night" in asked[0].headers["Nightbot-Channel"]


async def test_inner_addresses_are_refused_in_words(say: Say) -> None:
    for url in ("http://127.0.0.1/", "http://localhost:8000/", "file:///etc/passwd", "http://[::1]/"):
        said = await say(f"$(urlfetch {url})")
        assert "root:" not in said
        assert said


def test_templates_are_compiled_once_and_not_all_kept() -> None:
    kitchen = Kitchen({}, Web(), None)
    datas = [recipe_of(CustomCommand("x", f"{n} $(user)")) for n in range(TEMPLATES_MAX + 10)]
    assert kitchen.prepared(datas[0])[1] is kitchen.prepared(bytes(bytearray(datas[0])))[1]
    for data in datas:
        kitchen.prepared(data)
    assert kitchen.prepared.cache_info().currsize == TEMPLATES_MAX


@pytest.mark.parametrize(
    ("text", "dialect", "reads_as", "notes"),
    [
        ("Hello $(user)", "nightbot", "nightbot", ()),
        ("Hello", "native", "native", ()),
        ("Hello {user}", "nightbot", "native", ("native",)),
        ("You rolled $(random 1-6)", "nightbot", "streamelements", ("streamelements",)),
        ("Hello ${sender}", "nightbot", "streamelements", ("streamelements",)),
        ("$(twitch $(channel) \"{{game}}\")", "streamelements", "nightbot", ("nightbot",)),
        ("{curly} text", "nightbot", "nightbot", ()),
        ("$(weather Rome) $(user)", "nightbot", "nightbot",
         ("$(weather) is not available here and stays as written.",)),
        ("$(usr)", "nightbot", "nightbot", ("$(usr) is unknown and stays as written. Did you mean user?",)),
        ("$(quote 3)", "streamelements", "streamelements",
         ("$(quote) is not available here and stays as written.",)),
        ("$(user hello", "nightbot", "nightbot", ("never closed",)),
        ("$(eval 1)", "nightbot", "nightbot", ("waddlebot[javascript]",)),
    ],
)  # fmt: skip
def test_texts_are_read_in_the_dialect_they_are_in(
    text: str, dialect: str, reads_as: str, notes: tuple[str, ...]
) -> None:
    command = CustomCommand("x", text, dialect)
    saved, said = changed(command, Edit("x", text=text), Kitchen({}, Web(), None), dialect, False)
    assert saved.dialect == reads_as
    assert len(said) == len(notes)
    for note, words in zip(notes, said, strict=True):
        assert note in words


def test_only_admins_let_a_command_run_platform_commands() -> None:
    kitchen = Kitchen({}, Web(), None)
    wish = Edit("x", fields={"may_command": True})
    with pytest.raises(Refusal, match="Only admins"):
        changed(CustomCommand("x", "/announce hi"), wish, kitchen, "nightbot", False)
    allowed, _ = changed(CustomCommand("x", "/announce hi"), wish, kitchen, "nightbot", True)
    assert allowed.may_command
    edited, said = changed(allowed, Edit("x", text="/ban ann"), kitchen, "nightbot", False)
    assert not edited.may_command
    assert "no platform commands any more" in said[0]
    slower, _ = changed(allowed, Edit("x", fields={"cooldown_s": 5.0}), kitchen, "nightbot", False)
    assert slower.may_command


@pytest.mark.parametrize(
    ("text", "may"),
    [("/announce $(query)", True), ("/me waves", True), ("$(query)", False), ("/$(query) x", False),
     ("/ban$(query)", False), (" /ban x", False), ("Hello", False)],
)  # fmt: skip
def test_no_value_decides_which_platform_command_is_run(text: str, may: bool) -> None:
    recipe, _ = Kitchen({}, Web(), None).prepared(recipe_of(CustomCommand("x", text, may_command=True)))
    assert recipe.may_command is may


def test_counters_go_by_a_commands_name() -> None:
    assert [counter_of(name) for name in ("!Deaths", "deaths ", "?deaths", "!!!")] == ["deaths"] * 3 + ["!!!"]
