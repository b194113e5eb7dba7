"""What a whole host tells Prometheus: the numbers are those that the bot lives by."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from waddlebot.libs.sdk.metrics import LABELS
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.runtime.metrics import LoopLag

TOKEN = "a-token-of-the-operator"


async def test_a_host_tells_what_it_counted(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path, METRICS_TOKEN=TOKEN)) as bot, aiohttp.ClientSession() as session:
        key = await bot.key("probe", Role.TRIGGER)
        posted = [
            {"id": f"m{n}", "kind": "chat.message", "platform": "test", "server": "s", "channel": "secret-channel",
             "user_id": "u1", "user_login": "somebody", "text": text}
            for n, text in enumerate(["!help", "hello", "hello again"])
        ]  # fmt: skip
        url = f"{bot.url}/api/v1/processing.router/events?wait=10"
        async with session.post(url, json=posted, headers={"X-API-Key": key}) as answer:
            assert answer.status == 200, await answer.text()
        async with session.get(f"{bot.url}/health/ready") as answer:
            assert answer.status == 200
        async with session.get(f"{bot.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            text = await answer.text()
        values = {(s.name, *s.labels.values()): s.value for family in parsed(text) for s in family.samples}
        router = ("processing.router",)
        assert values["waddlebot_events_total", *router, "ignored"] == 2
        # The command itself, and what /health/ready sent through the same pipeline.
        assert values["waddlebot_events_total", *router, "answered"] == 2
        assert values["waddlebot_events_total", *router, "failed"] == 0
        assert values["waddlebot_ready", "events"] == values["waddlebot_ready", "database"] == 1
        assert values["waddlebot_module_info", "core.reputation"] == 1
        assert values["waddlebot_outbox_waiting_sends",] == 0
        assert values["waddlebot_inbox_open_events",] <= 1  # what followed from the command may be under way
        assert values["waddlebot_database_up", "file"] == 1
        assert values["waddlebot_metrics_unreadable",] == 0
        ours = [family for family in parsed(text) if family.name.startswith("waddlebot")]
        assert {label for family in ours for s in family.samples for label in s.labels} <= LABELS
        assert "secret-channel" not in text
        assert "somebody" not in text


def test_what_is_only_for_monitoring_is_loaded_when_somebody_monitors() -> None:
    code = "import sys, waddlebot.runtime.host; print({'prometheus_client', 'opentelemetry'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


async def test_the_lag_of_the_loop_is_the_worst_since_somebody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoopLag, "EVERY_S", 0.05)
    lag = LoopLag()

    async def look() -> None:
        await asyncio.sleep(lag.EVERY_S)
        await lag.look()

    await look()
    looking = asyncio.ensure_future(look())
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251  what is looked for: somebody blocks the loop
    await looking
    worst, total, looks = (measure.value for measure in lag.measures())
    assert worst == pytest.approx(total)
    assert 0.1 < worst < 10
    assert looks == 1
    assert next(lag.measures()).value == 0
