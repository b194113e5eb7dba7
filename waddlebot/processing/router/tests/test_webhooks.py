"""Webhook rules against a real server: signed, in order, tried again, bounded, and never to a private address."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from waddlebot.libs.sdk import EVENT_VERSION, Event, Refusal, Role, Rule
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.http_server import HttpServer, http_server
from waddlebot.libs.testing.talk import Chat, joined
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import JsonClient
from waddlebot.processing.router import webhooks as module
from waddlebot.processing.router.desk import Desk
from waddlebot.processing.router.webhooks import WAITING_MAX, Webhooks, signed

SECRET = b"0" * 32


class Receiver:
    """What was posted, by path, and what each path answers: one status after the other, the last for ever."""

    def __init__(self) -> None:
        self.server: HttpServer
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, list[int]] = {}
        self.held: dict[str, asyncio.Event] = {}

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.posted.append((request.path, {name.lower(): value for name, value in request.headers.items()}, body))
        if request.path in self.held:
            await self.held[request.path].wait()
        statuses = self.answers.get(request.path, [204])
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    def texts(self, path: str) -> list[str]:
        return [json.loads(body)["data"]["event"]["text"] for where, _, body in self.posted if where == path]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with http_server(receiver.answer) as receiver.server:
        yield receiver


@pytest.fixture
async def webhooks(receiver: Receiver) -> AsyncIterator[Webhooks]:
    webhooks = Webhooks(SECRET, logging.getLogger("processing.router"))
    webhooks.make_fetcher = receiver.server.fetcher
    webhooks.pauses_s = (0.01, 0.01)
    yield webhooks
    for held in receiver.held.values():
        held.set()
    await webhooks.aclose()


@pytest.fixture
def rule(receiver: Receiver) -> Callable[..., Rule]:
    def rule(id_: str = "relay", path: str = "/hook", secret_id: str = "s1") -> Rule:
        return Rule(id_, "spam", action="webhook", value=receiver.server.url(path), secret_id=secret_id)

    return rule


def event(text: str = "spam", community: str = "lab", **data: Any) -> Event:
    return Event(
        EVENT_VERSION, f"e {text}", "chat.message", "irc", "net", "#r", "u1", "ann", "Ann", ("vip",), text,
        1_700_000_000.5, 1_700_000_001.0, community, "key:1", "@raw", data,
    )  # fmt: skip


async def settled(webhooks: Webhooks, rule: str = "relay", community: str = "lab") -> module.Posts:
    """What became of a rule's posts, as soon as none waits."""
    await until(lambda: not webhooks.of(community)[rule].waiting)
    return webhooks.of(community)[rule]


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The reference vector of the specification's own libraries."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_no_two_rules_share_a_secret() -> None:
    rules = [("lab", "a", "1"), ("lab", "a", "2"), ("lab", "b", "1"), ("den", "a", "1"), ("la", "ba", "1")]
    keys = {module.signing_key(SECRET, *rule) for rule in rules}
    assert len(keys) == len(rules)
    assert {len(key) for key in keys} == {32}


async def test_the_receiver_can_tell_that_it_is_ours(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule]
) -> None:
    webhooks.put(rule(), event(n=1))
    assert (await settled(webhooks)).delivered == 1
    [(path, headers, body)] = receiver.posted
    secret = webhooks.secret_of("lab", "relay", "s1")
    assert (path, headers["content-type"], secret[:6]) == ("/hook", "application/json", "whsec_")
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(secret[6:]), content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert json.loads(body) == {
        "type": "rule.matched",
        "timestamp": "2023-11-14T22:13:20.500000+00:00",
        "data": {
            "community": "lab",
            "rule": "relay",
            "event": {
                "id": "e spam", "kind": "chat.message", "platform": "irc", "server": "net", "channel": "#r",
                "user_id": "u1", "user_login": "ann", "user_name": "Ann", "roles": ["vip"], "text": "spam",
                "occurred_at": 1_700_000_000.5, "received_at": 1_700_000_001.0, "data": {"n": 1},
            },
        },
    }  # fmt: skip


