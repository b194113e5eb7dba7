"""Ten mistakes that an earlier bot made between its modules; each test makes one impossible."""

import asyncio
import inspect
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from waddlebot.libs.dal.migrations import status, upgrade
from waddlebot.libs.sdk import Event
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime import environment
from waddlebot.runtime.host import Host

ROOT = Path(__file__).resolve().parents[2] / "waddlebot"


def line(id_: str, text: str = "!help", **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "kind": "chat.message", "platform": "test", "server": "net", "channel": "#r", "user_id": id_,
        "text": text, **more,
    }  # fmt: skip


def sources() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in ROOT.rglob("*.py") if "tests" not in path.parts}


def test_1_there_is_one_idea_of_an_event() -> None:
    declared = [path for path, text in sources().items() if re.search(r"^class Event\(", text, re.MULTILINE)]
    assert declared == [Path(inspect.getfile(Event))]


async def test_1_what_every_door_announces_the_router_takes_and_observers_see(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        host = bot.host
        heard: list[Event] = []
        host.shared.bus.subscribe("test", lambda batch: heard.extend(batch.events))
        async with joined(bot) as chat:
            await chat.post([line("rest")], wait_s=5)
        token = await bot.key("owner", Role.ADMIN, community="home")
        url = f"{bot.url}/api/v1/receiver.console/say"
        async with session.post(url, json={"text": "!help"}, headers={"X-API-Key": token}) as answer:
            assert answer.status == 200
        await until(lambda: len(heard) == 2)
        assert {type(event) for event in heard} == {Event}
        desk = host.runners["processing.router"].services.state()
        await until(lambda: desk.router.traces.counts["answered"] >= 2)
        seen = host.runners["core.identity"].services.state()
        await until(lambda: seen._count == 2)


async def test_2_writes_are_committed_and_a_failed_statement_leaves_no_one_behind(
    tmp_path: Path, database_url: str
) -> None:
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot) as chat:
        chat.say('!rule add a regex warn "("', as_="mod", roles=("moderator",))
        assert "holds now" not in await chat.hears("…")
        chat.say("!rule add a word reply hi hello", as_="mod", roles=("moderator",))
        await chat.hears("The rule a holds now…")
        community = chat.community
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot, community) as chat:
        chat.say("!rule list", as_="mod", roles=("moderator",))
        await chat.hears("Rules: a (word → reply…")


def test_3_all_migrations_apply_to_an_empty_database_and_say_what_they_did(
    tmp_path: Path, database_url: str
) -> None:
    environ = environ_of(tmp_path, database_url)
    host = Host(environment.load(environ), environ)
    url = host.environment.database
    applied = upgrade(url, host.dal.owners)
    assert len(applied) >= len([owner for owner in host.dal.owners if owner.migrations is not None])
    assert all(found.version == found.known for found in status(url, host.dal.owners))
    assert upgrade(url, host.dal.owners) == []


async def test_4_a_switch_says_the_same_the_second_time(tmp_path: Path, database_url: str) -> None:
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot) as chat:
        for n in range(3):
            chat.say("!reputation", as_=f"user{n}")
            await chat.hears("…600…")
        await chat.own("boss")
        for state, hears in (("off", False), ("on", True), ("off", False)):
            chat.say(f"!module {state} core.reputation", as_="boss")
            await chat.hears(f"core.reputation is {state} now…")
            for n in range(3):
                chat.say("!reputation", as_=f"{state}{n}")
                await (chat.hears("…600…") if hears else chat.hears_nothing())


async def test_5_health_is_not_green_while_no_event_gets_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:

        async def ready() -> tuple[int, Any]:
            async with session.get(f"{bot.url}/health/ready") as answer:
                return answer.status, await answer.json()

        assert (await ready())[0] == 200
        desk = bot.host.runners["processing.router"].services.state()
        desk.router.views.clear()

        def broken(*_: object) -> None:
            raise RuntimeError("a pipeline that is broken")

        monkeypatch.setattr(desk.router, "execute", broken)
        async with asyncio.timeout(10):
            while True:
                status, body = await ready()
                if status == 503:
                    break
                await asyncio.sleep(0.1)
        assert not body["checks"]["events"]["ok"]
        async with session.get(f"{bot.url}/health/live") as answer:
            assert answer.status == 200


