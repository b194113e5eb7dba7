"""``waddlebot run`` as a process: how it starts, what it says, how it ends."""

import asyncio
import json
import os
import re
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.bots import ProcessBot, environ_of, launched, logged

_ENOUGH = 500
STARTED = r"WaddleBot is ready: (http://\S+) "


async def test_the_last_line_names_the_address(environ: Environ) -> None:
    async with launched(environ) as bot:
        found = await logged(bot, STARTED)
        assert found[1] == f"{bot.url}/"
        output = (Path(environ["WADDLEBOT_DATA_DIR"]) / "output.txt").read_text(encoding="utf-8")
        assert output.splitlines()[-1] == found.string[found.start() :].splitlines()[0]
        assert re.search(r"off +poller\.irc: set IRC_URLS", output)
        assert "token=" not in output
        async with aiohttp.ClientSession() as session, session.get(found[1]) as answer:
            assert answer.status == 200


async def test_beyond_this_machine_the_window_asks_for_the_printed_token(lone_environ: Environ) -> None:
    async with launched({**lone_environ, "HTTP_HOST": "0.0.0.0"}) as bot:
        link = await logged(bot, r"http://\S+/\?token=\S+")
        async with aiohttp.ClientSession() as session, session.get(link[0]) as answer:
            assert answer.status == 200
            assert answer.cookies


async def test_only_named_modules_run(lone_environ: Environ) -> None:
    async with launched(lone_environ, "core.community", "core.identity", "processing.router") as bot:
        async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/api/v1/openapi.json") as answer:
            tags = {tag["name"] for tag in (await answer.json())["tags"]}
        assert "processing.router" in tags
        assert "receiver.console" not in tags


async def test_all_but_some_modules_run(lone_environ: Environ) -> None:
    async with launched(lone_environ, "--without", "receiver.console", "--without", "poller.irc") as bot:
        async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/api/v1/openapi.json") as answer:
            tags = {tag["name"] for tag in (await answer.json())["tags"]}
        assert {"processing.router", "receiver.twitch"} <= tags
        assert not {"receiver.console", "poller.irc"} & tags


def test_a_module_to_leave_out_must_exist(call: Call, lone_environ: Environ) -> None:
    refused = call(lone_environ, "run", "--without", "core.nothing")
    assert refused.returncode == 2
    assert "There is no module core.nothing to leave out" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_in_order(lone_environ: Environ, number: signal.Signals) -> None:
    async with launched(lone_environ) as bot:
        await logged(bot, STARTED)
        signalled(bot, number)
        assert await asyncio.wait_for(bot.wait(), 15) == 0


async def test_what_was_accepted_before_a_stop_is_answered_after_it(environ: Environ) -> None:
    """SIGTERM under load: every event that got a 2xx has its result, if need be after the next start."""
    accepted: list[str] = []
    enough = asyncio.Event()
    bot = ProcessBot(environ)
    await bot.upgrade()
    await bot.start()
    key = await bot.key("load", Role.TRIGGER)
    events = f"{bot.url}/api/v1/processing.router/events"

    async def post(session: aiohttp.ClientSession, worker: int) -> None:
        for number in range(10_000):
            batch = [line(f"{worker}-{number}-{n}") for n in range(20)]
            try:
                async with session.post(events, json=batch, headers={"X-API-Key": key}) as answer:
                    if answer.status == 200:
                        accepted.extend(one["id"] for one in batch)
                        if len(accepted) >= _ENOUGH:
                            enough.set()
                    elif answer.status != 503:
                        raise AssertionError(await answer.text())
            except aiohttp.ClientError:
                return

    async with aiohttp.ClientSession() as session:
        workers = [asyncio.create_task(post(session, worker)) for worker in range(3)]
        await asyncio.wait_for(enough.wait(), 30)
        assert await bot.stop() == 0
        await asyncio.gather(*workers)

        await bot.start()
        try:
            for first in range(0, len(accepted), 100):
                batch = [line(id_) for id_ in accepted[first : first + 100]]
                async with session.post(f"{events}?wait=20", json=batch, headers={"X-API-Key": key}) as answer:
                    results = (await answer.json())["results"]
                assert {result["status"] for result in results} == {"answered"}
        finally:
            await bot.stop()