async def test_a_host_that_is_busy_is_tried_again_under_the_same_id(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule]
) -> None:
    receiver.answers["/hook"] = [503, 429, 200]
    webhooks.put(rule(), event())
    posts = await settled(webhooks)
    assert (posts.delivered, posts.failed, posts.problem, len(receiver.posted)) == (1, 0, "", 3)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.posted}) == 1
    webhooks.put(rule("other"), event())
    await settled(webhooks, "other")
    assert len({headers["webhook-id"] for _, headers, _ in receiver.posted}) == 2


@pytest.mark.parametrize(
    ("status", "tries", "words"),
    [(500, 3, "answers 500"), (404, 1, "answers 404"), (302, 1, r"redirects \(302\): write the final URL")],
)
async def test_who_does_not_take_it_is_given_up(
    receiver: Receiver,
    webhooks: Webhooks,
    rule: Callable[..., Rule],
    caplog: pytest.LogCaptureFixture,
    status: int,
    tries: int,
    words: str,
) -> None:
    receiver.answers["/hook"] = [status]
    for n in range(3):
        webhooks.put(rule(), event(f"line {n}"))
    posts = await settled(webhooks)
    assert (posts.failed, posts.delivered, len(receiver.posted)) == (3, 0, 3 * tries)
    assert re.search(words, posts.problem)
    assert posts.problem.endswith("[e line 2]")
    assert caplog.text.count("the webhook rule relay of lab") == 1  # not a line for each


async def test_a_rule_posts_in_order_and_holds_up_no_other(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule]
) -> None:
    receiver.held["/slow"] = asyncio.Event()
    slow, quick = rule("slow", "/slow"), rule("quick", "/quick")
    for n in range(5):
        webhooks.put(slow, event(str(n)))
        webhooks.put(quick, event(str(n)))
    assert (await settled(webhooks, "quick")).delivered == 5
    assert (receiver.texts("/slow"), webhooks.of("lab")["slow"].waiting) == (["0"], 5)
    receiver.held["/slow"].set()
    assert (await settled(webhooks, "slow")).delivered == 5
    assert receiver.texts("/slow") == receiver.texts("/quick") == [str(n) for n in range(5)]


async def test_what_does_not_fit_is_dropped_and_counted(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule], caplog: pytest.LogCaptureFixture
) -> None:
    """No community holds more than a quarter of the queue, and all together no more than it has."""
    receiver.held["/hook"] = asyncio.Event()
    share = WAITING_MAX // 4
    for n in range(share + 10):
        webhooks.put(rule(), event(str(n)))
    posts = webhooks.of("lab")["relay"]
    assert (posts.waiting, posts.dropped) == (share, 10)
    assert posts.in_words() == (
        f"Posts since the start: 0 delivered, 0 failed, 10 dropped, {share} waiting. "
        f"Last problem: Too many posts wait already. [e {share + 9}]"
    )
    assert caplog.text.count("Too many posts wait already") == 1
    for n in range(4 * share):
        webhooks.put(rule(), event(community=f"c{n % 8}"))
    everywhere = [posts.waiting for posts in webhooks.posts.values()]
    assert sum(everywhere) == WAITING_MAX
    receiver.held.pop("/hook").set()
    assert (await settled(webhooks)).delivered == share


async def test_what_waited_too_long_is_dropped(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGE_S_MAX", -1.0)
    webhooks.put(rule(), event())
    posts = await settled(webhooks)
    assert (posts.dropped, posts.failed, receiver.posted) == (1, 0, [])
    assert "waited for more than" in posts.problem


async def test_a_name_that_turned_private_is_not_asked(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule]
) -> None:
    await webhooks.check(rule().value)
    receiver.server.names["host.example"] = [["10.0.0.5"]]
    webhooks.put(rule(), event())
    posts = await settled(webhooks)
    assert (posts.failed, receiver.posted) == (1, [])
    assert "private network" in posts.problem


async def test_what_json_cannot_hold_fails_alone(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule]
) -> None:
    webhooks.put(rule(), event("one", odd={(1, 2): object()}))
    webhooks.put(rule(), event("two"))
    posts = await settled(webhooks)
    assert (posts.failed, posts.delivered, receiver.texts("/hook")) == (1, 1, ["two"])


