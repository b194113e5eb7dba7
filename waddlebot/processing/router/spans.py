"""The steps of a matched event that the router knows of, for traces."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waddlebot.libs.sdk.tracing import ACCEPT, EVENT, EXECUTE, ROUTE, Span, trace_of

if TYPE_CHECKING:
    from waddlebot.processing.router.pipeline import Trip


def spans_of(trip: "Trip", status: str, reason: str, now_s: float) -> Iterator[Span]:
    """The whole and its parts; of an event that was refused, those that there were."""
    event, entry = trip.event, trip.entry
    trace = trace_of(event)
    taken_s = trip.taken_s or now_s
    asked_s = trip.asked_s or now_s
    error = reason if status == "failed" else ""
    attributes = {
        "waddlebot.community": event.community,
        "waddlebot.platform": event.platform,
        "waddlebot.kind": event.kind,
        "waddlebot.command": entry.name,
        "waddlebot.module": entry.module,
        "waddlebot.outcome": status,
    }
    yield Span(trace, EVENT, "", f"event {event.kind}", event.received_at, now_s, error, attributes)
    yield Span(trace, ACCEPT, EVENT, ACCEPT, event.received_at, taken_s)
    yield Span(trace, ROUTE, EVENT, ROUTE, taken_s, asked_s)
    if trip.asked_s:
        yield Span(trace, EXECUTE, EVENT, f"execute {entry.module}", asked_s, now_s, error)
