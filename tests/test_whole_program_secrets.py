"""No secret of a whole run is anywhere it does not belong: every place that the run wrote to is searched for each.

The program runs as a process of its own, at its most talkative, with a collector of traces. What the environment
told it, and what people and programs were told or told it, is collected; then logs, traces, audit rows, backups,
the database, error answers and all other files of the run are searched.
"""

import asyncio
import base64
import contextlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pyotp

from waddlebot.libs.testing.bots import environ_of, launched, logged
from waddlebot.libs.testing.otlp import collecting
from waddlebot.libs.testing.signing import PASSWORD, Browser
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.web.keys import new_key

ENVIRONMENT = {
    "WADDLEBOT_SECRET": "c4ca" * 16,
    "METRICS_TOKEN": "c4nary-metrics-token",
    "CORE_IDENTITY_TWITCH_CLIENT_ID": "client",
    "CORE_IDENTITY_TWITCH_CLIENT_SECRET": "c4nary-twitch-client-secret",
    "CORE_IDENTITY_OIDC_ISSUER": "https://id.example.org",
    "CORE_IDENTITY_OIDC_CLIENT_ID": "client",
    "CORE_IDENTITY_OIDC_CLIENT_SECRET": "c4nary/oidc+client=secret",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=c4nary-collector",
    "LOG_LEVEL": "DEBUG",
}
WRONG = "c4nary wrong pass phrase"
NEW = "c4nary new pass phrase"


class Run:
    """The secrets of a run, and what it answered where none belongs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = {value for value in ENVIRONMENT.values() if value.startswith(("c4", "authorization"))}
        self.secrets |= {"c4nary-collector", PASSWORD, WRONG, NEW}
        self.texts: list[str] = []

    async def ask(self, browser: Browser, method: str, path: str, body: Any = None, *, tells: bool = False) -> Any:
        """Ask; only what ``tells`` may answer with a secret. Cookies are secrets, too."""
        _, found = await browser.ask(method, path, body)
        self.secrets.update(browser.cookies.values(), {browser.csrf} - {""})
        if not tells:
            self.texts.append(json.dumps(found))
        return found

    def leaks(self) -> list[str]:
        """Where which secret was found, as itself or as others write it."""
        places = {f"answer {number}": text.encode() for number, text in enumerate(self.texts)}
        places |= {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        forms = {
            one: {one, quote(one), quote(one, safe=""), json.dumps(one)[1:-1], _base64(one)}
            for one in self.secrets
        }
        return [
            f"{where}: {secret[:6]}…"
            for where, text in places.items()
            for secret, written in forms.items()
            if any(form.encode() in text for form in written)
        ]


def _base64(text: str) -> str:
    """As in a header of HTTP's basic authentication, but for the end, which depends on what follows."""
    return base64.b64encode(text.encode()).decode().rstrip("=")[:-1]


