"""The link to somebody's data in a real browser: a page with a button, and a file that comes once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, expect

from tests import test_console_page
from waddlebot.core.identity.login.desk import EVERYBODY
from waddlebot.core.identity.login.tables import Ticket
from waddlebot.core.identity.mydata import LINK_S
from waddlebot.core.identity.store import EXPORTS, IdentityStore
from waddlebot.libs.sdk import Person
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.web.sessions import digest_of, new_token

browser = test_console_page.browser

PERSON = Person(("irc:net/ann",))


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[HostBot]:
    async with hosted(environ_of(tmp_path)) as running:
        yield running


async def test_the_button_downloads_the_file_once(bot: HostBot, browser: Browser) -> None:
    store = bot.host.dal.bind("core.identity", EVERYBODY)
    assert isinstance(store, IdentityStore)
    token, now = new_token(), bot.host.runners["core.identity"].services.now()
    ticket = Ticket(EXPORTS, "", msgspec.json.encode(PERSON).decode())
    await store.put_ticket(digest_of(token), ticket, now + LINK_S)
    link = f"{bot.url}/api/v1/core.identity/mydata/link/{token}"
    page = await (await browser.new_context()).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(link)
    async with page.expect_download() as coming:
        await page.get_by_role("button", name="Download").click()
    file = await coming.value
    assert file.suggested_filename == "my-data.json"
    assert json.loads((await file.path()).read_text())["accounts"] == list(PERSON.accounts)
    assert complaints == []
    await page.goto(link)
    await expect(page.locator("body")).to_contain_text("This link was used")
