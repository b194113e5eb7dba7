"""What is done about a line in which a filter found something (A11)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waddlebot.libs.filters import Found
from waddlebot.libs.sdk import EVENT_VERSION, MESSAGE_FILTERED, Event, Reply, render
from waddlebot.libs.sdk.orders import punish
from waddlebot.libs.sdk.rank import of_platform
from waddlebot.libs.web.limits import SlidingWindow

if TYPE_CHECKING:
    from waddlebot.processing.router.pipeline import Trip

_WORDS_EVERY_S = 10.0
_WORDS_OF_ACCOUNT = 1
_WORDS_OF_COMMUNITY = 10
"""Words in that time: who floods a channel must not make the bot flood it."""


class Filtering:
    """Acts on what filters found, and announces it; who counts, warns and escalates hears of it from there."""

    def __init__(self) -> None:
        self._said = SlidingWindow(_WORDS_OF_COMMUNITY, _WORDS_EVERY_S)

    def apply(self, trip: "Trip", found: Sequence[Found]) -> str | None:
        """Act on the first thing found that the writer's ranks are not exempt from. Why the trip ends, if it does.

        What a canary found is announced, and the line goes on.
        """
        event, view = trip.event, trip.view
        ranks = view.vouched(of_platform(event.roles) | trip.router.given(event, view), event)
        for one in found:
            if ranks & one.filter.exempt:
                continue
            trip.router.follow(trip, _filtered(one, event))
            if one.filter.canary:
                continue
            trip.replies += self._act(one, event)
            return f"filter {one.filter.kind}: {one.reason}"
        return None

    def _act(self, found: Found, event: Event) -> tuple[Reply, ...]:
        given = found.filter
        words = given.value and render(given.value, {"name": event.user_name, "reason": found.reason})
        key = (event.community, event.account)
        if words and (self._said.take(key, _WORDS_OF_ACCOUNT) or self._said.take(event.community)):
            words = ""
        if given.action == "warn":
            return (Reply(words),) if words else ()
        return (punish(event, words, given.seconds if given.action == "timeout" else 0),)


def _filtered(found: Found, event: Event) -> Event:
    given = found.filter
    return Event(
        EVENT_VERSION, f"{event.id}:{MESSAGE_FILTERED}:{given.kind}", MESSAGE_FILTERED, event.platform,
        event.server, event.channel, "", "", "", (), "", event.occurred_at, event.received_at, event.community,
        event.source, "", {
            "target_id": event.user_id, "target_login": event.user_login, "filter": given.kind,
            "reason": found.reason, "text": event.text, "message_id": event.id, "canary": given.canary,
            "action": given.action, "seconds": given.seconds if given.action == "timeout" else 0,
        },
    )  # fmt: skip
