"""Signing in with a passkey in a real browser, whose authenticator is a virtual one (WebAuthn's CDP domain)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page

from tests import test_console_page
from waddlebot.core.identity.login.desk import EVERYBODY
from waddlebot.core.identity.login.sign_in import RESET, RESET_S
from waddlebot.core.identity.login.tables import Ticket
from waddlebot.core.identity.store import IdentityStore
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.signing import PASSWORD
from waddlebot.libs.web.sessions import digest_of, new_token

browser = test_console_page.browser

EMAIL = "ann@example.org"
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
_SCRIPT = """
async ([path, body, csrf]) => {
    const method = body === undefined || body === null ? "GET" : "POST";
    const answer = await fetch("/api/v1/core.identity" + path, {
        method,
        headers: {"Content-Type": "application/json", "X-CSRF-Token": csrf},
        body: method === "GET" ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return [answer.status, text ? JSON.parse(text) : null];
}
"""
_CREATE = """
async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({publicKey})).toJSON();
}
"""
_GET = """
async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    try {
        return (await navigator.credentials.get({publicKey})).toJSON();
    } catch (error) {
        return {refused: error.name};
    }
}
"""


class Visit:
    """A page of the bot in a browser, and the device that holds its passkeys."""

    def __init__(self, page: Page, device: CDPSession, device_id: str) -> None:
        self.page = page
        self._device = device
        self._id = device_id
        self.csrf = ""

    async def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """What a route of core.identity answers to the page's script."""
        status, found = await self.page.evaluate(_SCRIPT, [path, body, self.csrf])
        if isinstance(found, dict) and found.get("csrf"):
            self.csrf = found["csrf"]
        return status, found

    async def shows(self) -> dict[str, Any]:
        """A passkey, or how the browser refused, for a new challenge of signing in."""
        status, challenge = await self.ask("/login/passkey/options", {})
        assert status == 200, challenge
        credential = await self.page.evaluate(_GET, challenge["options"])
        return {"ticket": challenge["ticket"], "credential": credential}

    async def device(self, command: str, **parameters: Any) -> Any:
        """Do something to the device."""
        return await self._device.send(f"WebAuthn.{command}", {"authenticatorId": self._id, **parameters})


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[HostBot]:
    environ = environ_of(tmp_path)
    async with hosted(environ | {"HTTP_PUBLIC_URL": f"http://localhost:{environ['HTTP_PORT']}"}) as running:
        yield running


@pytest.fixture
async def visit(bot: HostBot, browser: Browser) -> AsyncIterator[Visit]:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"http://localhost:{bot.url.rpartition(':')[2]}/api/docs")
    device = await context.new_cdp_session(page)
    await device.send("WebAuthn.enable")
    made = await device.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    yield Visit(page, device, made["authenticatorId"])
    await context.close()


async def with_password(bot: HostBot, visit: Visit) -> None:
    """Somebody whom the operator added sets a password and signs in with it."""
    store = bot.host.dal.bind("core.identity", EVERYBODY)
    assert isinstance(store, IdentityStore)
    await store.add_user("u1", EMAIL, (), 0.0)
    code = new_token()
    ticket = Ticket(RESET, "u1", "")
    await store.put_ticket(digest_of(code), ticket, bot.host.runners["core.identity"].services.now() + RESET_S)
    assert (await visit.ask("/password/reset", {"code": code, "password": PASSWORD}))[0] == 204
    assert (await visit.ask("/login", {"email": EMAIL, "password": PASSWORD}))[1]["next"] == "done"


async def test_a_passkey_is_enrolled_and_signs_in_without_a_password(bot: HostBot, visit: Visit) -> None:
    await with_password(bot, visit)
    status, challenge = await visit.ask("/passkeys/options", {})
    assert (status, challenge["options"]["rp"]["id"]) == (200, "localhost")
    credential = await visit.page.evaluate(_CREATE, challenge["options"])
    enrolment = {"ticket": challenge["ticket"], "credential": credential, "name": "laptop"}
    status, made = await visit.ask("/passkeys", enrolment)
    assert (status, made["name"]) == (200, "laptop"), made
    assert (await visit.ask("/logout", {}))[0] == 204
    assert (await visit.ask("/session"))[0] == 401

    shown = await visit.shows()
    status, answer = await visit.ask("/login/passkey", shown)
    assert (status, answer["next"]) == (200, "done")
    _, me = await visit.ask("/session")
    assert (me["email"], me["passkeys"]) == (EMAIL, 1)
    assert (await visit.ask("/login/passkey", shown))[0] in (400, 401), "a challenge is good once"
    cookies = await visit.page.context.cookies()
    assert [(one["httpOnly"], one["sameSite"]) for one in cookies] == [(True, "Lax")]

    await visit.ask("/logout", {})
    await visit.device("setUserVerified", isUserVerified=False)
    assert (await visit.shows())["credential"] == {"refused": "NotAllowedError"}, "the device must verify its user"
    await visit.device("setUserVerified", isUserVerified=True)
    await visit.device("clearCredentials")
    assert "refused" in (await visit.shows())["credential"]
    assert (await visit.ask("/session"))[0] == 401


async def test_a_passkey_of_another_name_of_the_bot_opens_nothing(bot: HostBot, visit: Visit) -> None:
    await with_password(bot, visit)
    await visit.page.goto(f"{bot.url}/api/docs")  # 127.0.0.1 is another origin than the one that is public
    status, challenge = await visit.ask("/login/passkey/options", {})
    assert status == 200
    shown = await visit.page.evaluate(_GET, challenge["options"])
    assert shown == {"refused": "SecurityError"}, "the browser itself keeps it from who only looks alike"
