"""How many lines people wrote lately, by channel, in memory: the gate that keeps timers out of empty rooms."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from operator import attrgetter

from waddlebot.libs.sdk import Event

WINDOW_S = 300.0
"""Lines count for five minutes, as Nightbot's timers have it."""

_BUCKET_S = 30.0
_PLACE = attrgetter("platform", "server", "channel")


class Lines:
    """Lines of the last five minutes by entity. Times are monotonic, so a clock that is set changes nothing."""

    def __init__(self) -> None:
        self._buckets: dict[str, deque[list[float]]] = {}
        self._pruned_at = 0.0

    def add(self, lines: Sequence[Event], bots: Mapping[str, frozenset[str]], now: float) -> None:
        """Count a batch's chat lines in the communities of ``bots``, but not those of a community's bots.

        Bots are known by their logins, in lower case, or by the role ``bot``.
        """
        places = Counter(
            _PLACE(line)
            for line in lines
            if (known := bots.get(line.community)) is not None
            and line.user_login.lower() not in known
            and "bot" not in line.roles
        )
        for (platform, server, channel), count in places.items():
            buckets = self._buckets.setdefault(f"{platform}:{server}:{channel}", deque())
            if buckets and now - buckets[-1][0] < _BUCKET_S:
                buckets[-1][1] += count
            else:
                buckets.append([now, count])
        if now - self._pruned_at > WINDOW_S:
            self._prune(now)

    def recent(self, entity: str, now: float) -> int:
        """The lines of the last five minutes in an entity."""
        return int(sum(count for at, count in self._buckets.get(entity, ()) if now - at < WINDOW_S))

    def _prune(self, now: float) -> None:
        self._pruned_at = now
        for entity, buckets in list(self._buckets.items()):
            while buckets and now - buckets[0][0] >= WINDOW_S:
                buckets.popleft()
            if not buckets:
                del self._buckets[entity]
