"""Ten mistakes that an earlier bot made between its modules; the tests of a number make that one impossible.

 1  Receiver, router and modules each had their own idea of an event.
 2  Writes were never committed and kept locks, a failed statement left its connection aborted for ever, and values
    went into the wrong places of a statement.
 3  The schema could not create an empty database, and migrations printed success over errors.
 4  A module that was switched on counted as off from the second command on.
 5  Health was green while nothing worked.
 6  Default credentials and keys, tokens for anyone, roles believed from a header, unsigned webhooks.
    Not yet: webhooks, since no module takes any.
 7  Accounts linked by an unverified address, tokens stored in clear or for ever, keys random per process.
    Not yet: links and refresh tokens, since nobody can link accounts or log in; API keys are the only tokens.
 8  Shell strings, evaluated expressions, `str.format` on what users write, expressions without a time limit,
    requests to private addresses.
 9  Several processes held one platform session, and each forwarded every command.
    Not yet: leases among hosts, since one host is all there can be.
10  A plain chat line asked the store, the network and the database.
"""

import asyncio
import contextlib
import inspect
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from waddlebot.libs.dal.admin import admin
from waddlebot.libs.dal.migrations import status
from waddlebot.libs.sdk import CHAT_MESSAGE, Event
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing import irc_servers
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted, launched, run
from waddlebot.libs.testing.databases import admin_url
from waddlebot.libs.testing.irc_servers import IrcServer
from waddlebot.libs.testing.irc_user import irc_user
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.stores import migrated
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.twitch_irc import twitch_irc
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.web.keys import OWNER as KEYS
from waddlebot.runtime import environment
from waddlebot.runtime.host import Host

irc_certificates, ngircd = irc_servers.irc_certificates, irc_servers.ngircd

HELP = "Say !help <command> about one of: "
MOD = ("moderator",)
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
        host.shared.bus.subscribe(
            "test", lambda batch: heard.extend(e for e in batch.events if e.kind == CHAT_MESSAGE)
        )
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
        await until(lambda: len(seen.seen._logins) == 2)


async def test_1_what_a_platform_says_is_answered_there(tmp_path: Path, ngircd: IrcServer) -> None:
    async with twitch_irc({"waddle": "token"}) as twitch, irc_user(ngircd.port, "anna", "#doors") as anna:
        environ = environ_of(
            tmp_path, IRC_URLS=ngircd.url("%23doors", "doorbot", "rate=100"), TWITCH_IRC_URL=twitch.url,
            TWITCH_CHANNELS="doors", TWITCH_BOT_LOGIN="waddle", TWITCH_BOT_TOKEN="oauth:token",
        )  # fmt: skip
        async with hosted(environ):
            await anna.meets("doorbot", "#doors")
            anna.say("#doors", "!help")
            await until(lambda: anna.heard("doorbot", "#doors"))
            assert anna.heard("doorbot", "#doors")[0].startswith(HELP)
            await until(lambda: "waddle" in twitch.present("#doors"))
            twitch.say("#doors", "ben", "!help")
            await until(lambda: twitch.said)
            assert twitch.said[0][2].startswith(HELP)


async def test_2_writes_are_committed_in_the_right_places_and_keep_no_locks(
    tmp_path: Path, database_url: str
) -> None:
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot) as chat:
        chat.say('!rule add a word reply hi "100% %(x)s $1 :x ?"', as_="mod", roles=MOD)
        await chat.hears("The rule a holds now…")
        with admin(admin_url(database_url)) as database, database.transaction(exclusive=True):
            database.run(f"update {database.dialect.qualified('processing.router', 'rules')} set priority = 1")
        community = chat.community
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot, community) as chat:
        chat.say("!rule list", as_="mod", roles=MOD)
        await chat.hears("Rules: a (word → reply, priority 1, 0×)")
        chat.say("hi")
        await chat.hears('"100% %(x)s $1 :x ?"')


async def test_2_a_failed_statement_leaves_a_connection_that_works(tmp_path: Path, database_url: str) -> None:
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot) as chat:
        chat.say("!help")
        await chat.hears(f"{HELP}…")
        rules = [f"!rule add r{n} word reply hi hello" for n in range(8)]  # more than there are connections
        with broken(database_url, "processing.router", "rules", "pattern"):
            outcomes = await chat.post([line(f"mod{n}", rule, roles=MOD) for n, rule in enumerate(rules)])
            assert [outcome.status for outcome in outcomes if "pattern" in outcome.reason] == ["failed"] * len(
                rules
            )
        for n, rule in enumerate(rules):
            chat.say(rule, as_="mod", roles=MOD)
            await chat.hears(f"The rule r{n} holds now…")


