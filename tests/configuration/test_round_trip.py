"""A community is written down and brought in elsewhere, and is the same there: every resource of every module."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from waddlebot.action.interactive.alias.store import CommandAlias, CustomCommand
from waddlebot.action.security.content_filter.settings import FilterSetting
from waddlebot.action.security.content_filter.store import Blocked
from waddlebot.core.community.document import LENGTH_MAX, read, resources_of, wanted, written
from waddlebot.core.community.store import (
    Access,
    CommandOverride,
    CommunityStore,
    CustomRole,
    Member,
    RoleHolder,
    Setting,
    Switch,
)
from waddlebot.core.labels.store import Group, Label, RoleLabel
from waddlebot.libs.dal import Community, Refused, Rehearsed, Wanted, resource_of
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.view import Conditions, Range
from waddlebot.libs.testing.bots import environ_of
from waddlebot.processing.router.store import StringRule
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import database
from waddlebot.runtime.installation import Installation, opened
from waddlebot.runtime.upgrade import bring_up
from waddlebot.trigger.cron.periodic_messages.store import Timer

OWNER = 127
SAMPLES: dict[str, tuple[Any, ...]] = {
    "interactive.alias": (
        CustomCommand("hi", "Hello $(user), it’s 5 o’clock 🦆: yes\nno", cooldown_s=2.5, reply="whisper"),
        CustomCommand("good morning", "on", bare=True, may_command=True),
        CommandAlias("greet", "hi {user}", ranks=OWNER),
    ),
    "security.content_filter": (
        FilterSetting("caps", mode="on", most=20, share=70, allowed=("example.com",)),
        Blocked("bad word", "contains"),
    ),
    "core.community": (
        Member("irc:ann", ("admin", "vip")),
        Setting("core.reputation", "chat", 0.5),
        Switch("core.labels", enabled=False),
        CommandOverride("reputation", name="karma", cooldown_s=60.0),
        Access("slots-vip", "allow", "command:slots", Conditions(roles=("helper",), score=Range(600.0)), OWNER),
        CustomRole("helper", "vip", "points", 500.0),
        RoleHolder("helper", "twitch:12", earned=True),
    ),
    "core.labels": (
        Label("user", "irc:bob", "artist", "Bob"),
        RoleLabel("from", "discord", "Helper", "friend"),
        Group("all", ("irc:net:#a", "irc:net:#b")),
    ),
    "processing.router": (
        StringRule("greeting", "hello", kind="word", action="reply", value="Hi!", entities=("irc:net:#a",),
        ranks=OWNER),
    ),
    "cron.periodic_messages": (
        Timer("news", ("Hello {channel}", "2026-11-24"), interval_s=600.0, lines_min=5),
        Timer("daily", ("yes",), cron="0 18 * * 1-5", zone="Europe/Berlin", quiet="22:00-07:00"),
    ),
}  # fmt: skip
"""At least one record of each portable resource; fields that are `own` as the operator brings them in."""


@pytest.fixture
async def installation(tmp_path: Path, database_url: str) -> AsyncIterator[Installation]:
    environment = load(environ_of(tmp_path / "data", database_url))
    bring_up(environment, database(environment, discover()))
    async with opened(environment) as found:
        yield found


def book(installation: Installation, community: str) -> CommunityStore:
    store = installation.dal.bind("core.community", Community(community), actor="operator", reason="a test")
    assert isinstance(store, CommunityStore)
    return store


def samples() -> list[Wanted]:
    return [
        Wanted(module, resource_of(type(record)).name, resource_of(type(record)).key_of(record), record)
        for module, records in SAMPLES.items()
        for record in records
    ]


async def export(installation: Installation, community: str) -> str:
    return written(community, await book(installation, community).configuration(), installation.manifests)


async def apply(installation: Installation, community: str, text: str, ranks: int = -1) -> int:
    given = await book(installation, community).configuration()
    document = read(text, installation.manifests)
    found = wanted(document, given, installation.manifests)
    return await book(installation, community).bring_in(found, at=given.version, ranks=ranks)


def body(text: str) -> Any:
    return yaml.safe_load(text)["configuration"]


def test_every_resource_has_a_sample() -> None:
    declared = {(module, name) for module, found in resources_of(discover()).items() for name in found}
    assert {(one.module, one.resource) for one in samples()} == declared


async def test_what_is_written_down_is_the_same_elsewhere(installation: Installation) -> None:
    assert await book(installation, "lab").bring_in(samples(), at=0) == 1
    text = await export(installation, "lab")
    assert await apply(installation, "away", text) == 1
    again = await export(installation, "away")
    assert body(again) == body(text)
    lab, away = [await book(installation, name).configuration() for name in ("lab", "away")]
    assert away.records == lab.records
    assert [record for found in lab.records.values() for kept in found.values() for record in kept]
    assert await apply(installation, "away", again) == 0, "it is so already"
    await book(installation, "away").undo(1)
    assert not any(
        kept
        for found in (await book(installation, "away").configuration()).records.values()
        for kept in found.values()
    )


async def test_a_section_says_all_that_is_to_be_there(installation: Installation) -> None:
    await book(installation, "lab").bring_in(samples(), at=0)
    text = "waddlebot: 1\nconfiguration:\n  interactive.alias:\n    custom:\n      ho: {text: Ho}\n"
    assert await apply(installation, "lab", text) == 2
    found = (await book(installation, "lab").configuration()).records
    assert [command.name for command in found["interactive.alias"]["custom"]] == ["ho"]
    assert found["interactive.alias"]["alias"] == []
    assert len(found["cron.periodic_messages"]["timer"]) == 2, "a module without a section stays as it is"
    assert await book(installation, "lab").roll_back(1, at=2) == 3
    assert len((await book(installation, "lab").configuration()).records["interactive.alias"]["custom"]) == 2


async def test_what_stays_behind_is_kept(installation: Installation) -> None:
    rule = StringRule("post", "x", action="webhook", value="https://example.com", ranks=33, secret_id="s" * 32)
    access = Access("a", "allow", "command:slots", Conditions(score=Range(1.0)), 33)
    store = installation.dal.bind("processing.router", Community("lab"), actor="irc:ann")
    await store.save(rule)  # type: ignore[attr-defined]  # the router's store
    await book(installation, "lab").put_access(access)
    text = await export(installation, "lab")
    assert "ssss" not in text
    assert "ranks" not in str(body(text)["processing.router"])
    assert await apply(installation, "lab", text) == 0
    assert await apply(installation, "lab", text.replace("example.com", "example.org")) == 3
    (changed,) = (await book(installation, "lab").configuration()).records["processing.router"]["rules"]
    assert (changed.value, changed.ranks, changed.secret_id) == ("https://example.org", OWNER, "s" * 32)


async def test_nobody_brings_in_more_than_they_have(installation: Installation) -> None:
    admin = 1 | 32
    await book(installation, "lab").give_rank("irc:boss", "owner")
    at = (await book(installation, "lab").configuration()).version
    for record in (Member("irc:bob", ("owner",)), Member("irc:bob", ("admin",))):
        change = Wanted("core.community", "member", ("irc:bob",), record)
        with pytest.raises(Refusal, match="can make or unmake"):
            await book(installation, "lab").bring_in([change], at=at, ranks=admin)
    gone = Wanted("core.community", "member", ("irc:boss",), None)
    with pytest.raises(Refusal, match="can make or unmake"):
        await book(installation, "lab").bring_in([gone], at=at, ranks=admin)
    rule = Access("a", "allow", "command:slots", Conditions(score=Range(1.0)), OWNER)
    await book(installation, "lab").bring_in(
        [Wanted("core.community", "access", ("a",), rule)], at=at, ranks=admin
    )
    (kept,) = (await book(installation, "lab").configuration()).records["core.community"]["access"]
    assert kept.ranks == admin, "a rule gives nobody more than who brings it in has"


HEAD = "waddlebot: 1\nconfiguration:\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with `waddlebot: 1`"),
        ("- a\n", "begins with `waddlebot: 1`"),
        ("waddlebot: 2\nconfiguration: {}\n", "begins with `waddlebot: 1`"),
        ("a: [1\n", "Line 2: this is no YAML"),
        ("a: &x [1]\nb: *x\n", "Line 1: & and * are not"),
        ("a: !!python/object/apply:os.system [echo]\n", "this is no YAML"),
        ("[" * 50 + "]" * 50, "nested too deep"),
        ("x" * (LENGTH_MAX + 1), "at most 2,000,000 characters"),
        ("waddlebot: 1\nwaddlebot: 1\n", "Line 2: 'waddlebot' stands there twice"),
        ("? [a]\n: b\n", "Line 1: a name is a word"),
        (HEAD + "  core.nothing: {}\n", "configuration: 'core.nothing' is unknown"),
        (HEAD + "  core.identity: {bond: []}\n", "'core.identity' is unknown"),
        (HEAD + "  core.community: {entity: {}}\n", "'entity' is unknown"),
        (HEAD + "  interactive.alias: [1]\n", "write its resources below it"),
        (HEAD + "  interactive.alias: {custom: [1]}\n", "write names with fields"),
        (HEAD + "  interactive.alias: {custom: {hi: 1}}\n", "custom hi: write its fields"),
        (HEAD + "  interactive.alias: {custom: {hi: {txt: a}}}\n", "custom hi: 'txt' is unknown"),
        (HEAD + "  interactive.alias: {custom: {hi: {}}}\n", "custom hi: missing: text"),
        (HEAD + "  interactive.alias: {custom: {hi: {text: 1}}}\n", "text takes"),
        (HEAD + "  interactive.alias: {custom: {hi: {text: a, least: 999}}}\n", "least is at most 127"),
        (HEAD + "  interactive.alias: {custom: {Hi: {text: a}}}\n", "cannot be typed"),
        (HEAD + "  interactive.alias: {alias: {a: {line: b}, b: {line: a}}}\n", "round in a ring"),
        (HEAD + "  interactive.alias: {alias: {a: {line: b, ranks: 127}}}\n", "'ranks' is unknown"),
        (HEAD + "  processing.router: {rules: {r: {pattern: '(', kind: regex}}}\n", "missing )"),
        (HEAD + "  cron.periodic_messages: {timer: {t: {messages: [a], interval_s: 1}}}\n", "once a minute"),
        (HEAD + "  cron.periodic_messages: {timer: {t: {messages: [a], cron: x}}}\n", "x"),
        (HEAD + "  core.community: {switch: {core.community: {enabled: false}}}\n", "cannot be switched off"),
        (HEAD + "  core.community: {switch: {core.x: {enabled: false}}}\n", "no module core.x"),
        (HEAD + "  core.community: {member: {irc:a: {ranks: [king]}}}\n", "no rank king"),
        (HEAD + "  core.community: {member: {a: {ranks: [vip]}}}\n", "no account"),
        (HEAD + "  core.community: {override: {undo: {enabled: false}}}\n", "cannot be disabled"),
        (HEAD + "  core.community: {setting: [{module: core.reputation, name: chat, value: x}]}\n", "chat takes"),
        (HEAD + "  core.community: {setting: [{module: core.reputation, name: no, value: 1}]}\n", "name takes"),
        (
            HEAD
            + "  core.community: {access: {a: {effect: allow, target: 'command:x', conditions: {rol: [b]}}}}\n",
            "conditions: 'rol' is unknown",
        ),
        (
            HEAD + "  core.community: {access: {a: {effect: deny, target: 'command:undo', conditions: {}}}}\n",
            "No rule is made for that",
        ),
        (HEAD + "  core.labels: {label: [{kind: user, thing: irc:a, label: A B}]}\n", "is no label"),
        (
            HEAD + "  core.labels: {mapping: [{way: to, platform: discord, role: Moderator, label: a}]}\n",
            "no label gives a rank",
        ),
        (HEAD + "  security.content_filter: {filter: {shouting: {}}}\n", "There is no filter 'shouting'"),
    ],
)
async def test_a_bad_document_is_refused_with_the_place(one: Installation, text: str, says: str) -> None:
    with pytest.raises((Refusal, Refused)) as refused:
        await apply(one, "lab", text)
    assert says in str(refused.value)
    assert (await book(one, "lab").configuration()).version == 0


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Installation]:
    environment = load(environ_of(tmp_path / "data"))
    bring_up(environment, database(environment, discover()))
    async with opened(environment) as found:
        yield found


async def test_a_rehearsal_says_what_would_be_and_writes_nothing(one: Installation) -> None:
    with pytest.raises(Rehearsed) as rehearsed:
        await book(one, "lab").bring_in(samples(), at=0, rehearse=True)
    assert len(rehearsed.value.changes) == len(samples())
    assert (await book(one, "lab").configuration()).version == 0
