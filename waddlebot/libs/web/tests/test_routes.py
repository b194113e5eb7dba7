"""Routes and doors, over a real socket: what they answer, and what they refuse and how."""

import asyncio
import dataclasses
import io
import logging
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from waddlebot.libs.sdk import Module, Role
from waddlebot.libs.testing.web import JsonClient, Served, served
from waddlebot.libs.web import WebConfig
from waddlebot.libs.web.gate import BAD_KEYS_MAX, DENIALS_MAX
from waddlebot.libs.web.keys import new_key
from waddlebot.libs.web.limits import SlidingWindow

SHOP = "/api/v1/interactive.shop"
ORDER = {"customer": "ada", "items": [{"name": "hat"}]}


async def key(server: Served, role: Role, **binding: Any) -> str:
    raw, _ = await server.keys.create(f"test {role} {binding}", role, **binding)
    return raw


async def test_a_route_takes_and_answers_structs(server: Served, client: JsonClient) -> None:
    status, answer, headers = await client.ask(
        "POST", f"{SHOP}/orders", key=await key(server, Role.ACTION), json=ORDER
    )
    assert status == 200
    assert answer == {"order": ORDER | {"items": [{"name": "hat", "count": 1}], "notes": {}, "gift": None}}
    assert headers["Content-Type"] == "application/json"


async def test_who_asks_comes_from_the_key_and_not_from_the_request(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.USER, community="ducks")
    forged = {"X-Role": "admin", "X-Community": "other", "X-User": "x"}
    _, who, _ = await client.ask("GET", f"{SHOP}/who/b%20c?community=other&role=admin", key=raw, headers=forged)
    assert (who["role"], who["community"], who["path"]) == ("user", "ducks", {"name": "b c"})
    assert who["actor"] == f"key:{who['key_name']}"
    assert who["peer"] == "127.0.0.1"
    assert who["query"] == {"community": "other", "role": "admin"}
    assert raw not in str(who)


@pytest.mark.parametrize("name", ["a b", "a/b", "a//b", "/a", "a/", "..", "a%2Fb?c#d", "ünï&x=1", "who/x"])
async def test_a_paths_last_parameter_holds_any_character(server: Served, client: JsonClient, name: str) -> None:
    raw = await key(server, Role.USER)
    url = URL(f"{client.url}{SHOP}/who/{quote(name, safe='')}", encoded=True)
    async with client.session.get(url, headers={"X-API-Key": raw}) as answer:
        assert answer.status == 200
        assert (await answer.json())["path"] == {"name": name}


async def test_a_bearer_token_is_the_same_key(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.USER)
    status, who, _ = await client.ask("GET", f"{SHOP}/who/x", headers={"Authorization": f"Bearer {raw}"})
    assert (status, who["community"]) == (200, "home")
    assert "authorization" not in who["headers"]


async def test_a_key_of_an_entity_acts_for_the_entitys_community(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.USER, entity="irc:libera:#a")
    _, who, _ = await client.ask("GET", f"{SHOP}/who/x", key=raw)
    assert (who["community"], who["entity"]) == ("ducks", "irc:libera:#a")
    lost = await key(server, Role.USER, entity="irc:libera:#nobodys")
    status, answer, _ = await client.ask("GET", f"{SHOP}/who/x", key=lost)
    assert (status, answer["error"]) == (403, "unbound_entity")