@contextlib.contextmanager
def broken(database_url: str, owner: str, table: str, column: str) -> Iterator[None]:
    """Statements that name a column of a table fail for as long as the block runs."""
    with admin(admin_url(database_url)) as database:
        name = database.dialect.qualified(owner, table)
        with database.transaction(exclusive=True):
            database.run(f"alter table {name} rename column {column} to away")
        yield
        with database.transaction(exclusive=True):
            database.run(f"alter table {name} rename column away to {column}")


def test_3_all_migrations_apply_to_an_empty_database_and_say_what_they_did(
    tmp_path: Path, database_url: str
) -> None:
    environ = environ_of(tmp_path, database_url)
    host = Host(environment.load(environ), environ)
    url = host.environment.database
    applied = migrated(url, host.dal.owners)
    assert len(applied) >= len([owner for owner in host.dal.owners if owner.migrations is not None])
    assert all(found.version == found.known for found in status(url, host.dal.owners))
    assert migrated(url, host.dal.owners) == []


async def test_3_a_migration_that_fails_says_so(tmp_path: Path, database_url: str) -> None:
    environ = environ_of(tmp_path, database_url)
    assert "applied processing.router 0001_router" in await run("db", "upgrade", environ=environ)
    with admin(admin_url(database_url)) as database, database.transaction(exclusive=True):
        versions = database.dialect.qualified("system", "schema_version")
        database.run(f"delete from {versions} where owner = 'processing.router'")
    with pytest.raises(RuntimeError, match=r"ended with 2:\n(?s:.*)rules.* already exists"):
        await run("db", "upgrade", environ=environ)
    with pytest.raises(RuntimeError, match=r"ended with 1:\n(?s:.*)processing.router"):
        await run("db", "status", environ=environ)


