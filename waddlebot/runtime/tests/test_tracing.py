"""Traces of a whole host: matched events from arrival to delivery, plain lines never."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Call, CallScope, Event, Reply, Result, Send, Sent
from waddlebot.libs.sdk.ports import sends_of
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.sdk.tracing import EVENT, EXECUTE, Span, trace_of
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.otlp import collecting
from waddlebot.runtime.tracing import TracedEndpoint, traced

LINE = Event(
    EVENT_VERSION, "m1", CHAT_MESSAGE, "irc", "net", "#c", "u", "u", "U", (), "!x", 1.0, 1.0, "home", "irc",
)  # fmt: skip


class Kept:
    """A tracer that keeps what it takes."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def record(self, spans: Sequence[Span]) -> None:
        self.spans += spans


class Module:
    """An endpoint that answers as the test says, at once or later."""

    def __init__(self, result: Result, *, later: bool = False) -> None:
        self._result, self._later = result, later

    def execute(self, call: Call) -> Result | asyncio.Future[Result]:
        async def answer() -> Result:
            await asyncio.sleep(0)
            return self._result

        return asyncio.ensure_future(answer()) if self._later else self._result

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        return raw

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        return [Sent(send.id, "refused", "no such channel") for send in sends[:1]]


CALL = Call("interactive.x", "command:x", LINE, "", "u", 1, "key", 1, 5.0)


@pytest.mark.parametrize("later", [False, True])
async def test_what_a_module_handles_belongs_to_the_events_trace(later: bool) -> None:
    kept = Kept()
    endpoint = TracedEndpoint(Module(Result("failed", (), "it broke"), later=later), "interactive.x", kept)
    answer = endpoint.execute(CALL)
    assert (answer if isinstance(answer, Result) else await answer).reason == "it broke"
    await asyncio.sleep(0)
    (span,) = kept.spans
    assert (span.trace, span.parent, span.error) == (trace_of(LINE), EXECUTE, "it broke")
    assert span.began_s <= span.ended_s
    assert await endpoint.call("C", "m", "asked", CallScope("")) == "asked"


async def test_a_call_that_is_given_up_is_told() -> None:
    kept = Kept()
    answer = TracedEndpoint(Module(Result("ok"), later=True), "interactive.x", kept).execute(CALL)
    assert isinstance(answer, asyncio.Future)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    await asyncio.sleep(0)
    assert kept.spans[0].error == "given up"


async def test_deliveries_belong_to_the_events_they_answer() -> None:
    kept = Kept()
    sends = [*sends_of(LINE, [Reply("a"), Reply("b")]), Send("timer/1", "home", "irc", "net", "#c", Reply("c"))]
    await TracedEndpoint(Module(Result("ok")), "pushing.irc", kept).deliver(sends)
    assert [(span.trace, span.parent, span.error) for span in kept.spans] == [
        (trace_of(LINE), EVENT, "refused: no such channel"),
        (trace_of(LINE), EVENT, "unknown"),
    ]


def test_where_nobody_collects_nothing_stands_in_the_way() -> None:
    endpoint = Module(Result("ok"))
    assert traced(endpoint, "interactive.x", None) is endpoint


async def test_a_command_can_be_followed_from_arrival_to_its_module(tmp_path: Path) -> None:
    async with collecting() as collector:
        environ = environ_of(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        async with hosted(environ) as bot, aiohttp.ClientSession() as session:
            key = await bot.key("probe", Role.TRIGGER)
            posted = [
                {"id": f"m{n}", "kind": "chat.message", "platform": "test", "server": "s", "channel": "c",
                 "user_id": "u1", "text": text}
                for n, text in enumerate(["plain words", "!help", "!nothing", "!admin"])
            ]  # fmt: skip
            url = f"{bot.url}/api/v1/processing.router/events?wait=10"
            async with session.post(url, json=posted, headers={"X-API-Key": key}) as answer:
                assert answer.status == 200
        names = ("event chat.message", "accept", "route", "execute processing.router", "handle processing.router")
        found = await collector.until(*names)
    # Those of !help, and of !admin, which a viewer may not use: neither the plain line nor the unknown word.
    assert len({span.trace_id for span in collector.spans}) == 2
    whole = next(
        span for span in collector.spans
        if span.name == names[0] and span.trace_id == found["execute processing.router"].trace_id
    )  # fmt: skip
    of_help = {span.name: span for span in collector.spans if span.trace_id == whole.trace_id}
    assert of_help.keys() == set(names)
    assert of_help["handle processing.router"].parent_span_id == of_help["execute processing.router"].span_id
    for part in ("accept", "route", "execute processing.router"):
        assert of_help[part].parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= of_help[part].start_time_unix_nano
        assert of_help[part].end_time_unix_nano <= whole.end_time_unix_nano
    attributes = {a.key: a.value.string_value for a in whole.attributes}
    assert attributes["waddlebot.command"] == "help"
    assert not {"u1", "plain words"} & set(attributes.values())
