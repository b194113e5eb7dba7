"""What an observer's events are gathered in until they are observed as one batch."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from itertools import repeat
from typing import Protocol, Self

import msgspec

from waddlebot.libs.sdk.event import CHAT_MESSAGE, COMMAND_EXECUTED, Event


class Said:
    """How many lines each user id said in one community on one server, and their login and name.

    ``commands`` are those of their lines that a module answered.
    """

    __slots__ = ("commands", "lines", "names")

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()
        self.lines: dict[str, int] = {}
        self.names: dict[str, Names] = {}


class Names(msgspec.Struct, frozen=True, gc=False):
    """What somebody is called."""

    login: str
    name: str


type Place = tuple[str, str]
"""Platform and server."""


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
    """How many lines and commands everybody said, and all else as it was: counted once for all who observe it.

    ``said`` is by place, then by community.
    """

    def __init__(self, ctx: object = None) -> None:
        self.said: dict[Place, dict[str, Said]] = {}
        self.others = Events()
        self._speakers = 0

    def extend(self, events: Sequence[Event], /) -> None:
        """See :class:`Gathered`."""
        platform = server = ""
        here: dict[str, Said] = {}
        for event in events:
            kind = event.kind
            if kind != CHAT_MESSAGE and kind != COMMAND_EXECUTED:
                self.others.append(event)
                continue
            if event.platform != platform or event.server != server:
                platform, server = event.platform, event.server
                here = self.said.setdefault((platform, server), {})
            said = here.get(event.community)
            if said is None:
                said = here[event.community] = Said()
            user_id, lines = event.user_id, said.lines
            if kind != CHAT_MESSAGE:
                self._speakers += user_id not in said.commands
                said.commands[user_id] += 1
            elif user_id in lines:
                lines[user_id] += 1
            else:
                lines[user_id] = 1
                said.names[user_id] = Names(event.user_login, event.user_name)
                self._speakers += 1

    def communities(self) -> Iterable[str]:
        """See :class:`Gathered`."""
        for here in self.said.values():
            for community, said in here.items():
                yield from repeat(community, len(said.lines) + len(said.commands))
        yield from self.others.communities()

    def without(self, communities: Set[str]) -> Self:
        """See :class:`Gathered`."""
        rest = type(self)()
        for place, here in self.said.items():
            rest.said[place] = {name: said for name, said in here.items() if name not in communities}
            rest._speakers += sum(len(said.lines) + len(said.commands) for said in rest.said[place].values())
        rest.others = self.others.without(communities)
        return rest

    def __len__(self) -> int:
        return self._speakers + len(self.others)
