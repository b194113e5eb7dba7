"""Metrics: named by convention, told apart by few things, and shown to nobody without the token."""

from collections.abc import Iterator

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from waddlebot.libs.sdk import Module, Role
from waddlebot.libs.sdk.fields import FieldError, from_environment
from waddlebot.libs.sdk.metrics import LABELS, Measure
from waddlebot.libs.testing.web import served
from waddlebot.libs.web import WebConfig
from waddlebot.libs.web.metrics import Metrics, opens

TOKEN = "a-token-of-the-operator"


@pytest.mark.parametrize("name", ["waddlebot", "events_total", "waddlebot_Events", "waddlebot_é", "waddlebot__a"])
def test_a_name_keeps_to_the_convention(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a metric"):
        Measure(name, "", 1)


def test_nothing_is_told_apart_by_community_or_person() -> None:
    assert not LABELS & {"community", "user", "account", "person", "channel", "entity", "login"}
    with pytest.raises(ValueError, match="may not be told apart by community"):
        Measure("waddlebot_events_total", "", 1, {"community": "home"})


@pytest.mark.parametrize(
    ("token", "header", "open_"),
    [
        (TOKEN, f"Bearer {TOKEN}", True),
        (TOKEN, f"bearer  {TOKEN}", True),
        (TOKEN, f"Basic {TOKEN}", False),
        (TOKEN, f"Bearer {TOKEN}x", False),
        (TOKEN, "Bearer é", False),
        (TOKEN, "", False),
        ("", "Bearer ", False),
        ("", "", False),
    ],
)
def test_only_the_token_opens(token: str, header: str, open_: bool) -> None:
    assert opens(token, header) is open_


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(FieldError, match="METRICS_TOKEN has at least 16 characters"):
        from_environment(WebConfig, "http", {"METRICS_TOKEN": "secret"})


async def test_the_text_is_what_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.add(lambda: [Measure("waddlebot_events_total", "Events.", 3, {"outcome": 'odd "one"\n'})])
    metrics.add(lambda: [Measure("waddlebot_views", "Views.", 2), Measure("waddlebot_lag_seconds", "Lag.", 0.5)])
    text, content_type = await metrics.exposition("")
    assert content_type.startswith("text/plain")
    found = {family.name: family for family in parsed(text.decode())}
    (sample,) = found["waddlebot_events"].samples
    assert (sample.name, sample.labels, sample.value) == ("waddlebot_events_total", {"outcome": 'odd "one"\n'}, 3)
    assert found["waddlebot_events"].type == "counter"
    assert (found["waddlebot_views"].type, found["waddlebot_views"].samples[0].value) == ("gauge", 2)
    assert found["process_resident_memory_bytes"].samples[0].value > 1_000_000
    text, content_type = await metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    read = openmetrics(text.decode())  # type: ignore[no-untyped-call]  # the library's own parser has no types
    assert "waddlebot_events" in {family.name for family in read}


async def test_one_broken_part_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[Measure]:
        yield Measure("waddlebot_half", "Half.", 1)
        raise RuntimeError("no counter here")

    metrics = Metrics()
    metrics.add(broken)
    metrics.add(lambda: [Measure("waddlebot_views", "Views.", 2)])
    for _ in range(3):
        values = {measure.name: measure.value for measure in metrics.measures()}
        assert values == {"waddlebot_views": 2, "waddlebot_metrics_unreadable": 1}
    assert caplog.text.count("cannot be read") == 1


async def test_the_door_is_closed_to_strangers(sqlite_url: str, shop: Module) -> None:
    config = WebConfig(metrics_token=TOKEN)
    async with served(sqlite_url, shop, config=config) as server, aiohttp.ClientSession() as session:
        raw, _ = await server.keys.create("boss", Role.ADMIN, community="ducks")

        async def ask(method: str = "GET", **headers: str) -> tuple[int, str]:
            async with session.request(method, f"{server.url}/metrics", headers=headers) as answer:
                return answer.status, await answer.text()

        assert (await ask())[0] == 401
        assert (await ask(Authorization="Bearer something-else-entirely"))[0] == 401
        # A community's admin is not the operator of the host.
        assert (await ask(**{"X-API-Key": raw}))[0] == 401
        assert (await ask("POST", Authorization=f"Bearer {TOKEN}"))[0] == 405
        status, text = await ask(Authorization=f"Bearer {TOKEN}")
        assert status == 200
        assert "waddlebot_metrics_unreadable 0.0" in text


async def test_without_a_token_nobody_enters(sqlite_url: str, shop: Module) -> None:
    async with served(sqlite_url, shop) as server, aiohttp.ClientSession() as session:
        for header in ("Bearer", "Bearer ", "Bearer None"):
            async with session.get(f"{server.url}/metrics", headers={"Authorization": header}) as answer:
                assert answer.status == 401
                assert "METRICS_TOKEN" in (await answer.json())["detail"]