async def test_6_nothing_opens_without_a_key_and_no_header_makes_a_role(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        url = f"{bot.url}/api/v1/processing.router"
        trigger = await bot.key("t", Role.TRIGGER, community="home")
        forged = {
            "X-Role": "admin",
            "X-User-Role": "admin",
            "X-Community": "home",
            "Authorization": "Bearer admin",
        }
        for method, path, headers, expected in (
            ("POST", "/events", {}, 401),
            ("POST", "/events", forged, 401),
            ("POST", "/events", {"X-API-Key": "changeme"}, 401),
            ("PUT", "/rules", {"X-API-Key": trigger, **forged}, 403),
            ("GET", "/rules", {}, 401),
            ("GET", "/metrics", forged, 401),
            ("POST", "/responses", {"X-API-Key": trigger}, 403),
        ):
            async with session.request(method, url + path, json=line("e"), headers=headers) as answer:
                assert answer.status == expected, (method, path, await answer.text())
    # No secret is the same in two installations, and none is in the code.
    keys = [(path / "secret.key") for path in (tmp_path, tmp_path / "two")]
    async with hosted(environ_of(tmp_path / "two")):
        assert keys[0].read_bytes() != keys[1].read_bytes()


async def test_7_nothing_is_linked_by_a_name_and_keys_are_not_stored_in_clear(
    tmp_path: Path, database_url: str
) -> None:
    async with hosted(environ_of(tmp_path, database_url)) as bot:
        raw = await bot.key("k", Role.TRIGGER, community="home")
        async with joined(bot) as chat:
            await chat.own("boss")
            twin = line(
                "twin", "!rank show", platform="other", user_id="boss", user_login="boss", user_name="boss"
            )
            [outcome] = await chat.post([twin])
            assert outcome.replies[0].text.endswith("boss is: viewer.")
        stored = repr(await bot.host.keys().living(time.time()))
        assert raw not in stored
        assert raw.removeprefix("wbk_") not in stored


async def test_8_what_users_write_is_never_run(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot) as chat:
        evil = "{0.__class__.__globals__} {user.__class__} $(rm -rf /) `id` %s %(x)s ${7*7} {{7*7}}"
        chat.say(f'!rule add evil word reply hi "{evil}"', as_="mod", roles=("moderator",))
        await chat.hears("The rule evil holds now…")
        chat.say("hi")
        heard = await chat.hears("…")
        assert "globals__}" in heard
        assert "49" not in heard
        began = time.monotonic()
        chat.say('!rule add slow regex warn "(a+)+$"', as_="mod", roles=("moderator",))
        await chat.hears("The rule slow holds now…")
        chat.say("a" * 4_900 + "!")
        await chat.hears_nothing()
        assert time.monotonic() - began < 10  # exponential time would take longer than the universe


def test_8_no_shell_no_eval_no_format_on_what_users_write() -> None:
    found = [
        f"{path}: {match[0]}"
        for path, text in sources().items()
        for match in re.finditer(r"(?<![\w.])(?:eval|exec)\(|shell=True|os\.system\(|os\.popen\(", text)
    ]
    assert found == []


async def test_9_one_process_forwards_each_command_once(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot) as chat:
        await asyncio.gather(*(chat.post([line("same")]) for _ in range(10)))
        desk = bot.host.runners["processing.router"].services.state()
        noted = [entry for entry in desk.router.traces.ring if entry[0].id == "same"]
        assert len(noted) == 1


async def test_10_a_plain_line_asks_nobody_anything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with hosted(environ_of(tmp_path)) as bot:
        host = bot.host
        await host.shared.adopt(["test:net:#r"], "home")
        desk = host.runners["processing.router"].services.state()
        await _warm(bot)
        asked = _watched(host)
        caplog.clear()
        now = time.time()
        for n in range(1_000):
            who = ("u", "u", "u", ())
            event = Event(
                1, f"p{n}", "chat.message", "test", "net", "#r", *who, f"hello {n}", now, now, "", "test"
            )
            await host.shared.announce([event])
        assert desk.router.traces.counts["ignored"] >= 1_000
        assert asked == []  # no store, no contract, while the lines were handled
        assert caplog.records == []


async def _warm(bot: HostBot) -> None:
    async with joined(bot, "home") as chat:
        chat.say("!help")
        await chat.hears("…")


def _watched(host: Host) -> list[str]:
    """Every store that is bound from now on, in the loop's current task."""
    asked: list[str] = []
    bind, task = host.dal.bind, asyncio.current_task()

    def watched(owner: str, *args: Any, **kwargs: Any) -> Any:
        if asyncio.current_task() is task:
            asked.append(owner)
        return bind(owner, *args, **kwargs)

    host.dal.bind = watched  # type: ignore[method-assign]  # only to watch
    return asked
