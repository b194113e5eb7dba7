"""What the parts between hosts tell: read from the real parts."""

import pytest

from waddlebot.libs.adapters.breaker import Breaker
from waddlebot.libs.adapters.redis_bus import RedisBus
from waddlebot.libs.sdk.metrics import Collector
from waddlebot.libs.sdk.ports import PARTITIONS, EventBatch
from waddlebot.libs.testing.leases import coordinating
from waddlebot.libs.testing.redis_servers import RedisServer
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime.distribution_metrics import breaker_measures, bus_measures, coordination_measures


def values(collect: Collector) -> dict[tuple[str, ...], float]:
    return {(measure.name, *measure.labels.values()): measure.value for measure in collect()}


async def test_the_bus_tells_whether_redis_answers(valkey_server: RedisServer) -> None:
    bus = RedisBus(valkey_server.url, "host-1")
    collect = bus_measures(bus)
    assert values(collect)["waddlebot_bus_connected",] == 0

    async def take(batch: EventBatch) -> None:
        """Nothing."""

    bus.subscribe("count", take)
    await bus.start()
    try:
        await until(lambda: values(collect)["waddlebot_bus_connected",] == 1)
        found = values(collect)
        assert found["waddlebot_bus_buffered_events",] == found["waddlebot_bus_total", "dropped"] == 0
        valkey_server.kill()
        await until(lambda: values(collect)["waddlebot_bus_connected",] == 0)
    finally:
        await bus.close()


async def test_a_router_tells_what_it_owns(sqlite_url: str) -> None:
    async with coordinating(sqlite_url, routes=True, alone=True) as one:
        await until(lambda: values(coordination_measures(one))["waddlebot_owned_partitions",] == PARTITIONS)
        found = values(coordination_measures(one))
        assert found["waddlebot_hosts",] == found["waddlebot_coordination_sure",] == 1


@pytest.mark.parametrize(("failures", "open_"), [(0, 0), (4, 0), (5, 1)])
def test_a_module_that_is_left_alone_shows(failures: int, open_: int) -> None:
    breaker = Breaker()
    for _ in range(failures):
        breaker.failed()
    pairs = [("core.identity", breaker), ("core.identity", Breaker()), ("core.community", Breaker())]
    assert values(breaker_measures(lambda: pairs)) == {
        ("waddlebot_breaker_open", "core.identity"): open_,
        ("waddlebot_breaker_open", "core.community"): 0,
    }
