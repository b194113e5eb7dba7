"""What delivery writes down, on each engine."""

import asyncio
import time

import pytest

from waddlebot.libs.adapters.delivery_store import NOBODY, REPLAY, Leaving, unknown_of
from waddlebot.libs.adapters.tests.conftest import MakeEvent, OpenStore
from waddlebot.libs.sdk import EventBatch, EventResult, Reply, Send, Sent
from waddlebot.libs.sdk.ports import partition_of, sends_of

BATCH = EventBatch("b0", [], inboxed=True, source="key:1", partition=7)


def ids(batches: list[EventBatch]) -> list[str]:
    return [event.id for batch in batches for event in batch.events]


def send(id_: str = "s1", platform: str = "irc", event_id: str = "e1") -> Send:
    return Send(id_, "home", platform, "net", "#room", Reply("hi"), event_id)


async def test_each_id_is_accepted_once_and_the_first_counts(store: OpenStore, event: MakeEvent) -> None:
    first = [event("a", "one"), event("b"), event("a", "two")]
    [batch] = await store().accept("b1", "key:1", first, "h1")
    assert [(e.id, e.text) for e in batch.events] == [("a", "one"), ("b", "hello")]
    again = await store().accept("b2", "key:1", [event("b", "forged"), event("c")], "h1")
    assert ids(again) == ["c"]
    assert [[e.id for e in left.batch.events] for left in await store().open_batches()] == [["a", "b"], ["c"]]


async def test_a_batch_of_nothing_new_leaves_no_row(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("a")], "h1")
    assert await store().accept("b2", "key:1", [event("a")], "h1") == []
    assert len(await store().open_batches()) == 1


async def test_nobody_can_burn_the_ids_of_another_source(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:evil", [event("a", "forged", source="key:evil")], "h1")
    [batch] = await store().accept("b2", "key:1", [event("a")], "h1")
    assert [e.text for e in batch.events] == ["hello"]


async def test_beginnings_are_counted_and_what_is_done_goes_with_them(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("a")], "h1")
    await store().accept("b2", "key:1", [event("b")], "h1")
    first, second = await store().open_batches()
    assert await store().begin_again(second, "h2", ["b1"])
    assert not await store().begin_again(second, "h3", [])  # another host was quicker
    [left] = await store().open_batches()
    assert (left.batch.id, left.tries, left.host, left.batch.source, left.batch.inboxed) == (
        "b2", 2, "h2", "key:1", True,
    )  # fmt: skip
    assert first.batch.id == "b1"
    await store().done(["b2"])
    assert await store().open_batches() == []


async def test_those_begun_least_often_come_first(store: OpenStore, event: MakeEvent) -> None:
    for name in ("b1", "b2"):
        await store().accept(name, "key:1", [event(name)], "h1")
    await store().begin_again((await store().open_batches())[0], "h2", [])
    assert [left.batch.id for left in await store().open_batches()] == ["b2", "b1"]


async def test_a_batch_is_split_into_parts_that_know_it(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("a"), event("b")], "h1")
    await store().begin_again((await store().open_batches())[0], "h2", [])
    await store().split("b1")
    left = await store().open_batches()
    assert [(one.batch.id, ids([one.batch]), one.tries, one.host) for one in left] == [
        ("b1+0", ["a"], 2, NOBODY), ("b1+1", ["b"], 2, NOBODY),
    ]  # fmt: skip


async def test_each_partition_has_a_batch_and_an_owner_finds_what_dead_hosts_left_in_its_own(
    store: OpenStore, event: MakeEvent
) -> None:
    some = [event("a", community="one"), event("b", community="two"), event("c", community="one")]
    one, two = await store().accept("b1", "key:1", some, "h1")
    assert (ids([one]), ids([two])) == (["a", "c"], ["b"])
    assert (one.partition, two.partition) == (partition_of("one"), partition_of("two"))
    assert await store().left_open([one.partition], ["h2"]) == []
    assert await store().beginners() == ["h1"]
    [left] = await store().left_open([one.partition], ["h1"])
    assert left.batch == one


async def test_what_follows_is_kept_with_the_results_and_once(store: OpenStore, event: MakeEvent) -> None:
    answer = EventResult("e1", "answered", (Reply("hi"),))
    for _ in range(2):
        await store().answered(BATCH, [answer], [], [event("f1")], "h1")
    [left] = await store().open_batches()
    assert (left.batch.id, left.batch.partition, ids([left.batch])) == ("follows-b0", 7, ["f1"])


async def test_a_stored_result_holds_and_its_replies_are_queued_once(store: OpenStore, event: MakeEvent) -> None:
    answer = EventResult("e1", "answered", (Reply("hi"),))
    sends = sends_of(event("e1"), answer.replies)
    assert await store().answered(BATCH, [answer, EventResult("e2", "ignored")], sends, [], "h1") == {}
    [row] = await store().leaving("queued")
    await store().sending(Leaving("row", "irc", "sending", row.sends, 1.0, "h1"), [], [row.id])
    await store().sent(["row"], [])
    other = EventResult("e1", "refused", (Reply("cooling down"),))
    assert await store().answered(BATCH, [other], sends, [], "h1") == {"e1": answer}
    assert await store().leaving("queued") == []
    assert (await store().results("key:1", ["e1"]))["e1"] == answer


async def test_results_of_what_is_open_done_and_of_another_source(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("open")], "h1")
    await store().accept("b2", "key:1", [event("done")], "h1")
    await store().done(["b2"])
    found = await store().results("key:1", ["open", "done"])
    assert found == {"done": EventResult("done", "ignored")}
    assert await store().results("key:1", []) == {}


async def test_rows_on_their_way_out(store: OpenStore) -> None:
    await store().answered(
        BATCH, [EventResult("e1", "answered", (Reply("hi"),))], [send("s1"), send("s2")], [], "h1"
    )
    assert [row.id for row in await store().leaving("queued", 1)] == ["s2"]  # the newest
    await store().sending(Leaving("row", "irc", "sending", [send("s1"), send("s2")], 1.0, "h1"), [], ["s1", "s2"])
    assert await store().leaving("queued") == []
    assert await store().adopt_outbox("h2", ["h1", NOBODY]) == (1, [])
    [unknown] = await store().leaving("unknown")
    assert [one.id for one in unknown.sends] == ["s1", "s2"]
    await store().forget_unknown([unknown.id])
    assert await store().leaving("unknown") == []


def test_what_a_pusher_says_nothing_of_is_unknown() -> None:
    row = Leaving("row", "irc", "sending", [send("s1"), send("s2"), send("s3")], 1.0)
    told = [Sent("s1", "sent"), Sent("s2", "unknown")]
    assert [one.id for one in unknown_of(row, told)] == ["s2", "s3"]


async def test_dead_letters_are_kept_once_listed_dropped_and_replayed(store: OpenStore, event: MakeEvent) -> None:
    for name in ("a", "b", "a", "c"):
        await store().bury(event(name), "it failed", 5)
    letters = await store().dead()
    assert [(one.event_id, one.reason, one.tries) for one in letters] == [
        ("c", "it failed", 5), ("b", "it failed", 5), ("a", "it failed", 5),
    ]  # fmt: skip
    assert await store().drop([letters[0].id]) == 1
    await store().answered(BATCH, [EventResult("a", "failed", (), "it failed")], [], [], "h1")
    assert await store().replay([letters[2].id], f"{REPLAY}-1") == 1
    [left] = await store().left_open([partition_of("home")], [NOBODY])
    assert left.batch.events[0].received_at == left.batch.events[0].occurred_at
    assert (await store().results("key:1", ["a"])) == {}
    assert await store().replay([], f"{REPLAY}-2") == 1
    assert await store().dead() == []
    await store().bury(event("d"), "x" * 3_000, 5)
    assert len((await store().dead())[0].reason) == 2_000
    assert await store().drop([]) == 1


@pytest.mark.parametrize("kept_by", ["nothing", "an open batch", "a dead letter", "a replay"])
async def test_ids_outlive_what_may_still_be_processed(store: OpenStore, event: MakeEvent, kept_by: str) -> None:
    if kept_by == "an open batch":
        await store().accept("b2", "key:1", [event("open")], "h1")
    await store().accept("b1", "key:1", [event("old")], "h1")
    await store().answered(BATCH, [EventResult("old", "answered", (Reply("hi"),))], [], [], "h1")
    await store().done(["b1"])
    if kept_by in ("a dead letter", "a replay"):
        await store().bury(event("dead"), "why", 5)
    if kept_by == "a replay":
        await store().replay([], f"{REPLAY}-1")
    now = time.time()
    before = await store().forget(now + 60)
    fresh = await store().accept("b3", "key:1", [event("old")], "h1")
    assert bool(fresh) == (kept_by == "nothing")
    expected = {"nothing": now + 60, "a dead letter": 101.0, "a replay": 101.0}
    assert before == expected.get(kept_by, before) <= now + 60


async def test_what_a_dead_host_had_queued_is_taken_over_once(store: OpenStore) -> None:
    result = EventResult("e1", "answered", (Reply("hi"),))
    await store().answered(BATCH, [result], [send("s1"), send("s2")], [], "h1")
    assert await store().senders() == ["h1"]
    assert await store().adopt_outbox("h2", ["h3"]) == (0, [])
    doubtful, rows = await store().adopt_outbox("h2", ["h1"])
    assert (doubtful, [row.id for row in rows]) == (0, ["s1", "s2"])
    assert await store().adopt_outbox("h3", ["h1"]) == (0, [])


async def test_two_hosts_that_end_a_batch_at_once_queue_its_replies_once(store: OpenStore) -> None:
    answer = EventResult("e1", "answered", (Reply("hi"),))
    both = await asyncio.gather(
        *(store().answered(BATCH, [answer], [send("s1")], [], host) for host in ("h1", "h2") for _ in range(4))
    )
    assert [stored for stored in both if not stored] == [{}], "one of them alone queues the reply"
    assert sum(stored == {"e1": answer} for stored in both) == 7
