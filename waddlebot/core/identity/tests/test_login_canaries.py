"""No secret of signing in is ever in a log line, an answer it does not belong into, or the database."""

import asyncio
import logging
import re
import time
from pathlib import Path

import aiohttp
import pyotp
import pytest

from waddlebot.core.identity.tests.test_login_oauth import PLACE, away, come_back, connected
from waddlebot.libs.testing.openid_provider import CLIENT_ID, CLIENT_SECRET, opened_provider
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.signing import PASSWORD, Browser, opened_front

WRONG = "canary wrong pass phrase"
NEW = "canary new pass phrase"


async def test_secrets_stay_where_they_belong(
    tmp_path: Path, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets, answers = {PASSWORD, WRONG, NEW, CLIENT_SECRET}, []

    async def ask(browser: Browser, method: str, path: str, json: object = None) -> dict[str, str]:
        secrets.update(browser.cookies.values(), {browser.csrf} - {""})
        _, found = await browser.ask(method, path, json)
        secrets.update(browser.cookies.values())
        answers.append(str(found))
        return found or {}

    async with (
        opened_provider(free_port()) as provider,
        opened_front(
            sqlite_url, public_url=PLACE, oidc_issuer=provider.url, oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET, oidc_private=1,
        ) as front,
        aiohttp.ClientSession() as session,
    ):  # fmt: skip
        front.bench.now = time.time()
        user = await front.user()
        ann, thief = (Browser(session, front.url, Host="bot.example") for _ in range(2))
        credentials = {"email": "ann@example.org", "password": PASSWORD}
        await ask(ann, "POST", "/login", credentials)
        answers.pop()
        await ask(thief, "POST", "/login", credentials | {"password": WRONG})
        await ask(thief, "POST", "/login", credentials | {"email": WRONG + "@x.yz"})
        await ask(thief, "POST", "/login", {"password": WRONG})
        code = await front.reset_code(user)
        await ask(thief, "POST", "/password/reset", {"code": code, "password": "short"})
        await connected(ann)
        secrets.update(provider.tokens)
        phone = Browser(session, front.url, Host="bot.example")
        back = await away(phone)
        secrets.update(phone.cookies.values(), re.findall(r"code=([\w-]+)", back))
        provider.claims = {"nonce": "wrong"}
        assert (await come_back(phone, back))[0] == 502
        secrets.update(provider.tokens)
        offer = await ask(ann, "POST", "/totp")
        answers.pop()
        totp = pyotp.TOTP(offer["secret"]).at(int(front.bench.now))
        shown = await ask(ann, "POST", "/totp/confirm", {"code": totp})
        answers.pop()
        secrets.update({offer["secret"], *shown["codes"], code})
        secrets.update(one.replace("-", "") for one in shown["codes"])
        found = await ask(thief, "POST", "/login", credentials)
        answers.pop()
        secrets.add(found["ticket"])
        await ask(thief, "POST", "/login/code", {"ticket": found["ticket"], "code": totp})
        await ask(thief, "POST", "/login/code", {"ticket": found["ticket"], "code": shown["codes"][0]})
        answers.pop()
        await ask(ann, "POST", "/password", {"password": NEW})
        answers.pop()
        await ask(ann, "GET", "/sessions")
        await ask(ann, "POST", "/logout")
    kept = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.rglob("*.db*")))
    assert b"ann@example.org" in kept, "this is the database"
    log = "\n".join(
        one.getMessage() for one in caplog.records if one.name != "aiohttp.access"
    )  # the provider's own
    assert "AUTH" in log, "and this the log"
    everything = {"database": kept, "log": log.encode(), "answers": "\n".join(answers).encode()}
    leaks = [(where, one) for where, text in everything.items() for one in secrets if one.encode() in text]
    assert leaks == []
    assert len(secrets) > 25
