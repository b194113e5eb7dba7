"""Traces on the wire, as a collector gets them."""

import asyncio
import time
from collections import Counter

import pytest

from waddlebot.libs.adapters.otlp import OtlpTracer
from waddlebot.libs.adapters.otlp_config import OtlpConfig
from waddlebot.libs.sdk.fields import from_environment
from waddlebot.libs.sdk.tracing import EVENT, EXECUTE, Span
from waddlebot.libs.testing.otlp import collecting
from waddlebot.libs.testing.ports import free_port


def config_of(url: str, **more: str) -> OtlpConfig:
    return from_environment(OtlpConfig, "otel", {"OTEL_EXPORTER_OTLP_ENDPOINT": url, **more})


async def test_steps_told_by_two_hosts_are_one_trace() -> None:
    headers = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-team = ducks , authorization=Bearer abc",
        "OTEL_SERVICE_NAME": "bot",
    }
    async with collecting() as collector:
        router = OtlpTracer(config_of(f"{collector.url}/", **headers), "1.2", "host-1")
        module = OtlpTracer(config_of(collector.url, **headers), "1.2", "host-2")
        router.record([Span("twitch/1", EVENT, "", "event", 10.5, 12.0, attributes={"a": "b"})])
        router.record([Span("twitch/1", EXECUTE, EVENT, "execute", 11.0, 12.0)])
        module.record([Span("twitch/1", "handle", EXECUTE, "handle", 11.25, 11.5, "it broke")])
        router.record([Span("twitch/2", EVENT, "", "other", 10.0, 9.0)])
        await asyncio.gather(asyncio.to_thread(router.close), asyncio.to_thread(module.close))
        found = await collector.until("event", "execute", "handle", "other")
    whole, execute, handle, other = (found[name] for name in ("event", "execute", "handle", "other"))
    assert whole.trace_id == execute.trace_id == handle.trace_id != other.trace_id
    assert (whole.parent_span_id, execute.parent_span_id) == (b"", whole.span_id)
    assert handle.parent_span_id == execute.span_id
    assert (whole.start_time_unix_nano, whole.end_time_unix_nano) == (10_500_000_000, 12_000_000_000)
    assert other.end_time_unix_nano == other.start_time_unix_nano  # a clock that was set back
    assert (handle.status.message, whole.status.message) == ("it broke", "")
    assert {a.key: a.value.string_value for a in whole.attributes} == {"a": "b"}
    assert collector.services == {"bot"}
    assert (collector.headers["x-team"], collector.headers["authorization"]) == ("ducks", "Bearer abc")


async def test_a_part_of_the_traces_is_the_same_on_every_host() -> None:
    async with collecting() as collector:
        for step in ("one", "two"):
            tracer = OtlpTracer(config_of(collector.url, OTEL_TRACES_SAMPLER_ARG="0.25"), "1", step)
            tracer.record([Span(f"irc/{n}", step, "", step, 1.0, 2.0) for n in range(400)])
            await asyncio.to_thread(tracer.close)
        await collector.until("one", "two")
    seen = Counter(span.trace_id for span in collector.spans)
    assert set(seen.values()) == {2}
    assert 60 < len(seen) < 140  # a quarter, by six standard deviations


@pytest.mark.parametrize("ratio", ["-0.1", "1.1", "many"])
def test_a_ratio_is_a_part(ratio: str) -> None:
    with pytest.raises(ValueError, match="OTEL_TRACES_SAMPLER_ARG"):
        config_of("", OTEL_TRACES_SAMPLER_ARG=ratio)


async def test_a_collector_that_is_away_holds_nobody_up() -> None:
    tracer = OtlpTracer(config_of(f"http://127.0.0.1:{free_port()}"), "1", "host")
    began_s = time.monotonic()
    for n in range(20_000):  # more than its queue
        tracer.record([Span(f"irc/{n}", EVENT, "", "event", 1.0, 2.0)])
    assert time.monotonic() - began_s < 60
    await asyncio.to_thread(tracer.close)
