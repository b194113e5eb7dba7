"""No secret of signing in is ever in a log line, an answer it does not belong into, or the database."""

import asyncio
import logging
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
import pytest

from waddlebot.core.identity.tests.test_login_oauth import PLACE, away, come_back, connected
from waddlebot.libs.testing.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, opened_provider
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.signing import PASSWORD, Browser, Front, opened_front

WRONG = "canary wrong pass phrase"
NEW = "canary new pass phrase"
CREDENTIALS = {"email": "ann@example.org", "password": PASSWORD}


class Canaries:
    """Every secret that was used, and what was answered where none belongs."""

    def __init__(self) -> None:
        self.secrets = {PASSWORD, WRONG, NEW, CLIENT_SECRET}
        self.answers: list[str] = []

    async def ask(
        self, browser: Browser, method: str, path: str, json: object = None, *, tells: bool = False
    ) -> dict[str, Any]:
        """Ask; only what ``tells`` may answer with a secret."""
        self.secrets.update(browser.cookies.values(), {browser.csrf} - {""})
        _, found = await browser.ask(method, path, json)
        self.secrets.update(browser.cookies.values())
        if not tells:
            self.answers.append(str(found))
        return found or {}


async def by_password(canaries: Canaries, front: Front, ann: Browser, thief: Browser) -> None:
    await canaries.ask(ann, "POST", "/login", CREDENTIALS, tells=True)
    await canaries.ask(thief, "POST", "/login", CREDENTIALS | {"password": WRONG})
    await canaries.ask(thief, "POST", "/login", CREDENTIALS | {"email": WRONG + "@x.yz"})
    await canaries.ask(thief, "POST", "/login", {"password": WRONG})
    user = await front.store.user_by_email(CREDENTIALS["email"])
    assert user is not None
    code = await front.reset_code(user.id)
    canaries.secrets.add(code)
    await canaries.ask(thief, "POST", "/password/reset", {"code": code, "password": "short"})


async def by_provider(canaries: Canaries, provider: OpenIdProvider, ann: Browser, phone: Browser) -> None:
    await connected(ann)
    back = await away(phone)
    canaries.secrets.update(phone.cookies.values(), re.findall(r"code=([\w-]+)", back))
    provider.claims = {"nonce": "wrong"}
    assert (await come_back(phone, back))[0] == 502
    canaries.secrets.update(provider.tokens)


async def by_codes(canaries: Canaries, front: Front, ann: Browser, thief: Browser) -> None:
    offer = await canaries.ask(ann, "POST", "/totp", tells=True)
    code = pyotp.TOTP(offer["secret"]).at(int(front.bench.now))
    shown = await canaries.ask(ann, "POST", "/totp/confirm", {"code": code}, tells=True)
    canaries.secrets |= {offer["secret"], *shown["codes"], *(one.replace("-", "") for one in shown["codes"])}
    ticket = (await canaries.ask(thief, "POST", "/login", CREDENTIALS, tells=True))["ticket"]
    canaries.secrets.add(ticket)
    await canaries.ask(thief, "POST", "/login/code", {"ticket": ticket, "code": code})
    recovery = {"ticket": ticket, "code": shown["codes"][0]}
    await canaries.ask(thief, "POST", "/login/code", recovery, tells=True)
    await canaries.ask(ann, "POST", "/password", {"password": NEW}, tells=True)
    await canaries.ask(ann, "GET", "/sessions")
    await canaries.ask(ann, "POST", "/logout")


async def test_secrets_stay_where_they_belong(
    tmp_path: Path, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    async with (
        opened_provider(free_port()) as provider,
        opened_front(
            sqlite_url, public_url=PLACE, oidc_issuer=provider.url, oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET, oidc_private=1,
        ) as front,
        aiohttp.ClientSession() as session,
    ):  # fmt: skip
        front.bench.now = time.time()
        await front.user()
        ann, thief, phone = (Browser(session, front.url, Host="bot.example") for _ in range(3))
        await by_password(canaries, front, ann, thief)
        await by_provider(canaries, provider, ann, phone)
        await by_codes(canaries, front, ann, thief)
    kept = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.rglob("*.db*")))
    assert b"ann@example.org" in kept, "this is the database"
    ours = (one for one in caplog.records if one.name != "aiohttp.access")  # the provider's own
    log = "\n".join(one.getMessage() for one in ours)
    assert "AUTH" in log, "and this the log"
    everything = {"database": kept, "log": log.encode(), "answers": "\n".join(canaries.answers).encode()}
    leaks = [
        (where, one) for where, text in everything.items() for one in canaries.secrets if one.encode() in text
    ]
    assert leaks == []
    assert len(canaries.secrets) > 30