async def test_4_a_switch_says_the_same_the_second_time(tmp_path: Path, database_url: str) -> None:
    async with hosted(environ_of(tmp_path, database_url)) as bot, joined(bot) as chat:
        for n in range(3):
            chat.say("!reputation", as_=f"user{n}")
            await chat.hears("…(fair)…")
        await chat.own("boss")
        for state, hears in (("off", False), ("on", True), ("off", False)):
            chat.say(f"!module {state} core.reputation", as_="boss")
            await chat.hears(f"core.reputation is {state} now…")
            for n in range(3):
                chat.say("!reputation", as_=f"{state}{n}")
                await (chat.hears("…(fair)…") if hears else chat.hears_nothing())


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
        router, console = "/api/v1/processing.router", "/api/v1/receiver.console"
        trigger = await bot.key("t", Role.TRIGGER, community="home")
        forged = {
            "X-Role": "admin",
            "X-User-Role": "admin",
            "X-Community": "home",
            "Authorization": "Bearer admin",
        }
        for method, path, headers, expected in (
            ("POST", f"{router}/events", {}, 401),
            ("POST", f"{router}/events", forged, 401),
            ("POST", f"{router}/events", {"X-API-Key": "changeme"}, 401),
            ("PUT", f"{router}/rules", {"X-API-Key": trigger, **forged}, 403),
            ("GET", f"{router}/rules", {}, 401),
            ("GET", f"{router}/metrics", forged, 401),
            ("POST", f"{router}/responses", {"X-API-Key": trigger}, 403),
            ("POST", f"{console}/say", {}, 401),
            ("POST", f"{console}/say", forged, 401),
            ("POST", f"{console}/say", {"X-API-Key": trigger, **forged}, 403),
            ("GET", f"{console}/stream", {}, 401),
            ("GET", "/console/stream", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ):
            body = {"text": "!help"} if console in path else line("e")
            async with session.request(method, bot.url + path, json=body, headers=headers) as answer:
                assert answer.status == expected, (method, path, await answer.text())
    # No secret is the same in two installations, and none is in the code.
    keys = [(path / "secret.key") for path in (tmp_path, tmp_path / "two")]
    async with hosted(environ_of(tmp_path / "two")):
        assert keys[0].read_bytes() != keys[1].read_bytes()


async def test_7_nobody_is_somebody_by_a_name(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot) as chat:
        await chat.own("boss")
        twin = line("twin", "!rank show", platform="other", user_id="boss", user_login="boss", user_name="boss")
        [outcome] = await chat.post([twin])
        assert outcome.replies[0].text.endswith("boss is: viewer.")


async def test_7_keys_outlive_the_process_and_are_nowhere_in_clear(tmp_path: Path, database_url: str) -> None:
    environ = environ_of(tmp_path, database_url)
    async with hosted(environ) as bot:
        raw = await bot.key("findable", Role.USER, community="home")
        sealed_by = bot.host.shared.secret.derive("tokens")
    async with hosted(environ) as bot, aiohttp.ClientSession() as session:
        assert bot.host.shared.secret.derive("tokens") == sealed_by
        url = f"{bot.url}/api/v1/processing.router/metrics"
        async with session.get(url, headers={"X-API-Key": raw}) as answer:
            assert answer.status == 200
    with admin(database_url) as database:
        stored = repr(database.run(f"select * from {database.dialect.qualified(KEYS, 'api_key')}"))
    assert "findable" in stored
    files = written(tmp_path)
    for clear in (raw, raw.removeprefix("wbk_")):
        assert clear not in stored
        assert clear.encode() not in files


def written(folder: Path) -> bytes:
    """All that is in a folder's files."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_8_what_users_write_is_never_run(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot) as chat:
        evil = "{0.__class__.__globals__} {user.__class__} $(rm -rf /) `id` %s %(x)s ${7*7} {{7*7}}"
        chat.say(f'!rule add evil word reply hi "{evil}"', as_="mod", roles=MOD)
        await chat.hears("The rule evil holds now…")
        chat.say("hi")
        heard = await chat.hears("…")
        assert "globals__}" in heard
        assert "49" not in heard
        began = time.monotonic()
        chat.say('!rule add slow regex warn "(a+)+$"', as_="mod", roles=MOD)
        await chat.hears("The rule slow holds now…")
        chat.say("a" * 4_900 + "!")
        await chat.hears_nothing()
        assert time.monotonic() - began < 10  # exponential time would take longer than the universe


async def test_8_nothing_private_is_fetched(tmp_path: Path) -> None:
    reached: list[object] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer)
        writer.close()

    async with (
        await asyncio.start_server(take, "127.0.0.1", free_port()) as inside,
        hosted(environ_of(tmp_path)) as bot,
        joined(bot) as chat,
    ):
        port = inside.sockets[0].getsockname()[1]
        for n, (url, why) in enumerate(
            (
                (f"http://127.0.0.1:{port}/", f"Port {port} is not allowed…"),
                ("http://127.0.0.1/", "…belongs to a private network…"),
                ("http://[::ffff:127.0.0.1]/", "…belongs to a private network…"),
                ("http://169.254.169.254/latest/meta-data", "…belongs to a private network…"),
                ("http://localhost/", "…belongs to a private network…"),
                ("http://2130706433/", "…unusual way…"),
                ("file:///etc/passwd", "Only http:// and https://…"),
            )
        ):
            chat.say(f"!command add !fetch{n} $(urlfetch {url})", as_="mod", roles=MOD)
            await chat.hears(f"Saved !fetch{n}.")
            chat.say(f"!fetch{n}")
            await chat.hears(why)
    assert reached == []


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


async def test_9_a_platform_is_connected_once_and_answered_once(tmp_path: Path, ngircd: IrcServer) -> None:
    environ = environ_of(tmp_path, IRC_URLS=ngircd.url("%23once", "oncebot", "rate=100"))
    async with irc_user(ngircd.port, "anna", "#once") as anna, launched(environ):
        await anna.meets("oncebot", "#once")
        with pytest.raises(RuntimeError, match=environ["HTTP_PORT"]):  # a second start by mistake
            await run("run", environ=environ)
        for n in range(3):
            anna.say("#once", "!help")
            await until(lambda count=n: len(anna.heard("oncebot", "#once")) > count)  # type: ignore[misc]  # a default is how a lambda keeps a loop's value
        assert len(anna.heard("oncebot", "#once")) == 3
        assert len([said for said in anna.lines if " JOIN " in said and not said.startswith(":anna!")]) == 1


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
