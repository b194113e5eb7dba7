"""Signing in with an account of a provider: a real one, over HTTP, that also lies."""

import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from joserfc.jwk import OctKey, RSAKey

from waddlebot.core.identity.login.config import LoginConfig
from waddlebot.core.identity.login.oidc import Asking
from waddlebot.core.identity.login.providers import Provider, providers_of
from waddlebot.libs.sdk.visitor import FRESH_S
from waddlebot.libs.testing.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, opened_provider
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.signing import Browser, Front, opened_front
from waddlebot.libs.web.errors import HttpError

PLACE = "http://bot.example"
CALLBACK = "/api/v1/core.identity/oauth/"


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with opened_provider(free_port()) as opened:
        yield opened


@pytest.fixture
async def front(database_url: str, provider: OpenIdProvider) -> AsyncIterator[Front]:
    async with opened_front(
        database_url, public_url=PLACE, oidc_issuer=provider.url, oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET, oidc_private=1,
    ) as opened:  # fmt: skip
        opened.bench.now = time.time()
        yield opened


@pytest.fixture
async def ann(front: Front) -> AsyncIterator[Browser]:
    await front.user()
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url, Host="bot.example")
        await browser.login()
        yield browser


def other(browser: Browser) -> Browser:
    return Browser(browser.session, browser.url, **browser.headers)


async def away(browser: Browser, path: str = "/login/oauth/oidc", return_to: str = "/hub") -> str:
    """Go to the provider, who consents; the way back, as a path of ours."""
    status, found = await browser.ask("POST", path, {"return_to": return_to})
    assert status == 200, found
    async with browser.session.get(found["url"], allow_redirects=False) as answer:
        back = answer.headers["Location"]
    assert back.startswith(f"{PLACE}{CALLBACK}")
    return back.removeprefix(PLACE)


async def come_back(browser: Browser, back: str) -> tuple[int, str]:
    status, found = await browser.ask(
        "GET", back, None, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    )
    return status, found["error"] if found else browser.raw.headers.get("Location", "")


async def connected(browser: Browser) -> None:
    assert await come_back(browser, await away(browser, "/identities/oidc")) == (303, "/hub")


async def test_an_account_that_was_connected_signs_in(
    front: Front, ann: Browser, provider: OpenIdProvider
) -> None:
    phone = other(ann)
    assert await come_back(phone, await away(phone)) == (403, "not_connected")
    await connected(ann)
    _, me = await ann.ask("GET", "/session")
    assert [one["issuer"] for one in me["identities"]] == [provider.url]
    back = await away(phone)
    assert await come_back(phone, back) == (303, "/hub")
    assert (await phone.ask("GET", "/session"))[1]["user"] == me["user"]
    assert await come_back(phone, back) == (403, "not_begun"), "an answer is good once"
    await front.store.set_active(me["user"], False)
    assert await come_back(phone, await away(phone)) == (401, "wrong_login")


async def test_the_same_address_proves_nothing(front: Front, ann: Browser, provider: OpenIdProvider) -> None:
    provider.email = "ann@example.org"
    front.desk.config = dataclasses.replace(front.desk.config, registration="open")
    phone = other(ann)
    assert await come_back(phone, await away(phone)) == (403, "not_connected"), "verified or not"
    provider.email = " ANN@example.org"
    assert await come_back(phone, await away(phone)) == (403, "not_connected")
    provider.email = "new@example.org"
    assert await come_back(phone, await away(phone)) == (303, "/hub")
    _, me = await phone.ask("GET", "/session")
    assert (me["email"], me["password"]) == (None, False), "and is not taken over"
    assert (await phone.ask("DELETE", "/identities/oidc"))[1]["error"] == "last_way_in"
    assert (await phone.ask("POST", "/password", {"password": "quite another pass phrase"}))[0] == 422
    assert (await phone.ask("POST", "/proof", {"password": "x"}))[0] == 422


