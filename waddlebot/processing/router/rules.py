"""What string rules do when they match (P3)."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from waddlebot.libs.sdk import EVENT_VERSION, MEMBER_WARNED, Event, Reply, Rule
from waddlebot.libs.sdk.orders import punish
from waddlebot.libs.sdk.rank import of_platform

if TYPE_CHECKING:
    from waddlebot.processing.router.pipeline import Trip


def _nowhere(rule: Rule, event: Event) -> None:
    """Where webhooks go that nobody posts."""


class Rules:
    """Applies matched rules and counts them; the counts are written by a job, never per line.

    ``post`` takes what webhook rules matched, and does not wait.
    """

    def __init__(self) -> None:
        self.hits: Counter[tuple[str, str]] = Counter()
        self.post: Callable[[Rule, Event], None] = _nowhere

    def apply(self, trip: "Trip", hits: Sequence[int]) -> str | None:
        """Act on the rules at ``hits``, highest priority first. Returns why the trip ends, if it does.

        Every matching rule counts; the first ``warn`` or ``block`` ends the trip; ``reply`` rules add their
        words; a ``webhook`` rule has the event posted; a ``command`` rule makes the line run that command instead,
        unless it is one already.
        """
        view, event = trip.view, trip.event
        ranks = view.vouched(of_platform(event.roles) | trip.router.given(event, view), event)
        for position in hits:
            rule = view.rules[position]
            if ranks & rule.exempt or (rule.entities and event.entity not in rule.entities):
                continue
            self.hits[(view.community, rule.id)] += 1
            if rule.action in ("warn", "block"):
                trip.replies += _punish(rule, trip)
                return f"string rule {rule.id}"
            if rule.action == "reply":
                trip.replies += (Reply(rule.value),)
            elif rule.action == "webhook":
                self.post(rule, event)
            elif rule.action == "command" and not trip.text and view.find(event.text) is None:
                trip.text = f"{view.prefix}{rule.value} {event.text}"
                # Or whoever may make rules could have the owner run anything by saying good morning.
                trip.bound = rule.ranks
        return None


def _punish(rule: Rule, trip: "Trip") -> tuple[Reply, ...]:
    words = rule.value or f"@{trip.event.user_name}, that is not allowed here."
    if rule.action == "warn":
        trip.router.follow(trip, _warned(rule, trip.event))
        return (Reply(words),)
    return (punish(trip.event, words, rule.seconds),)


def _warned(rule: Rule, event: Event) -> Event:
    return Event(
        EVENT_VERSION, f"{event.id}:{MEMBER_WARNED}", MEMBER_WARNED, event.platform, event.server, event.channel,
        "", "", "", (), "", event.occurred_at, event.received_at, event.community, event.source, "",
        {"target_id": event.user_id, "target_login": event.user_login, "reason": f"string rule {rule.id}"},
    )  # fmt: skip
