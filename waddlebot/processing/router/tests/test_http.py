"""The router over HTTP: the door's promises, and what its routes tell and refuse."""

import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from waddlebot.libs.adapters import inbox as inbox_module
from waddlebot.libs.dal import Busy, Invalid, Unavailable
from waddlebot.libs.sdk import Reply, Result, Send, ServiceContext
from waddlebot.libs.sdk.ports import PARTITIONS, partition_of
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import JsonClient
from waddlebot.libs.web.operator import PURPOSE, OperatorTokens
from waddlebot.processing.router.desk import Desk

URL = "/api/v1/processing.router"
_numbers = itertools.count()


class Door:
    """A host, and somebody who posts to it with keys of each role and community."""

    def __init__(self, bot: HostBot, client: JsonClient) -> None:
        self.bot = bot
        self.client = client
        self._keys: dict[tuple[Role, str, str], str] = {}

    @property
    def desk(self) -> Desk:
        desk = self.bot.host.runners["processing.router"].services.state()
        assert isinstance(desk, Desk)
        return desk

    async def key(self, role: Role, community: str = "home", entity: str = "") -> str:
        found = self._keys.get((role, community, entity))
        if found is None:
            name = f"{role}-{next(_numbers)}"
            found = await self.bot.key(name, role, community="" if entity else community, entity=entity)
            self._keys[(role, community, entity)] = found
        return found

    async def ask(
        self, method: str, path: str, role: Role = Role.ADMIN, community: str = "home", **more: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        return await self.client.ask(method, URL + path, key=await self.key(role, community), **more)

    async def post(self, *lines: dict[str, Any], wait: int = 10, community: str = "home") -> list[dict[str, Any]]:
        status, body, _ = await self.ask("POST", f"/events?wait={wait}", community=community, json=list(lines))
        assert status == 200, body
        results: list[dict[str, Any]] = body["results"]
        return results


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        yield Door(bot, JsonClient(session, bot.url))


def line(text: str = "!help", **more: Any) -> dict[str, Any]:
    return {
        "id": f"e{next(_numbers)}", "kind": "chat.message", "platform": "test", "server": "net", "channel": "#r",
        "user_id": "mod", "roles": ["moderator"], "text": text, **more,
    }  # fmt: skip


async def test_one_event_a_batch_and_those_nobody_waits_for(door: Door) -> None:
    status, body, _ = await door.ask("POST", "/events", json=line())
    assert (status, body["results"][0]["status"]) == (200, "accepted")
    plain, command = line("hello"), line()
    results = await door.post(plain, command)
    assert [(r["event_id"], r["status"]) for r in results] == [
        (plain["id"], "ignored"),
        (command["id"], "answered"),
    ]


async def test_a_malformed_or_forged_event_first_burns_no_id(door: Door) -> None:
    event = line()
    for wrong in ({**event, "kind": ""}, {**event, "surprise": 1}, {**event, "occurred_at": "tomorrow"}):
        status, _, _ = await door.ask("POST", "/events", json=wrong)
        assert status == 400
    status, _, _ = await door.client.ask("POST", f"{URL}/events", key="wbk_forged", json=event)
    assert status == 401
    elsewhere = {**event, "text": "stolen", "channel": "#theirs"}
    await door.post(elsewhere, community="theirs")
    [result] = await door.post(event)
    assert (result["status"], bool(result["replies"])) == ("answered", True)


async def test_a_refused_request_leaves_nothing_behind(door: Door) -> None:
    entities = door.bot.host.shared.configuration.entities
    bad = [line(channel="#new"), line(channel="#newer", occurred_at=10**12)]
    status, _, _ = await door.ask("POST", "/events", json=bad)
    assert (status, [entity for entity in entities if "#new" in entity]) == (400, [])


async def test_a_key_speaks_for_its_own_entities_alone(door: Door) -> None:
    await door.post(line(channel="#ours"), community="ours")
    status, body, _ = await door.ask("POST", "/events", community="theirs", json=line(channel="#ours"))
    assert (status, body["error"]) == (403, "foreign_entity")
    bound = await door.key(Role.TRIGGER, entity="test:net:#only")
    status, body, _ = await door.client.ask("POST", f"{URL}/events?wait=5", key=bound, json=line(channel="#only"))
    assert (status, body["results"][0]["status"]) == (200, "answered")
    status, body, _ = await door.client.ask("POST", f"{URL}/events", key=bound, json=line(channel="#other"))
    assert (status, body["error"]) == (403, "foreign_entity")


async def test_a_full_inbox_says_when_to_come_back(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "OPEN_EVENTS_MAX", 4)
    status, body, headers = await door.ask("POST", "/events", json=[line(), line()])
    assert (status, body["error"], headers["Retry-After"]) == (503, "busy", "1")
    assert (await door.post(line()))[0]["status"] == "answered"


@pytest.mark.parametrize("what", ["accept", "adopt"])
async def test_a_database_that_is_away_accepts_nothing(
    door: Door, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.post(line())

    async def away(*_: object) -> None:
        raise Unavailable("The database is gone.")

    target = door.bot.host.inbox if what == "accept" else door.bot.host.shared
    monkeypatch.setattr(target, what, away)
    status, body, headers = await door.ask("POST", "/events", json=line(channel=f"#{what}"))
    assert (status, body["error"], headers["Retry-After"]) == (503, "unavailable", "2")


async def test_while_the_outbox_is_full_commands_answer_busy(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.post(line())
    monkeypatch.setattr(door.bot.host.outbox, "room", lambda community: False)
    [result] = await door.post(line())
    assert result["status"] == "refused"
    assert result["reason"].startswith("busy")
    assert "busy" in result["replies"][0]["text"]
    assert (await door.post(line("hello")))[0]["status"] == "ignored"


async def test_methods_and_bodies_that_the_door_does_not_take(door: Door) -> None:
    assert (await door.ask("GET", "/events"))[0] == 405
    assert (await door.ask("POST", "/events?weight=1", json=line()))[0] == 400
    assert (await door.ask("POST", "/events", json=[line()] * 101))[0] == 413


async def test_a_rule_over_http_and_in_chat_are_the_same(door: Door) -> None:
    rule = {"name": "spam", "pattern": "buy now", "action": "warn", "value": "no!"}
    assert (await door.ask("PUT", "/rules", json=rule))[0] == 200
    [result] = await door.post(line("Buy now!", user_id="ann", roles=[]))
    assert result["replies"][0]["text"] == "no!"
    _, body, _ = await door.ask("GET", "/rules", Role.ADMIN)
    assert [one["name"] for one in body["rules"]] == ["spam"]
    [shown] = await door.post(line("!rule show spam"))
    assert "spam: contains “buy now” → warn no!" in shown["replies"][0]["text"]
    [missing] = await door.post(line("!rule show ham"))
    assert missing["status"] == "refused"

    async def counted() -> bool:
        _, found, _ = await door.ask("GET", "/rules")
        return bool(found["hits"].get("spam") == 1)

    await until(counted)
    assert (await door.ask("DELETE", "/rules/spam"))[0] == 200
    assert (await door.ask("DELETE", "/rules/spam"))[0] == 404


async def test_a_patch_keeps_what_it_leaves_out(door: Door) -> None:
    await door.post(line("hello"))
    rule = {"name": "a/b", "pattern": "spam", "action": "block", "value": "no!", "seconds": 60, "priority": 3}
    assert (await door.ask("PUT", "/rules", json=rule))[0] == 200
    status, changed, _ = await door.ask("PATCH", "/rules/a/b", json={"seconds": 0, "entities": ["test:net:#r"]})
    assert (status, changed["seconds"], changed["priority"], changed["value"]) == (200, 0, 3, "no!")
    _, body, _ = await door.ask("GET", "/rules")
    assert body["rules"] == [changed]
    for change, words in (
        ({"kind": "psychic"}, "kind is one of"),
        ({"entities": ["irc:a:b"]}, "no channel irc:a:b"),
    ):
        status, body, _ = await door.ask("PATCH", "/rules/a/b", json=change)
        assert (status, body["error"], words in body["detail"]) == (400, "invalid_rule", True)
    assert (await door.ask("PATCH", "/rules/unheard-of", json={"seconds": 5}))[0] == 404
    assert (await door.ask("PUT", "/rules", json=rule))[0] == 200
    _, body, _ = await door.ask("GET", "/rules")
    assert body["rules"][0]["entities"] == []


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "x", "pattern": "a", "entities": ["irc:net:#theirs"]},
        {"name": "x", "pattern": "(", "kind": "regex"},
        {"name": "x", "pattern": "a", "kind": "psychic"},
        {"name": "x", "pattern": "a", "action": "reply"},
        {"name": "x" * 51, "pattern": "a"},
    ],
)
async def test_a_rule_that_cannot_work_is_refused(door: Door, rule: dict[str, Any]) -> None:
    status, body, _ = await door.ask("PUT", "/rules", json=rule)
    assert (status, body["error"]) == (400, "invalid_rule")