async def test_at_the_end_tries_are_finished_and_no_more_are_made(
    receiver: Receiver, webhooks: Webhooks, rule: Callable[..., Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.pauses_s = (3_600.0,)
    receiver.answers["/hook"] = [503, 204]
    receiver.held["/stuck"] = asyncio.Event()
    webhooks.put(rule(), event("one"))
    webhooks.put(rule(), event("two"))
    for _ in range(3):
        webhooks.put(rule("stuck", "/stuck"), event())
    await until(lambda: receiver.texts("/hook") == ["one"] and receiver.texts("/stuck"))
    monkeypatch.setattr(module, "_CLOSE_S", 0.2)
    await webhooks.aclose()
    relay, stuck = webhooks.of("lab")["relay"], webhooks.of("lab")["stuck"]
    assert (relay.failed, relay.delivered, relay.waiting) == (1, 1, 0)
    assert (stuck.dropped, stuck.waiting) == (3, 0)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/hook", "Only https:// can be asked"),
        ("https://10.0.0.1/hook", "private network"),
        ("https://localhost/hook", "private network"),
        ("https://example.com:8443/hook", "Port 8443 is not allowed"),
        ("https://me:secret@example.com/", "user name or password"),
        ("hook", "Only https"),
    ],
)
async def test_the_rules_own_client_asks_public_hosts_by_https(url: str, words: str) -> None:
    webhooks = Webhooks(SECRET, logging.getLogger("processing.router"))
    with pytest.raises(Refusal, match=words):
        await webhooks.check(url)
    await webhooks.aclose()


class Community:
    """A community in a host, its owner ``ann`` in chat, and whoever asks over HTTP."""

    def __init__(self, bot: HostBot, chat: Chat, client: JsonClient) -> None:
        self.bot = bot
        self.chat = chat
        self.client = client
        self._keys: dict[Role, str] = {}

    async def says(self, text: str, as_: str = "ann", roles: tuple[str, ...] = ()) -> str:
        """What the bot answers."""
        outcome = await self.chat.say(text, as_, roles)
        self.chat.unheard.clear()
        return " ".join(reply.text for reply in outcome.replies)

    async def ask(self, method: str, path: str, role: Role = Role.ADMIN, **more: Any) -> tuple[int, Any]:
        """Status and body, asked with a key of that role."""
        if role not in self._keys:
            self._keys[role] = await self.bot.key(str(role), role, community="lab")
        url = f"/api/v1/processing.router{path}"
        status, body, _ = await self.client.ask(method, url, key=self._keys[role], **more)
        return status, body


@pytest.fixture
async def lab(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Community]:
    async with (
        hosted(environ_of(tmp_path)) as bot,
        joined(bot, "lab") as chat,
        aiohttp.ClientSession() as session,
    ):
        desk = bot.host.runners["processing.router"].services.state()
        assert isinstance(desk, Desk)
        desk.webhooks.make_fetcher = receiver.server.fetcher
        await chat.own("ann")
        yield Community(bot, chat, JsonClient(session, bot.url))


async def test_a_rule_made_in_chat_posts_what_matches(lab: Community, receiver: Receiver) -> None:
    url = receiver.server.url("/hooks/t0ken")
    said = await lab.says(f'!rule add relay contains webhook -priority=1 "buy now" {url}')
    where = f"http://host.example:{receiver.server.port}/…"
    assert said.startswith(f"The rule relay holds now: lines that match are posted to {where} The operator gets")
    assert said.endswith("by: waddlebot rule secret relay --community lab")
    _, answer = await lab.ask("POST", "/rule-secrets/relay")
    assert (
        await lab.says("!help BUY NOW", "bob")
        == "There is no command !buy now here. !commands lists what there is."
    )
    await until(lambda: receiver.posted)
    [(_, headers, body)] = receiver.posted
    assert json.loads(body)["data"]["event"]["text"] == "!help BUY NOW"
    key = base64.b64decode(answer["secret"].removeprefix("whsec_"))
    assert headers | signed(key, headers["webhook-id"], int(headers["webhook-timestamp"]), body) == headers
    await until(lambda: lab_posts(lab).delivered)
    assert await lab.says("!rule show relay") == (
        f"relay: contains “buy now” → webhook {where} (priority 1) "
        "Posts since the start: 1 delivered, 0 failed, 0 dropped, 0 waiting."
    )