def line(id_: str) -> dict[str, str]:
    """A command of somebody new each time, so that no limit of one person is met."""
    return {
        "id": id_, "kind": "chat.message", "platform": "test", "server": "net", "channel": "#load",
        "user_id": id_, "text": "!help help",
    }  # fmt: skip


async def test_a_second_signal_ends_it_at_once(lone_environ: Environ) -> None:
    async with launched(lone_environ) as bot:
        host, port = bot.url.removeprefix("http://").split(":")
        # A request that never ends: the stop in order would wait for it.
        with socket.create_connection((host, int(port))) as request:
            request.sendall(b"POST /console/say HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            await logged(bot, STARTED)
            signalled(bot, signal.SIGTERM)
            await logged(bot, "once more ends it at once")
            signalled(bot, signal.SIGTERM)
            assert await asyncio.wait_for(bot.wait(), 15) == 128 + signal.SIGTERM


def signalled(bot: ProcessBot, number: signal.Signals) -> None:
    os.kill(bot.pid, number)


async def test_a_second_start_disturbs_nobody(call: Call, lone_environ: Environ) -> None:
    async with launched(lone_environ) as bot:
        refused = call(lone_environ, "run")
        assert refused.returncode == 2
        assert "set HTTP_PORT to a free one" in refused.stderr
        async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health/ready") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTTP_PORT", "eighty", "HTTP_PORT takes a whole number"),
        ("HTTP_HOST", "192.0.2.1", "set HTTP_HOST"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is one of"),
        ("DATABASE_URL", "oracle://x", "oracle"),
        ("IRC_URLS", "http://x", "IRC_URLS"),
        ("WADDLEBOT_DATA_DIR", "/dev/null/x", "/dev/null/x"),
    ],
)
def test_what_cannot_start_says_why_in_one_message(
    call: Call, tmp_path: Path, variable: str, value: str, words: str
) -> None:
    refused = call({**environ_of(tmp_path / "data"), variable: value}, "run")
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "ready" not in refused.stdout


def test_an_unknown_module_is_named_with_those_there_are(call: Call, lone_environ: Environ) -> None:
    refused = call(lone_environ, "run", "core.nothing")
    assert refused.returncode == 2
    assert "core.nothing" in refused.stderr
    assert "core.community" in refused.stderr


def test_all_that_is_wrong_is_told_at_once(lone_environ: Environ, call: Call) -> None:
    wrong = {"LOG_LEVEL": "LOUD", "HTTP_REQUESTS_MAX": "0", "METRICS_TOKEN": "short", "IRC_URLS": "http://x"}
    refused = call({**lone_environ} | wrong, "run")
    assert refused.returncode == 2
    for name in wrong:
        assert name in refused.stderr
    as_json = call({**lone_environ} | wrong | {"LOG_FORMAT": "json"}, "run")
    found = json.loads(as_json.stderr)["problems"]
    assert {problem["variable"] for problem in found} >= {"LOG_LEVEL", "HTTP_REQUESTS_MAX", "METRICS_TOKEN"}
    # A host without the poller does not care.
    alone = call({**lone_environ} | {"IRC_URLS": "http://x", "LOG_LEVEL": "LOUD"}, "run", "core.community")
    assert "IRC_URLS" not in alone.stderr


async def test_health_is_asked_of_the_running_bot(lone_environ: Environ, call: Call) -> None:
    before = await asyncio.to_thread(call, lone_environ, "health")
    assert (before.returncode, "Nobody answers" in before.stderr) == (1, True)
    environ = {**lone_environ, "WADDLEBOT_MODULES": "core.community core.identity", "LOG_FORMAT": "json"}
    async with launched(environ):
        ready = await asyncio.to_thread(call, environ, "health")
        assert ready.returncode == 0, ready.stderr
        assert "2 modules are at work" in ready.stdout
        assert (await asyncio.to_thread(call, environ, "health", "--live")).stdout == "live\n"
