"""Commands that ask a running bot, and what they know without one."""

import asyncio
import re
from pathlib import Path

import pytest

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.sdk import EVENT_VERSION, Event, Role
from waddlebot.libs.testing.bots import Bot, environ_of, launched, logged
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.twitch_irc import twitch_irc
from waddlebot.libs.web.operator import OperatorTokens
from waddlebot.runtime.environment import load
from waddlebot.runtime.installation import opened


async def test_piped_lines_are_answered(call: Call, lone_environ: Environ) -> None:
    async with launched(lone_environ):
        told = call(lone_environ, "chat", stdin="!commands\n!rank show\nnothing to answer\n")
        assert told.returncode == 0, told.stderr
        assert "!help" in told.stdout
        assert "console is: owner" in told.stdout
        # What was said before is not answered again, and another name is another person.
        guest = call(lone_environ, "chat", "--name", "Guest", stdin="!rank show\n")
        assert guest.stdout == "Guest is: viewer.\n"
        refused = call(lone_environ, "chat", "--name", "no name", stdin="!help\n")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "A name has at most" in refused.stderr


def test_without_a_bot_chat_says_how_to_start_one(call: Call, lone_environ: Environ) -> None:
    assert call(lone_environ, "key", "list").returncode == 0
    for environ in (
        lone_environ,
        {**lone_environ, "WADDLEBOT_DATA_DIR": lone_environ["WADDLEBOT_DATA_DIR"] + "2"},
    ):
        told = call(environ, "chat", stdin="!help\n")
        assert (told.returncode, told.stdout) == (2, "")
        assert "waddlebot run" in told.stderr


async def test_an_event_is_explained_stage_by_stage(call: Call, environ: Environ) -> None:
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        answered = await chat.say("!help help")
        await chat.hears("Usage: !help…")
        plain = await chat.say("just talking")
        refused = await chat.say("!admin")
        chat.unheard.clear()

        told = call(environ, "explain", answered.event_id, "--community", "lab")
        assert told.returncode == 0, told.stderr
        assert re.search(r"✓ match\n", told.stdout)
        assert "answered help of processing.router" in told.stdout
        assert "✗ match" in call(environ, "explain", plain.event_id, "--community", "lab").stdout
        told = call(environ, "explain", refused.event_id, "--community", "lab")
        assert "✗ permit" in told.stdout
        everywhere = call(environ, "explain", answered.event_id)
        assert f"test:net:{chat.channel} in lab" in everywhere.stdout

        for arguments in (
            (answered.event_id, "--community", "home"),
            ("nothing",),
            ("a b/c?d%e", "--community", "lab"),
        ):
            unknown = call(environ, "explain", *arguments)
            assert unknown.returncode == 1
            assert "Nothing is known" in unknown.stderr


async def test_events_are_found_whatever_their_ids(call: Call, environ: Environ) -> None:
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        for event_id in ("a b/c//d?e=%2F&f#g", "/etc/passwd", "..", "ünïcode 🦆", "console-1"):
            outcome = await chat.say("!help help", id=event_id)
            await chat.hears("Usage: !help…")
            assert outcome.event_id == event_id
            told = call(environ, "explain", "--", event_id)
            assert told.returncode == 0, told.stderr
            assert "answered help of processing.router" in told.stdout
            chat.say(f'!why "{event_id}"', as_="mod", roles=("moderator",))
            await chat.hears(f"The command help was answered. [{event_id}]")


async def test_without_a_bot_failures_are_explained(call: Call, upgraded: Environ) -> None:
    from waddlebot.libs.contracts.router import Step, Trace
    from waddlebot.processing.router.store import RouterStore

    trace = Trace(
        "e1", "key:x", "home", "irc:net:#room", "irc:ann", "ann", "chat.message", 1e9, "failed", "it broke", "so",
        "interactive.shoutout", (Step("match", "passed"), Step("execute", "it broke")),
    )  # fmt: skip
    async with opened(load(upgraded)) as found:
        from waddlebot.libs.dal import Community

        store = found.dal.bind("processing.router", Community("home"))
        assert isinstance(store, RouterStore)
        await store.keep_failures([trace])
    told = call(upgraded, "explain", "e1")
    assert told.returncode == 0, told.stderr
    assert "✗ execute: it broke" in told.stdout
    assert "only failures are known" in told.stderr
    assert call(upgraded, "explain", "e1", "--community", "home").stdout == told.stdout
    assert call(upgraded, "explain", "e1", "--community", "lab").returncode == 1