def lab_posts(lab: Community) -> module.Posts:
    desk = lab.bot.host.runners["processing.router"].services.state()
    assert isinstance(desk, Desk)
    return desk.webhooks.of("lab")["relay"]


async def test_only_admins_send_lines_elsewhere(lab: Community, receiver: Receiver) -> None:
    url = receiver.server.url("/hook")
    refused = "Only admins and the owner may have lines posted to a URL."
    moderator = ("moderator",)
    assert await lab.says(f"!rule add relay word webhook spam {url}", "mod", moderator) == refused
    await lab.says(f"!rule add relay word webhook spam {url}")
    for change in ("add relay word warn spam", "options relay -priority=1", f"add relay word webhook ham {url}2"):
        assert await lab.says(f"!rule {change}", "mod", moderator) == refused
    assert await lab.says("!rule remove relay", "mod", moderator) == "The rule relay is gone."


async def test_a_url_that_cannot_be_posted_to_is_refused_when_it_is_saved(
    lab: Community, receiver: Receiver
) -> None:
    receiver.server.names["inside.example"] = [["192.168.1.1"]]
    for url, words in (
        ("https://inside.example/", "private network"),
        ("https://nowhere.example/", "has no address"),
        ("ftp://host.example/", "can be asked"),
    ):
        said = await lab.says(f"!rule add relay word webhook spam {url}")
        assert "The rule cannot post there." in said
        assert words in said
        rule = {"name": "relay", "pattern": "spam", "action": "webhook", "value": url}
        status, body = await lab.ask("PUT", "/rules", json=rule)
        assert (status, body["error"], words in body["detail"]) == (400, "invalid_rule", True)
    assert "needs its value" in await lab.says("!rule add relay word webhook spam")
    await lab.says(f"!rule add relay word webhook spam {receiver.server.url('/')}")
    status, body = await lab.ask("PATCH", "/rules/relay", json={"value": "https://inside.example/"})
    assert (status, body["error"]) == (400, "invalid_rule")


async def test_urls_and_secrets_are_for_admins(lab: Community, receiver: Receiver) -> None:
    url = receiver.server.url("/hooks/t0ken")
    rule = {"name": "relay/1", "pattern": "spam", "action": "webhook", "value": url}
    assert (await lab.ask("PUT", "/rules", json=rule))[0] == 200
    _, seen = await lab.ask("GET", "/rules", Role.USER)
    assert "t0ken" not in str(seen)
    assert seen["rules"][0]["secret_id"] == ""
    _, before = await lab.ask("GET", "/rules")
    assert before["rules"][0]["value"] == url
    secrets = [(await lab.ask("POST", "/rule-secrets/relay/1"))[1]["secret"] for _ in range(2)]
    assert len({*secrets}) == 2
    _, after = await lab.ask("GET", "/rules")
    assert after["rules"][0]["secret_id"] != before["rules"][0]["secret_id"]
    assert not any(secret.removeprefix("whsec_") in str(after) for secret in secrets)
    # What is put back as it was has the secret that it had.
    assert (await lab.ask("PUT", "/rules", json=after["rules"][0] | {"priority": 4}))[0] == 200
    _, kept = await lab.ask("GET", "/rules")
    assert kept["rules"][0]["secret_id"] == after["rules"][0]["secret_id"]
    assert (await lab.ask("POST", "/rule-secrets/relay/1", Role.USER))[0] == 403
    assert (await lab.ask("POST", "/rule-secrets/unheard-of"))[0] == 404
    await lab.ask("PUT", "/rules", json=rule | {"action": "warn", "value": "no"})
    status, body = await lab.ask("POST", "/rule-secrets/relay/1")
    assert (status, "has no secret" in body["detail"]) == (422, True)


async def test_a_line_does_not_set_off_a_hundred_posts(lab: Community, receiver: Receiver) -> None:
    rule = {"pattern": "spam", "action": "webhook", "value": receiver.server.url("/hook")}
    for n in range(20):
        assert (await lab.ask("PUT", "/rules", json=rule | {"name": f"r{n}"}))[0] == 200
    status, body = await lab.ask("PUT", "/rules", json=rule | {"name": "r20"})
    assert (status, "There are 20 rules that post" in body["detail"]) == (400, True)
    assert (await lab.ask("PUT", "/rules", json=rule | {"name": "r19", "priority": 3}))[0] == 200
