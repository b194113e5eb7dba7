"""What is kept, on both engines."""

import dataclasses
from collections.abc import AsyncIterator

import pytest

from waddlebot.action.interactive.alias.module import module
from waddlebot.action.interactive.alias.names import BuiltIns
from waddlebot.action.interactive.alias.store import AliasStore, CommandAlias, CustomCommand
from waddlebot.core.community.module import module as community
from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.dal import Batch, Community, EffectKey
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.testing.modules import Bench, opened_bench

NONE = BuiltIns({}, ())
HI = CustomCommand("hi", "Hello $(user)")


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, module) as opened:
        yield opened


def store_of(bench: Bench, key: str = "", of: str = HOME) -> AliasStore:
    effect = EffectKey(key, module.name) if key else None
    store = bench.dal.bind(module.name, Community(of), actor="irc:ann", effect=effect)
    assert isinstance(store, AliasStore)
    return store


async def test_every_field_comes_back(bench: Bench) -> None:
    whole = CustomCommand(
        "good morning", "Morning, ${sender}! 🌞", "streamelements", True, False, True, 64, 1.5, 60.0, 7, "whisper",
        True, True,
    )  # fmt: skip
    await store_of(bench).add(whole, NONE)
    alias = CommandAlias("greet", "good morning {args}", "bare", 16)
    await store_of(bench).add_alias(alias, NONE)
    made = await store_of(bench).made()
    assert made.commands == {whole.name: whole}
    assert made.aliases == {alias.name: alias}


async def test_communities_do_not_see_each_other(bench: Bench) -> None:
    await store_of(bench).add(HI, NONE)
    await store_of(bench, of="away").add(dataclasses.replace(HI, text="Away"), NONE)
    await store_of(bench, of="away").add_count("hi", 3)
    assert await store_of(bench).count("hi") == 0
    both = bench.dal.bind(module.name, Batch(frozenset((HOME, "away", "empty"))))
    assert isinstance(both, AliasStore)
    found = await both.made_by_community()
    assert {name: made.commands["hi"].text for name, made in found.items()} == {
        HOME: HI.text,
        "away": "Away",
    }


async def test_names_are_of_one_thing(bench: Bench) -> None:
    store = store_of(bench)
    here = BuiltIns({community.name: community}, ())
    await store.add(HI, here)
    await store.add_alias(CommandAlias("greet", "hi"), here)
    for name, says in (("hi", "a command hi already"), ("greet", "an alias greet"), ("rank", "built-in")):
        with pytest.raises(Refusal, match=says):
            await store.add(dataclasses.replace(HI, name=name), here)
    with pytest.raises(Refusal, match="a command hi"):
        await store.add_alias(CommandAlias("hi", "greet"), here)
    with pytest.raises(Refusal, match="built-in"):
        await store.add_alias(CommandAlias("prefix", "hi"), here)
    assert await store.add_alias(CommandAlias("greet", "hi there"), here) is False


async def test_aliases_lead_over_others_to_what_those_lead_to(bench: Bench) -> None:
    store = store_of(bench)
    await store.add(dataclasses.replace(HI, name="good day", bare=True), NONE)
    await store.add(dataclasses.replace(HI, name="gg", bare=True), NONE)
    await store.add_alias(CommandAlias("day", "good day", "bare"), NONE)
    await store.add_alias(CommandAlias("rain", "weather", "community"), NONE)
    await store.add_alias(CommandAlias("d", "day"), NONE)
    await store.add_alias(CommandAlias("r", "rain {args}"), NONE)
    with pytest.raises(Refusal, match="no command gg"):
        await store.add_alias(CommandAlias("g", "gg"), NONE)
    await store.add_alias(CommandAlias("d", "r"), NONE)
    with pytest.raises(Refusal, match="r → d → r"):
        await store.add_alias(CommandAlias("r", "d"), NONE)


async def test_changes_are_undone(bench: Bench) -> None:
    await store_of(bench).add(HI, NONE)
    await store_of(bench).change(dataclasses.replace(HI, text="Bye"))
    await store_of(bench).add_alias(CommandAlias("greet", "hi"), NONE)
    await store_of(bench).drop("hi")
    changes = await bench.dal.list_changes(HOME)
    assert [(c.resource, c.actor) for c in changes[:4]] == [
        (kind, "irc:ann") for kind in ("custom", "alias", "custom", "custom")
    ]
    for change in changes[:3]:
        await bench.dal.undo(HOME, change.version, actor="operator")
    made = await store_of(bench).made()
    assert made.commands == {"hi": HI}
    assert made.aliases == {}


async def test_aliases_follow_a_renamed_command(bench: Bench) -> None:
    store = store_of(bench)
    await store.add(HI, NONE)
    await store.add(dataclasses.replace(HI, name="history"), NONE)
    for name, line in (("a", "hi {user} x"), ("b", "HI"), ("c", "history"), ("d", "a")):
        await store.add_alias(CommandAlias(name, line), NONE)
    await store.add_count("hi", 5)
    await store.rename("hi", dataclasses.replace(HI, name="hello there", bare=True), NONE)
    aliases = (await store.made()).aliases
    assert {name: (a.line, a.target) for name, a in aliases.items()} == {
        "a": ("hello there {user} x", "bare"),
        "b": ("hello there", "bare"),
        "c": ("history", "main"),
        "d": ("a", "main"),
    }
    assert await store.count("hello there") == 5
    assert await store.count("hi") == 0
    with pytest.raises(Refusal, match="alias a already"):
        await store.rename("history", dataclasses.replace(HI, name="a"), NONE)


async def test_a_delivery_that_is_run_again_counts_once(bench: Bench) -> None:
    for _ in range(3):
        store = store_of(bench, key="event-1")
        assert [await store.add_count("hi", 1), await store.add_count("hi", 1)] == [1, 2]
    assert await store_of(bench, key="event-2").add_count("hi", -5) == -3
    assert await store_of(bench).set_count("hi", 40) == 40
    assert await store_of(bench).count("hi") == 40


async def test_there_is_a_bound_to_counters(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.action.interactive.alias.store.COUNTERS_MAX", 2)
    store = store_of(bench)
    assert [await store.add_count(name, 1) for name in ("a", "b", "c", "a")] == [1, 1, None, 2]
    assert await store.set_count("d", 1) is None
