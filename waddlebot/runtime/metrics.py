"""What a host tells about itself: counters that its parts keep anyway, read when somebody asks.

A part of the runtime adds what it counts by ``Host.metrics.add``.
"""

import importlib.metadata
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from waddlebot.libs.sdk.context import ServiceContext
from waddlebot.libs.sdk.metrics import Collector, Measure
from waddlebot.libs.web.metrics import Metrics
from waddlebot.runtime.distribution_metrics import database_measures

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host, Runner


class LoopLag:
    """How late the event loop comes to what is due: looked at every half second, by a task of the host."""

    EVERY_S = 0.5

    def __init__(self) -> None:
        self._due_s: float | None = None
        self._worst_s = 0.0
        self._total_s = 0.0
        self._looks = 0

    async def look(self) -> None:
        """One look; whoever calls it slept for ``EVERY_S``."""
        now_s = time.monotonic()
        if self._due_s is not None:
            late_s = max(0.0, now_s - self._due_s)
            self._worst_s = max(self._worst_s, late_s)
            self._total_s += late_s
            self._looks += 1
        self._due_s = now_s + self.EVERY_S

    def measures(self) -> Iterator[Measure]:
        """The worst since somebody asked last; sum and number of all looks, for an average."""
        worst_s, self._worst_s = self._worst_s, 0.0
        lag = "waddlebot_event_loop_lag"
        yield Measure(f"{lag}_max_seconds", "How late the event loop was at worst since the last scrape.", worst_s)
        yield Measure(
            f"{lag}_seconds_total", "Seconds that the event loop was late, all looks together.", self._total_s
        )
        yield Measure(f"{lag}_looks_total", "How often it was looked whether the event loop is late.", self._looks)


def metrics_of(host: "Host") -> Metrics:
    """The host's registry with what every host counts; its modules' own measures follow from their manifests."""
    metrics = Metrics()
    for collect in (_about(host), _delivery(host), _tasks(host), _modules(host), database_measures(host.dal)):
        metrics.add(collect)
    return metrics


def _about(host: "Host") -> Collector:
    version = importlib.metadata.version("waddlebot")

    def collect() -> Iterator[Measure]:
        yield Measure("waddlebot_build_info", "1, with the version.", 1, {"version": version})
        for name in host.modules:
            yield Measure("waddlebot_module_info", "1 for each module that runs here.", 1, {"module": name})

    return collect


def _delivery(host: "Host") -> Collector:
    def collect() -> Iterator[Measure]:
        dropped, outbox = host.shared.dropped, host.outbox
        for reason in dropped.keys() | {"unknown entity"}:
            words = "Events that were not announced."
            yield Measure("waddlebot_events_dropped_total", words, dropped[reason], {"reason": reason})
        yield Measure("waddlebot_inbox_open_events", "Accepted events in work here.", host.inbox.open_events)
        yield Measure("waddlebot_outbox_waiting_sends", "Replies that wait to be sent.", outbox.size)
        for outcome in outbox.outcomes.keys() | {"sent", "refused", "unknown"}:
            words = "Replies by what became of them."
            yield Measure("waddlebot_sends_total", words, outbox.outcomes[outcome], {"outcome": outcome})
        words = "Replies to platforms that nobody here delivers to."
        yield Measure("waddlebot_sends_undeliverable_total", words, outbox.undeliverable)
        for observing in host.observing:
            label = {"observer": observing.name}
            yield Measure("waddlebot_observer_waiting_events", "Events not observed yet.", len(observing), label)
            words = "Events that an observer had no room for."
            yield Measure("waddlebot_observer_dropped_events_total", words, observing.dropped, label)

    return collect


def _tasks(host: "Host") -> Collector:
    def collect() -> Iterator[Measure]:
        yield Measure("waddlebot_failing_tasks", "Tasks that keep failing.", len(host.supervisor.errors))

    return collect


def _modules(host: "Host") -> Collector:
    def collect() -> Iterator[Measure]:
        for name, runner in host.runners.items():
            for measure in _measured(runner):
                labels = {**measure.labels, "module": name}
                yield Measure(measure.name, measure.help, measure.value, labels)

    return collect


def _measured(runner: "Runner") -> Iterable[Measure]:
    if runner.module.measurer is None:
        return ()
    context: ServiceContext[Any, Any] = ServiceContext(runner.services)
    return runner.module.measurer(context)
