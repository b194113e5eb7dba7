"""Alerts and graphs: Prometheus can read them, and they ask for metrics that there are."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import promql_parser
import pytest
import yaml

from deploy.monitoring import ALERTS, PANELS
from deploy.tests.conftest import CHART, ROOT

_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
"""What the client library itself tells."""
_LABELS = {"job", "instance", "__name__"}
"""What Prometheus adds."""

QUERIES = [query.replace("$__rate_interval", "1m") for panel in PANELS for query in panel.queries.values()]
QUERIES += [alert.expression for alert in ALERTS]


@cache
def metrics() -> set[str]:
    """The names of all metrics, as they stand in the code."""
    found = set(_PROCESS)
    for path in (ROOT / "waddlebot").rglob("*.py"):
        if "tests" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(func=ast.Name(id="Measure"), args=[ast.Constant(value=str(name)), *_]):
                        found.add(name)
    # These three are made of one stem.
    lag = "waddlebot_event_loop_lag"
    return found | {f"{lag}_max_seconds", f"{lag}_seconds_total", f"{lag}_looks_total"}


def names_in(query: str) -> Iterator[str]:
    return iter(re.findall(r"\b(?:waddlebot|process)_\w+", query))


@pytest.mark.parametrize("query", QUERIES)
def test_prometheus_reads_it_and_the_metric_exists(query: str) -> None:
    promql_parser.parse(query)
    names = list(names_in(query))
    assert names
    assert set(names) <= metrics()


def test_a_wrong_query_would_be_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("sum(rate(waddlebot_events_total[5m])")


def test_the_autoscaler_asks_for_a_metric_that_exists() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert values["autoscaling"]["metric"] in metrics()


def test_every_alert_says_what_to_do() -> None:
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert re.fullmatch(r"WaddleBot[A-Z]\w+", alert.name)
        assert alert.severity in {"critical", "warning"}
        assert re.fullmatch(r"\d+[sm]", alert.lasting)
        assert alert.summary.endswith(".")
        assert alert.do.endswith(".")
        for label in re.findall(r"\$labels\.(\w+)", alert.summary):
            assert label in alert.expression, "a label that the expression drops says nothing"
