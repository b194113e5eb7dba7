"""What handlers touch: questions and stores of one delivery, chance, templates."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.libs.sdk import (
    Call,
    CallError,
    Context,
    Contract,
    Event,
    Module,
    Rank,
    Reply,
    ServiceContext,
    render,
)
from waddlebot.libs.sdk.ports import CallScope
from waddlebot.libs.testing.modules import Bench, opened_bench


class Amount(msgspec.Struct, frozen=True):
    n: int


class Scope(msgspec.Struct, frozen=True):
    community: str
    actor: str
    key: str


class Bank(Contract):
    async def scope(self, request: Amount) -> Scope:
        """On whose behalf it is asked."""
        raise NotImplementedError

    async def broken(self, request: Amount) -> Scope:
        """It cannot be kept."""
        raise NotImplementedError


sample = Module("waddlebot.action.interactive.sample.module", "A sample.", http_port=1, grpc_port=1, uses=(Bank,))


@sample.answers(Bank.scope)
async def scope(ctx: ServiceContext[Any, Any], request: Amount) -> Scope:
    found = ctx.call_scope
    return Scope(ctx.community, found.actor, found.key)


@sample.answers(Bank.broken)
async def broken(ctx: ServiceContext[Any, Any], request: Amount) -> Scope:
    raise ZeroDivisionError


@sample.command("ask")
async def ask(ctx: Context[Any, Any]) -> tuple[Reply, ...]:
    """Ask three times, by one contract and by two."""
    bank = ctx.use(Bank)
    found = [await bank.scope(Amount(1)), await bank.scope(Amount(1)), await ctx.use(Bank).scope(Amount(1))]
    return tuple(Reply(f"{one.community} {one.actor} {one.key}") for one in found)


@pytest.fixture
async def bench(sqlite_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(sqlite_url, community, identity, sample) as bench:
        yield bench


async def test_each_question_of_a_delivery_has_a_key_of_its_own_and_a_rerun_the_same(bench: Bench) -> None:
    first = (await bench.says("ask", id="e1")).splitlines()
    assert len(set(first)) == 3
    assert all(line.startswith("home irc:ann e1/interactive.sample.ask") for line in first)
    assert (await bench.says("ask", id="e1")).splitlines() == first


async def test_questions_and_stores_of_a_batch_are_told_apart(bench: Bench) -> None:
    ctx = bench.context(sample, key="batch 1/x")
    keys = [
        (await ctx.use(Bank, "home").scope(Amount(1))).key,
        (await ctx.use(Bank, "home").scope(Amount(1))).key,
        (await ctx.use(Bank, "home", "other").scope(Amount(1))).key,
    ]
    assert keys == ["batch 1/x#1", "batch 1/x#2", "other#1"]
    assert (await bench.context(sample).use(Bank, "home").scope(Amount(1))).key == ""


async def test_a_contract_that_breaks_or_is_not_kept_is_a_call_error(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Nobody(Contract):
        async def home(self, request: Amount) -> Amount:
            raise NotImplementedError

    with pytest.raises(CallError, match=r"Bank\.broken failed: ZeroDivisionError"):
        await bench.ask(Bank).broken(Amount(1))
    assert "ZeroDivisionError" in caplog.text
    with pytest.raises(CallError, match="no host runs a module that promises Nobody"):
        await bench.ask(Nobody).home(Amount(1))
    with pytest.raises(CallError, match="does not promise"):
        await bench.directory[sample.name].call("Nobody", "home", Amount(1), CallScope(""))


def context(bench: Bench, key: str = "k", ranks: Rank = Rank.VIEWER) -> Context[Any, Any]:
    event = bench.event("!x")
    call = Call(sample.name, "command:ask", event, "", "person:1", int(ranks), key, 0, 1.0)
    return Context(bench.context(sample).services, call)


async def test_chance_repeats_with_the_delivery_and_with_nothing_else(bench: Bench) -> None:
    rolls = [[context(bench, key).random.random() for _ in range(2)] for key in ("a", "a", "b")]
    assert rolls[0] == rolls[1] != rolls[2]
    ctx = context(bench)
    assert ctx.random is ctx.random


async def test_what_a_handler_is_told(bench: Bench) -> None:
    ctx = context(bench, ranks=Rank.MODERATOR)
    assert (ctx.community, ctx.person, ctx.config, ctx.log.name) == ("home", "person:1", None, sample.name)
    assert ctx.now() == bench.now
    assert ctx.is_at_least(Rank.MODERATOR)
    assert not ctx.is_at_least(Rank.ADMIN)
    with pytest.raises(TypeError, match="the state is NoneType, not dict"):
        ctx.state(dict)
    with pytest.raises(TypeError, match="declares no store"):
        _ = ctx.store
    with pytest.raises(PermissionError, match="not of the processing kind"):
        bench.context(sample).services.ports()


async def test_events_that_follow_from_one_have_ids_of_their_own(bench: Bench) -> None:
    heard: list[Event] = []
    bench.shared.bus.subscribe("test", lambda batch: heard.extend(batch.events))
    ctx = context(bench)
    await ctx.announce("loyalty.won", {"n": 1})
    await ctx.announce("loyalty.won", {"n": 2})
    assert [event.data for event in heard] == [{"n": 1}, {"n": 2}]
    assert len({event.id for event in heard}) == 2
    assert {(event.kind, event.community, event.account) for event in heard} == {
        ("loyalty.won", "home", "irc:ann")
    }


async def test_what_services_lend(bench: Bench) -> None:
    ctx = bench.context(community)
    assert ctx.enabled("home")
    assert ctx.settings("home").prefix == "!"
    assert ctx.entities["irc:net:#room"] == "home"
    await ctx.adopt(["irc:net:#other"])
    assert ctx.entities["irc:net:#other"] == "home"
    await ctx.announce([bench.event(channel="#nowhere", community="")])
    assert bench.shared.dropped["unknown entity"] == 1
    asked: ServiceContext[Any, Any] = ServiceContext(ctx.services, CallScope("home", "irc:ann", ""))
    assert asked.store is asked.store


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("hi {name}!", "hi Ann!"),
        ("{name}{name}", "AnnAnn"),
        ("{unknown} { {name} }", "{unknown} { Ann }"),
        ("{name", "{name"),
        ("{evil}", "{name}"),
        ("{name.__class__} {0} {}", "{name.__class__} {0} {}"),
    ],
)
def test_templates_fill_in_names_and_nothing_else(template: str, text: str) -> None:
    assert render(template, {"name": "Ann", "evil": "{name}"}) == text


@given(st.text(), st.text())
def test_a_value_is_never_a_template(template: str, value: str) -> None:
    assert render("{x}", {"x": value}) == value
    render(template, {"x": value})