async def test_an_account_is_one_users(front: Front, ann: Browser) -> None:
    await connected(ann)
    await front.user("bob@example.org")
    bob = other(ann)
    await bob.login("bob@example.org")
    assert await come_back(bob, await away(bob, "/identities/oidc")) == (409, "taken")
    assert (await ann.ask("DELETE", "/identities/oidc"))[0] == 204
    assert (await ann.ask("DELETE", "/identities/oidc"))[0] == 404
    await connected(bob)
    front.bench.now += FRESH_S + 1
    assert (await bob.ask("POST", "/identities/oidc", {}))[1]["error"] == "prove_again"


async def test_what_was_begun_elsewhere_is_not_finished_here(front: Front, ann: Browser) -> None:
    await connected(ann)
    attacker, victim = other(ann), other(ann)
    back = await away(attacker)
    assert await come_back(victim, back) == (403, "not_begun"), "no cookie of that flow"
    await away(victim)
    assert await come_back(victim, back) == (403, "not_begun"), "nor of another one"
    late = await away(attacker)
    front.bench.now += 601
    assert await come_back(attacker, late) == (401, "no_ticket")


async def test_an_answer_of_another_provider_is_refused(
    front: Front, ann: Browser, provider: OpenIdProvider
) -> None:
    await connected(ann)
    front.desk.providers["evil"] = dataclasses.replace(front.desk.providers["oidc"], key="evil")
    phone = other(ann)
    back = await away(phone)
    assert await come_back(phone, back.replace("/oidc?", "/evil?")) == (403, "mixed_up")
    provider.issuer_said = "https://evil.example"
    assert await come_back(phone, await away(phone)) == (403, "mixed_up")
    provider.issuer_said = provider.url
    back = await away(phone)
    parts = parse_qs(urlsplit(back).query)
    bare = urlencode({name: parts[name][0] for name in ("code", "state")})
    assert await come_back(phone, f"{CALLBACK}oidc?{bare}") == (403, "mixed_up"), "it promised to name itself"
    back = await away(phone)
    denied = urlencode({"error": "access_denied", "state": parse_qs(urlsplit(back).query)["state"][0]})
    assert (await come_back(phone, f"{CALLBACK}oidc?{denied}&iss={provider.url}"))[1] == "not_granted"
    assert await come_back(phone, await away(phone)) == (303, "/hub")


LIES: tuple[dict[str, Any], ...] = (
    {"iss": "https://evil.example"},
    {"aud": "another-client"},
    {"aud": [CLIENT_ID, "another"], "azp": "another"},
    {"nonce": "another"},
    {"nonce": None},
    {"sub": None},
    {"sub": ""},
    {"exp": None},
    {"now": time.time() - 3_600},
    {"at_hash": "wrong"},
)


async def test_a_token_that_is_not_for_us_is_refused(front: Front, ann: Browser, provider: OpenIdProvider) -> None:
    await connected(ann)
    for claims in LIES:
        provider.claims = claims
        phone = other(ann)
        assert await come_back(phone, await away(phone)) == (502, "bad_provider"), claims
        assert (await phone.ask("GET", "/session"))[0] == 401


async def test_a_signature_is_of_the_providers_own_key(
    front: Front, ann: Browser, provider: OpenIdProvider
) -> None:
    await connected(ann)
    phone, right = other(ann), provider.key
    provider.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
    assert await come_back(phone, await away(phone)) == (502, "bad_provider"), "forged"
    provider.key = OctKey.import_key(CLIENT_SECRET * 2, {"kid": "one"})  # type: ignore[assignment]  # a symmetric one
    provider.algorithm = "HS256"
    assert await come_back(phone, await away(phone)) == (502, "bad_provider"), "what we know, too, signs nothing"
    provider.algorithm, provider.key = "RS256", RSAKey.generate_key(2048, parameters={"kid": "two"})
    provider.published.append(provider.key)
    assert await come_back(phone, await away(phone)) == (502, "bad_provider"), "keys were asked for a moment ago"
    front.desk.asking["oidc"]._keys_at -= 120
    assert await come_back(phone, await away(phone)) == (303, "/hub"), "a new key is learnt"
    provider.key = right
    assert await come_back(phone, await away(phone)) == (303, "/hub")


