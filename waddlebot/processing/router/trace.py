"""Why the bot did or did not answer (P10): one ring for all events, whatever their number."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence

from waddlebot.libs.contracts.router import Step, Trace
from waddlebot.libs.sdk import Event

RING_SIZE = 20_000
PLAIN_SIZE = 500
"""Plain lines are many and have little to tell: with more of them alive, each new one would find memory cold."""


type Noted = tuple[Event, int, str, str, str, str]
"""Event, number of the deciding stage, status, reason, command, module."""


class Traces:
    """The last events and what became of them: of plain lines the last 500, of all others 20,000."""

    def __init__(self, stages: tuple[str, ...], plain: tuple[int, str], size: int = RING_SIZE) -> None:
        """``plain`` is the stage that decides on plain lines, by number, and its reason."""
        self._stages = stages
        self._plain = plain
        self._plain_ring: deque[Event] = deque(maxlen=PLAIN_SIZE)
        self.ring: deque[Noted] = deque(maxlen=size)
        self.counts: Counter[str] = Counter()

    def note_plain(self, events: Sequence[Event]) -> None:
        """Lines that concerned nobody."""
        self._plain_ring.extend(events)
        self.counts["ignored"] += len(events)

    def find(self, event_id: str, community: str = "") -> Trace | None:
        """The newest trace of an event, or ``None``; with a community, only of that one."""
        for noted in reversed(self.ring):
            if noted[0].id == event_id and (not community or noted[0].community == community):
                return self.trace(noted)
        for event in reversed(self._plain_ring):
            if event.id == event_id and (not community or event.community == community):
                stage, reason = self._plain
                return self.trace((event, stage, "ignored", reason, "", ""))
        return None

    def recent(self, community: str, entity: str = "", most: int = 10) -> Iterator[Trace]:
        """The newest traces of matched events of a community, newest first."""
        found = 0
        for noted in reversed(self.ring):
            event = noted[0]
            if event.community == community and noted[4] and (not entity or event.entity == entity):
                yield self.trace(noted)
                found += 1
                if found == most:
                    return

    def trace(self, noted: Noted) -> Trace:
        """A ring entry in full."""
        event, stage, status, reason, command, module = noted
        steps = [Step(name, "passed") for name in self._stages[:stage]]
        if stage < len(self._stages):
            steps.append(Step(self._stages[stage], reason or status))
        return Trace(
            event.id, event.source, event.community, event.entity, event.account, event.user_login, event.kind,
            event.occurred_at,
            status, reason, command, module, tuple(steps),
        )  # fmt: skip