@pytest.mark.parametrize("role", list(Role))
async def test_a_key_of_an_entity_sees_nothing_of_its_whole_community(
    server: Served, client: JsonClient, role: Role
) -> None:
    raw = await key(server, role, entity="irc:libera:#a")
    for method, path in (("DELETE", "/orders/1"), ("GET", "/open")):
        status, answer, _ = await client.ask(method, SHOP + path, key=raw)
        if answer["error"] != "wrong_role":
            assert (status, answer["error"]) == (403, "entity_key")
            assert "bound to irc:libera:#a; this concerns the whole community" in answer["detail"]


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ACTION, 200), (Role.ADMIN, 200), (Role.USER, 403), (Role.CORE, 403)]
)
async def test_only_the_role_or_admin_may(server: Served, client: JsonClient, role: Role, status: int) -> None:
    found, answer, _ = await client.ask("POST", f"{SHOP}/orders", key=await key(server, role), json=ORDER)
    assert found == status
    if status == 403:
        assert answer["error"] == "wrong_role"
        assert "the role action" in answer["detail"]
        assert f"has the role {role}" in answer["detail"]


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ((), 200, 200),
        (("interactive.shop",), 200, 200),
        (("interactive.shop:read",), 200, 403),
        (("interactive.shop:write", "core.analytics"), 403, 200),
        (("*:read",), 200, 403),
        (("core.analytics",), 403, 403),
    ],
)
async def test_scopes_narrow_what_the_role_admits(
    server: Served, client: JsonClient, scopes: tuple[str, ...], reads: int, writes: int
) -> None:
    raw = await key(server, Role.ADMIN, scopes=scopes)
    assert (await client.ask("GET", f"{SHOP}/who/x", key=raw))[0] == reads
    status, answer, _ = await client.ask("POST", f"{SHOP}/orders", key=raw, json=ORDER)
    assert status == writes
    if status == 403:
        assert (answer["error"], ", ".join(sorted(scopes)) in answer["detail"]) == ("wrong_scope", True)
    narrow = await key(server, Role.USER, scopes=("interactive.shop",))
    assert (await client.ask("POST", f"{SHOP}/orders", key=narrow, json=ORDER))[1]["error"] == "wrong_role"


async def test_scopes_hold_for_doors_too(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.TRIGGER, scopes=("core.analytics",))
    status, answer, _ = await client.ask("POST", f"{SHOP}/fast", key=raw, json={})
    assert (status, answer["error"]) == (403, "wrong_scope")


async def test_who_tries_what_a_key_may_do_is_stopped(server: Served, client: JsonClient) -> None:
    raw, other = await key(server, Role.USER), await key(server, Role.USER, community="ducks")
    found = [(await client.ask("POST", f"{SHOP}/orders", key=raw, json=ORDER))[0] for _ in range(DENIALS_MAX + 5)]
    assert set(found) == {403, 429}
    assert found.count(429) <= 5
    assert (await client.ask("POST", f"{SHOP}/orders", key=other, json=ORDER))[0] == 403, "each for itself"
    assert (await client.ask("GET", f"{SHOP}/who/x", key=raw))[0] == 200, "what it may do it may"


async def test_without_a_key_it_says_which_is_needed(client: JsonClient) -> None:
    status, answer, headers = await client.ask("POST", f"{SHOP}/orders", json=ORDER)
    assert (status, answer["error"]) == (401, "no_key")
    assert "X-API-Key" in answer["detail"]
    assert headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "raw", ["", "x", "wbk_" + "a" * 49, new_key()], ids=["empty", "short", "malformed", "unknown"]
)
async def test_a_wrong_key_opens_nothing_not_even_open_routes(client: JsonClient, raw: str) -> None:
    for path in ("/who/x", "/open"):
        status, answer, _ = await client.ask("GET", SHOP + path, key=raw)
        assert (status, answer["error"]) == (401, "bad_key")


async def test_wrong_keys_are_limited_but_right_ones_pass(server: Served, client: JsonClient) -> None:
    server.site.gate.bad = SlidingWindow(BAD_KEYS_MAX, 60, clock=lambda: 5.0)
    for _ in range(BAD_KEYS_MAX):
        status, _, _ = await client.ask("GET", f"{SHOP}/open", key=new_key())
        assert status == 401
    status, answer, headers = await client.ask("GET", f"{SHOP}/open", key=new_key())
    assert (status, answer["error"]) == (429, "too_many_requests")
    assert int(headers["Retry-After"]) > 0
    status, _, _ = await client.ask("GET", f"{SHOP}/who/x", key=await key(server, Role.USER))
    assert status == 200


async def test_refusals_are_audited_without_the_key(
    server: Served, client: JsonClient, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = new_key()
    await client.ask("GET", f"{SHOP}/open", key=wrong)
    await client.ask("POST", f"{SHOP}/orders", key=await key(server, Role.USER), json=ORDER)
    lines = [record.getMessage() for record in caplog.records if record.name == "waddlebot.audit"]
    assert [line.split()[0] for line in lines] == ["AUTH", "AUTHZ"]
    assert all("result=DENIED" in line for line in lines)
    assert wrong not in " ".join(lines)


async def test_a_key_may_make_only_so_many_requests(sqlite_url: str, shop: Module) -> None:
    async with (
        served(sqlite_url, shop, config=WebConfig(requests_max=3, requests_window_s=3600)) as server,
        aiohttp.ClientSession() as session,
    ):
        client = JsonClient(session, server.url)
        one, two = await key(server, Role.USER), await key(server, Role.ADMIN)
        found = [(await client.ask("GET", f"{SHOP}/who/x", key=one))[0] for _ in range(4)]
        assert found == [200, 200, 200, 429]
        assert (await client.ask("GET", f"{SHOP}/who/x", key=two))[0] == 200


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (
            {"customer": "a", "items": [], "color": 1, "size": 2},
            "unknown_field",
            ["'color'", "'size'", "customer, gift"],
        ),
        (
            {"customer": "a", "items": [{"name": "x", "prize": 1}]},
            "unknown_field",
            ["'items[0].prize'", "count, name"],
        ),
        ({"customer": "a", "items": [], "notes": {"n": {"name": "x", "z": 1}}}, "unknown_field", ["'notes.n.z'"]),
        ({"customer": "a", "items": [], "gift": {"name": "x", "z": 1}}, "unknown_field", ["'gift.z'"]),
        ({}, "missing_field", ["'customer'", "'items'"]),
        ({"customer": "a", "items": [{}]}, "missing_field", ["'items[0].name'"]),
        ({"customer": 1, "items": []}, "bad_value", ["'customer' takes text, not a whole number"]),
        (
            {"customer": "a", "items": [{"name": "x", "count": "3"}]},
            "bad_value",
            ["'items[0].count' takes a whole number"],
        ),
        ([], "bad_value", ["The body takes an object, not a list"]),
        (None, "bad_json", ["not JSON"]),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_by_name(
    server: Served, client: JsonClient, body: Any, error: str, words: list[str]
) -> None:
    raw = await key(server, Role.ACTION)
    more = {"json": body} if body is not None else {"data": b"{", "headers": {"Content-Type": "application/json"}}
    status, answer, _ = await client.ask("POST", f"{SHOP}/orders", key=raw, **more)
    assert (status, answer["error"]) == (400, error)
    for word in words:
        assert word in answer["detail"]


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[" * 100_000, b'{"customer":"\xed\xa0\x80"}', b"nul", b'{"a":1'])
async def test_bytes_that_are_no_json_are_a_400(server: Served, client: JsonClient, raw: bytes) -> None:
    secret = await key(server, Role.ACTION)
    status, answer, _ = await client.ask(
        "POST", f"{SHOP}/orders", key=secret, data=raw, headers={"Content-Type": "application/json"}
    )
    assert (status, answer["error"]) == (400, "bad_json")


async def test_only_json_is_taken(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.ACTION)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        status, answer, _ = await client.ask(
            "POST", f"{SHOP}/orders", key=raw, data=b"{}", headers={"Content-Type": kind}
        )
        assert (status, answer["error"]) == (415, "not_json")


async def test_a_body_has_a_size(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.ACTION)
    kind = {"Content-Type": "application/json"}
    big = io.BytesIO(b'"' + b"a" * (1024 * 1024) + b'"')
    status, answer, _ = await client.ask("POST", f"{SHOP}/orders", key=raw, data=big, headers=kind)
    assert (status, answer["error"]) == (413, "too_large")

    async def chunks() -> Any:
        for _ in range(110):
            yield b"a" * 10_000

    status, answer, _ = await client.ask("POST", f"{SHOP}/orders", key=raw, data=chunks(), headers=kind)
    assert (status, answer["error"]) == (413, "too_large")


async def test_nothing_is_answered_with_204(server: Served, client: JsonClient) -> None:
    status, answer, _ = await client.ask("DELETE", f"{SHOP}/orders/3", key=await key(server, Role.ADMIN))
    assert (status, answer) == (204, "")


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/api/v1/interactive.nothing/x", "unknown_module", "interactive.shop"),
        (f"{SHOP}/nothing", "not_found", f"{SHOP}/orders"),
        ("/nothing", "not_found", "/api/docs"),
    ],
)
async def test_what_is_not_there_names_what_is(client: JsonClient, path: str, error: str, words: str) -> None:
    status, answer, _ = await client.ask("GET", path)
    assert (status, answer["error"]) == (404, error)
    assert words in answer["detail"]


