"""What the parts between hosts tell Prometheus; whoever puts them together adds them to ``Host.metrics``."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from waddlebot.libs.sdk.metrics import Collector, Measure

if TYPE_CHECKING:
    from waddlebot.libs.adapters.breaker import Breaker
    from waddlebot.libs.adapters.redis_bus import RedisBus
    from waddlebot.libs.dal.asyncdal import AsyncDAL
    from waddlebot.runtime.coordination import Coordinator


def bus_measures(bus: "RedisBus") -> Collector:
    """Whether Redis answers, what waits for it, how far each group of readers is behind, and what was counted."""

    def collect() -> Iterator[Measure]:
        yield Measure("waddlebot_bus_connected", "1 while Redis answers.", bus.connected)
        yield Measure("waddlebot_bus_buffered_events", "Events that wait to leave.", bus.buffered)
        words = "Partitions whose streams are more than half full."
        yield Measure("waddlebot_bus_crowded_partitions", words, len(bus.crowded))
        for group, lag in bus.lags.items():
            words = "Entries of all partitions that a group of readers has not read."
            yield Measure("waddlebot_bus_lag_entries", words, lag, {"group": group})
        for name in sorted(bus.counts.keys() | {"events_sent", "dropped", "late", "unread"}):
            words = "What the bus did, by what it was; libs/adapters/redis_bus.py says what each means."
            yield Measure("waddlebot_bus_total", words, bus.counts[name], {"outcome": name})

    return collect


def coordination_measures(coordinator: "Coordinator") -> Collector:
    """Which hosts live, and what this one holds."""

    def collect() -> Iterator[Measure]:
        words = "1 while this host's heartbeats succeed; else it holds nothing."
        yield Measure("waddlebot_coordination_sure", words, coordinator.is_sure)
        yield Measure("waddlebot_hosts", "Hosts that this one knows to live.", len(coordinator.hosts()))
        yield Measure("waddlebot_owned_partitions", "Partitions whose router is here.", len(coordinator.owned))

    return collect


def breaker_measures(breakers: Callable[[], Iterable[tuple[str, "Breaker"]]]) -> Collector:
    """How many replicas of modules are left alone because they did not answer; ``breakers`` gives those of now."""

    def collect() -> Iterator[Measure]:
        silent: Counter[str] = Counter()
        for module, breaker in breakers():
            silent[module] += breaker.state != "closed"
        for module, number in silent.items():
            words = "Replicas of a module that are not asked, because they did not answer."
            yield Measure("waddlebot_breaker_open", words, number, {"callee": module})

    return collect


def database_measures(dal: "AsyncDAL") -> Collector:
    """How each database server is: whether it answers, how far it is behind, and what waits for it."""

    def collect() -> Iterator[Measure]:
        for state in dal.states():
            label = {"database": state.name}
            yield Measure("waddlebot_database_up", "1 while the server answers.", not state.problem, label)
            words = "Connections of this host that are open."
            yield Measure("waddlebot_database_connections", words, state.connections, label)
            words = "Connections that this host may open there."
            yield Measure("waddlebot_database_connections_max", words, state.connections_max, label)
            words = "Units of work that wait for a connection."
            yield Measure("waddlebot_database_waiting_units", words, state.waiting, label)
            if state.lag_s is not None:
                words = "How old a replica's newest known state is."
                yield Measure("waddlebot_database_replica_lag_seconds", words, state.lag_s, label)

    return collect
