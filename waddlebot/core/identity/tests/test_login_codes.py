"""Second factors by code: authenticator apps and recovery codes, each code once."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pyotp
import pytest

from waddlebot.core.identity.login.codes import CODES, STEP_S
from waddlebot.core.identity.login.store import FREE_TRIES, WAIT_S
from waddlebot.libs.sdk.visitor import FRESH_S
from waddlebot.libs.testing.signing import PASSWORD, Browser, Front, opened_front


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url) as opened:
        yield opened


@pytest.fixture
async def ann(front: Front) -> AsyncIterator[Browser]:
    await front.user()
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url)
        await browser.login()
        yield browser


class App:
    """An authenticator app, which knows its secret and the time."""

    def __init__(self, front: Front, secret: str) -> None:
        self._front = front
        self._app = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self._app.at(int(self._front.bench.now), counter_offset=steps)


async def enrolled(front: Front, browser: Browser) -> tuple[App, list[str]]:
    _, offer = await browser.ask("POST", "/totp")
    app = App(front, offer["secret"])
    status, found = await browser.ask("POST", "/totp/confirm", {"code": app.code()})
    assert status == 200
    front.bench.now += STEP_S
    return app, found["codes"]


async def second(browser: Browser, code: str, ticket: str = "") -> int:
    if not ticket:
        _, found = await browser.login()
        assert found["next"] == "code"
        ticket = found["ticket"]
    return (await browser.ask("POST", "/login/code", {"ticket": ticket, "code": code}))[0]


async def test_an_app_is_asked_for_once_it_is_confirmed(front: Front, ann: Browser) -> None:
    _, offer = await ann.ask("POST", "/totp")
    assert offer["uri"].startswith("otpauth://totp/WaddleBot:ann%40example.org?secret=")
    phone = Browser(ann.session, front.url)
    assert (await phone.login())[1]["next"] == "done", "offered is not enrolled"
    assert (await ann.ask("POST", "/totp/confirm", {"code": "000000"}))[0] == 401
    app, codes = await enrolled(front, ann)
    assert len(set(codes)) == CODES
    assert (await ann.ask("POST", "/totp"))[0] == 409
    status, found = await phone.login()
    assert (status, found["next"], found["csrf"]) == (200, "code", "")
    before = Browser(ann.session, front.url)
    assert (await before.ask("GET", "/session"))[0] == 401, "half signed in is not signed in"
    assert await second(phone, app.code(), found["ticket"]) == 200
    assert (await phone.ask("GET", "/session"))[1]["recovery_codes"] == CODES
    assert await second(phone, app.code(1), found["ticket"]) == 401, "a ticket is for one sign-in"


async def test_a_code_is_used_once_and_its_step_and_neighbours_count(front: Front, ann: Browser) -> None:
    app, _ = await enrolled(front, ann)
    phone = Browser(ann.session, front.url)
    assert await second(phone, app.code(-2)) == 401
    assert await second(phone, app.code(2)) == 401
    assert await second(phone, app.code()) == 200
    assert await second(phone, app.code()) == 401, "seen over a shoulder, too late"
    assert await second(phone, app.code(-1)) == 401, "what is older than the last one used"
    assert await second(phone, app.code(1)) == 200


async def test_of_two_with_one_code_one_gets_in(front: Front, ann: Browser) -> None:
    app, codes = await enrolled(front, ann)
    for code in (app.code(), codes[0]):
        both = [Browser(ann.session, front.url) for _ in range(2)]
        statuses = await asyncio.gather(*(second(browser, code) for browser in both))
        assert sorted(statuses) == [200, 401]


async def test_recovery_codes_open_once_each_until_new_ones_are_made(front: Front, ann: Browser) -> None:
    _, codes = await enrolled(front, ann)
    phone = Browser(ann.session, front.url)
    assert await second(phone, codes[0].lower().replace("-", " ")) == 200
    assert await second(phone, codes[0]) == 401
    assert (await phone.ask("GET", "/session"))[1]["recovery_codes"] == CODES - 1
    _, new = await ann.ask("POST", "/recovery")
    assert await second(phone, codes[1]) == 401
    assert await second(phone, new["codes"][0]) == 200


async def test_guessing_codes_waits_on_every_host(front: Front, ann: Browser, database_url: str) -> None:
    app, codes = await enrolled(front, ann)
    phone = Browser(ann.session, front.url)
    for _ in range(FREE_TRIES):
        assert await second(phone, "AAAAA-AAAAA") == 401
    assert await second(phone, app.code()) == 429
    async with opened_front(database_url) as other:
        other.bench.now = front.bench.now
        assert await second(Browser(ann.session, other.url), codes[0]) == 429
        other.bench.now += WAIT_S + 1
        assert await second(Browser(ann.session, other.url), codes[0]) == 200


async def test_factors_change_only_after_a_fresh_proof(front: Front, ann: Browser) -> None:
    app, _ = await enrolled(front, ann)
    front.bench.now += FRESH_S
    for method, path in (("DELETE", "/totp"), ("POST", "/recovery"), ("POST", "/totp")):
        assert (await ann.ask(method, path))[1]["error"] == "prove_again"
    assert (await ann.ask("POST", "/proof", {"password": PASSWORD}))[0] == 401, "the app's code is part of it"
    assert (await ann.ask("POST", "/proof", {"password": PASSWORD, "code": app.code()}))[0] == 200
    assert (await ann.ask("DELETE", "/totp"))[0] == 204
    assert (await ann.ask("DELETE", "/totp"))[0] == 404
    assert (await ann.ask("POST", "/recovery"))[0] == 409
    assert (await Browser(ann.session, front.url).login())[1]["next"] == "done"


async def test_half_a_sign_in_ends_after_five_minutes(front: Front, ann: Browser) -> None:
    app, _ = await enrolled(front, ann)
    _, found = await ann.login()
    front.bench.now += 301
    assert await second(ann, app.code(), found["ticket"]) == 401


async def test_whoever_reads_the_database_has_no_secret(front: Front, ann: Browser) -> None:
    _, offer = await ann.ask("POST", "/totp")
    user = await front.store.user_by_email("ann@example.org")
    assert user is not None
    kept = await front.store.totp(user.id)
    assert kept is not None
    assert offer["secret"] not in str(kept)
    assert offer["secret"].lower() not in str(kept)
