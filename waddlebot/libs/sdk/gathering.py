"""What an observer's events are gathered in until they are observed as one batch."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from itertools import chain
from operator import attrgetter
from typing import Protocol, Self

from waddlebot.libs.sdk.event import CHAT_MESSAGE, Event

type Speaker = tuple[str, str, str, str, str, str]
"""Who says something where: community, platform, server, user id, login and name."""

_SPEAKER = attrgetter("community", "platform", "server", "user_id", "user_login", "user_name")


class Gathered(Protocol):
    """Takes events as they come, on the loop: in microseconds, and in memory alone.

    A whole event that is kept makes the next one find cold memory, so who looks at every line keeps less.
    """

    def extend(self, events: Sequence[Event], /) -> None:
        """Take some more events, the oldest first."""

    def communities(self) -> Iterable[str]:
        """The community of each thing that is kept."""

    def without(self, communities: Set[str]) -> Self:
        """The same, but for some communities."""

    def __len__(self) -> int:
        """How many things are kept: with none the handler is not called, with many it is called soon."""


class Events(list[Event]):
    """The events themselves."""

    def communities(self) -> Iterable[str]:
        """See :class:`Gathered`."""
        return (event.community for event in self)

    def without(self, communities: Set[str]) -> Self:
        """See :class:`Gathered`."""
        return type(self)(event for event in self if event.community not in communities)


class Crowd:
    """How many lines everybody said, and all that is no line of chat: counted once for all who observe it."""

    def __init__(self, ctx: object = None) -> None:
        self.lines: Counter[Speaker] = Counter()
        self.others = Events()

    def extend(self, events: Sequence[Event], /) -> None:
        """See :class:`Gathered`. Lines are counted in C."""
        others = [event for event in events if event.kind != CHAT_MESSAGE]
        if others:
            self.others += others
            events = [event for event in events if event.kind == CHAT_MESSAGE]
        self.lines.update(map(_SPEAKER, events))

    def communities(self) -> Iterable[str]:
        """See :class:`Gathered`."""
        return chain((speaker[0] for speaker in self.lines), self.others.communities())

    def without(self, communities: Set[str]) -> Self:
        """See :class:`Gathered`."""
        rest = type(self)()
        rest.lines.update({speaker: n for speaker, n in self.lines.items() if speaker[0] not in communities})
        rest.others = self.others.without(communities)
        return rest

    def __len__(self) -> int:
        return len(self.lines) + len(self.others)
