"""What happens at the same time: announcements from handlers, views in the making, deadlines in lanes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    Call,
    Event,
    EventBatch,
    EventResult,
    Module,
    Override,
    Reply,
    Result,
    Send,
)
from waddlebot.libs.sdk.view import Contribution
from waddlebot.libs.testing.waiting import until
from waddlebot.processing.router import engine
from waddlebot.processing.router.engine import Router
from waddlebot.processing.router.view import Catalogue, Entry, View, build

sample = Module("waddlebot.action.interactive.sample.module", "x", http_port=1, grpc_port=1)
other = Module("waddlebot.action.interactive.other.module", "x", http_port=1, grpc_port=1)


@sample.command("go", aliases=("walk", "run fast"))
async def go(ctx: Any) -> Reply:
    """Go."""
    raise NotImplementedError


@sample.command("wave", community=True)
async def wave(ctx: Any) -> Reply:
    """Wave."""
    raise NotImplementedError


@other.command("walk", aliases=("go",))
async def walk(ctx: Any) -> Reply:
    """Walk."""
    raise NotImplementedError


class Rig:
    """A router whose one module is a function of the test."""

    def __init__(self, execute: Any) -> None:
        self.catalogue = Catalogue({sample.name: sample})
        self.execute = execute
        self.sent: list[Send] = []
        self.results: list[EventResult] = []
        self.steps: list[str] = []
        self.compiled: dict[str, int] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.router = Router(
            {sample.name: self}, self.sent.extend, lambda community: True, self._answered, self.load, self._bury,  # type: ignore[dict-item]  # an endpoint as far as it is asked
            lambda reply, view: reply, self._publish,
        )  # fmt: skip
        self.router.views["home"] = self.view(1)

    def view(self, version: int, *overrides: Override) -> View:
        given = {"core.community": Contribution(overrides=overrides)}
        return build("home", version, self.catalogue, given, Matchers())

    async def _publish(self, batch: EventBatch) -> None:
        self.router.handle(batch)

    async def load(self, communities: Sequence[str]) -> Mapping[str, View]:
        version = self.compiled.get(communities[0], 1)
        await self.gate.wait()
        return {community: self.view(version) for community in communities}

    async def _answered(
        self, batch: EventBatch, results: Sequence[EventResult], sends: Sequence[Send], following: Sequence[Event]
    ) -> None:
        self.steps.append("results stored")
        self.results.extend(results)

    async def _bury(self, event: Event, reason: str, tries: int) -> None:
        await asyncio.sleep(0)
        self.steps.append(f"{event.id} buried after {tries}")

    def live(self, *texts: str, community: str = "home") -> None:
        self.router.handle(EventBatch("live", [line(text, community=community) for text in texts]))


_count = iter(range(10**9))


def line(text: str, community: str = "home", user: str = "ann") -> Event:
    now = time.time()
    id_ = f"e{next(_count)}"
    return Event(1, id_, CHAT_MESSAGE, "p", "n", "#r", user, user, user, (), text, now, now, community, "s")


async def test_a_handler_that_announces_at_once_keeps_its_own_trip() -> None:
    def execute(call: Call) -> Result:
        if call.word == "go":
            rig.live("a plain line", "!walk", "another plain line")
        return Result("ok", (Reply(f"{call.word} {call.event.id}"),))

    rig = Rig(execute)
    event = line("!go")
    done = rig.router.handle(EventBatch("b", [event, line("plain"), line("!walk", user="bob")], inboxed=True))
    assert done is not None
    async with asyncio.timeout(5):
        await done
    assert [(r.event_id == event.id, r.status) for r in rig.results] == [
        (True, "answered"), (False, "ignored"), (False, "answered"),
    ]  # fmt: skip
    assert rig.results[0].replies[0].text == f"go {event.id}"
    await until(lambda: rig.sent)
    assert [send.reply.text.split()[0] for send in rig.sent] == ["walk"]


async def test_a_view_that_changes_while_it_is_compiled_is_compiled_again() -> None:
    rig = Rig(lambda call: Result("ok"))
    rig.gate.clear()
    rig.live("hello", community="new")
    await asyncio.sleep(0)
    rig.compiled["new"] = 2
    refreshing = rig.router.refresh(["new", "never heard of"])
    assert refreshing is not None
    rig.gate.set()
    await refreshing
    await until(lambda: not rig.router._waiting)
    assert rig.router.views["new"].version == 2
    assert rig.router.refresh(["never heard of"]) is None


async def test_an_older_view_never_replaces_a_newer_one() -> None:
    rig = Rig(lambda call: Result("ok"))
    rig.router.views["home"] = rig.view(5)
    refreshing = rig.router.refresh(["home"])
    assert refreshing is not None
    await refreshing
    assert rig.router.views["home"].version == 5


async def test_lines_that_wait_for_a_view_are_bounded_and_accepted_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "_WAITING_MAX", 8)
    rig = Rig(lambda call: Result("ok", (Reply("done"),)))
    rig.gate.clear()
    for community in "abcdef":
        rig.live(*["!go"] * 3, community=community)
    assert (rig.router.traces.counts["dropped"], rig.router._waiting_lines) == (18 - 8, 8)
    accepted = [line("!go", community="a", user=f"u{n}") for n in range(20)]
    done = rig.router.handle(EventBatch("b", accepted, inboxed=True))
    rig.gate.set()
    assert done is not None
    await done
    assert {result.status for result in rig.results} == {"answered"}
    await until(lambda: not rig.router._waiting)
    assert rig.router._waiting_lines == 0


async def test_who_waited_in_a_lane_has_all_of_the_time_there_is() -> None:
    answers: list[asyncio.Future[Result]] = []

    def execute(call: Call) -> asyncio.Future[Result]:
        answers.append(asyncio.get_running_loop().create_future())
        return answers[-1]

    rig = Rig(execute)
    rig.live("!go", "!go")
    rig.router.now_s -= 60  # no batch came for a minute
    answers[0].set_result(Result("ok"))
    await until(lambda: len(answers) == 2)
    rig.router.lanes.sweep(time.monotonic())
    assert not answers[1].cancelled()
    answers[1].set_result(Result("ok", (Reply("second"),)))
    await until(lambda: rig.sent)


async def test_an_accepted_event_that_fails_is_kept_before_it_counts_as_processed() -> None:
    rig = Rig(lambda call: Result("failed", (), "it broke"))
    event = line("!go")
    done = rig.router.handle(EventBatch("b", [event], inboxed=True))
    assert done is not None
    await done
    assert rig.steps == [f"{event.id} buried after 1", "results stored"]
    assert event.id in rig.results[0].replies[0].text


async def test_an_endpoint_that_breaks_all_promises_ends_one_event(caplog: pytest.LogCaptureFixture) -> None:
    async def later() -> Result:
        raise ZeroDivisionError("later")

    def execute(call: Call) -> Any:
        if call.word == "go":
            raise ZeroDivisionError("at once")
        return asyncio.ensure_future(later())

    rig = Rig(execute)
    done = rig.router.handle(EventBatch("b", [line("!go"), line("!walk")], inboxed=True))
    assert done is not None
    async with asyncio.timeout(20):
        await done
    assert [result.status for result in rig.results] == ["failed", "failed"]
    rig.execute = lambda call: Result("ok", (Reply("again"),))
    rig.live("!go")
    await until(lambda: rig.sent)


@given(st.lists(st.text(max_size=50), max_size=10))
@settings(max_examples=200)
def test_no_line_breaks_the_pipeline(texts: list[str]) -> None:
    async def run() -> list[EventResult]:
        rig = Rig(lambda call: Result("ok"))
        events = [line(prefix + text) for text in texts for prefix in ("", "!", "!go ", "#wave ", "!run ")]
        if not events:
            return []
        done = rig.router.handle(EventBatch("b", events, inboxed=True))
        assert done is not None
        await done
        return rig.results

    assert {result.status for result in asyncio.run(run())} <= {"answered", "ignored", "refused"}


def test_an_override_holds_for_every_word_of_a_command() -> None:
    rig = Rig.__new__(Rig)
    rig.catalogue = Catalogue({sample.name: sample})
    view = rig.view(1, Override("go", least=64), Override("wave", enabled=False))
    for text in ("!go", "!walk", "!run fast"):
        found = view.find(text)
        assert found is not None
        assert found[0].least == 64, text
    waved = view.find("#wave")
    assert waved is not None
    assert not waved[0].enabled
    assert view.find("!wave") is None
    assert [name for name in view.commands() if name in ("go", "walk", "run fast", "wave")] == ["go"]


def test_two_modules_that_share_two_words_follow_each_other_once() -> None:
    catalogue = Catalogue({other.name: other, sample.name: sample})
    for word in ("go", "walk"):
        entry: Entry | None = catalogue.main[word]
        modules: list[str] = []
        while entry is not None and len(modules) < 5:
            modules.append(entry.module)
            entry = entry.also
        assert sorted(set(modules)) == sorted(modules), word
