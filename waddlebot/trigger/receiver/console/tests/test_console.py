"""The console over a real socket: who gets in, what a line becomes, and who sees what."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
import pytest

from waddlebot.libs.contracts.console import ENTITY, ConsoleLine, Shown, ShowRequest, access_token
from waddlebot.libs.sdk import Role, ServiceContext
from waddlebot.libs.testing.web import JsonClient, LoneServices, Served, served
from waddlebot.libs.web import WebConfig
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.trigger.receiver.console.access import WRONG_TOKENS_MAX, Access
from waddlebot.trigger.receiver.console.hub import BACKLOG_MAX, WAITING_MAX, Full, Hub, Line
from waddlebot.trigger.receiver.console.module import LINES_MAX, LINES_WINDOW_S, Config, State, module, show

API = "/api/v1/receiver.console"
FAR = {"X-Forwarded-For": "192.0.2.1"}
"""What a proxy adds: the peer is on this machine, the browser is not."""


@pytest.fixture
async def server(sqlite_url: str) -> AsyncIterator[Served]:
    async with served(sqlite_url, module, config=WebConfig(allowed_hosts="bot.example")) as found:
        yield found


@pytest.fixture
async def client(server: Served) -> AsyncIterator[JsonClient]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield JsonClient(session, server.url)


@pytest.fixture
def services(server: Served) -> LoneServices:
    return server.services[module.name]


@pytest.fixture
def token(services: LoneServices) -> str:
    return access_token(services.secret("access"))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def csrf_of(client: JsonClient, **headers: str) -> str:
    status, page, _ = await client.ask("GET", "/", headers=headers)
    assert status == 200
    found = re.search(r'name="csrf" content="(\w+)"', page)
    assert found is not None
    return found[1]


async def said(client: JsonClient, text: str, csrf: str, **more: Any) -> tuple[int, Any]:
    status, answer, _ = await client.ask(
        "POST", "/console/say", json={"text": text, **more}, headers={"X-CSRF-Token": csrf}
    )
    return status, answer


async def shown(services: LoneServices, *lines: ConsoleLine) -> tuple[str, ...]:
    context: ServiceContext[None, None] = ServiceContext(services)
    shown: Shown = await show(context, ShowRequest(lines))
    return shown.ids


class Follower:
    """Reads a stream of lines."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last = ""
        self.resets = 0

    async def line(self) -> dict[str, Any]:
        """The next line."""
        reset = False
        async with asyncio.timeout(10):
            while True:
                raw = (await self.answer.content.readline()).decode().rstrip("\n")
                if raw.startswith("id: "):
                    self.last = raw[4:]
                elif raw == "event: reset":
                    reset = True
                    self.resets += 1
                elif raw.startswith("data: ") and not reset:
                    found: dict[str, Any] = msgspec.json.decode(raw[6:])
                    return found
                elif not raw:
                    reset = False


type Follow = Callable[..., Awaitable[Follower]]


@pytest.fixture
async def follow(client: JsonClient) -> AsyncIterator[Follow]:
    """Opens streams, and closes them at the end."""
    answers: list[aiohttp.ClientResponse] = []

    async def opened(path: str = "/console/stream", **headers: str) -> Follower:
        answer = await client.session.get(client.url + path, headers=headers)
        answers.append(answer)
        assert answer.status == 200
        return Follower(answer)

    yield opened
    for answer in answers:
        answer.close()


# --- what a line becomes ------------------------------------------------------------------------------


async def test_a_line_becomes_an_event_of_the_owner(client: JsonClient, services: LoneServices) -> None:
    before = time.time()
    status, answer = await said(client, "  !help\nme ", await csrf_of(client))
    assert status == 200
    (event,) = services.announced
    assert event.id == answer["event_id"]
    assert re.fullmatch(r"console-[0-9a-f]{32}", event.id)
    assert (event.kind, event.entity, event.account) == ("chat.message", ENTITY, "console:console")
    assert (event.user_login, event.user_name, event.roles) == ("console", "console", ())
    assert event.text == "!help me"
    assert before <= event.occurred_at == event.received_at <= time.time()
    assert services.adopted == {ENTITY: "home"}


async def test_one_may_speak_as_a_plain_viewer(client: JsonClient, services: LoneServices) -> None:
    csrf = await csrf_of(client)
    await said(client, "a", csrf, name="@Ada")
    await said(client, "b", csrf, name="Console")
    assert [(event.account, event.user_name) for event in services.announced] == [
        ("console:guest:ada", "Ada"),
        ("console:console", "console"),
    ]


