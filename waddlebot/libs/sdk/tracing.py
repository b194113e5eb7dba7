"""Traces of single events across modules and hosts, for operators who collect them.

Nothing is carried along for them: a trace's number and those of its steps follow from the event's source and id,
which every host knows that has a part in it. So each reports its own steps, and they fit together.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from waddlebot.libs.sdk.event import Event

EVENT, ACCEPT, ROUTE, EXECUTE = "event", "accept", "route", "execute"
"""The steps of a matched event: all of it; from its arrival until the router took it; until a module was asked;
until that answered."""


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """One step of one trace, when it is over. Times are seconds since 1970; ``error`` is empty where all is well.

    ``step`` is its name within the ``trace``, ``parent`` that of the step around it (empty for the whole). No
    words of users belong into ``attributes``.
    """

    trace: str
    step: str
    parent: str
    name: str
    began_s: float
    ended_s: float
    error: str = ""
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Tracer(Protocol):
    """Takes steps that are over. It may leave out whole traces, the same ones on every host."""

    def record(self, spans: Sequence[Span]) -> None:
        """Take steps; costs microseconds, and never waits nor raises."""


def trace_of(event: Event) -> str:
    """The trace that an event's steps belong to."""
    return f"{event.source}/{event.id}"
