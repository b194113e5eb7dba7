"""Metrics for Prometheus: whoever counts something says here how to read it; it is read when somebody asks."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from waddlebot.libs.sdk.metrics import Collector, Measure

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

_log = logging.getLogger(__name__)

type Exposition = Callable[[str], tuple[bytes, str]]
"""Makes the text for an ``Accept`` header, and its content type."""


class Metrics:
    """All that a host can tell about itself, in the text format of Prometheus or OpenMetrics.

    The library is loaded by the first that asks: nobody waits for it at the start.
    """

    def __init__(self) -> None:
        self._collectors: list[Collector] = []
        self._exposition: Exposition | None = None
        self._failing = 0

    def add(self, collect: Collector) -> None:
        """``collect`` is read from now on. One that raises is left out, counted and logged."""
        self._collectors.append(collect)

    def measures(self) -> Iterator[Measure]:
        """Everything as it is now."""
        failing = 0
        for collect in self._collectors:
            try:
                yield from list(collect())
            except Exception:
                failing += 1
                if failing > self._failing:  # once, not at every question
                    _log.exception("a part of the metrics cannot be read")
        self._failing = failing
        yield Measure("waddlebot_metrics_unreadable", "Parts of these metrics that could not be read.", failing)

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text, in the format that ``accept`` asks for, and its content type."""
        if self._exposition is None:
            self._exposition = await asyncio.to_thread(_loaded, self.measures)
        return self._exposition(accept)


def opens(token: str, authorization: str) -> bool:
    """Whether an ``Authorization`` header shows the token; an empty token opens nothing."""
    scheme, _, shown = authorization.partition(" ")
    same = hmac.compare_digest(shown.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same


def _loaded(measures: Callable[[], Iterable[Measure]]) -> Exposition:
    # Late: the library takes a tenth of a second to import.
    from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector  # noqa: PLC0415  late, see above
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415  late, see above
    from prometheus_client.registry import Collector as Registered  # noqa: PLC0415  late, see above

    class Ours(Registered):
        def collect(self) -> Iterator["CounterMetricFamily | GaugeMetricFamily"]:
            yield from families(measures())

    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(Ours())

    def exposition(accept: str) -> tuple[bytes, str]:
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    return exposition


def families(measures: Iterable[Measure]) -> "Iterator[CounterMetricFamily | GaugeMetricFamily]":
    """Measures of one name together, as the format wants them. Raises ``ValueError`` where their labels differ."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415  late, see above

    found: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    names: dict[str, tuple[str, ...]] = {}
    for measure in measures:
        labels = tuple(sorted(measure.labels))
        if names.setdefault(measure.name, labels) != labels:
            raise ValueError(f"{measure.name} is told apart by {labels} and by {names[measure.name]}")
        if measure.name not in found:
            family = CounterMetricFamily if measure.counts else GaugeMetricFamily
            found[measure.name] = family(measure.name, measure.help, labels=labels)
        found[measure.name].add_metric([measure.labels[label] for label in labels], measure.value)
    yield from found.values()