async def test_what_the_routes_tell(door: Door) -> None:
    event = line("!rule list", user_id="ann", roles=[])
    await door.post(event)
    _, body, _ = await door.ask("GET", "/commands")
    assert body["prefix"] == "!"
    listed = {command["name"]: command for command in body["commands"]}
    assert listed["rule add"]["for"] == "moderator"
    _, body, _ = await door.ask("GET", "/executions")
    assert body["executions"][0]["event_id"] == event["id"]
    _, body, _ = await door.ask("GET", f"/traces/{event['id']}")
    assert body["steps"][-1] == {"stage": "permit", "decision": "only for moderator and above"}
    assert (await door.ask("GET", "/traces/unheard-of"))[0] == 404
    assert (await door.ask("GET", f"/traces/{event['id']}", community="theirs"))[0] == 404
    called_operator = await door.bot.key("operator", Role.USER, community="theirs")
    assert (await door.client.ask("GET", f"{URL}/traces/{event['id']}", key=called_operator))[0] == 404
    for community, refused in (("home", 1), ("theirs", 0)):
        _, body, _ = await door.ask("GET", "/metrics", community=community)
        assert (body["events"]["refused"], body["host"]) == (refused, None)
    operator = OperatorTokens(door.bot.host.shared.secret.derive(PURPOSE)).make(Role.USER, "home")
    _, body, _ = await door.client.ask("GET", f"{URL}/metrics", key=operator)
    assert (body["events"]["refused"], body["host"]["events"]["refused"]) == (1, 1)
    _, body, _ = await door.ask("GET", "/coordination")
    [owner] = body["owners"]
    assert (owner["here"], owner["partitions"], body["free"]) == (True, list(range(64)), [])


