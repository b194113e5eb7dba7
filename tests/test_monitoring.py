"""What a bot of several processes tells its operator: metrics of each, and one trace across them."""

from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families as parsed

from waddlebot.libs.sdk.ports import PARTITIONS
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import ProcessBot
from waddlebot.libs.testing.clusters import ROUTER, clustered, rest_of
from waddlebot.libs.testing.databases import PostgreSQLServer
from waddlebot.libs.testing.otlp import collecting
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.waiting import until

TOKEN = "a-token-of-the-operator"
STEPS = ("event chat.message", "execute core.reputation", "handle core.reputation")


async def metrics(session: aiohttp.ClientSession, host: ProcessBot) -> dict[tuple[str, ...], float]:
    """What a host tells, by name and labels."""
    async with session.get(f"{host.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 200
        text = await answer.text()
    return {(s.name, *s.labels.values()): s.value for family in parsed(text) for s in family.samples}


async def test_several_hosts_tell_of_themselves_and_of_one_command(
    tmp_path: Path, postgresql_server: PostgreSQLServer, valkey_server: RedisServer
) -> None:
    url = postgresql_server.url(postgresql_server.create())
    grouping = [(ROUTER,), rest_of(ROUTER)]
    async with collecting() as collector, aiohttp.ClientSession() as session:
        more = {"METRICS_TOKEN": TOKEN, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        async with clustered(tmp_path, grouping, url, valkey_server.url, more) as cluster:
            key = await cluster.key("probe", Role.TRIGGER)
            event = {
                "id": "m1", "kind": "chat.message", "platform": "test", "server": "s", "channel": "c",
                "user_id": "u1", "text": "!reputation",
            }  # fmt: skip
            posted = f"{cluster.url}/api/v1/{ROUTER}/events?wait=20"
            async with session.post(posted, json=event, headers={"X-API-Key": key}) as answer:
                assert (await answer.json())["results"][0]["status"] == "answered"
            router, others = cluster.hosts
            found = await metrics(session, router)
            assert found["waddlebot_owned_partitions",] == PARTITIONS
            assert found["waddlebot_bus_connected",] == found["waddlebot_database_up", "primary"] == 1
            assert found["waddlebot_breaker_open", "core.reputation"] == 0
            assert found["waddlebot_hosts",] == 2
            assert found["waddlebot_events_total", ROUTER, "answered"] >= 1
            assert (await metrics(session, others))["waddlebot_owned_partitions",] == 0

            async def told() -> bool:
                return ("waddlebot_bus_lag_entries", ROUTER) in await metrics(session, router)

            await until(told, 60.0)
        spans = await collector.until(*STEPS)
    whole, asked, handled = (spans[name] for name in STEPS)
    assert handled.trace_id == asked.trace_id == whole.trace_id
    assert (handled.parent_span_id, asked.parent_span_id) == (asked.span_id, whole.span_id)
    assert len(collector.hosts) == 2