async def test_dead_letters_are_replayed_by_a_running_bot(call: Call, environ: Environ) -> None:
    """A letter that an operator puts back is processed within seconds, and its reply is the stored result."""
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        seen = await chat.say("!nothing")
        assert seen.status == "ignored"
        source = await source_of(environ, bot)
        await bury(environ, event("e-dead", source, chat.channel), event("e-drop", source, chat.channel))
        listed = call(environ, "dlq", "list").stdout
        assert "it broke" in listed
        numbers = [row.split()[0] for row in listed.splitlines() if "dead letter" in row]
        assert len(numbers) == 2

        assert call(environ, "dlq", "replay").returncode == 2
        assert call(environ, "dlq", "replay", "777").returncode == 1
        assert call(environ, "dlq", "drop", numbers[0]).stdout == "1 dropped.\n"
        assert call(environ, "dlq", "replay", numbers[1]).stdout == "1 dead letters are in the inbox again.\n"
        await chat_knows(call, environ, "e-dead")
        assert call(environ, "explain", "e-drop", "--community", "lab").returncode == 1
        empty = call(environ, "dlq", "list")
        assert (empty.stdout, "no dead letters" in empty.stderr) == ("", True)
        assert call(environ, "dlq", "replay", "--all").stdout == "0 dead letters are in the inbox again.\n"


async def chat_knows(call: Call, environ: Environ, event_id: str) -> None:
    """Wait until the bot has answered an event."""
    for _ in range(50):
        told = call(environ, "explain", event_id, "--community", "lab")
        if "answered help" in told.stdout:
            return
    raise AssertionError(told.stdout + told.stderr)


async def source_of(environ: Environ, bot: Bot) -> str:
    """A source that events can come from: a key of its own."""
    await bot.key("replayed", Role.TRIGGER, community="lab")
    async with opened(load(environ)) as found:
        return next(f"key:{key.id}" for key in await found.keys.list_keys("lab") if key.name == "replayed")


def event(id_: str, source: str, channel: str) -> Event:
    return Event(
        EVENT_VERSION, id_, "chat.message", "test", "net", channel, "ann", "ann", "Ann", (), "!help help",
        1e9, 1e9, "lab", source,
    )  # fmt: skip


async def bury(environ: Environ, *events: Event) -> None:
    async with opened(load(environ)) as found:
        for one in events:
            await found.delivery.bury(one, "it broke", 5)


def test_modules_and_variables_are_listed(call: Call, lone_environ: Environ) -> None:
    listed = call(lone_environ, "modules").stdout
    assert re.search(r"core\.community +core +8054 +\d+ +[1-9]\d* +on", listed)
    assert re.search(r"poller\.irc .* off: set IRC_URLS", listed)
    secret = "ircs://nick:hunter2@irc.example.org/%23a"
    on = {**lone_environ, "IRC_URLS": secret, "LOG_LEVEL": "DEBUG"}
    assert re.search(r"poller\.irc .* on ", call(on, "modules").stdout)
    variables = call(on, "modules", "--env").stdout
    for name in (
        "WADDLEBOT_DATA_DIR",
        "HTTP_HOST",
        "HTTP_PORT",
        "LOG_DIR",
        "LOG_LEVEL",
        "DATABASE_URL",
        "IRC_URLS",
    ):
        assert re.search(rf"^{name} ", variables, re.MULTILINE), name
    assert "hunter2" not in variables
    assert re.search(r"^IRC_URLS .* set *$", variables, re.MULTILINE)
    assert re.search(r"^LOG_LEVEL .* DEBUG *$", variables, re.MULTILINE)


async def test_the_doctor_finds_a_healthy_bot_healthy(call: Call, environ: Environ) -> None:
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        told = call(environ, "doctor", "--offline")
        assert told.returncode == 0, told.stdout
        assert f"The bot runs and answers at {bot.url}" in told.stdout
        assert re.search(r"In all communities since its start: \d+ answered\.", told.stdout)
        assert "✗" not in told.stdout
        await chat.say("hello")
        told = call(environ, "doctor", "--offline")
        assert re.search(r"In all communities since its start: .*1 ignored\.", told.stdout)
    told = call(environ, "doctor", "--offline")
    assert "the bot does not run" in told.stdout


