"""The outbox port, on each engine: queued, sending, sent; never twice."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from typing import cast

import pytest

from waddlebot.libs.adapters import outbox as module
from waddlebot.libs.adapters.delivery_store import Leaving
from waddlebot.libs.adapters.membership import Alone
from waddlebot.libs.adapters.outbox import Outbox
from waddlebot.libs.adapters.tests.conftest import OpenStore, Unwell
from waddlebot.libs.dal import Busy, InDoubt, Unavailable
from waddlebot.libs.sdk import EventBatch, EventResult, Reply, Send, Sent
from waddlebot.libs.sdk.ports import CallError, CallLost, Endpoint
from waddlebot.libs.testing.waiting import until

LOG = logging.getLogger("test.outbox")
BATCH = EventBatch("b0", [], inboxed=True, source="key:1", partition=7)


class Platform:
    """Takes replies as a platform would."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.status = "sent"
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def deliver(self, sends: Sequence[Send]) -> list[Sent]:
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.got += [send.id for send in sends]
        return [Sent(send.id, self.status) for send in sends]


def send(id_: str, community: str = "home", platform: str = "irc") -> Send:
    return Send(id_, community, platform, "net", "#room", Reply("hi"), id_)


def outbox_of(store: OpenStore, platform: Platform) -> Outbox:
    return Outbox(store, {"irc": cast("Endpoint", platform)}, LOG)


@contextlib.asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run("irc"))
    try:
        yield
    finally:
        outbox.stop()
        await task
        await outbox.settle()


@pytest.fixture
def platform() -> Platform:
    return Platform()


async def states(store: OpenStore) -> dict[str, list[str]]:
    return {
        state: [one.id for row in await store().leaving(state) for one in row.sends]
        for state in ("queued", "sending", "unknown")
    }


async def _is_sending(store: OpenStore) -> bool:
    return bool((await states(store))["sending"])


async def test_replies_leave_in_order_and_no_row_stays(store: OpenStore, platform: Platform) -> None:
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send(f"s{n}") for n in range(200)])
        await until(lambda: len(platform.got) == 200)
    assert platform.got == [f"s{n}" for n in range(200)]
    assert (outbox.size, outbox.outcomes["sent"]) == (0, 200)
    assert await states(store) == {"queued": [], "sending": [], "unknown": []}


async def test_sending_is_committed_before_anything_leaves(store: OpenStore, platform: Platform) -> None:
    platform.open.clear()
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: _is_sending(store))
        assert platform.got == []
        platform.open.set()


async def test_what_a_platform_nobody_serves_is_sent_is_counted(store: OpenStore, platform: Platform) -> None:
    outbox = outbox_of(store, platform)
    outbox.put([send("s1", platform="nowhere")])
    assert (outbox.undeliverable, outbox.size) == (1, 0)
    assert (outbox.delivers("irc"), outbox.delivers("nowhere")) == (True, False)


async def test_no_community_holds_more_than_a_quarter(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 8)
    outbox = outbox_of(store, platform)
    outbox.put([send("a"), send("b")])
    assert (outbox.room("home"), outbox.room("other")) == (False, True)
    with pytest.raises(Busy, match="too many replies"):
        outbox.put([send("x", "other"), send("c")])
    assert outbox.size == 2  # none of them was taken
    for n in range(6):
        outbox.put([send(f"o{n}", f"c{n}")])
    assert not outbox.room("another")
    outbox.put([send("d")], durable=True)
    assert outbox.size == 9
    async with running(outbox):
        await until(lambda: outbox.size == 0)
        assert outbox.room("home")


async def test_a_crash_while_sending_never_sends_again(store: OpenStore, platform: Platform) -> None:
    platform.open.clear()
    outbox = outbox_of(store, platform)
    task = asyncio.create_task(outbox.run("irc"))
    outbox.put([send("s1"), send("s2")])
    await until(lambda: _is_sending(store))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    platform.open.set()
    second = outbox_of(store, platform)
    await second.adopt()
    async with running(second):
        pass
    assert platform.got == []
    assert (await states(store))["unknown"] == ["s1", "s2"]


async def test_what_was_only_queued_leaves_at_the_next_start_once(store: OpenStore, platform: Platform) -> None:
    batch = EventBatch("b1", [], inboxed=True, source="key:1")
    await store().answered(batch, [EventResult("s1", "answered", (Reply("hi"),))], [send("s1")], [], "h1")
    outbox = outbox_of(store, platform)
    await outbox.adopt()
    async with running(outbox):
        await until(lambda: platform.got == ["s1"])
    again = outbox_of(store, platform)
    await again.adopt()
    async with running(again):
        pass
    assert platform.got == ["s1"]
    assert await states(store) == {"queued": [], "sending": [], "unknown": []}


@pytest.mark.parametrize("how", ["a refusal", "an unknown outcome", "an error"])
async def test_what_comes_of_a_reply(
    store: OpenStore, platform: Platform, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    platform.status = {"a refusal": "refused", "an unknown outcome": "unknown", "an error": "sent"}[how]
    platform.error = ConnectionResetError("gone") if how == "an error" else None
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: bool(outbox.outcomes))
    expected = [] if how == "a refusal" else ["s1"]
    assert (await states(store))["unknown"] == expected
    assert ("pushing to irc failed" in caplog.text) == (how == "an error")


async def test_a_pusher_that_never_ends_is_given_up(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.01)
    platform.open.clear()
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: outbox.outcomes["unknown"] == 1)
    assert (await states(store))["unknown"] == ["s1"]


