"""The inbox port, on each engine: accepted means processed, whatever happens next."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from waddlebot.libs.adapters import inbox as module
from waddlebot.libs.adapters.delivery_store import REPLAY, DeliveryStore
from waddlebot.libs.adapters.inbox import TRIES_MAX, DurableInbox
from waddlebot.libs.adapters.memory_bus import MemoryBus
from waddlebot.libs.adapters.tests.conftest import MakeEvent, OpenStore, Unwell
from waddlebot.libs.adapters.tracked_bus import Orphaned
from waddlebot.libs.dal import Busy, InDoubt, Unavailable
from waddlebot.libs.sdk import Event, EventBatch, EventResult, Reply
from waddlebot.libs.sdk.ports import FOLLOWS, PARTITIONS, Accepted, sends_of
from waddlebot.libs.testing.waiting import until

LOG = logging.getLogger("test.inbox")


class Life:
    """One life of a process: an inbox, and a subscriber that answers each event with its text."""

    def __init__(self, store: OpenStore) -> None:
        self.bus = MemoryBus()
        self.inbox = DurableInbox(store, self.bus, LOG)
        self.batches: list[EventBatch] = []
        self.handle: Callable[[EventBatch], Awaitable[None]] = self.answer
        self.bus.subscribe("test", self._take)
        self.queued: list[str] = []
        self.follows: Event | None = None

    def _take(self, batch: EventBatch) -> Awaitable[None]:
        self.batches.append(batch)
        return self.handle(batch)

    @property
    def texts(self) -> list[str]:
        return [event.text for batch in self.batches for event in batch.events]

    async def answer(self, batch: EventBatch) -> None:
        results = [EventResult(e.id, "answered", (Reply(f"re {e.text}"),)) for e in batch.events]
        sends = [send for e, r in zip(batch.events, results, strict=True) for send in sends_of(e, r.replies)]
        following = [self.follows] if self.follows and not batch.id.startswith(FOLLOWS) else []
        self.queued += [send.id for send in await self.inbox.answered(batch, results, sends, following)]

    async def hang(self, batch: EventBatch) -> None:
        """As far as the process comes before it is killed."""
        await asyncio.Event().wait()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.inbox.run())
        try:
            yield
        finally:
            await self.inbox.stop()
            await task

    @contextlib.asynccontextmanager
    async def until_killed(self) -> AsyncIterator[None]:
        """The loop, then nothing more of it: no mark, no goodbye."""
        task = asyncio.create_task(self.inbox.run())
        try:
            yield
        finally:
            for doomed in (task, *self.inbox._tasks):
                doomed.cancel()
            await asyncio.gather(task, *self.inbox._tasks, return_exceptions=True)


@pytest.fixture
def life(store: OpenStore) -> Life:
    return Life(store)


async def test_what_is_accepted_is_processed_and_marked_done(
    life: Life, store: OpenStore, event: MakeEvent
) -> None:
    async with life.running():
        accepted = await life.inbox.accept("key:1", [event("a", "one"), event("b", "two")])
        assert [len(batch.events) for batch in accepted.batches] == [2]
        assert accepted.repeated == ()
        found = await life.inbox.wait("key:1", ["a", "b"], 10)
        assert [found[id_].replies[0].text for id_ in ("a", "b")] == ["re one", "re two"]
        await until(lambda: _no_batch_is_open(store))
    assert life.texts == ["one", "two"]


async def _no_batch_is_open(store: OpenStore) -> bool:
    return not await store().open_batches()


async def test_a_repeated_id_gets_the_stored_result_and_is_not_processed(life: Life, event: MakeEvent) -> None:
    async with life.running():
        await life.inbox.accept("key:1", [event("a", "one")])
        await life.inbox.wait("key:1", ["a"], 10)
        again = await life.inbox.accept("key:1", [event("a", "other words"), event("a", "third")])
        assert again == Accepted((), ("a",))
        assert (await life.inbox.wait("key:1", ["a"], 10))["a"].replies[0].text == "re one"
    assert life.texts == ["one"]


async def test_who_does_not_wait_gets_what_there_is(life: Life, event: MakeEvent) -> None:
    life.handle = life.hang
    async with life.until_killed():
        await life.inbox.accept("key:1", [event("a")])
        assert await life.inbox.wait("key:1", ["a"], 0) == {}
        assert await life.inbox.wait("key:1", ["a"], 0.01) == {}


async def test_a_full_inbox_refuses(life: Life, event: MakeEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_EVENTS_MAX", 8)
    life.handle = life.hang
    async with life.until_killed():
        await life.inbox.accept("key:1", [event("a"), event("b")])
        with pytest.raises(Busy, match="full"):
            await life.inbox.accept("key:1", [event("c")])
        for n in range(3):
            two = [event(f"{n}a", community=f"c{n}"), event(f"{n}b", community=f"c{n}")]
            await life.inbox.accept(f"key:{n}", two)
        with pytest.raises(Busy, match="full"):
            await life.inbox.accept("key:9", [event("z", community="another")])


async def test_what_is_done_makes_room(life: Life, event: MakeEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_EVENTS_MAX", 4)
    async with life.running():
        for n in range(10):
            await life.inbox.accept("key:1", [event(f"e{n}")])
            await life.inbox.wait("key:1", [f"e{n}"], 10)
            await until(lambda: not life.inbox._open_events)
    assert len(life.texts) == 10


async def test_a_stopped_inbox_takes_nothing(life: Life, event: MakeEvent) -> None:
    await life.inbox.stop()
    with pytest.raises(Busy):
        await life.inbox.accept("key:1", [event("a")])


async def test_a_database_that_is_away_refuses_and_holds_no_room(store: OpenStore, event: MakeEvent) -> None:
    unwell = Unwell(store, Unavailable("gone"), accept=1)
    life = Life(unwell)
    async with life.running():
        with pytest.raises(Unavailable):
            await life.inbox.accept("key:1", [event("a")])
        assert (life.inbox._open_events, life.inbox._held) == (0, {})
        await life.inbox.accept("key:1", [event("a")])
        assert await life.inbox.wait("key:1", ["a"], 10)


async def test_results_wait_for_the_database_and_nobody_is_asked_twice(
    store: OpenStore, event: MakeEvent, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    life = Life(Unwell(store, Unavailable("gone"), answered=2, done=1))
    async with life.running():
        await life.inbox.accept("key:1", [event("a", "one")])
        assert (await life.inbox.wait("key:1", ["a"], 10))["a"].replies[0].text == "re one"
        await until(lambda: _no_batch_is_open(store))
    assert life.texts == ["one"]
    assert caplog.text.count("results wait for the database") == 2
    assert "the inbox waits for the database" in caplog.text


async def test_what_was_accepted_in_doubt_is_processed_without_a_restart(
    store: OpenStore, event: MakeEvent
) -> None:
    life = Life(Unwell(store, InDoubt("lost while it committed"), accept=1, begin_again=1))
    async with life.running():
        with pytest.raises(Unavailable):
            await life.inbox.accept("key:1", [event("a", "one")])
        await until(lambda: life.texts == ["one"])
        assert (await life.inbox.accept("key:1", [event("a", "one")])).repeated == ("a",)
        await until(lambda: _no_batch_is_open(store))
    assert (life.texts, len(life.queued)) == (["one"], 1)


async def test_replies_that_were_queued_in_doubt_leave_at_once(
    store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    life = Life(Unwell(store, InDoubt("lost while it committed"), answered=1))
    life.follows = event("f", "follows")
    async with life.running():
        await life.inbox.accept("key:1", [event("a", "one")])
        assert (await life.inbox.wait("key:1", ["a"], 10))["a"].replies[0].text == "re one"
        await until(lambda: _no_batch_is_open(store))
    assert life.queued == ["key:1/a:0", "key:1/f:0"]
    assert life.texts == ["one", "follows"]


async def test_a_dead_letter_waits_for_the_database(
    store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    life = Life(Unwell(store, Unavailable("gone"), bury=2))
    await life.inbox.bury(event("a"), "it broke", 5)
    assert [letter.event_id for letter in await store().dead()] == ["a"]


async def test_what_a_crash_left_open_is_processed_at_the_next_start(store: OpenStore, event: MakeEvent) -> None:
    first = Life(store)
    first.handle = first.hang
    async with first.until_killed():
        await first.inbox.accept("key:1", [event("a", "one"), event("b", "two")])
        await until(lambda: first.batches)
    second = Life(store)
    async with second.running():
        await until(lambda: _no_batch_is_open(store))
        assert (await second.inbox.wait("key:1", ["b"], 0))["b"].replies[0].text == "re two"
    assert second.texts == ["one", "two"]
    assert [batch.id for batch in second.batches] == [batch.id for batch in first.batches]


async def test_who_asks_before_the_next_start_found_it_waits_for_the_result(
    store: OpenStore, event: MakeEvent
) -> None:
    first = Life(store)
    first.handle = first.hang
    async with first.until_killed():
        await first.inbox.accept("key:1", [event("a", "one")])
    second = Life(store)
    assert await second.inbox.wait("key:1", ["a"], 0.01) == {}
    assert not second.inbox._waiting, "nobody waits any more"
    asking = [asyncio.create_task(second.inbox.wait("key:1", ["a"], 10)) for _ in range(2)]
    await asyncio.sleep(0.05)
    async with second.running():
        for asked in asking:
            assert (await asked)["a"].replies[0].text == "re one"


async def test_a_result_that_another_host_stored_silently_is_found_in_the_end(
    store: OpenStore, event: MakeEvent
) -> None:
    first, second = Life(store), Life(store)
    first.handle = first.hang
    async with first.until_killed():
        await first.inbox.accept("key:1", [event("a", "one")])
        asking = asyncio.create_task(second.inbox.wait("key:1", ["a"], 0.3))
        await until(lambda: second.inbox._waiting)
        await first.answer(first.batches[0])
        assert (await asking)["a"].replies[0].text == "re one"


async def test_a_crash_after_the_results_queues_no_reply_twice(store: OpenStore, event: MakeEvent) -> None:
    first = Life(store)
    await first.inbox.accept("key:1", [event("a", "one")])
    await first.inbox.wait("key:1", ["a"], 10)
    await asyncio.wait(first.inbox._tasks or {asyncio.create_task(asyncio.sleep(0))})
    assert first.queued == ["key:1/a:0"]
    second = Life(store)  # the first died before it marked the batch done
    async with second.running():
        await until(lambda: _no_batch_is_open(store))
    assert (second.texts, second.queued) == (["one"], [])


async def lives_until_quiet(store: OpenStore, poison: str) -> list[Life]:
    """Start again and again, dying whenever the poison is handled; all lives, the last one quiet."""
    lives: list[Life] = []
    while len(lives) < 20:
        life = Life(store)
        lives.append(life)
        died = asyncio.Event()

        async def handle(batch: EventBatch, life: Life = life, died: asyncio.Event = died) -> None:
            if any(event.text == poison for event in batch.events):
                died.set()
                await life.hang(batch)
            await life.answer(batch)

        life.handle = handle
        async with life.until_killed():
            ends = {asyncio.create_task(died.wait()), asyncio.create_task(until(lambda: _no_batch_is_open(store)))}
            _, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=30)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        if not died.is_set():
            return lives
    raise AssertionError("it never stopped dying")


async def test_a_killer_dies_alone_after_five_tries(
    store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    first = Life(store)
    first.handle = first.hang
    async with first.until_killed():
        await first.inbox.accept("key:1", [event(f"e{n}", "poison" if n == 3 else f"good {n}") for n in range(6)])
        await first.inbox.accept("key:1", [event("after", "good after")])
        await until(lambda: len(first.batches) == 2)
    lives = await lives_until_quiet(store, "poison")
    assert 1 + len(lives[:-1]) == TRIES_MAX
    [letter] = await store().dead()
    assert (letter.event_id, letter.tries) == ("e3", TRIES_MAX)
    results = await store().results("key:1", ["e0", "e3", "e5", "after"])
    assert [results[id_].status for id_ in ("e0", "e3", "e5", "after")] == [
        "answered",
        "failed",
        "answered",
        "answered",
    ]
    answered = [text for life in lives for text in life.texts if text != "poison"]
    assert answered.count("good after") == 1  # a bystander is not held up, and not tried again for it


async def test_who_waits_for_a_killer_hears_of_its_end_at_once(
    life: Life, store: OpenStore, event: MakeEvent
) -> None:
    await store().accept("gone-1", "key:1", [event("poison")], "gone")
    for _ in range(TRIES_MAX):
        [left] = await store().left_open([*range(PARTITIONS)], ["gone"])
        await store().begin_again(left, "gone", [])
    waiting = asyncio.create_task(life.inbox.wait("key:1", ["poison"], 3_600))
    async with life.running():
        results = await waiting
    assert results["poison"].status == "failed"
    assert "ended" in results["poison"].reason


async def test_a_result_that_comes_while_the_database_is_asked_reaches_who_waits(
    life: Life, store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store().accept("other-1", "key:1", [event("a")], "other")
    asked = DeliveryStore.results

    async def results(self: DeliveryStore, source: str, ids: list[str]) -> dict[str, EventResult]:
        found = await asked(self, source, ids)
        life.inbox.resolve("key:1", [EventResult("a", "answered")])
        return found

    monkeypatch.setattr(DeliveryStore, "results", results)
    async with asyncio.timeout(10.0):
        assert (await life.inbox.wait("key:1", ["a"], 3_600))["a"].status == "answered"
    assert not life.inbox._waiting
    assert not life.inbox._foreign


async def test_what_is_under_way_is_not_begun_again(life: Life, store: OpenStore, event: MakeEvent) -> None:
    release = asyncio.Event()

    async def handle(batch: EventBatch) -> None:
        await release.wait()
        await life.answer(batch)

    life.handle = handle
    await life.inbox.accept("key:1", [event("a")])
    async with life.running():
        await asyncio.sleep(0.1)
        release.set()
        await life.inbox.wait("key:1", ["a"], 10)
    assert len(life.batches) == 1


async def test_a_batch_that_cannot_be_announced_is_logged_and_kept(
    life: Life, store: OpenStore, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(batch: EventBatch) -> None:
        raise ZeroDivisionError

    life.handle = broken
    async with life.running():
        await life.inbox.accept("key:1", [event("a")])
        await until(lambda: "was not processed" in caplog.text)
    assert life.inbox._open_events == 0
    assert len(await store().open_batches()) == 1


async def test_a_batch_whose_owner_died_is_begun_anew_and_that_is_counted(
    life: Life, store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ADOPT_EVERY_S", 0.01)
    life.handle = life.hang
    async with life.until_killed():
        (batch,) = (await life.inbox.accept("key:1", [event("a")])).batches
        life.inbox.orphaned(batch.id)
        await until(lambda: len(life.batches) == 2)
        assert [(left.batch.id, left.tries) for left in await store().open_batches()] == [(batch.id, 2)]


async def test_what_is_adopted_holds_up_no_mark_and_its_own_new_beginning_no_more(
    life: Life, store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ADOPT_EVERY_S", 0.01)
    await life.inbox.bury(event("killer", "killer"), "it failed", 5)
    await store().replay([], f"{REPLAY}-1")

    async def handle(batch: EventBatch) -> None:
        await (life.hang if batch.events[0].text == "killer" else life.answer)(batch)

    async def open_tries() -> list[int]:
        return [left.tries for left in await store().open_batches()]

    def begun(times: int) -> bool:
        return life.texts.count("killer") == times

    async def nothing_else_is_open() -> bool:
        return len(await open_tries()) == 1

    life.handle = handle
    async with life.until_killed():
        for times in (1, 2, 3):  # another host owns its partition and dies of it, again and again
            await until(partial(begun, times))
            await life.inbox.accept("key:1", [event(f"good-{times}", "good")])
            await until(nothing_else_is_open)
            assert await open_tries() == [times]
            (left,) = await store().open_batches()
            life.inbox.orphaned(left.batch.id)


async def test_a_batch_that_is_begun_elsewhere_is_let_go(
    life: Life, store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def orphaned(batch: EventBatch) -> None:
        raise Orphaned(replaced=False)

    monkeypatch.setattr(life.bus, "publish", orphaned)
    async with life.running():
        await life.inbox.accept("key:1", [event("a")])
        await until(lambda: not life.inbox.open_events)
    assert not life.inbox._known
    assert len(await store().open_batches()) == 1, "it is not this host's to mark"


async def test_an_operators_replay_is_noticed(
    life: Life, store: OpenStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ADOPT_EVERY_S", 0.01)
    await life.inbox.bury(event("a", "again"), "it failed", 5)
    async with life.running():
        await store().replay([], f"{REPLAY}-1")
        await until(lambda: _no_batch_is_open(store))
    assert life.texts == ["again"]


async def test_once_an_hour_old_ids_are_forgotten_and_others_told(store: OpenStore, event: MakeEvent) -> None:
    told: list[float] = []

    async def forgotten(before: float) -> None:
        told.append(before)

    inbox = DurableInbox(store, MemoryBus(), LOG, forgotten)
    task = asyncio.create_task(inbox.run())
    await until(lambda: bool(told))
    await inbox.stop()
    await task
    assert len(told) == 1
