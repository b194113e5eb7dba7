"""``waddlebot key``, on both engines, beside a bot and without one."""

import time

import aiohttp
import pytest

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.testing.bots import launched
from waddlebot.libs.web.keys import is_well_formed


def test_a_key_is_printed_alone(call: Call, upgraded: Environ) -> None:
    made = call(upgraded, "key", "create", "alerts", "--role", "trigger")
    assert made.returncode == 0, made.stderr
    assert is_well_formed(made.stdout.removesuffix("\n"))
    assert made.stdout.count("\n") == 1
    assert "the community home" in made.stderr
    assert made.stdout.strip() not in call(upgraded, "key", "list").stdout


def test_keys_are_listed_and_revoked(call: Call, upgraded: Environ) -> None:
    assert call(upgraded, "key", "create", "a", "--role", "trigger", "--entity", "irc:net:#a").returncode == 0
    assert call(upgraded, "key", "create", "b", "--role", "admin", "--community", "lab").returncode == 0
    listed = call(upgraded, "key", "list").stdout
    assert "irc:net:#a" in listed
    assert "lab" in listed
    assert "irc:net:#a" not in call(upgraded, "key", "list", "--community", "lab").stdout
    revoked = call(upgraded, "key", "revoke", "a")
    assert (revoked.returncode, "irc:net:#a" in revoked.stdout) == (0, True)
    assert "irc:net:#a" not in call(upgraded, "key", "list").stdout
    assert "revoked" in call(upgraded, "key", "list", "--all").stdout
    again = call(upgraded, "key", "revoke", "a")
    assert (again.returncode, again.stdout) == (1, "")


def test_a_key_has_scopes(call: Call, upgraded: Environ) -> None:
    scopes = ("--scope", "core.analytics:read", "--scope", "core.labels")
    assert call(upgraded, "key", "create", "board", "--role", "user", *scopes).returncode == 0
    listed = "".join(call(upgraded, "key", "list").stdout.split())
    assert "core.analytics:read" in listed
    told = call(upgraded, "key", "create", "x", "--role", "user", "--scope", "core.gone")
    assert (told.returncode, "There is no module 'core.gone'" in told.stderr) == (2, True)


def test_a_key_of_the_installation_is_bound_to_nothing(call: Call, upgraded: Environ) -> None:
    made = call(upgraded, "key", "create", "modules", "--role", "action", "--installation")
    assert (made.returncode, "bound to the whole installation" in " ".join(made.stderr.split())) == (0, True)
    assert "the installation" in call(upgraded, "key", "list").stdout


def test_a_name_of_two_keys_is_not_guessed(call: Call, upgraded: Environ) -> None:
    for community in ("home", "lab"):
        assert call(upgraded, "key", "create", "a", "--role", "user", "--community", community).returncode == 0
    refused = call(upgraded, "key", "revoke", "a")
    assert refused.returncode == 1
    assert "Several keys" in refused.stderr
    assert call(upgraded, "key", "revoke", "a", "--community", "lab").returncode == 0
    assert call(upgraded, "key", "revoke", "a").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((" ", "--role", "user"), 2, "1 to 100 printable"),
        (("x", "--role", "user", "--community", "a", "--entity", "b:c:d"), 2, "not to both"),
        (("x", "--role", "user", "--entity", "nowhere"), 2, "platform:server:channel"),
        (("x", "--role", "admin", "--installation"), 2, "role action"),
        (("x", "--role", "action", "--installation", "--community", "lab"), 2, "no community or entity"),
        (("x", "--role", "user", "--expires", "soon"), 2, "write 12h, 90d"),
    ],
)
def test_what_makes_no_key_is_told(
    call: Call, lone_environ: Environ, arguments: tuple[str, ...], code: int, words: str
) -> None:
    refused = call(lone_environ, "key", "create", *arguments)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert words in refused.stderr


def test_a_taken_name_is_told(call: Call, upgraded: Environ) -> None:
    assert call(upgraded, "key", "create", "taken", "--role", "user").returncode == 0
    refused = call(upgraded, "key", "create", "taken", "--role", "user")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is a key 'taken' there already" in refused.stderr


def test_a_key_ends_when_it_was_told_to(call: Call, upgraded: Environ) -> None:
    assert call(upgraded, "key", "create", "short", "--role", "user", "--expires", "1s").returncode == 0
    until = time.monotonic() + 20
    while "short" in call(upgraded, "key", "list").stdout:
        assert time.monotonic() < until
    assert "expired" in call(upgraded, "key", "list", "--all").stdout


def test_a_key_is_rotated(call: Call, upgraded: Environ) -> None:
    first = call(upgraded, "key", "create", "bot", "--role", "user").stdout.strip()
    turned = call(upgraded, "key", "rotate", "bot")
    assert turned.returncode == 0, turned.stderr
    assert is_well_formed(turned.stdout.removesuffix("\n"))
    assert turned.stdout.strip() != first
    assert "opens for 24h more" in " ".join(turned.stderr.split())
    assert call(upgraded, "key", "list").stdout.count("replaced, until") == 1
    both = call(upgraded, "key", "revoke", "bot")
    assert (both.returncode, both.stderr.count("home"), both.stderr.count("replaced")) == (1, 2, 1)
    again = call(upgraded, "key", "rotate", "bot", "--grace", "0s")
    assert again.returncode == 0, "the living one, not the replaced one"
    assert "opens nothing any more" in " ".join(again.stderr.split())


def test_what_cannot_be_rotated_is_told(call: Call, upgraded: Environ) -> None:
    nobody = call(upgraded, "key", "rotate", "nobody")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "There is no living key 'nobody'" in nobody.stderr
    odd = call(upgraded, "key", "rotate", "nobody", "--grace", "soon")
    assert (odd.returncode, "write 12h, 90d" in odd.stderr) == (2, True)


def test_on_a_file_the_schema_is_made_when_missing(call: Call, lone_environ: Environ) -> None:
    assert call(lone_environ, "key", "create", "first", "--role", "user").returncode == 0
    assert "first" in call(lone_environ, "key", "list").stdout


async def test_a_running_bot_knows_a_key_at_once(call: Call, environ: Environ) -> None:
    async with launched(environ) as bot, aiohttp.ClientSession() as session:
        url = f"{bot.url}/api/v1/processing.router/metrics"

        async def status(key: str) -> int:
            async with session.get(url, headers={"X-API-Key": key}) as answer:
                return answer.status

        assert await status("wbk_" + "0" * 49) == 401
        key = call(environ, "key", "create", "now", "--role", "user").stdout.strip()
        assert await status(key) == 200
        assert call(environ, "key", "revoke", "now").returncode == 0
        until = time.monotonic() + 20
        while await status(key) == 200:
            assert time.monotonic() < until