async def test_the_doctor_asks_the_bot_which_logins_are_refused(call: Call, lone_environ: Environ) -> None:
    gone = free_port()
    async with twitch_irc({"bot": "secret"}, suspended=("closed",)) as twitch:
        environ = {
            **lone_environ,
            "IRC_URLS": f"irc://bot@127.0.0.1:{gone}/%23a?name=gone",
            "TWITCH_CHANNELS": "open,closed",
            "TWITCH_BOT_LOGIN": "bot",
            "TWITCH_BOT_TOKEN": "wrong!",
            "TWITCH_IRC_URL": twitch.url,
        }
        asleep = call(environ, "doctor", "--offline")
        assert asleep.returncode == 0, asleep.stdout
        assert "! receiver.twitch: Whether its login is accepted only a running bot knows" in asleep.stdout
        async with launched(environ) as bot:
            await logged(bot, "refuses the login")
            await logged(bot, "cannot connect to")
            # From a shell that knows nothing of the bot's variables.
            told = await asyncio.to_thread(call, lone_environ, "doctor", "--offline")
        assert told.returncode == 1
        assert "✗ receiver.twitch: twitch refuses the login: Login authentication failed. Get a new" in told.stdout
        assert "set TWITCH_BOT_LOGIN and TWITCH_BOT_TOKEN. The bot does not try again" in told.stdout
        assert re.search(rf"✗ poller\.irc: cannot connect .*:{gone}: .*tr(ies|ying) again", told.stdout)

        async with launched({**environ, "TWITCH_BOT_TOKEN": "secret", "IRC_URLS": ""}) as bot:
            await logged(bot, "suspended")
            told = await asyncio.to_thread(call, environ, "doctor", "--offline")
        assert told.returncode == 1
        assert "✓ receiver.twitch: In 1 of 2 channels of twitch as bot." in told.stdout
        assert re.search(r"✗ receiver\.twitch: The bot is not in #closed of twitch: .*suspended", told.stdout)
        assert "poller.irc: In" not in told.stdout
        assert "Nobody reads" not in told.stdout

        many = ",".join(f"room{number}" for number in range(103))
        async with launched(
            {**environ, "TWITCH_BOT_TOKEN": "secret", "IRC_URLS": "", "TWITCH_CHANNELS": many}
        ) as bot:
            await logged(bot, "receiver.twitch")
            told = await asyncio.to_thread(call, environ, "doctor", "--offline")
        unread = "twitch::room100, twitch::room101, twitch::room102"
        assert f"✗ receiver.twitch: Nobody reads 3 channels ({unread})" in told.stdout


def test_the_doctor_changes_nothing(call: Call, lone_environ: Environ) -> None:
    told = call(lone_environ, "doctor", "--offline")
    assert told.returncode == 0, told.stdout
    assert not Path(lone_environ["WADDLEBOT_DATA_DIR"]).exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"IRC_URLS": "irc://nick:hunter2@irc.example.org/%23a"}, "irc.example.org"),
        ({"IRC_URLS": "ircs://nick@irc.example.org/?sasl=external&cert=/no/where"}, "(/no/where)"),
        ({"TWITCH_CHANNELS": "a,b", "TWITCH_BOT_LOGIN": "bot"}, "TWITCH_BOT_TOKEN"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "database"),
        ({"HTTP_PORT": "99999"}, "HTTP_PORT is at most 65535"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is one of"),
        ({"WADDLEBOT_DATA_DIR": "/proc/nowhere"}, "set WADDLEBOT_DATA_DIR"),
    ],
)
def test_the_doctor_names_what_is_wrong(call: Call, tmp_path: Path, variables: dict[str, str], words: str) -> None:
    told = call({**environ_of(tmp_path / "data"), **variables}, "doctor", "--offline")
    assert told.returncode == 1, told.stdout
    wrong = [line for line in told.stdout.splitlines() if line.startswith("✗")]
    assert any(words in line for line in wrong), told.stdout
    assert "hunter2" not in told.stdout


def test_the_doctor_sees_a_lost_secret(call: Call, lone_environ: Environ) -> None:
    assert call(lone_environ, "key", "list").returncode == 0
    path = Path(lone_environ["WADDLEBOT_DATA_DIR"]) / "secret.key"
    path.write_text("torn", encoding="utf-8")
    told = call(lone_environ, "doctor", "--offline")
    assert told.returncode == 1
    assert "cannot be read" in told.stdout


async def test_an_operators_token_is_no_key_of_another_installation(lone_environ: Environ) -> None:
    import aiohttp

    async with launched(lone_environ) as bot, aiohttp.ClientSession() as session:
        forged = OperatorTokens(b"another installation's secret").make(Role.ADMIN, "home")
        url = f"{bot.url}/api/v1/processing.router/metrics"
        async with session.get(url, headers={"X-API-Key": forged}) as answer:
            assert answer.status == 401
