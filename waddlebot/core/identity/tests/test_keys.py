"""API keys on the bot's pages: owners manage those of their community, and no key makes a key."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from waddlebot.core.identity.tests.test_login_ranks import give, user_id
from waddlebot.libs.sdk import Role
from waddlebot.libs.sdk.visitor import FRESH_S
from waddlebot.libs.testing.modules import ENTITY
from waddlebot.libs.testing.signing import Browser, Front, opened_front

KEYS = "/keys?community=home"
ORDER = {"name": "board", "role": "user", "scopes": ["core.reputation:read"], "expires_days": 3_650}


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url) as opened:
        yield opened


@pytest.fixture
async def ann(front: Front) -> AsyncIterator[Browser]:
    """The owner of the community ``home``, signed in."""
    await front.user()
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url)
        await browser.login()
        await front.store.link_account(await user_id(front), "twitch:7", "chat", 0.0)
        await give(front, "twitch:7", "owner")
        yield browser


async def test_an_owner_makes_lists_rotates_and_revokes(front: Front, ann: Browser) -> None:
    status, made = await ann.ask("POST", KEYS, ORDER)
    assert status == 200
    shown = made["made"]
    assert (shown["scopes"], shown["created_by"], shown["state"]) == (
        ["core.reputation:read"],
        "twitch:7",
        "living",
    )
    program = Browser(ann.session, front.url, **{"X-API-Key": made["key"]})
    assert (await program.ask("GET", "/keys"))[1]["error"] == "wrong_role"
    assert (await ann.ask("POST", KEYS, ORDER))[1]["error"] == "name_taken"
    status, turned = await ann.ask("POST", f"/keys/{shown['id']}/rotate?community=home", {"grace_s": 60})
    assert (status, turned["made"]["scopes"]) == (200, ["core.reputation:read"])
    _, listed = await ann.ask("GET", KEYS)
    assert [key["state"] for key in listed["keys"]] == ["living", "replaced"]
    assert made["key"] not in str(listed)
    assert (await ann.ask("DELETE", f"/keys/{turned['made']['id']}?community=home"))[0] == 204
    assert (await ann.ask("DELETE", f"/keys/{turned['made']['id']}?community=home"))[0] == 404
    assert await front.keys.find(turned["key"]) is None
    status, made = await ann.ask("POST", KEYS, ORDER | {"name": "channel", "entity": ENTITY})
    assert (status, made["made"]["entity"]) == (200, ENTITY)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"role": "owner"}, 400, "bad_value"),
        ({"scopes": ["nonsense"]}, 400, "no_module"),
        ({"scopes": ["core.identity:all"]}, 400, "bad_key_order"),
        ({"name": ""}, 400, "bad_key_order"),
        ({"entity": "irc:net:#elsewhere"}, 404, "no_entity"),
        ({"expires_days": 0}, 400, "bad_value"),
    ],
)
async def test_what_makes_no_key_is_told(ann: Browser, change: dict[str, Any], status: int, error: str) -> None:
    assert (await ann.ask("POST", KEYS, ORDER | change))[0] == status
    if error != "bad_value":
        assert (await ann.ask("POST", KEYS, ORDER | change))[1]["error"] == error


async def test_no_key_makes_or_ends_keys(front: Front, ann: Browser) -> None:
    raw, info = await front.keys.create("admin", Role.ADMIN)
    program = Browser(ann.session, front.url, **{"X-API-Key": raw})
    assert (await program.ask("GET", "/keys"))[0] == 200
    for method, path, body in (
        ("POST", "/keys", ORDER),
        ("POST", f"/keys/{info.id}/rotate", {}),
        ("DELETE", f"/keys/{info.id}", None),
    ):
        status, answer = await program.ask(method, path, body)
        assert (status, answer["error"]) == (403, "people_only")
    assert await front.keys.find(raw) is not None


async def test_only_the_owner_who_proved_it_lately_may(front: Front, ann: Browser) -> None:
    await front.user("bob@example.org")
    bob = Browser(ann.session, front.url)
    await bob.login("bob@example.org")
    await front.store.link_account(await user_id(front, "bob@example.org"), "twitch:8", "chat", 0.0)
    for rank in ("moderator", "admin"):
        await give(front, "twitch:8", rank)
        assert (await bob.ask("POST", KEYS, ORDER))[1]["error"] == "wrong_rank", rank
    raw, info = await front.keys.create("theirs", Role.USER, community="lab")
    assert (await ann.ask("DELETE", f"/keys/{info.id}?community=home"))[0] == 404, "another community's"
    assert info.id not in str(await ann.ask("GET", KEYS))
    assert (await ann.ask("DELETE", f"/keys/{info.id}?community=lab"))[0] == 403
    front.bench.now += FRESH_S + 1
    assert (await ann.ask("POST", KEYS, ORDER))[1]["error"] == "prove_again"
    assert await front.keys.find(raw) is not None
