"""The console's page and the API's page in a real browser, on a real host with every module."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from waddlebot.libs.contracts.console import access_token
from waddlebot.libs.sdk import Reply, Send
from waddlebot.libs.testing.ports import free_port
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.host import Host

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@dataclasses.dataclass
class Running:
    """A host that can be stopped and started again on the same data and port."""

    data: Path
    port: int
    host: Host

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start a host on the data."""
        environment = Environment(data_dir=str(self.data), wire_check=1)
        self.host = Host(environment, {"HTTP_PORT": str(self.port)})
        await self.host.start()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    found = Running(tmp_path, free_port(), Host.__new__(Host))
    await found.start()
    yield found
    await found.host.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        await browser.close()


class Watched:
    """A page, with what it asked for and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._asks)
        page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asks(self, request: Request) -> None:
        self.asked.append(request.url)

    async def say(self, text: str, name: str = "") -> None:
        """Type a line and send it with the keyboard."""
        if name:
            await self.page.get_by_label("Speak as").fill(name)
        await self.page.get_by_label("Message").fill(text)
        await self.page.get_by_label("Message").press("Enter")

    def entry(self, text: str, kind: str = "") -> Any:
        """The lines that hold a text."""
        return self.page.locator(f"#lines li{kind}", has_text=text)


@contextlib.asynccontextmanager
async def visiting(browser: Browser, url: str, **options: Any) -> AsyncIterator[tuple[BrowserContext, Watched]]:
    """A browser profile of its own with a page at the URL."""
    context = await browser.new_context(**options)
    watched = Watched(await context.new_page())
    await watched.page.goto(url)
    yield context, watched
    await context.close()


async def test_a_newcomer_tries_what_is_suggested_and_gets_answers(running: Running, browser: Browser) -> None:
    async with visiting(browser, running.url) as (_, watched):
        page = watched.page
        await expect(page.get_by_role("status")).to_have_text("connected")
        await page.get_by_role("button", name="!help", exact=True).click()
        await expect(watched.entry("!help", ".chat")).to_contain_text("owner")
        await expect(watched.entry("!help", ".bot")).to_contain_text("WaddleBot")
        await watched.say("!stats", name="Ada")
        said = watched.entry("!stats", ".chat")
        await expect(said).to_contain_text("Ada")
        await expect(said.locator(".tag")).to_have_count(0)
        await expect(page.locator("#lines li.bot")).to_have_count(2)
        await page.get_by_role("button", name="Hide these suggestions").click()
        await expect(page.locator("#hints")).to_be_hidden()
        await page.reload()
        await expect(page.locator("#lines li.bot")).to_have_count(2)
        await expect(page.locator("#hints")).to_be_hidden()
        assert watched.complaints == []
        assert {url.split("/")[2] for url in watched.asked if not url.startswith("data:")} == {
            f"127.0.0.1:{running.port}"
        }


async def test_what_is_said_is_text_and_nothing_else(running: Running, browser: Browser) -> None:
    async with visiting(browser, running.url) as (_, watched):
        evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
        await watched.say(evil)
        await expect(watched.page.locator("#lines .said")).to_have_text(evil)
        assert await watched.page.title() == "WaddleBot"
        assert await watched.page.locator("#lines img").count() == 0
        # Even a script that got into the page would not run.
        await watched.page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))"
        )
        assert await watched.page.title() == "WaddleBot"
        assert any("Content Security Policy" in complaint for complaint in watched.complaints)


async def test_it_works_by_keyboard_and_is_read_aloud(running: Running, browser: Browser) -> None:
    async with visiting(browser, running.url) as (_, watched):
        page = watched.page
        await expect(page.get_by_label("Message")).to_be_focused()
        await page.keyboard.type("first")
        await page.keyboard.press("Enter")
        await expect(watched.entry("first")).to_be_visible()
        await expect(page.get_by_label("Message")).to_have_value("")
        await page.keyboard.press("ArrowUp")
        await expect(page.get_by_label("Message")).to_have_value("first")
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_label("Message")).to_have_value("")
        log = page.get_by_role("log", name="Chat")
        await expect(log).to_have_attribute("aria-live", "polite")
        for role, name in (
            ("textbox", "Message"),
            ("combobox", "Speak as"),
            ("button", "Send"),
            ("heading", "WaddleBot"),
        ):
            await expect(page.get_by_role(role, name=name, exact=True)).to_be_visible()  # type: ignore[arg-type]  # a table of roles


async def test_a_mistake_is_said_and_the_text_is_not_lost(running: Running, browser: Browser) -> None:
    async with visiting(browser, running.url) as (_, watched):
        await watched.say("hello", name="not a name")
        await expect(watched.page.get_by_role("alert")).to_contain_text("letters, digits")
        await expect(watched.page.get_by_label("Message")).to_have_value("hello")
        await watched.say("hello", name="Ada")
        await expect(watched.page.get_by_role("alert")).to_be_hidden()
        await expect(watched.entry("hello")).to_have_count(1)


async def test_a_private_reply_says_who_sees_it(running: Running, browser: Browser) -> None:
    async with visiting(browser, running.url) as (_, watched):
        reply = Reply("your code is 1234", private=True)
        send = Send("k:0", "home", "console", "local", "main", reply, "", "console:guest:ada", "Ada")
        await expect(watched.page.get_by_role("status")).to_have_text("connected")
        running.host.shared.send([send])
        await expect(watched.entry("your code is 1234", ".private")).to_contain_text("only Ada sees this")


async def test_it_comes_back_by_itself(running: Running, browser: Browser) -> None:
    async with visiting(browser, running.url) as (_, watched):
        await watched.say("before")
        await expect(watched.entry("before")).to_be_visible()
        await running.host.stop()
        await expect(watched.page.get_by_role("status")).to_have_text("connecting again …")
        await watched.say("lost?")
        await expect(watched.page.get_by_role("alert")).to_contain_text("cannot be reached")
        await expect(watched.page.get_by_label("Message")).to_have_value("lost?")
        await running.start()
        await expect(watched.page.get_by_role("status")).to_have_text("connected", timeout=30_000)
        await watched.page.get_by_label("Message").press("Enter")
        await expect(watched.entry("lost?")).to_be_visible()
        await expect(watched.entry("started again")).to_be_visible()


async def test_from_elsewhere_it_asks_for_the_token(running: Running, browser: Browser) -> None:
    token = access_token(running.host.shared.secret.derive("receiver.console/access"))
    far = {"X-Forwarded-For": "192.0.2.1"}
    async with visiting(browser, running.url, extra_http_headers=far) as (context, watched):
        page = watched.page
        await page.get_by_label("Token").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("not the console's token")
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await watched.say("inside")
        await expect(watched.entry("inside")).to_be_visible()
        (cookie,) = await context.cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
    async with visiting(browser, f"{running.url}/?token={token}", extra_http_headers=far) as (_, watched):
        await expect(watched.page.get_by_label("Message")).to_be_visible()
        assert watched.page.url == f"{running.url}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_by_day_and_by_night(running: Running, browser: Browser, scheme: str) -> None:
    size = {"width": 360, "height": 640}
    async with visiting(browser, running.url, viewport=size, color_scheme=scheme) as (_, watched):
        await watched.say("a" * 300)
        await expect(watched.entry("aaa")).to_be_visible()
        wide = await watched.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360
        dark = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((part) => part < 60)"
        assert await watched.page.evaluate(dark) is (scheme == "dark")
        send = await watched.page.get_by_role("button", name="Send").bounding_box()
        assert send is not None
        assert send["y"] + send["height"] <= 640


async def test_the_api_is_drawn_from_the_manifests(running: Running, browser: Browser) -> None:
    async with visiting(browser, f"{running.url}/api/docs") as (_, watched):
        page = watched.page
        events = page.locator("details", has_text="/api/v1/processing.router/events").first
        await expect(events).to_be_visible()
        await page.get_by_label("Find").fill("receiver.console say")
        await expect(events).to_be_hidden()
        say = page.locator("summary", has_text="/api/v1/receiver.console/say")
        await say.click()
        await expect(page.locator("pre", has_text='"text": "text",\n  "name"')).to_be_visible()
        assert watched.complaints == []
        assert all(url.startswith(running.url) for url in watched.asked)
