"""What a batch of events adds to the tables: rows, made in memory."""

import dataclasses
from collections import Counter

from waddlebot.core.analytics.days import HOUR_S, day_of
from waddlebot.libs.sdk import Crowd
from waddlebot.libs.sdk.event import ANSWERED, FAILED, REFUSED

NAME_CHARACTERS_MAX = 64
"""A command's name is cut there: what a key posts may name anything."""

_STATUSES = (ANSWERED, REFUSED, FAILED)

type Sums = tuple[int, int, int]
"""Lines, commands and other events."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """Rows in the order of the tables' columns."""

    activity: list[tuple[str, int, str, int, int, int]]
    hours: list[tuple[str, int, int, int, int]]
    places: list[tuple[str, int, str, int, int, int]]
    uses: list[tuple[str, int, str, str, int, int, int]]

    @property
    def communities(self) -> frozenset[str]:
        """Where something happened."""
        return frozenset(row[0] for row in self.places)


def counted(crowd: Crowd, now: float) -> Counted:
    """Count a crowd, on the day and in the hour in which its first event was received."""
    at = min(crowd.since, now)  # another host's clock may be ahead
    day, hour = day_of(at), int(at // HOUR_S)
    activity: list[tuple[str, int, str, int, int, int]] = []
    lines, commands, others = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for (platform, server), here in crowd.said.items():
        for community, said in here.items():
            if not community:
                continue
            for channel, times in said.channels.items():
                lines[community, f"{platform}:{server}:{channel}"] += times
            used = said.commands
            activity += [
                (community, day, f"{platform}:{user_id}", times, used.get(user_id, 0) if used else 0, 0)
                for user_id, times in said.lines.items()
                if user_id
            ]
            activity += [
                (community, day, f"{platform}:{user_id}", 0, times, 0)
                for user_id, times in used.items()
                if user_id and user_id not in said.lines
            ]
    uses: dict[tuple[str, str, str], Counter[str]] = {}
    for use, times in crowd.uses.items():
        if use.community and use.command and use.status in _STATUSES:
            commands[use.community, use.entity] += times
            key = use.community, use.entity, use.command[:NAME_CHARACTERS_MAX]
            uses.setdefault(key, Counter())[use.status] += times
    for event in crowd.others:
        if event.community and event.user_id and "target_id" not in event.data:  # else it is about somebody else
            others[event.community, event.entity] += 1
            activity.append((event.community, day, event.account, 0, 0, 1))
    places = {place: (lines[place], commands[place], others[place]) for place in {*lines, *commands, *others}}
    return Counted(
        activity,
        [(community, hour, *sums) for community, sums in _by_community(places).items()],
        [(community, day, entity, *sums) for (community, entity), sums in places.items()],
        [
            (community, day, entity, name, times[ANSWERED], times[REFUSED], times[FAILED])
            for (community, entity, name), times in uses.items()
        ],
    )


def _by_community(places: dict[tuple[str, str], Sums]) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for (community, _), (lines, commands, others) in places.items():
        before = found.get(community, (0, 0, 0))
        found[community] = before[0] + lines, before[1] + commands, before[2] + others
    return found