@pytest.mark.parametrize("name", ["a b", "a:b", "x" * 26, "ad\u202ea", "<b>"])
async def test_a_name_is_a_name(client: JsonClient, services: LoneServices, name: str) -> None:
    status, answer = await said(client, "x", await csrf_of(client), name=name)
    assert (status, answer["error"]) == (400, "bad_name")
    assert services.announced == []


async def test_nothing_is_nothing_and_too_much_is_too_much(client: JsonClient, services: LoneServices) -> None:
    csrf = await csrf_of(client)
    assert await said(client, " \x00\n ", csrf) == (200, {"event_id": ""})
    status, answer = await said(client, "x" * 5_001, csrf)
    assert (status, answer["error"]) == (400, "too_long")
    assert services.announced == []
    assert (await said(client, "x" * 5_000, csrf))[0] == 200


async def test_a_line_sent_again_is_said_once(client: JsonClient, services: LoneServices) -> None:
    csrf = await csrf_of(client)
    first = await said(client, "!roll", csrf, id="0123456789abcdef")
    assert await said(client, "!roll", csrf, id="0123456789abcdef") == first
    assert len(services.announced) == 1
    await said(client, "!roll", csrf, id="0123456789abcdef", name="ada")
    assert len(services.announced) == 2
    assert (await said(client, "x", csrf, id="bad id!!"))[0] == 400


async def test_a_flood_is_stopped_for_its_speaker(client: JsonClient, services: LoneServices) -> None:
    services.entered.lines = SlidingWindow(LINES_MAX, LINES_WINDOW_S, clock=lambda: 5.0)
    csrf = await csrf_of(client)
    found = [(await said(client, "x", csrf))[0] for _ in range(LINES_MAX + 1)]
    assert found == [200] * LINES_MAX + [429]
    assert (await said(client, "x", csrf, name="ada"))[0] == 200
    assert len(services.announced) == LINES_MAX + 1


# --- who gets in --------------------------------------------------------------------------------------


async def test_at_this_machine_nobody_is_asked(client: JsonClient) -> None:
    status, page, headers = await client.ask("GET", "/")
    assert status == 200
    assert "Speak as" in page
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("headers", [FAR, {"Host": "bot.example"}, {"Forwarded": "for=192.0.2.1"}])
async def test_from_elsewhere_the_token_is_asked_for(client: JsonClient, headers: dict[str, str]) -> None:
    status, page, _ = await client.ask("GET", "/", headers=headers)
    assert status == 401
    assert "prints a link with a token" in page
    assert "csrf" not in page
    assert (await client.ask("GET", "/console/stream", headers=headers))[0] == 401
    status, answer, _ = await client.ask("POST", "/console/say", json={"text": "x"}, headers=headers)
    assert (status, answer["error"]) == (401, "no_session")


async def test_a_page_of_another_name_gets_nothing(client: JsonClient) -> None:
    for path in ("/", "/console/stream"):
        status, answer, _ = await client.ask("GET", path, headers={"Host": "rebound.example"})
        assert (status, answer["error"]) == (421, "unknown_host")


async def test_the_link_opens_the_window_for_a_month(
    client: JsonClient, token: str, services: LoneServices
) -> None:
    status, page, headers = await client.ask("GET", f"/?token={token}", headers=FAR)
    assert status == 200
    assert 'content="0;url=/"' in page
    cookie = headers["Set-Cookie"]
    assert "; HttpOnly; SameSite=Strict; " in cookie
    assert "Secure" not in cookie
    assert token not in cookie
    inside = FAR | {"Cookie": "theme=dark; " + cookie.split(";")[0]}
    csrf = await csrf_of(client, **inside)
    status, _, _ = await client.ask(
        "POST", "/console/say", json={"text": "x"}, headers=inside | {"X-CSRF-Token": csrf}
    )
    assert status == 200
    assert services.announced[0].account == "console:console"
    # The session is not the one at this machine, so neither is the page's token.
    assert (await said(client, "x", csrf))[0] == 403


async def test_behind_tls_the_cookie_is_for_tls(client: JsonClient, token: str) -> None:
    headers = FAR | {"X-Forwarded-Proto": "https"}
    status, _, answered = await client.ask("POST", "/console/login", json={"token": f" {token} "}, headers=headers)
    assert status == 200
    assert answered["Set-Cookie"].endswith("; Secure")