async def test_what_nobody_owns_is_to_be_asked_for_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    free = partition_of("home")
    owners = {partition: "somebody" for partition in range(PARTITIONS) if partition != free}
    monkeypatch.setattr(door.bot.host.coordinator, "owner_of", lambda partition: owners.get(partition, ""))
    for path in ("/executions", "/traces/unheard-of", "/metrics", "/rules"):
        status, body, headers = await door.ask("GET", path)
        assert (status, body["error"], headers["Retry-After"]) == (503, "no_owner", "2"), path


async def test_a_key_of_one_entity_sees_that_entity_alone(door: Door) -> None:
    here, there = line("!help", channel="#here"), line("!help", channel="#there")
    await door.post(here, there)
    raw = await door.key(Role.USER, entity="test:net:#here")

    async def ask(path: str) -> tuple[int, Any]:
        status, body, _ = await door.client.ask("GET", URL + path, key=raw)
        return status, body

    status, body = await ask("/executions")
    assert (status, [one["event_id"] for one in body["executions"]]) == (200, [here["id"]])
    assert (await ask(f"/traces/{here['id']}"))[0] == 200
    assert (await ask(f"/traces/{there['id']}"))[0] == 404
    assert (await ask("/commands"))[0] == 200
    for path in ("/rules", "/metrics", "/coordination", "/../interactive.alias/commands"):
        status, body = await ask(path)
        assert (status, body["error"]) == (403, "entity_key"), path


