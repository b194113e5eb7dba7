"""How many lines people wrote lately, by channel: the gate that keeps timers out of empty rooms.

They are counted in the database, for each host hears only a part of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from waddlebot.libs.sdk import Event

WINDOW_S = 300.0
"""Lines count for five minutes, as Nightbot's timers have it."""
BUCKET_S = 30.0
"""Lines are counted together for so long, so the window ends by up to so much later."""

type Counts = list[tuple[str, str, int, int]]
"""Community, entity, number of the bucket, lines."""


def counted(lines: Sequence[Event], bots: Mapping[str, frozenset[str]], now: float) -> Counts:
    """A batch's chat lines in the communities of ``bots``, but not those of a community's bots.

    Bots are known by their logins, in lower case, or by the role ``bot``.
    """
    places = Counter(
        (line.community, line.entity)
        for line in lines
        if (known := bots.get(line.community)) is not None
        and line.user_login.lower() not in known
        and "bot" not in line.roles
    )
    bucket = int(now // BUCKET_S)
    return [(community, entity, bucket, count) for (community, entity), count in places.items()]
