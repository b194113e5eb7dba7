"""``waddlebot user``, on both engines, beside a bot that people sign in to."""

import aiohttp

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.testing.bots import hosted
from waddlebot.libs.testing.signing import PASSWORD, Browser

ANN = "ann@example.org"


async def test_an_operator_adds_disables_and_removes_who_signs_in(call: Call, upgraded: Environ) -> None:
    made = call(upgraded, "user", "add", "Ann@Example.org", "--admin")
    assert made.returncode == 0, made.stderr
    code = made.stdout.removesuffix("\n")
    assert (len(code), made.stdout.count("\n")) == (43, 1)
    assert "48 hours" in made.stderr
    again = call(upgraded, "user", "add", ANN)
    assert (again.returncode, "already" in again.stderr) == (1, True)
    async with hosted(upgraded) as bot, aiohttp.ClientSession() as session:
        browser = Browser(session, bot.url)
        assert (await browser.login())[0] == 401, "no password opens before one is set"
        body = {"code": code, "password": PASSWORD}
        assert (await browser.ask("POST", "/password/reset", body))[0] == 204
        assert (await browser.login())[0] == 200
        _, me = await browser.ask("GET", "/session")
        assert me["roles"] == ["admin"]
        listed = call(upgraded, "user", "list").stdout
        assert all(word in listed for word in (ANN, "admin", "active"))
        assert "127.0.0.1" in call(upgraded, "user", "sessions", ANN).stdout
        assert "Ended: 1" in call(upgraded, "user", "sessions", ANN, "--end").stdout
        assert (await browser.ask("GET", "/session"))[0] == 401
        await browser.login()
        assert "no longer" in call(upgraded, "user", "disable", ANN).stdout
        assert "already" in call(upgraded, "user", "disable", me["user"]).stdout, "by the id, too"
        assert (await browser.ask("GET", "/session"))[0] == (await browser.login())[0] == 401
        assert call(upgraded, "user", "enable", ANN).returncode == 0
        code = call(upgraded, "user", "reset", ANN, "--factors").stdout.strip()
        body = {"code": code, "password": "quite another pass phrase"}
        assert (await browser.ask("POST", "/password/reset", body))[0] == 204
        assert (await browser.login(ANN, body["password"]))[0] == 200
        assert call(upgraded, "user", "remove", ANN).returncode == 0
        assert (await browser.ask("GET", "/session"))[0] == 401
    assert "no user" in call(upgraded, "user", "list").stderr


def test_who_is_unknown_is_named(call: Call, lone_environ: Environ) -> None:
    for word in ("disable", "enable", "reset", "sessions", "remove"):
        asked = call(lone_environ, "user", word, "nobody@example.org")
        assert (asked.returncode, "no user nobody@example.org" in asked.stderr) == (1, True)
    assert call(lone_environ, "user", "add", "ann").returncode == 2