async def test_a_wrong_token_is_refused_and_then_limited(
    client: JsonClient, services: LoneServices, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    services.entered.access.wrong = SlidingWindow(WRONG_TOKENS_MAX, 60, clock=lambda: 5.0)
    caplog.set_level(logging.INFO)
    for _ in range(WRONG_TOKENS_MAX):
        status, answer, headers = await client.ask("GET", "/?token=wrong-one", headers=FAR)
        assert (status, answer["error"]) == (401, "wrong_token")
        assert "Set-Cookie" not in headers
    assert (await client.ask("GET", "/?token=wrong-one", headers=FAR))[0] == 429
    assert (await client.ask("POST", f"{API}/say", json={"text": "x"}, headers=bearer("wrong")))[0] == 429
    assert (await client.ask("GET", f"/?token={token}", headers=FAR))[0] == 200
    lines = [record.getMessage() for record in caplog.records if record.name == "waddlebot.audit"]
    assert len(lines) == WRONG_TOKENS_MAX
    assert "AUTH" in lines[0]
    assert "wrong-one" not in lines[0]


async def test_a_cookie_of_ones_own_making_is_none(client: JsonClient) -> None:
    for made in ("9999999999.00", "9999999999.", "x", '"', "\u00e9.\u00e9"):
        cookie = FAR | {"Cookie": f"waddlebot_console={made}"}
        assert (await client.ask("GET", "/", headers=cookie))[0] == 401


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(b"secret")
    cookie = {"cookie": access.cookie({}).split(";")[0]}
    assert access.session("192.0.2.1", cookie)
    later = time.time() + 31 * 24 * 3600
    monkeypatch.setattr("waddlebot.trigger.receiver.console.access.time.time", lambda: later)
    assert access.session("192.0.2.1", cookie) is None
    assert Access(b"other").session("192.0.2.1", cookie) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "x"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ],
)
async def test_other_sites_pages_cannot_speak(
    client: JsonClient, services: LoneServices, headers: dict[str, str]
) -> None:
    if "X-CSRF-Token" not in headers and headers:
        headers = headers | {"X-CSRF-Token": await csrf_of(client)}
    status, _, _ = await client.ask("POST", "/console/say", json={"text": "!give evil all"}, headers=headers)
    assert status == 403
    assert services.announced == []


async def test_a_form_of_another_site_is_not_even_read(client: JsonClient) -> None:
    csrf = await csrf_of(client)
    status, answer, _ = await client.ask(
        "POST", "/console/say", data=b'{"text":"x"}', headers={"X-CSRF-Token": csrf, "Content-Type": "text/plain"}
    )
    assert (status, answer["error"]) == (415, "not_json")


# --- the terminal's door ------------------------------------------------------------------------------


async def test_the_token_speaks_as_the_owner_or_as_anybody(
    client: JsonClient, token: str, services: LoneServices
) -> None:
    await client.ask("POST", f"{API}/say", json={"text": "x"}, headers=bearer(token))
    await client.ask("POST", f"{API}/say", json={"text": "x", "name": "ada"}, headers=bearer(token))
    assert [event.account for event in services.announced] == ["console:console", "console:guest:ada"]


async def test_keys_speak_as_what_they_are(server: Served, client: JsonClient, services: LoneServices) -> None:
    user, _ = await server.keys.create("my laptop", Role.USER)
    admin, _ = await server.keys.create("boss", Role.ADMIN)
    for key in (user, admin):
        status, _, _ = await client.ask("POST", f"{API}/say", key=key, json={"text": "x", "name": "console"})
        assert status == 200
    assert [event.account for event in services.announced] == ["console:key:my laptop", "console:console"]
    assert services.announced[0].user_name == "key-my-laptop"


@pytest.mark.parametrize(
    ("role", "binding"),
    [
        (Role.TRIGGER, {}),
        (Role.ACTION, {}),
        (Role.ADMIN, {"community": "other"}),
        (Role.USER, {"entity": "irc:libera:#a"}),
    ],
)
async def test_other_keys_do_not(
    server: Served, client: JsonClient, services: LoneServices, role: Role, binding: dict[str, Any]
) -> None:
    services.adopted["irc:libera:#a"] = "home"
    key, _ = await server.keys.create("x", role, **binding)
    for method, path, body in (("POST", "/say", {"text": "x"}), ("GET", "/stream", None)):
        assert (await client.ask(method, API + path, key=key, json=body))[0] == 403
    assert services.announced == []


async def test_without_key_or_token_the_door_is_shut_even_at_this_machine(client: JsonClient) -> None:
    for method, path, body in (("POST", "/say", {"text": "x"}), ("GET", "/stream", None)):
        assert (await client.ask(method, API + path, json=body))[0] == 401
        assert (await client.ask(method, API + path, json=body, headers=bearer("wrong")))[0] == 401


# --- who sees what ------------------------------------------------------------------------------------


async def test_lines_and_replies_appear_in_order(
    client: JsonClient, services: LoneServices, follow: Follow
) -> None:
    stream = await follow()
    csrf = await csrf_of(client)
    await said(client, "!hi", csrf, name="Ada")
    assert await shown(services, ConsoleLine("r1", "Hello Ada")) == ("r1",)
    first, second = await stream.line(), await stream.line()
    assert stream.resets == 1
    assert (first["kind"], first["name"], first["text"], first["owner"]) == ("chat", "Ada", "!hi", False)
    assert (second["kind"], second["name"], second["text"]) == ("bot", "WaddleBot", "Hello Ada")


async def test_a_reader_goes_on_from_where_it_was(services: LoneServices, follow: Follow) -> None:
    stream = await follow()
    await shown(services, ConsoleLine("r1", "one"), ConsoleLine("r1", "one"), ConsoleLine("r2", "two"))
    assert [(await stream.line())["text"] for _ in range(2)] == ["one", "two"]
    stream.answer.close()
    await shown(services, ConsoleLine("r3", "three"))
    for again in (
        await follow(**{"Last-Event-ID": stream.last}),
        await follow(f"/console/stream?after={stream.last}"),
    ):
        assert (await again.line())["text"] == "three"
        assert again.resets == 0
    other = await follow(**{"Last-Event-ID": "00000000-2"})
    assert (await other.line())["text"] == "one"
    assert other.resets == 1


async def test_private_lines_are_for_their_reader_and_the_owner(
    server: Served, services: LoneServices, token: str, follow: Follow
) -> None:
    user, _ = await server.keys.create("ada", Role.USER)
    hers = await follow(f"{API}/stream", **{"X-API-Key": user})
    owner = await follow(f"{API}/stream", **bearer(token))
    await shown(
        services,
        ConsoleLine("1", "for bob", private=True, to="console:guest:bob", to_name="bob"),
        ConsoleLine("2", "for ada", private=True, to="console:key:ada", to_name="ada"),
        ConsoleLine("3", "for all"),
    )
    assert [(await hers.line())["text"] for _ in range(2)] == ["for ada", "for all"]
    assert [(await owner.line())["text"] for _ in range(3)] == ["for bob", "for ada", "for all"]


async def test_a_head_request_does_not_leave_a_reader_behind(
    client: JsonClient, services: LoneServices, follow: Follow
) -> None:
    hub = services.entered.hub
    assert (await client.ask("HEAD", "/console/stream"))[0] == 200
    assert hub.readers == 0
    stream = await follow()
    await shown(services, ConsoleLine("1", "x"))
    await stream.line()
    assert hub.readers == 1
    stream.answer.close()
    deadline = time.monotonic() + 10
    while hub.readers:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _everything(_line: Line) -> bool:
    return True


async def test_the_backlog_is_the_last_hundred() -> None:
    hub = Hub()
    for number in range(BACKLOG_MAX + 20):
        hub.add(str(number), Line("chat", 0.0, "ada", str(number)))
    first = await anext(hub.listen("", _everything))
    assert first.count(b'data: {"kind"') == BACKLOG_MAX
    assert b'"text":"20"' in first
    assert b'"text":"19"' not in first


async def test_a_stream_beats_and_one_that_is_not_read_ends() -> None:
    hub = Hub(beat_s=0.01)
    stream = hub.listen("", _everything)
    await anext(stream)
    assert await anext(stream) == b": beat\n\n"
    for number in range(WAITING_MAX + 1):
        hub.add(str(number), Line("chat", 0.0, "ada", "x"))
    assert [chunk async for chunk in stream] == []
    assert hub.readers == 0


async def test_there_are_only_so_many_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.trigger.receiver.console.hub.READERS_MAX", 1)
    hub = Hub()
    stream = hub.listen("", _everything)
    await anext(stream)
    with pytest.raises(Full):
        hub.listen("", _everything)
    await stream.aclose()
    hub.listen("", _everything)


async def test_a_window_too_many_is_told_so(client: JsonClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.trigger.receiver.console.hub.READERS_MAX", 0)
    status, answer, _ = await client.ask("GET", "/console/stream")
    assert (status, answer["error"]) == (503, "full")


async def test_the_channel_is_brought_home_at_start() -> None:
    services = LoneServices(module)
    assert module.runner is not None
    await module.runner(ServiceContext(services))
    assert services.adopted == {ENTITY: "home"}
    assert isinstance(State(b"x", Config()).hub, Hub)


def test_behind_a_proxy_the_token_is_asked_for_at_this_machine_too() -> None:
    here = {"host": "127.0.0.1:8060"}
    assert Access(b"x").session("127.0.0.1", here) == "local"
    assert Access(b"x", token_only=True).session("127.0.0.1", here) is None