async def test_replies_wait_for_the_database(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    unwell = Unwell(store, Unavailable("gone"), sending=2, sent=1)
    outbox = outbox_of(unwell, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: platform.got == ["s1"])
        outbox.put([send("s2")])
        await until(lambda: platform.got == ["s1", "s2"])
    await outbox.settle()
    assert "replies to irc wait for the database" in caplog.text
    assert await states(store) == {"queued": [], "sending": [], "unknown": []}


async def test_rows_are_settled_without_further_replies(store: OpenStore, platform: Platform) -> None:
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])

        async def settled() -> bool:
            return bool(platform.got) and not (await states(store))["sending"]

        await until(settled)


async def test_a_host_that_lives_keeps_its_rows(store: OpenStore, platform: Platform) -> None:
    platform.open.clear()
    first = outbox_of(store, platform)
    async with running(first):
        first.put([send("s1")])
        await until(lambda: _is_sending(store))
        beside = Outbox(store, {"irc": cast("Endpoint", platform)}, LOG, Beside(first))
        await beside.adopt()
        assert (await states(store))["unknown"] == []
        platform.open.set()
        await until(lambda: platform.got == ["s1"])


class Beside(Alone):
    """A host that knows another one to live."""

    def __init__(self, other: Outbox) -> None:
        super().__init__()
        self._other = other._members.host

    async def gone(self, hosts: Collection[str]) -> list[str]:
        return [host for host in await super().gone(hosts) if host != self._other]


async def test_what_a_dead_host_may_have_said_is_not_said_again(store: OpenStore, platform: Platform) -> None:
    await store().sending(Leaving("row", "irc", "sending", [send("s1")], 1.0, "host-gone"), [], [])
    outbox = outbox_of(store, platform)
    await outbox.adopt()
    await outbox.beware()
    async with running(outbox):
        outbox.put([send("s1"), send("s2")])
        await until(lambda: platform.got == ["s2"])
    assert (platform.got, outbox.outcomes["unknown"]) == (["s2"], 1)


async def test_a_host_that_was_taken_for_dead_says_nothing_more(store: OpenStore, platform: Platform) -> None:
    outbox = outbox_of(store, platform)
    outbox.put([send("s1"), send("s2")])
    outbox.abandon()
    async with running(outbox):
        outbox.put([send("s3")])
        await until(lambda: platform.got == ["s3"])
    assert (outbox.size, outbox.outcomes["abandoned"]) == (0, 2)


async def test_replies_wait_for_who_delivers_them(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    platform.error = CallError("no host runs it")
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: "wait for who delivers to irc" in caplog.text)
        platform.error = None
        await until(lambda: platform.got == ["s1"])
    assert outbox.outcomes == {"sent": 1}


@pytest.mark.parametrize(
    ("error", "outcome"), [(CallError("nobody"), "refused"), (CallLost("gone"), "unknown"), (OSError(), "unknown")]
)
async def test_what_becomes_of_replies_that_cannot_be_delivered(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: str
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.05)
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    platform.error = error
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: outbox.outcomes[outcome] == 1)
    assert bool((await states(store))["unknown"]) == (outcome == "unknown")


async def test_one_platform_that_nobody_serves_is_waited_for_once(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.05)
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    platform.error = CallError("no host runs it")
    outbox = outbox_of(store, platform)
    async with running(outbox):
        outbox.put([send("s1")])
        await until(lambda: outbox.outcomes["refused"] == 1)
        caplog.clear()
        outbox.put([send("s2")])
        await until(lambda: outbox.outcomes["refused"] == 2)
        assert "wait for who delivers" not in caplog.text
        platform.error = None
        outbox.put([send("s3")])
        await until(lambda: platform.got == ["s3"])
        platform.error = CallError("no host runs it")
        outbox.put([send("s4")])
        await until(lambda: "wait for who delivers" in caplog.text)


async def test_a_host_that_stops_leaves_what_nobody_tried_to_another(store: OpenStore, platform: Platform) -> None:
    platform.error = CallError("no host runs it")
    first = outbox_of(store, platform)
    async with running(first):
        first.put([send("s1")])
        await until(lambda: _is_sending(store))
    assert (await states(store))["queued"] == ["s1"]
    platform.error = None
    second = outbox_of(store, platform)
    await second.adopt()
    async with running(second):
        await until(lambda: platform.got == ["s1"])
    assert await states(store) == {"queued": [], "sending": [], "unknown": []}


async def test_what_another_host_took_over_meanwhile_is_its_to_say(store: OpenStore, platform: Platform) -> None:
    first = outbox_of(store, platform)
    host = first._members.host
    await store().answered(
        BATCH, [EventResult("e1", "answered", (Reply("x"),))], [send("s1"), send("s2")], [], host
    )
    await store().adopt_outbox("another", [host])
    async with running(first):  # it was frozen, and knows nothing of it
        first.put([send("s1"), send("s2")], durable=True)
        first.put([send("s3")])
        await until(lambda: platform.got == ["s3"])
    assert (platform.got, first.outcomes) == (["s3"], {"abandoned": 2, "sent": 1})
    assert sorted((await states(store))["queued"]) == ["s1", "s2"]


async def test_replies_in_doubt_leave_once(
    store: OpenStore, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    outbox = outbox_of(Unwell(store, InDoubt("lost while it committed"), sending=1), platform)
    host = outbox._members.host
    await store().answered(BATCH, [EventResult("e1", "answered", (Reply("x"),))], [send("s1")], [], host)
    async with running(outbox):
        outbox.put([send("s1")], durable=True)
        await until(lambda: platform.got == ["s1"])
    assert await states(store) == {"queued": [], "sending": [], "unknown": []}
