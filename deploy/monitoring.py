"""What to watch: alert rules for Prometheus and a dashboard for Grafana, on the metrics that hosts really have."""

from dataclasses import dataclass
from typing import Any

from deploy.compose import dumped
from waddlebot.libs.adapters.inbox import OPEN_EVENTS_MAX
from waddlebot.libs.adapters.outbox import QUEUE_MAX
from waddlebot.libs.sdk.ports import PARTITIONS

_MADE = "# Made by `make docs`: change deploy/monitoring.py, not this file.\n"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule: when ``expression`` holds for ``lasting``, somebody is told. ``do`` is what to look at."""

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    do: str


ALERTS = (
    Alert(
        "WaddleBotNotReady", "min by (job, instance, check) (waddlebot_ready) == 0", "2m", "critical",
        "A host's check {{ $labels.check }} fails: events may get no answer.",
        "Ask the host's /health/ready, which says what is wrong and what to do.",
    ),
    Alert(
        "WaddleBotRouterGone", "absent(waddlebot_events_total)", "2m", "critical",
        "No router tells what it does: no command is answered.",
        "See why no router starts: its log, then the database and Redis.",
    ),
    Alert(
        "WaddleBotPartitionsUnowned", f"sum(waddlebot_owned_partitions) < {PARTITIONS}", "1m", "critical",
        "Some communities have no router.",
        "Take-overs end within 15 s: see whether the routers' heartbeats reach the database.",
    ),
    Alert(
        "WaddleBotEventsFail",
        'sum(rate(waddlebot_events_total{outcome="failed"}[5m])) > '
        '0.02 * sum(rate(waddlebot_events_total{outcome=~"answered|failed"}[5m]))',
        "5m", "warning", "More than one command in fifty fails.",
        "waddlebot dlq list shows which and why; mend the cause, then waddlebot dlq replay.",
    ),
    Alert(
        "WaddleBotInboxFillsUp", f"waddlebot_inbox_open_events > {OPEN_EVENTS_MAX // 2}", "2m", "warning",
        "Accepted events are processed too slowly; at twice as many the doors answer 503.",
        "See the lag of the routers and the database's waiting work.",
    ),
    Alert(
        "WaddleBotOutboxFillsUp", f"waddlebot_outbox_waiting_sends > {QUEUE_MAX // 4}", "2m", "warning",
        "Replies wait to be sent; at four times as many commands are answered \"busy\".",
        "See whether the platform answers: waddlebot doctor.",
    ),
    Alert(
        "WaddleBotSendsUnknown", 'increase(waddlebot_sends_total{outcome="unknown"}[15m]) > 0', "0m", "warning",
        "Replies may or may not have been sent; they are not sent again.",
        "waddlebot dlq list shows them.",
    ),
    Alert(
        "WaddleBotEventsDropped",
        'sum(increase(waddlebot_observer_dropped_events_total[10m])) + '
        'sum(increase(waddlebot_events_total{outcome="dropped"}[10m])) > 0',
        "0m", "warning", "Lines were not counted or not looked at, because there were too many.",
        "See the event loops' lag and the database: something is slower than what comes in.",
    ),
    Alert(
        "WaddleBotBusAway", "min by (job, instance) (waddlebot_bus_connected) == 0", "1m", "critical",
        "Redis does not answer a host; it works from local state and catches up.",
        "Look at Redis; the bot needs nothing but its return.",
    ),
    Alert(
        "WaddleBotBusCrowded", "max(waddlebot_bus_crowded_partitions) > 0", "1m", "warning",
        "A stream is more than half full: some readers do not keep up, and publishers will wait.",
        "The log names the group; start more of its module, or see what holds it up.",
    ),
    Alert(
        "WaddleBotBusLosesEvents",
        'sum(increase(waddlebot_bus_total{outcome=~"dropped|unread"}[10m])) > 0', "0m", "critical",
        "Lines were lost between hosts.",
        "See whether a group of readers is gone for good, or Redis was away for long.",
    ),
    Alert(
        "WaddleBotModuleSilent", "max by (callee) (waddlebot_breaker_open) > 0", "1m", "warning",
        "The module {{ $labels.callee }} does not answer and is left alone for a while.",
        "See its log and its /health/ready.",
    ),
    Alert(
        "WaddleBotDatabaseAway", 'waddlebot_database_up{database="primary"} == 0', "30s", "critical",
        "The primary does not answer a host: new events are refused with 503.",
        "Look at PostgreSQL; the bot needs nothing but its return.",
    ),
    Alert(
        "WaddleBotReplicaLags", "waddlebot_database_replica_lag_seconds > 5", "2m", "warning",
        "A read replica is behind and not read.", "Look at its replication; reads go to the primary meanwhile.",
    ),
    Alert(
        "WaddleBotLoopLate", "waddlebot_event_loop_lag_max_seconds > 1", "5m", "warning",
        "A host is too busy to answer in time.", "Give it more processor, or split its modules.",
    ),
    Alert(
        "WaddleBotTasksFail", "waddlebot_failing_tasks > 0", "10m", "warning",
        "A task of a host keeps failing.", "Its log says which and why; so does /health/ready.",
    ),
)  # fmt: skip


def alerts() -> str:
    """``alerts.yaml``: a file of rules, which is also what a PrometheusRule holds."""
    rules = [
        {
            "alert": alert.name,
            "expr": alert.expression,
            "for": alert.lasting,
            "labels": {"severity": alert.severity},
            "annotations": {"summary": alert.summary, "description": alert.do},
        }
        for alert in ALERTS
    ]
    return _MADE + dumped({"groups": [{"name": "waddlebot", "rules": rules}]})


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph: what it shows, its unit as Grafana names it, and its queries by legend."""

    title: str
    unit: str
    queries: dict[str, str]