async def test_failures_are_kept_and_explained_after_the_ring_has_forgotten(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    event = line("!help")
    endpoint = door.bot.host.directory["processing.router"]
    monkeypatch.setattr(type(endpoint), "execute", lambda self, call: Result("failed", (), "it broke"))
    [result] = await door.post(event)
    monkeypatch.undo()
    assert (result["status"], result["reason"]) == ("failed", "it broke")
    assert event["id"] in result["replies"][0]["text"]
    await door.desk.flush(ServiceContext(door.bot.host.runners["processing.router"].services))
    door.desk.router.traces.ring.clear()
    _, body, _ = await door.ask("GET", f"/traces/{event['id']}")
    assert (body["status"], body["reason"]) == ("failed", "it broke")
    [said] = await door.post(line(f"!why {event['id']}"))
    assert "it broke" in said["replies"][0]["text"]


class Late:
    """A module's late response to a command that was used a moment ago."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.sent: list[Send] = []

    async def session(self) -> str:
        sessions: list[str] = []
        endpoint = self.door.bot.host.directory["processing.router"]
        execute = endpoint.execute

        def watched(call: Any) -> Any:
            sessions.append(call.session)
            return execute(call)

        self.door.bot.host.directory["processing.router"] = _Watched(endpoint, watched)
        await self.door.post(line())
        return sessions[0]

    def body(self, session: str, **more: str) -> dict[str, str]:
        return {
            "session": session, "entity": "test:net:#r", "module": "processing.router", "text": "at last", **more,
        }  # fmt: skip


class _Watched:
    def __init__(self, endpoint: Any, execute: Any) -> None:
        self._endpoint = endpoint
        self.execute = execute

    def __getattr__(self, name: str) -> Any:
        return getattr(self._endpoint, name)


async def test_a_late_response_carries_its_session(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Late(door)
    session = await late.session()
    monkeypatch.setattr(door.bot.host.outbox, "put", late.sent.extend)
    for _ in range(2):
        assert (await door.ask("POST", "/responses", Role.ACTION, json=late.body(session)))[0] == 200
    assert [send.reply for send in late.sent] == [Reply("at last")] * 2
    assert len({send.id for send in late.sent}) == 2
    assert late.sent[0].entity == "test:net:#r"


@pytest.mark.parametrize(
    ("more", "community", "words"),
    [
        ({"session": "0" * 32}, "home", "no such session"),
        ({"entity": "test:net:#other"}, "home", "another entity"),
        ({"module": "interactive.other"}, "home", "another module"),
        ({}, "theirs", "another community"),
    ],
)
async def test_a_response_without_a_session_of_its_own_is_refused_and_noted(
    door: Door, more: dict[str, str], community: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    late = Late(door)
    body = {**late.body(await late.session()), **more}
    status, answer, _ = await door.ask("POST", "/responses", Role.ACTION, community, json=body)
    assert (status, answer["error"]) == (403, "wrong_session")
    assert words in answer["detail"]
    assert "a response was refused" in caplog.text


async def test_a_response_into_a_full_outbox_is_to_come_again(door: Door) -> None:
    late = Late(door)
    session = await late.session()

    def full(sends: object) -> None:
        raise Busy("too many replies wait")

    door.bot.host.outbox.put = full  # type: ignore[method-assign,assignment]  # only for this host
    status, _, headers = await door.ask("POST", "/responses", Role.ACTION, json=late.body(session))
    assert (status, headers["Retry-After"]) == (503, "1")


async def test_live_replies_into_a_full_outbox_are_counted(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    def full(sends: object) -> None:
        raise Busy("too many replies wait")

    door.bot.host.outbox.put = full  # type: ignore[method-assign,assignment]  # only for this host
    with caplog.at_level(logging.WARNING):
        door.desk._send([Send("s", "home", "test", "net", "#r", Reply("hi"))])
    assert door.desk.router.traces.counts["unsent"] == 1
    assert "could not be queued" in caplog.text


async def test_what_the_router_says_of_itself(door: Door) -> None:
    await door.post(line(user_id="boss", text="!claim", roles=[]))
    await door.post(line(channel="#theirs"), community="theirs")
    texts = {}
    for command in ("!stats", "!commands", "!help rule", "!help rule add", "!why @nobody"):
        [result] = await door.post(line(command))
        texts[command] = result["replies"][0]["text"]
    assert texts["!stats"].endswith("Commands used here: 1. Answered: 1, refused: 0, failed: 0.")
    assert "add" in texts["!help rule"]
    assert texts["!help rule add"].startswith("Usage: !rule add <name>")
    assert "by nobody" in texts["!why @nobody"]


async def test_many_rules_are_compiled_beside_the_loop(door: Door) -> None:
    rules = [{"name": f"r{n}", "pattern": f"word{n:02}", "action": "warn", "value": f"w{n}"} for n in range(55)]
    for rule in rules:
        status, _, _ = await door.ask("PUT", "/rules", json=rule)
        assert status == 200
    [result] = await door.post(line("word54", user_id="ann", roles=[]))
    assert result["replies"][0]["text"] == "w54"
    [listed] = await door.post(line("!rule list"))
    assert "more" in listed["replies"][0]["text"]


async def test_the_own_kinds_of_the_router_may_be_posted_and_end(door: Door) -> None:
    told = line("!help", kind="command.executed", user_id="ann", roles=[])
    results = await door.post(told, line(user_id="bob", roles=[]))
    assert [result["status"] for result in results] == ["ignored", "answered"]


async def test_an_event_that_cannot_be_kept_as_dead_letter_ends(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await door.post(line())

    async def refuse(*_: Any) -> None:
        raise Invalid("a value does not fit")

    monkeypatch.setattr(door.bot.host.inbox, "bury", refuse)
    endpoint = door.bot.host.directory["processing.router"]
    monkeypatch.setattr(type(endpoint), "execute", lambda self, call: Result("failed", (), "it broke"))
    [result] = await door.post(line())
    assert result["status"] == "failed"
    assert "could not be kept as a dead letter" in caplog.text
