"""Observers get their events in batches, once."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk import BatchContext, Crowd, Event, EventBatch, Module
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import LoneServices
from waddlebot.runtime import observing as module
from waddlebot.runtime.configuration import ConfigurationCache
from waddlebot.runtime.observing import Observing, Watcher, observing_of, whole_of


class World:
    """One observer, and what it was told."""

    def __init__(self, *kinds: str) -> None:
        self.told: list[tuple[str, list[str]]] = []
        self.errors: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()
        sample = Module("waddlebot.core.sample.module", "A sample.", http_port=1, grpc_port=1)
        self.configuration = ConfigurationCache(None, {}, None, logging.getLogger("x"))  # type: ignore[arg-type]  # nothing is asked of it

        @sample.observe(*kinds)
        async def see(ctx: BatchContext[Any, Any], events: list[Event]) -> None:
            await self.open.wait()
            if self.errors:
                raise self.errors.pop(0)
            self.told.append((ctx.call_scope.key, [event.id for event in events]))

        services = LoneServices(sample)
        self.observing = Observing([Watcher(sample.name, sample.observers[0], services, self.configuration)])
        self.task = asyncio.create_task(self.observing.run())

    @property
    def ids(self) -> list[str]:
        return [id_ for _, ids in self.told for id_ in ids]

    async def stop(self) -> None:
        self.observing.stop()
        await self.task


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)


def event(id_: str, kind: str = "chat.message", community: str = "home") -> Event:
    return Event(1, id_, kind, "irc", "net", "#r", "u", "ann", "Ann", (), "", 0.0, 0.0, community)


def live(*events: Event) -> EventBatch:
    return EventBatch("live", list(events))


def inboxed(id_: str, *events: Event) -> EventBatch:
    return EventBatch(id_, list(events), inboxed=True)


async def test_live_events_are_merged_and_each_merger_has_a_key_of_its_own() -> None:
    world = World("*")
    for n in range(5):
        assert world.observing.take(live(event(f"e{n}"))) is None
    await until(lambda: world.ids)
    world.observing.take(live(event("e5")))
    await world.stop()
    assert [ids for _, ids in world.told] == [["e0", "e1", "e2", "e3", "e4"], ["e5"]]
    assert len({key for key, _ in world.told}) == 2


async def test_only_wanted_kinds_and_communities() -> None:
    world = World("channel.raided")
    world.configuration.off = {"core.sample": frozenset({"off"})}
    world.observing.take(live(event("a"), event("b", "channel.raided"), event("c", "channel.raided", "off")))
    assert world.observing.take(inboxed("b1", event("d"))) is None
    await world.stop()
    assert world.ids == ["b"]


async def test_an_accepted_batch_is_observed_alone_under_its_own_key(quick: None) -> None:
    world = World("*")
    world.errors = [Unavailable("gone"), Unavailable("gone")]
    observed = world.observing.take(inboxed("b1", event("a"), event("b")))
    assert observed is not None
    await observed
    assert world.told == [("batch b1/core.sample.see", ["a", "b"])]
    await world.stop()


async def test_a_crowd_is_gathered_once_for_all_who_observe_it() -> None:
    told: list[tuple[str, dict[str, int], list[str]]] = []
    sample = Module("waddlebot.core.sample.module", "A sample.", http_port=1, grpc_port=1)

    @sample.observe("*", into=Crowd)
    async def count(ctx: BatchContext[Any, Any], crowd: Crowd) -> None:
        said = {community: sum(said.lines.values()) for community, said in crowd.said["irc", "net"].items()}
        told.append((ctx.call_scope.key, said, [event.id for event in crowd.others]))

    sample.observe("*", into=Crowd)(count)
    configuration = ConfigurationCache(None, {}, None, logging.getLogger("x"))  # type: ignore[arg-type]  # nothing is asked of it
    configuration.off = {"core.other": frozenset({"off"})}
    watchers = [
        Watcher(name, observer, LoneServices(sample), configuration)
        for name, observer in zip(("core.sample", "core.other"), sample.observers, strict=True)
    ]
    (observing,) = observing_of(watchers)
    lines = [event("a"), event("b"), event("c", community="off"), event("d", "channel.raided")]
    observed = observing.take(inboxed("b1", *lines))
    assert observed is not None
    await observed
    assert told == [
        ("batch b1/core.sample.count", {"home": 2, "off": 1}, ["d"]),
        ("batch b1/core.other.count", {"home": 2}, ["d"]),
    ]
    observing.take(live(*lines))
    assert len(observing) == 3, "an account's lines are one thing"


async def test_who_is_busy_gathers_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first batch takes long, the next one grows; and after it more is waited for."""
    pauses: list[float] = []
    wait_for = asyncio.wait_for

    async def noted(awaitable: Any, timeout_s: float) -> Any:
        pauses.append(timeout_s)
        return await wait_for(awaitable, 0.01)

    monkeypatch.setattr(asyncio, "wait_for", noted)
    monkeypatch.setattr(module, "BUSY_FACTOR", 1e9)
    world = World("*")
    world.observing.take(live(event("a")))
    await until(lambda: len(pauses) > 1)
    await world.stop()
    assert pauses[:2] == [module.EVERY_S, module.GATHERING_S_MAX]


async def test_an_observer_that_breaks_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    world = World("*")
    world.errors = [ZeroDivisionError()]
    observed = world.observing.take(inboxed("b1", event("a")))
    assert observed is not None
    await observed
    assert world.told == []
    assert "failed on 1 events" in caplog.text
    await world.stop()


async def test_a_full_queue_slows_who_announces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE_MAX", 3)
    world = World("*")
    assert world.observing.take(live(event("a"), event("b"))) is None
    waiting = world.observing.take(live(event("c")))
    assert waiting is not None
    await waiting
    await until(lambda: len(world.ids) == 3)
    await world.stop()


async def test_what_no_longer_fits_is_counted_and_no_community_holds_more_than_a_quarter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_KEPT_MAX", 8)
    world = World("*")
    world.open.clear()
    take: Callable[[EventBatch], object] = world.observing.take
    take(live(event("first")))
    await until(lambda: not len(world.observing))
    assert not world.observing.idle, "it is still being observed"
    take(live(*(event(f"a{n}", community="a") for n in range(5))))
    assert world.observing.dropped == 3
    take(live(event("a9", community="a"), event("b", community="b")))
    assert world.observing.dropped == 4
    take(live(*(event(f"c{n}", community=f"c{n}") for n in range(10))))
    assert world.observing.dropped == 9
    world.open.set()
    await world.stop()
    assert world.ids == ["first", "a0", "a1", "b", "c0", "c1", "c2", "c3", "c4"]


@pytest.mark.parametrize(
    ("key", "whole"),
    [
        ("batch ab-1+3/core.x.see#1", "batch ab-1/core.x.see#1"),
        ("batch ab-1/core.x.see", ""),
        ("key:1/e+1/interactive.x.y", ""),
        ("/batch ab-1+1/x", ""),
    ],
)
def test_a_part_knows_its_whole_and_nothing_else_has_one(key: str, whole: str) -> None:
    assert whole_of(key) == whole