async def waddlebot(run: Run, environ: dict[str, str], *arguments: str, tells: bool = False) -> str:
    """What a command of the operator prints; only what ``tells`` may show a secret: that is then one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "waddlebot", *arguments,
        env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    shown, notes = (text.decode().strip() for text in await process.communicate())
    assert process.returncode == 0, notes
    run.texts.append(notes)
    if tells:
        run.secrets.add(shown)
    else:
        run.texts.append(shown)
    return shown


async def people(run: Run, browser: Browser, thief: Browser, code: str) -> None:
    """Ann sets a password and enrols an app; somebody else guesses."""
    await run.ask(thief, "POST", "/password/reset", {"code": code, "password": "short"})
    await run.ask(browser, "POST", "/password/reset", {"code": code, "password": PASSWORD})
    await run.ask(browser, "POST", "/login", {"email": "ann@example.org", "password": PASSWORD}, tells=True)
    offer = await run.ask(browser, "POST", "/totp", tells=True)
    app = pyotp.TOTP(offer["secret"])
    shown = await run.ask(browser, "POST", "/totp/confirm", {"code": app.now()}, tells=True)
    run.secrets |= {offer["secret"], *shown["codes"], *(one.replace("-", "") for one in shown["codes"])}
    run.secrets.add((await run.ask(browser, "POST", "/accounts/code", tells=True))["code"])
    begun = await run.ask(browser, "POST", "/login/oauth/twitch", {}, tells=True)
    run.secrets.update(part.partition("=")[2] for part in str(begun).split("&") if "state=" in part)
    for body in (
        {"email": "ann@example.org", "password": WRONG},
        {"email": WRONG, "password": 7},
        {"password": WRONG},
    ):
        await run.ask(thief, "POST", "/login", body)
    await run.ask(thief, "POST", "/login/code", {"ticket": WRONG, "code": shown["codes"][0]})
    await run.ask(browser, "POST", "/password", {"password": NEW}, tells=True)


async def programs(run: Run, browser: Browser, thief: Browser) -> None:
    """An owner makes and turns a key, programs use it, and wrong ones are tried."""
    made = await run.ask(browser, "POST", "/keys?community=home", {"name": "board", "role": "admin"}, tells=True)
    turned = await run.ask(browser, "POST", f"/keys/{made['made']['id']}/rotate?community=home", {}, tells=True)
    wrong = new_key()
    run.secrets |= {made["key"], turned["key"], wrong}
    for key in (made["key"], turned["key"], wrong, f"{wrong}x"):
        for method, path in (("GET", "/keys"), ("POST", "/api/v1/processing.router/rules"), ("GET", "/nothing")):
            await run.ask(thief, method, path, None)
            _, found = await thief.ask(method, path, None, **{"X-API-Key": key})
            run.texts.append(json.dumps(found))
            _, found = await thief.ask(method, f"{path}?api_key=1", None, Authorization=f"Bearer {key}")
            run.texts.append(json.dumps(found))


async def test_secrets_stay_where_they_belong(tmp_path: Path) -> None:
    run = Run(tmp_path)
    async with collecting() as collector:
        environ = environ_of(tmp_path / "data", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **ENVIRONMENT)
        environ["HTTP_PUBLIC_URL"] = f"http://localhost:{environ['HTTP_PORT']}"
        async with launched(environ) as bot, aiohttp.ClientSession() as session, joined(bot, "lab") as chat:
            run.secrets.add(chat.key)
            code = await waddlebot(run, environ, "user", "add", "ann@example.org", "--admin", tells=True)
            ann, thief = Browser(session, bot.url), Browser(session, bot.url)
            await people(run, ann, thief, code)
            await programs(run, ann, thief)
            for line in (f"!login {WRONG}", f"!verify {WRONG}", f"!mydata forget {WRONG}"):
                outcome = await chat.say(line)
                chat.unheard.clear()
            await waddlebot(run, environ, "key", "create", "cli", "--role", "user", tells=True)
            lists = (("key", "list"), ("user", "list"), ("undo",), ("dlq", "list"), ("backup",))
            more = (("explain", outcome.event_id), ("mydata", "export", "ann@example.org"))
            for command in lists + more:
                await waddlebot(run, environ, *command)
            shown = {"Authorization": f"Bearer {ENVIRONMENT['METRICS_TOKEN']}"}
            async with session.get(f"{bot.url}/metrics", headers=shown) as told:
                run.texts.append(await told.text())
            await collector.until("event chat.message", "handle core.identity")
            await logged(bot, "AUTHZ")
        run.texts.append(repr(collector.spans))
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "waddlebot.db")) as database:
        assert database.execute("select count(*) from web__api_key").fetchone()[0] >= 4, "this is the database"
    assert len(run.secrets) > 25
    assert await asyncio.to_thread(run.leaks) == []
    (tmp_path / "note").write_text(f"password={quote(NEW)}")
    assert len(await asyncio.to_thread(run.leaks)) == 1, "what leaks is found"
