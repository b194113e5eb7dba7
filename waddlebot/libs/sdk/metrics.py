"""Metrics: what a module or a host has counted, read when somebody asks and never kept per event."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping

LABELS = frozenset(
    {
        "callee", "check", "database", "group", "module", "observer", "outcome", "platform", "queue", "reason",
        "state", "task", "version",
    }
)  # fmt: skip
"""What a metric may be told apart by. Each takes few values: communities, channels and people are not among them,
for one time series each would fill the monitoring, and it is nobody's business who writes where."""

_NAME = re.compile(r"waddlebot(_[a-z0-9]+)+")


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """One number under its name, in base units (seconds, bytes).

    A name ends in its unit; one that ends in ``_total`` only ever grows (a counter), any other may do as it likes
    (a gauge): https://prometheus.io/docs/practices/naming/. Raises ``ValueError`` for another name or label.
    """

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a metric: waddlebot_<what>_<unit>[_total]")
        if unknown := self.labels.keys() - LABELS:
            raise ValueError(f"{self.name} may not be told apart by {', '.join(sorted(unknown))}")

    @property
    def counts(self) -> bool:
        """Whether it only ever grows."""
        return self.name.endswith("_total")


type Collector = Callable[[], Iterable[Measure]]
"""Reads counters that are there anyway. It is called in the loop when somebody asks, so it must not wait."""