async def test_a_wrong_method_names_the_right_one(client: JsonClient) -> None:
    status, answer, headers = await client.ask("PUT", f"{SHOP}/orders")
    assert (status, answer["error"], headers["Allow"]) == (405, "method_not_allowed", "POST")
    status, answer, headers = await client.ask("GET", f"{SHOP}/fast")
    assert (status, answer["error"], headers["Allow"]) == (405, "method_not_allowed", "POST")


@pytest.mark.parametrize(
    ("how", "status", "error", "words"),
    [
        ("refusal", 422, "refused", "no points left"),
        ("conflict", 409, "conflict", "the name is taken"),
        ("busy", 503, "busy", "too much to do"),
        ("unavailable", 503, "unavailable", "the database is gone"),
        ("call", 503, "unavailable", "nobody promises that"),
        ("own", 418, "teapot", "Short and stout."),
        ("surprise", 500, "internal", "the log has it under"),
    ],
)
async def test_errors_have_a_status_and_words(
    client: JsonClient, how: str, status: int, error: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    found, answer, _ = await client.ask("GET", f"{SHOP}/fails/{how}")
    assert (found, answer["error"]) == (status, error)
    assert words in answer["detail"]
    assert "a secret reason" not in str(answer)
    if how == "surprise":
        number = answer["detail"].rstrip(".").rsplit(" ", 1)[1]
        assert any(number in record.getMessage() and record.exc_info for record in caplog.records)


async def test_a_module_that_is_off_answers_no_route(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.USER)
    server.services["interactive.shop"].off.add("home")
    status, answer, _ = await client.ask("GET", f"{SHOP}/who/x", key=raw)
    assert (status, answer["error"]) == (403, "module_off")


async def test_every_answer_has_security_headers(client: JsonClient) -> None:
    for path in (f"{SHOP}/open", "/nothing", "/shop", "/api/docs"):
        _, _, headers = await client.ask("GET", path)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in headers


async def test_a_page_sets_its_nonce_and_cookies(client: JsonClient) -> None:
    status, body, headers = await client.ask("GET", "/shop")
    assert (status, body) == (200, "<h1>Shop</h1>")
    assert "script-src 'nonce-n0nce'" in headers["Content-Security-Policy"]
    assert headers.getall("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "192.0.2.7"}, 200),
        ({"Host": "bot.example"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "bot.example", "Origin": "https://bot.example"}, 200),
        ({"Host": "bot.example", "Origin": "https://bot.example:8443"}, 403),
    ],
)
async def test_pages_act_only_for_pages_of_their_own(
    sqlite_url: str, shop: Module, headers: dict[str, str], status: int
) -> None:
    config = WebConfig(allowed_hosts="Bot.example, other.example")
    async with served(sqlite_url, shop, config=config) as server, aiohttp.ClientSession() as session:
        found, _, _ = await JsonClient(session, server.url).ask(
            "POST", "/shop", json={"name": "x"}, headers=headers
        )
        assert found == status


