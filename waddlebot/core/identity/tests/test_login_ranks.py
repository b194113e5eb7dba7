"""What somebody who signed in may do: what their accounts may, in the community that they name."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from waddlebot.core.identity.login.store import ACCOUNTS_MAX
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.libs.contracts.login import ADMIN
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import Module, Rank, Role, RouteContext
from waddlebot.libs.testing.modules import crowd
from waddlebot.libs.testing.signing import PASSWORD, Browser, Front, opened_front

type Ctx = RouteContext[Any, Any]

PLACE = "/api/v1/interactive.hub"
OTHER: dict[str, Any] = {"platform": "twitch", "server": "", "channel": "ann", "user_id": "7"}


class Who(msgspec.Struct):
    """Who was let in."""

    community: str
    actor: str


def hub() -> Module:
    module = Module("waddlebot.action.interactive.hub.module", "A hub's page.", http_port=1, grpc_port=2)

    @module.route("GET", "/settings", role=Role.ADMIN, rank=Rank.MODERATOR)
    async def settings(ctx: Ctx) -> Who:
        """Show."""
        return Who(ctx.community, ctx.call_scope.actor)

    @module.route("POST", "/settings", role=Role.ADMIN, rank=Rank.OWNER)
    async def change(ctx: Ctx) -> Who:
        """Change."""
        return Who(ctx.community, ctx.call_scope.actor)

    @module.route("GET", "/keys", role=Role.ADMIN)
    async def keys(ctx: Ctx) -> Who:
        """For programs alone."""
        return Who(ctx.community, ctx.call_scope.actor)

    return module


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url, hub()) as opened:
        yield opened


@pytest.fixture
async def ann(front: Front) -> AsyncIterator[Browser]:
    await front.user()
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url)
        await browser.login()
        yield browser


async def give(front: Front, account: str, rank: str, community: str = "home") -> None:
    store: Any = front.bench.dal.bind("core.community", Community(community))
    await store.give_rank(account, rank)
    await front.bench.configuration.poll()


async def user_id(front: Front, email: str = "ann@example.org") -> str:
    user = await front.store.user_by_email(email)
    assert user is not None
    return user.id


async def test_who_signed_in_may_do_what_their_account_may(front: Front, ann: Browser) -> None:
    settings = f"{PLACE}/settings"
    assert (await ann.ask("GET", settings))[1]["error"] == "no_community"
    assert (await ann.ask("GET", f"{settings}?community=home"))[0] == 403
    await front.store.link_account(await user_id(front), "twitch:7", "chat", 0.0)
    assert (await ann.ask("GET", f"{settings}?community=home"))[0] == 403, "a viewer"
    await give(front, "twitch:7", "moderator")
    assert await ann.ask("GET", f"{settings}?community=home") == (200, {"community": "home", "actor": "twitch:7"})
    assert (await ann.ask("POST", f"{settings}?community=home"))[0] == 403, "no owner"
    for elsewhere in ("lab", "waddlebot-global", "*", ""):
        assert (await ann.ask("GET", f"{settings}?community={elsewhere}"))[0] in (400, 403)
    await give(front, "twitch:7", "owner")
    assert (await ann.ask("POST", f"{settings}?community=home"))[0] == 200
    csrf, ann.csrf = ann.csrf, "wrong"
    assert (await ann.ask("POST", f"{settings}?community=home"))[1]["error"] == "bad_csrf"
    ann.csrf = csrf
    assert (await ann.ask("POST", f"{settings}?community=home", Origin="https://evil.example"))[0] == 403
    assert (await ann.ask("GET", f"{PLACE}/keys?community=home"))[1]["error"] == "no_key", "undeclared: keys alone"
    await ann.ask("DELETE", "/accounts/twitch:7")
    assert (await ann.ask("GET", f"{settings}?community=home"))[0] == 403


async def test_an_account_of_the_same_person_counts(front: Front, ann: Browser) -> None:
    await give(front, "irc:net/ann", "moderator")
    await front.store.link_account(await user_id(front), "twitch:7", "chat", 0.0)
    await see(front.bench.context(identity), crowd([front.bench.event("hi", user_id="net/ann")]))
    await see(front.bench.context(identity), crowd([front.bench.event("hi", login="ann", **OTHER)]))
    assert (await ann.ask("GET", f"{PLACE}/settings?community=home"))[0] == 403
    told = await front.bench.says("identity link twitch ann", user_id="net/ann")
    code = told.split("verify ")[1].split()[0]
    assert "one person" in await front.bench.says(f"verify {code} yes", login="ann", **OTHER)
    assert (await ann.ask("GET", f"{PLACE}/settings?community=home"))[0] == 200


async def test_an_admin_of_the_installation_may_do_all_everywhere(front: Front, ann: Browser) -> None:
    await front.user("root@example.org", PASSWORD, ADMIN)
    root = Browser(ann.session, front.url)
    await root.login("root@example.org")
    status, who = await root.ask("POST", f"{PLACE}/settings?community=home")
    assert (status, who["actor"].startswith("user:")) == (200, True)
    assert (await root.ask("POST", f"{PLACE}/settings?community=nowhere"))[0] == 403


async def test_keys_work_as_they_did(front: Front, ann: Browser) -> None:
    raw, _ = await front.keys.create("ci", Role.ADMIN, community="home")
    nobody = Browser(ann.session, front.url)
    assert (await nobody.ask("GET", f"{PLACE}/settings"))[1]["error"] == "no_key"
    found = await nobody.ask("POST", f"{PLACE}/settings?community=lab", **{"X-API-Key": raw})
    assert found == (200, {"community": "home", "actor": "key:ci"}), "a key names its own community"
    ann.headers["X-API-Key"] = "wbk_wrong"
    assert (await ann.ask("GET", f"{PLACE}/settings?community=home"))[0] == 401, "a wrong key is no session"
    ann.headers["X-API-Key"] = raw
    assert (await ann.ask("GET", "/session"))[0] == 401, "nobody signed in with a key"


def test_a_rank_without_a_role_would_be_open_to_all() -> None:
    with pytest.raises(ValueError, match="asks people for a rank"):
        hub().route("GET", "/open", role=None, rank=Rank.OWNER)(hub().routes[0].handler)


async def test_an_account_is_connected_by_a_code_typed_in_chat_once(front: Front, ann: Browser) -> None:
    _, found = await ann.ask("POST", "/accounts/code")
    assert found["line"] == f"!login {found['code']}"
    code = found["code"]
    assert "no such code" in await front.bench.says("login ABCDEF", login="ann", **OTHER)
    asked = await front.bench.says(f"login {code.lower()}", login="ann", **OTHER)
    assert "Only if you asked for it yourself" in asked
    assert (await ann.ask("GET", "/session"))[1]["accounts"] == []
    assert "does not prove" in await front.bench.says(f"login {code} yes", platform="console")
    assert "connected" in await front.bench.says(f"login {code} yes", login="ann", **OTHER)
    (account,) = (await ann.ask("GET", "/session"))[1]["accounts"]
    assert (account["account"], account["how"]) == ("twitch:7", "chat")
    assert "no such code" in await front.bench.says(f"login {code} yes", login="bob", **OTHER | {"user_id": "8"})
    _, late = await ann.ask("POST", "/accounts/code")
    front.bench.now += 601
    assert "no such code" in await front.bench.says(f"login {late['code']} yes", login="ann", **OTHER)
    assert (await ann.ask("DELETE", "/accounts/twitch:8"))[1]["error"] in ("no_account", "prove_again")
    await ann.ask("POST", "/proof", {"password": PASSWORD})
    assert (await ann.ask("DELETE", "/accounts/twitch:8"))[0] == 404
    assert (await ann.ask("DELETE", "/accounts/twitch%00"))[0] == 404
    assert (await ann.ask("DELETE", "/accounts/twitch:7"))[0] == 204


async def test_a_user_has_so_many_accounts_at_most(front: Front, ann: Browser) -> None:
    user = await user_id(front)
    for number in range(ACCOUNTS_MAX):
        assert await front.store.link_account(user, f"twitch:{number}", "chat", 0.0) == ""
    assert "at most" in await front.store.link_account(user, "twitch:x", "chat", 0.0)
    assert await front.store.link_account(user, "twitch:0", "chat", 1.0) == ""


async def test_what_is_held_is_shown_and_forgotten(front: Front, ann: Browser) -> None:
    user = await user_id(front)
    for account in ("twitch:7", "irc:net/ann"):
        await front.store.link_account(user, account, "chat", 0.0)
    held = await front.store.held_of_users(("twitch:7",), (user,))
    assert held["login_user"][0]["email"] == "ann@example.org"
    assert {name: len(rows) for name, rows in held.items()} == {
        "login_user": 1, "login_account": 2, "login_session": 1,
    }  # fmt: skip
    assert "argon2" not in str(held)
    assert set(await front.store.held_of_users(("twitch:7",))) == {"login_account"}, "it proves no more"
    assert await front.store.held_of_users(("twitch:8",)) == {}
    assert await front.store.forget_users(("twitch:7",)) == 1
    assert await front.store.forget_users(("irc:net/ann",)) == 1
    assert (await ann.ask("GET", "/session"))[0] == 200, "who signs in by password stays"
    assert await front.store.forget_users((), (user,)) == 2
    assert await front.store.user(user) is None
    assert (await ann.ask("GET", "/session"))[0] == 401
    assert await front.store.forget_users(("irc:net/ann",)) == 0
