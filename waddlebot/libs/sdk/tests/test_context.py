"""What handlers touch: questions and stores of one delivery, chance, templates."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.libs.dal import Batch, Community, EffectKey, ScopeError, Store, System
from waddlebot.libs.sdk import (
    Call,
    CallError,
    Context,
    Contract,
    Event,
    Module,
    Rank,
    Reply,
    Role,
    RouteContext,
    Send,
    ServiceContext,
    render,
)
from waddlebot.libs.sdk.context import followed
from waddlebot.libs.sdk.ports import CallScope
from waddlebot.libs.testing.modules import Bench, opened_bench
from waddlebot.runtime.secret import Secret


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


TEXTS = st.text(st.characters() | st.sampled_from("{}xy"))
NAMES = st.text(st.characters(exclude_characters="{}"), max_size=3)


@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="{}")), NAMES)), st.dictionaries(NAMES, TEXTS))
def test_known_names_are_filled_in_once_and_all_else_stays(
    parts: list[tuple[str, str]], values: dict[str, str]
) -> None:
    template = "".join(f"{text}{{{name}}}" for text, name in parts)
    assert render(template, values) == "".join(f"{text}{values.get(name, f'{{{name}}}')}" for text, name in parts)


@given(TEXTS, TEXTS)
def test_a_value_is_never_a_template(template: str, value: str) -> None:
    assert render(template, {"x": value}) == value.join(template.split("{x}"))


@given(TEXTS)
def test_a_template_without_values_stays_as_it_is(template: str) -> None:
    assert render(template, {}) == template


def test_a_value_may_have_any_name_and_any_type(bench: Bench) -> None:
    assert context(bench).render("{template} {self} {n:>9}", template=1, self=None) == "1 None {n:>9}"


async def test_chance_of_a_delivery_is_another_with_another_secret(bench: Bench) -> None:
    rolls = [context(bench).random.random()]
    bench.shared.secret = Secret(b"another installation")
    rolls.append(context(bench).random.random())
    bench.shared.secret = Secret(b"for tests only")
    rolls.append(context(bench).random.random())
    assert rolls[0] == rolls[2] != rolls[1]


async def test_deliveries_draw_apart(bench: Bench) -> None:
    rolls = {context(bench, f"key:1/e{number}/m.c").random.getrandbits(64) for number in range(500)}
    assert len(rolls) == 500


async def test_stores_are_bound_to_whom_they_work_for(bench: Bench) -> None:
    services = bench.context(community).services
    call = Call(community.name, "command:x", bench.event(), "", "person:1", 1, "key", 0, 1.0)
    ctx: Context[Any, Store] = Context(services, call)
    assert ctx.store is ctx.store
    assert (ctx.store.scope, ctx.store.actor, ctx.store.effect) == (
        Community("home"), "irc:ann", EffectKey("key", community.name),
    )  # fmt: skip
    assert ctx.settings.prefix == "!"

    asked: ServiceContext[Any, Store] = ServiceContext(services, CallScope("c2", "irc:bob", "key#1"))
    assert (asked.store.scope, asked.store.actor, asked.store.effect) == (
        Community("c2"), "irc:bob", EffectKey("key#1#1", community.name),
    )  # fmt: skip
    everywhere = asked.store_everywhere("a test", key="key#1")
    assert (everywhere.scope, everywhere.actor, everywhere.effect) == (
        System("a test"), "", EffectKey("key#1#2", community.name),
    )  # fmt: skip
    assert asked.store_in(Batch(frozenset({"c3"}))).effect is None


async def test_a_store_needs_a_community_or_a_reason(bench: Bench) -> None:
    ctx = bench.context(community)
    with pytest.raises(ScopeError, match="cannot be the id of a community"):
        _ = ctx.store
    with pytest.raises(ScopeError, match="needs a reason"):
        ctx.store_everywhere(" ")


async def test_replies_that_answer_no_event_are_queued(bench: Bench) -> None:
    send = Send("timer/1", "home", "irc", "net", "#room", Reply("Drink water!"))
    await bench.context(sample).send([send])
    assert bench.sent == [send]


async def test_a_route_knows_its_key_and_nothing_of_the_community_but_by_it(bench: Bench) -> None:
    services = bench.context(sample).services
    ctx: RouteContext[Any, Any] = RouteContext(
        services, CallScope("home", "key:hub"), role=Role.ADMIN, key_name="hub", path={"id": "7"},
        query={"community": "other"}, headers={"x-community": "other"}, peer="::1", entity="irc:net:#room",
    )  # fmt: skip
    assert (ctx.community, ctx.role, ctx.key_name, ctx.peer, ctx.entity) == (
        "home", Role.ADMIN, "hub", "::1", "irc:net:#room",
    )  # fmt: skip
    assert (ctx.path["id"], ctx.query["community"], ctx.headers["x-community"]) == ("7", "other", "other")
    found = await ctx.use(Bank).scope(Amount(1))
    assert (found.community, found.actor, found.key) == ("home", "key:hub", "")
    anybody: RouteContext[Any, Any] = RouteContext(
        services, CallScope(""), role=None, key_name="", path={}, query={}, headers={}
    )
    assert (anybody.community, anybody.peer, anybody.entity) == ("", "", "")


class Counter:
    """What the module below keeps while it runs."""

    def __init__(self) -> None:
        self.n = 0


stateful = Module("waddlebot.action.interactive.stateful.module", "Keeps a count.", http_port=1, grpc_port=1)


@stateful.starts
@contextlib.asynccontextmanager
async def counter(ctx: ServiceContext[Any, Any]) -> AsyncIterator[Counter]:
    yield Counter()


async def test_the_state_is_what_starts_yielded(sqlite_url: str) -> None:
    async with opened_bench(sqlite_url, community, identity, stateful) as bench:
        state = bench.state(stateful, Counter)
        state.n += 1
        assert bench.state(stateful, Counter) is state
        with pytest.raises(TypeError, match=r"interactive\.stateful: the state is Counter, not dict"):
            bench.state(stateful, dict)


def test_what_follows_from_an_event_is_told_apart_from_it_and_keeps_its_origin(bench: Bench) -> None:
    event = bench.event("!so bob", source="key:1", native="@raw", roles=("vip",), data={"old": 1})
    data = {"n": 1}
    found = followed(event, "shoutout.given", data, "key:1/e/m.c!1")
    data["n"] = 2
    assert (found.id, found.kind, found.data) == ("key:1/e/m.c!1:shoutout.given", "shoutout.given", {"n": 1})
    assert (found.text, found.native) == ("", "")
    for name in ("version", "entity", "account", "user_name", "roles", "community", "source", "occurred_at"):
        assert getattr(found, name) == getattr(event, name)