PANELS = (
    Panel("Events", "eps", {"{{outcome}}": "sum by (outcome) (rate(waddlebot_events_total[$__rate_interval]))"}),
    Panel("Replies", "ops", {"{{outcome}}": "sum by (outcome) (rate(waddlebot_sends_total[$__rate_interval]))"}),
    Panel("Ready", "short", {"{{instance}} {{check}}": "waddlebot_ready"}),
    Panel(
        "Waiting", "short",
        {
            "accepted events": "sum(waddlebot_inbox_open_events)",
            "replies": "sum(waddlebot_outbox_waiting_sends)",
            "to be counted": "sum(waddlebot_observer_waiting_events)",
            "to leave for Redis": "sum(waddlebot_bus_buffered_events)",
        },
    ),
    Panel("Lag of readers", "short", {"{{group}}": "max by (group) (waddlebot_bus_lag_entries)"}),
    Panel("Partitions by router", "short", {"{{instance}}": "waddlebot_owned_partitions"}),
    Panel(
        "Lost and late", "short",
        {
            "events {{outcome}}": "sum by (outcome) (increase(waddlebot_events_total"
            '{outcome=~"dropped|unsent"}[$__rate_interval]))',
            "bus {{outcome}}": "sum by (outcome) (increase(waddlebot_bus_total"
            '{outcome=~"dropped|late|unread|given_up"}[$__rate_interval]))',
            "uncounted": "sum(increase(waddlebot_observer_dropped_events_total[$__rate_interval]))",
        },
    ),
    Panel("Calls in progress", "short", {"{{instance}}": "waddlebot_calls_in_progress"}),
    Panel(
        "Database", "short",
        {
            "{{database}} waiting": "sum by (database) (waddlebot_database_waiting_units)",
            "{{database}} connections": "sum by (database) (waddlebot_database_connections)",
        },
    ),
    Panel("Replica lag", "s", {"{{instance}} {{database}}": "waddlebot_database_replica_lag_seconds"}),
    Panel("Event loop lag", "s", {"{{instance}}": "waddlebot_event_loop_lag_max_seconds"}),
    Panel("Processor", "percentunit", {"{{instance}}": "rate(process_cpu_seconds_total[$__rate_interval])"}),
    Panel("Memory", "bytes", {"{{instance}}": "process_resident_memory_bytes"}),
    Panel("Versions", "short", {"{{version}}": "count by (version) (waddlebot_build_info)"}),
)  # fmt: skip

_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3


def dashboard() -> str:
    """``dashboard.yaml``, which the chart makes JSON of, for Grafana 10 and later; it asks which source to use."""
    return _MADE + dumped(
        {
            "uid": "waddlebot",
            "title": "WaddleBot",
            "tags": ["waddlebot"],
            "schemaVersion": 39,
            "editable": True,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
            "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
        }
    )


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }
