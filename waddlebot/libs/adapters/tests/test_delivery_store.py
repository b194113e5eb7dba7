"""What delivery writes down, on each engine."""

import time

import pytest

from waddlebot.libs.adapters.delivery_store import REPLAY, Leaving, unknown_of
from waddlebot.libs.adapters.tests.conftest import MakeEvent, OpenStore
from waddlebot.libs.sdk import EventResult, Reply, Send, Sent
from waddlebot.libs.sdk.ports import sends_of


def send(id_: str = "s1", platform: str = "irc", event_id: str = "e1") -> Send:
    return Send(id_, "home", platform, "net", "#room", Reply("hi"), event_id)


async def test_each_id_is_accepted_once_and_the_first_counts(store: OpenStore, event: MakeEvent) -> None:
    first = [event("a", "one"), event("b"), event("a", "two")]
    assert [(e.id, e.text) for e in await store().accept("b1", "key:1", first)] == [("a", "one"), ("b", "hello")]
    again = await store().accept("b2", "key:1", [event("b", "forged"), event("c")])
    assert [e.id for e in again] == ["c"]
    assert [[e.id for e in left.batch.events] for left in await store().open_batches()] == [["a", "b"], ["c"]]


async def test_a_batch_of_nothing_new_leaves_no_row(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("a")])
    assert await store().accept("b2", "key:1", [event("a")]) == []
    assert len(await store().open_batches()) == 1


async def test_nobody_can_burn_the_ids_of_another_source(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:evil", [event("a", "forged", source="key:evil")])
    assert [e.text for e in await store().accept("b2", "key:1", [event("a")])] == ["hello"]


async def test_beginnings_are_counted_and_what_is_done_goes_with_them(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("a")])
    await store().accept("b2", "key:1", [event("b")])
    await store().begin_again("b2", ["b1"])
    [left] = await store().open_batches()
    assert (left.batch.id, left.tries, left.source, left.batch.inboxed) == ("b2", 2, "key:1", True)
    await store().done(["b2"])
    assert await store().open_batches() == []


async def test_those_begun_least_often_come_first(store: OpenStore, event: MakeEvent) -> None:
    for name in ("b1", "b2"):
        await store().accept(name, "key:1", [event(name)])
    await store().begin_again("b1", [])
    assert [left.batch.id for left in await store().open_batches()] == ["b2", "b1"]


async def test_a_batch_is_split_into_parts_that_know_it(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("a"), event("b")])
    await store().begin_again("b1", [])
    await store().split("b1")
    left = await store().open_batches()
    assert [(one.batch.id, [e.id for e in one.batch.events], one.tries) for one in left] == [
        ("b1+0", ["a"], 2), ("b1+1", ["b"], 2),
    ]  # fmt: skip


async def test_a_stored_result_holds_and_its_replies_are_queued_once(store: OpenStore, event: MakeEvent) -> None:
    answer = EventResult("e1", "answered", (Reply("hi"),))
    sends = sends_of(event("e1"), answer.replies)
    assert await store().answered("key:1", [answer, EventResult("e2", "ignored")], sends) == {}
    [row] = await store().leaving("queued")
    await store().sending(Leaving("row", "irc", "sending", row.sends, 1.0), [row.id])
    await store().sent(["row"], [])
    other = EventResult("e1", "refused", (Reply("cooling down"),))
    assert await store().answered("key:1", [other], sends) == {"e1": answer}
    assert await store().leaving("queued") == []
    assert (await store().results("key:1", ["e1"]))["e1"] == answer


async def test_results_of_what_is_open_done_and_of_another_source(store: OpenStore, event: MakeEvent) -> None:
    await store().accept("b1", "key:1", [event("open")])
    await store().accept("b2", "key:1", [event("done")])
    await store().done(["b2"])
    found = await store().results("key:1", ["open", "done"])
    assert found == {"done": EventResult("done", "ignored")}
    assert await store().results("key:1", []) == {}


async def test_rows_on_their_way_out(store: OpenStore) -> None:
    await store().answered("key:1", [EventResult("e1", "answered", (Reply("hi"),))], [send("s1"), send("s2")])
    assert [row.id for row in await store().leaving("queued", 1)] == ["s1"]
    await store().sending(Leaving("row", "irc", "sending", [send("s1"), send("s2")], 1.0), ["s1", "s2"])
    assert await store().leaving("queued") == []
    assert await store().recover_outbox() == 1
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
    await store().answered("key:1", [EventResult("a", "failed", (), "it failed")], [])
    assert await store().replay([letters[2].id], f"{REPLAY}-1") == 1
    [left] = await store().replays()
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
        await store().accept("b2", "key:1", [event("open")])
    await store().accept("b1", "key:1", [event("old")])
    await store().answered("key:1", [EventResult("old", "answered", (Reply("hi"),))], [])
    await store().done(["b1"])
    if kept_by in ("a dead letter", "a replay"):
        await store().bury(event("dead"), "why", 5)
    if kept_by == "a replay":
        await store().replay([], f"{REPLAY}-1")
    now = time.time()
    before = await store().forget(now + 60)
    fresh = await store().accept("b3", "key:1", [event("old")])
    assert bool(fresh) == (kept_by == "nothing")
    expected = {"nothing": now + 60, "a dead letter": 101.0, "a replay": 101.0}
    assert before == expected.get(kept_by, before) <= now + 60
