"""Signing in with a password: who may, who may not, and what nobody can learn from the difference."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from argon2 import PasswordHasher

from waddlebot.core.identity.login.desk import OF_ADDRESS_MAX, OF_SUBJECT_MAX, email_of
from waddlebot.core.identity.login.passwords import AT_ONCE, WAITING_MAX, Hasher
from waddlebot.core.identity.login.store import (
    ABSOLUTE_S,
    FORGIVE_S,
    FREE_TRIES,
    IDLE_S,
    SESSIONS_MAX,
    TOUCH_S,
    WAIT_S,
)
from waddlebot.core.identity.login.tables import Session
from waddlebot.libs.sdk.visitor import FRESH_S
from waddlebot.libs.testing.signing import PASSWORD, Browser, Front, opened_front
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.sessions import digest_of

COOKIE = "waddlebot_session"


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url) as opened:
        yield opened


@pytest.fixture
async def ann(front: Front) -> AsyncIterator[Browser]:
    """A browser of somebody who is known, and not signed in yet."""
    await front.user()
    async with aiohttp.ClientSession() as session:
        yield Browser(session, front.url, **{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})


def other(browser: Browser) -> Browser:
    return Browser(browser.session, browser.url)


async def test_who_has_the_password_is_signed_in_until_they_sign_out(front: Front, ann: Browser) -> None:
    assert (await ann.ask("GET", "/session"))[0] == 401
    status, answer = await ann.login(" Ann@Example.ORG ")
    assert (status, answer["next"]) == (200, "done")
    set_cookie = ann.raw.headers["Set-Cookie"]
    assert "; HttpOnly; SameSite=Lax" in set_cookie
    status, me = await ann.ask("GET", "/session")
    assert (status, me["email"], me["password"], me["totp"]) == (200, "ann@example.org", True, False)
    stolen = dict(ann.cookies)
    assert (await ann.ask("POST", "/logout"))[0] == 204
    assert COOKIE not in ann.cookies
    ann.cookies = stolen
    assert (await ann.ask("GET", "/session"))[0] == 401, "a cookie that was copied ends with its session"


async def test_unknown_wrong_disabled_and_without_password_hear_the_same_after_the_same_work(
    front: Front, ann: Browser
) -> None:
    disabled = await front.user("dan@example.org")
    await front.store.set_active(disabled, False)
    await front.store.add_user("e", "eve@example.org", (), 0.0)
    heard = set()
    for email, password in (
        ("nobody@example.org", PASSWORD),
        ("ann@example.org", "wrong horse battery"),
        ("dan@example.org", PASSWORD),
        ("eve@example.org", PASSWORD),
    ):
        before = front.desk.hasher.verified
        status, answer = await other(ann).login(email, password)
        assert front.desk.hasher.verified == before + 1, email
        heard.add((status, answer["error"], answer["detail"]))
    assert len(heard) == 1
    assert next(iter(heard))[0] == 401


async def test_guessing_for_one_account_waits_longer_and_longer_from_wherever_it_comes(
    front: Front, ann: Browser, database_url: str
) -> None:
    for email in ("ann@example.org", "nobody@example.org"):  # nobody learns who is known
        for _ in range(FREE_TRIES):
            assert (await other(ann).login(email, "wrong horse battery"))[0] == 401
        before = front.desk.hasher.verified
        status, answer = await other(ann).login(email)
        assert (status, answer["error"]) == (429, "too_many_requests"), "the right password, too: no oracle"
        assert front.desk.hasher.verified == before, "and costs nothing"
    async with opened_front(database_url) as second:  # another host, or this one after a restart
        second.bench.now = front.bench.now + WAIT_S / 2
        assert (await Browser(ann.session, second.url).login())[0] == 429
        second.bench.now = front.bench.now + WAIT_S + 1
        assert (await Browser(ann.session, second.url).login())[0] == 200
        assert (await Browser(ann.session, second.url).login("ann@example.org", "wrong horse battery"))[0] == 401
        assert (await Browser(ann.session, second.url).login())[0] == 200, "the right one forgave the others"


async def test_tries_at_once_are_counted_as_many(front: Front, ann: Browser) -> None:
    asked = (other(ann).login("ann@example.org", "wrong horse battery") for _ in range(FREE_TRIES + 4))
    statuses = sorted(status for status, _ in await asyncio.gather(*asked))
    assert statuses == [401] * FREE_TRIES + [429] * 4


async def test_failures_are_forgiven_after_a_day(front: Front) -> None:
    subject = front.desk.subject("password", "ann@example.org")
    for _ in range(FREE_TRIES):
        assert await front.store.take_try(subject, 1_000.0) == 0
    assert await front.store.take_try(subject, 1_001.0) == pytest.approx(WAIT_S - 1)
    assert await front.store.take_try(subject, 1_000.0 + WAIT_S) == 0
    assert await front.store.take_try(subject, 1_001.0 + WAIT_S) == pytest.approx(2 * WAIT_S - 1)
    assert await front.store.take_try(subject, 1_001.0 + FORGIVE_S + WAIT_S) == 0
    assert await front.store.take_try(subject, 1_002.0 + FORGIVE_S + WAIT_S) == 0, "the second of a new day"


async def test_one_address_cannot_try_many_accounts(front: Front, ann: Browser) -> None:
    statuses = [
        (await other(ann).ask("POST", "/password/reset", {"code": "x", "password": PASSWORD}))[0]
        for _ in range(OF_SUBJECT_MAX)
    ]
    assert set(statuses) == {401}
    limited = 0
    for number in range(OF_ADDRESS_MAX):
        status, _ = await other(ann).login(f"{number}@example.org", "wrong horse battery")
        limited += status == 429
    assert limited == OF_SUBJECT_MAX


async def test_a_flood_of_passwords_is_refused_before_it_piles_up() -> None:
    hasher = Hasher(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    try:
        asked = (hasher.verify(None, "x") for _ in range(AT_ONCE + WAITING_MAX + 5))
        found = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        hasher.close()
    assert found.count(False) == AT_ONCE + WAITING_MAX
    assert [error.status for error in found if isinstance(error, HttpError)] == [503] * 5


async def test_an_old_hash_is_made_anew_at_the_next_sign_in(front: Front, ann: Browser) -> None:
    user = await front.store.user_by_email("ann@example.org")
    assert user is not None
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await front.store.set_password(user.id, weak)
    assert (await ann.login())[0] == 200
    now = await front.store.user(user.id)
    assert now is not None
    assert now.password != weak
    assert str(now.password).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (await other(ann).login())[0] == 200


async def test_a_token_that_was_planted_is_never_adopted(front: Front, ann: Browser) -> None:
    planted = "A" * 43
    ann.cookies[COOKIE] = planted
    assert (await ann.login())[0] == 200
    assert ann.cookies[COOKIE] != planted
    first = ann.cookies[COOKIE]
    assert (await ann.login())[0] == 200
    victim = other(ann)
    victim.cookies[COOKIE] = first
    assert (await victim.ask("GET", "/session"))[0] == 401, "the browser's session before was replaced"
    victim.cookies[COOKIE] = planted
    assert (await victim.ask("GET", "/session"))[0] == 401
    before = ann.cookies[COOKIE]
    assert (await ann.ask("POST", "/proof", {"password": PASSWORD}))[0] == 200
    victim.cookies[COOKIE] = before
    assert (await victim.ask("GET", "/session"))[0] == 401, "a proof changes the token"
    assert (await ann.ask("GET", "/session"))[0] == 200


async def test_other_sites_pages_can_do_nothing_with_the_cookie(front: Front, ann: Browser) -> None:
    await ann.login()
    assert (await ann.ask("POST", "/logout", **{"Origin": "https://evil.example"}))[0] == 403
    assert (await ann.ask("POST", "/logout", **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await ann.ask("POST", "/login", {"email": "a@b.cd", "password": "x"}, Origin="https://e.org"))[
        0
    ] == 403
    assert (await ann.ask("GET", "/session", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}))[
        0
    ] == 403
    assert (await ann.ask("GET", "/session", Host="rebound.example"))[0] == 421
    csrf, ann.csrf = ann.csrf, ""
    status, answer = await ann.ask("POST", "/logout")
    assert (status, answer["error"]) == (403, "bad_csrf")
    thief = other(ann)
    await thief.login()
    ann.csrf = thief.csrf
    assert (await ann.ask("POST", "/logout"))[0] == 403, "another session's token is none"
    ann.csrf = csrf
    async with ann.session.post(
        f"{ann.url}/api/v1/core.identity/login", data='{"email":"a@b.cd","password":"x"}'
    ) as answered:
        assert answered.status == 415, "a form of another site sends no JSON"
    assert (await ann.ask("POST", "/logout"))[0] == 204


async def test_sessions_end_when_idle_and_at_the_latest_after_a_week(front: Front, ann: Browser) -> None:
    await ann.login()
    start = front.bench.now
    front.bench.now = start + IDLE_S - 1
    assert (await ann.ask("GET", "/session"))[0] == 200
    front.bench.now += IDLE_S - 1
    assert (await ann.ask("GET", "/session"))[0] == 200, "each use keeps it alive"
    front.bench.now += IDLE_S + TOUCH_S
    assert (await ann.ask("GET", "/session"))[0] == 401
    await ann.login()
    start = front.bench.now
    while front.bench.now < start + ABSOLUTE_S - IDLE_S:
        front.bench.now += IDLE_S - 1
        assert (await ann.ask("GET", "/session"))[0] == 200
    front.bench.now = start + ABSOLUTE_S + 1
    assert (await ann.ask("GET", "/session"))[0] == 401
    assert await front.store.sweep(front.bench.now + IDLE_S) == 1
    assert await front.store.sweep(front.bench.now + IDLE_S) == 0


async def test_a_use_is_written_once_a_minute(front: Front, ann: Browser) -> None:
    await ann.login()
    start = front.bench.now
    for second, written in ((1, 0), (TOUCH_S - 1, 0), (TOUCH_S, TOUCH_S), (TOUCH_S + 1, TOUCH_S)):
        front.bench.now = start + second
        assert (await ann.ask("GET", "/session"))[0] == 200
        found = await front.store.visitor(digest_of(ann.cookies[COOKIE]), front.bench.now)
        assert found is not None
        assert found[1] == start + written


async def test_sessions_are_listed_and_ended_one_by_one_and_all(front: Front, ann: Browser) -> None:
    await ann.login()
    phones = [other(ann) for _ in range(3)]
    for phone in phones:
        await phone.login()
    _, listed = await ann.ask("GET", "/sessions")
    assert len(listed["sessions"]) == 4
    (own,) = (one for one in listed["sessions"] if one["current"])
    assert (own["device"], own["address"]) == ("Firefox on Linux", "127.0.0.1")
    gone = next(one["id"] for one in listed["sessions"] if not one["current"])
    assert (await ann.ask("DELETE", f"/sessions/{gone}"))[0] == 204
    assert (await ann.ask("DELETE", f"/sessions/{gone}"))[0] == 404
    assert (await ann.ask("DELETE", "/sessions/a%00"))[0] == 404
    assert sorted([(await phone.ask("GET", "/session"))[0] for phone in phones]) == [200, 200, 401]
    bob = other(ann)
    await front.user("bob@example.org")
    await bob.login("bob@example.org")
    assert (await bob.ask("DELETE", f"/sessions/{own['id']}"))[0] == 404, "only one's own"
    assert (await ann.ask("DELETE", "/sessions"))[1] == {"ended": 2}
    assert [(await phone.ask("GET", "/session"))[0] for phone in phones] == [401] * 3
    assert (await ann.ask("GET", "/session"))[0] == (await bob.ask("GET", "/session"))[0] == 200


async def test_a_user_has_so_many_sessions_at_most(front: Front, ann: Browser) -> None:
    user = await front.store.user_by_email("ann@example.org")
    assert user is not None
    await ann.login()
    for number in range(SESSIONS_MAX):
        at = front.bench.now + 1 + number
        await front.store.open_session(
            f"d{number}", Session(f"s{number}", user.id, at, at, at, at + 9e5, "x", "y")
        )
    assert len(await front.store.sessions(user.id, front.bench.now)) == SESSIONS_MAX
    assert (await ann.ask("GET", "/session"))[0] == 401, "the one unused for longest went"


async def test_a_new_password_needs_a_fresh_proof_and_ends_the_others(front: Front, ann: Browser) -> None:
    await ann.login()
    thief = other(ann)
    await thief.login()
    front.bench.now += FRESH_S + 1
    new = "quite another pass phrase"
    status, answer = await ann.ask("POST", "/password", {"password": new})
    assert (status, answer["error"]) == (403, "prove_again")
    assert (await ann.ask("POST", "/proof", {"password": "wrong horse battery"}))[0] == 401
    assert (await ann.ask("POST", "/proof", {"password": PASSWORD}))[0] == 200
    for weak in ("short", "a" * 20, "ann@example.org1", "waddlebot waddlebot"):
        assert (await ann.ask("POST", "/password", {"password": weak}))[0] == 422
    assert (await ann.ask("POST", "/password", {"password": new}))[0] == 200
    assert (await thief.ask("GET", "/session"))[0] == 401
    assert (await ann.ask("GET", "/session"))[0] == 200
    assert (await other(ann).login())[0] == 401
    assert (await other(ann).login("ann@example.org", new))[0] == 200


async def test_the_operators_code_sets_a_password_once_within_two_days(front: Front, ann: Browser) -> None:
    await ann.login()
    user = await front.store.user_by_email("ann@example.org")
    assert user is not None
    code, late = await front.reset_code(user.id), await front.reset_code(user.id)
    body = {"code": code, "password": "quite another pass phrase"}
    assert (await other(ann).ask("POST", "/password/reset", body | {"password": "weak"}))[0] == 422
    assert (await other(ann).ask("POST", "/password/reset", body))[0] == 204
    assert (await other(ann).ask("POST", "/password/reset", body))[0] == 401, "spent"
    assert (await ann.ask("GET", "/session"))[0] == 401
    assert (await other(ann).login("ann@example.org", body["password"]))[0] == 200
    assert (await other(ann).ask("POST", "/password/reset", body | {"code": late}))[0] == 401, "others are void"
    old = await front.reset_code(user.id)
    front.bench.now += 48 * 3_600 + 1
    assert (await other(ann).ask("POST", "/password/reset", body | {"code": old}))[0] == 401


async def test_who_is_disabled_is_out_at_once(front: Front, ann: Browser) -> None:
    await ann.login()
    user = await front.store.user_by_email("ann@example.org")
    assert user is not None
    assert await front.store.set_active(user.id, False)
    assert (await ann.ask("GET", "/session"))[0] == 401
    assert await front.store.set_active(user.id, True)
    assert not await front.store.set_active(user.id, True)
    assert (await ann.ask("GET", "/session"))[0] == 401, "that session ended"
    assert (await ann.login())[0] == 200


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@x.y", "a b@x.y", "a@b@c.d", "a\n@x.y", f"{'a' * 250}@x.yz"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(HttpError, match="400 bad_email"):
        email_of(email)


async def test_with_tls_the_cookie_has_the_hosts_prefix(database_url: str) -> None:
    async with (
        opened_front(database_url, public_url="https://bot.example") as front,
        aiohttp.ClientSession() as web,
    ):
        await front.user()
        browser = Browser(web, front.url, Host="bot.example", Origin="https://bot.example")
        assert (await browser.login())[0] == 200
        assert browser.raw.headers["Set-Cookie"].startswith("__Host-waddlebot_session=")
        assert "; Secure" in browser.raw.headers["Set-Cookie"]
        assert (await browser.ask("GET", "/session"))[0] == 200
        value = browser.cookies.pop(f"__Host-{COOKIE}")
        browser.cookies[COOKIE] = value
        assert (await browser.ask("GET", "/session"))[0] == 401, "what plain HTTP could plant is not looked at"