async def test_a_platforms_own_account_is_connected_with_it(
    front: Front, ann: Browser, provider: OpenIdProvider
) -> None:
    ends = {"authorize": f"{provider.url}/authorize", "token": f"{provider.url}/token"}
    common: dict[str, Any] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "private": True, **ends}
    twitch = Provider("twitch", "Twitch", provider.url, platform="twitch", jwks=f"{provider.url}/jwks", **common)
    discord = Provider(
        "discord", "Discord", provider.url + "/d", platform="discord", userinfo=f"{provider.url}/me", **common
    )
    front.desk.providers.update(twitch=twitch, discord=discord)
    assert await come_back(ann, await away(ann, "/identities/twitch")) == (303, "/hub")
    provider.subject, provider.issuer_said = "2002", discord.issuer
    assert await come_back(ann, await away(ann, "/identities/discord")) == (303, "/hub")
    _, me = await ann.ask("GET", "/session")
    proved = {(one["account"], one["how"]) for one in me["accounts"]}
    assert proved == {("twitch:1001", "oauth"), ("discord:2002", "oauth")}
    phone = other(ann)
    assert await come_back(phone, await away(phone, "/login/oauth/discord")) == (303, "/hub")
    assert await front.store.forget_users(("twitch:1001", "discord:2002")) == 4
    assert await come_back(phone, await away(phone, "/login/oauth/discord")) == (403, "not_connected")


async def test_nobody_is_sent_elsewhere(front: Front, ann: Browser) -> None:
    for path in ("https://evil.example", "//evil.example", "/\\evil.example", "hub", "/a\nb", "/é", ""):
        status, found = await ann.ask("POST", "/login/oauth/oidc", {"return_to": path})
        assert (status, found["error"]) == (400, "bad_path"), path


async def test_a_provider_that_makes_no_sense_or_is_away(
    front: Front, ann: Browser, provider: OpenIdProvider
) -> None:
    assert (await ann.ask("GET", "/providers"))[1] == {"providers": [{"key": "oidc", "title": "127.0.0.1"}]}
    assert (await ann.ask("POST", "/login/oauth/nobody", {}))[0] == 404
    for lie in ({"issuer": "https://evil.example"}, {"jwks_uri": None}, {"token_endpoint": "file:///etc/passwd"}):
        provider.discovery = lie
        assert (await ann.ask("POST", "/login/oauth/oidc", {}))[1]["error"] == "bad_provider"
    gone = dataclasses.replace(front.desk.providers["oidc"], issuer=f"http://127.0.0.1:{free_port()}")
    await front.desk.asking["oidc"].close()
    front.desk.asking["oidc"] = Asking(gone)
    assert (await ann.ask("POST", "/login/oauth/oidc", {}))[1]["error"] == "no_provider"


async def test_only_the_operators_word_opens_private_networks(provider: OpenIdProvider) -> None:
    public = Provider("oidc", "x", provider.url, CLIENT_ID, CLIENT_SECRET)
    asking = Asking(public)
    with pytest.raises(HttpError, match="no_provider"):
        await asking.provider()
    await asking.close()


def test_presets_are_there_where_they_are_configured() -> None:
    config = LoginConfig(
        twitch_client_id="t", discord_client_id="d", google_client_id="g", oidc_issuer="https://x.yz"
    )
    found = providers_of(config)
    assert list(found) == ["twitch", "discord", "google"]
    assert all(one.authorize.startswith("https://") and one.token.startswith("https://") for one in found.values())