async def test_other_sites_may_link_to_pages_but_not_read_them(client: JsonClient) -> None:
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await client.ask("GET", "/shop", headers=linked))[0] == 200
    read = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    assert (await client.ask("GET", "/shop", headers=read))[0] == 403


async def test_a_door_answers_in_front_of_the_framework(server: Served, client: JsonClient) -> None:
    raw = await key(server, Role.TRIGGER)
    status, answer, headers = await client.ask("POST", f"{SHOP}/fast", key=raw, data=b"12345")
    assert (status, answer["count"]) == (200, 5)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.ask("POST", f"{SHOP}/fast", data=b"x"))[0] == 401
    assert (await client.ask("POST", f"{SHOP}/fast", key=await key(server, Role.USER), data=b"x"))[0] == 403
    assert (await client.ask("POST", f"{SHOP}/fast", key=raw, data=b"x" * 1_001))[0] == 413

    async def chunks() -> Any:
        for _ in range(3):
            yield b"a" * 400

    assert (await client.ask("POST", f"{SHOP}/fast", key=raw, data=chunks()))[0] == 413


async def test_a_door_that_fails_says_so_and_no_more(
    server: Served, client: JsonClient, caplog: pytest.LogCaptureFixture
) -> None:
    status, answer, _ = await client.ask(
        "POST", f"{SHOP}/fast", key=await key(server, Role.TRIGGER), data=b"crash"
    )
    assert (status, answer["error"]) == (500, "internal")
    assert "a secret reason" not in str(answer)
    assert any(record.exc_info for record in caplog.records if record.levelno == logging.ERROR)


async def test_a_file_is_downloaded_under_its_name(client: JsonClient) -> None:
    status, body, headers = await client.ask("GET", f"{SHOP}/list")
    assert (status, body) == (200, "ducks,7\r\n")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="prices.csv"'
    assert (await client.ask("HEAD", f"{SHOP}/list"))[:2] == (200, "")


async def test_a_stream_ends_with_the_server(sqlite_url: str, shop: Module) -> None:
    async with aiohttp.ClientSession() as session:
        async with served(sqlite_url, shop) as server:
            answer = await session.get(f"{server.url}{SHOP}/ticks")
            assert answer.content_type == "text/event-stream"
            assert await answer.content.readline() == b"data: tick\n"
        async with asyncio.timeout(5):  # far below the time that requests have to finish
            await answer.content.read()
        assert answer.content.at_eof()


async def test_requests_that_run_are_finished_before_the_server_stops(sqlite_url: str) -> None:
    module = Module("waddlebot.action.interactive.slow.module", "Slow.", http_port=1, grpc_port=2)
    started, go_on = asyncio.Event(), asyncio.Event()

    @module.route("GET", "/slow", role=None)
    async def slow(_ctx: Any) -> dict[str, int]:
        """Take a while."""
        started.set()
        await go_on.wait()
        return {"done": 1}

    async with aiohttp.ClientSession() as session:
        stack = served(sqlite_url, module)
        server = await stack.__aenter__()
        asking = asyncio.create_task(JsonClient(session, server.url).ask("GET", "/api/v1/interactive.slow/slow"))
        await started.wait()
        stopping = asyncio.create_task(stack.__aexit__(None, None, None))
        await asyncio.sleep(0)
        go_on.set()
        assert (await asking)[:2] == (200, {"done": 1})
        await stopping


def test_two_modules_may_not_want_the_same_door(shop: Module, server: Served) -> None:
    from waddlebot.libs.web import create_app

    with pytest.raises(ValueError, match="mounted twice"):
        create_app(dataclasses.replace(server.site, modules=[*server.site.modules] * 2))
