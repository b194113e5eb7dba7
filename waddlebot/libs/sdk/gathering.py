"""What an observer's events are gathered in until they are observed as one batch."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from itertools import repeat
from typing import NamedTuple, Protocol, Self

import msgspec

from waddlebot.libs.sdk.event import ANSWERED, CHAT_MESSAGE, COMMAND_EXECUTED, FAILED, Event


class Said:
    """How many lines each user id said in one community on one server, and their login and name.

    ``commands`` are those of their lines that a module answered, ``channels`` how many lines each channel had.
    """

    __slots__ = ("channels", "commands", "lines", "names")

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}
        self.commands: Counter[str] = Counter()
        self.lines: dict[str, int] = {}
        self.names: dict[str, Names] = {}


class Names(msgspec.Struct, frozen=True, gc=False):
    """What somebody is called."""

    login: str
    name: str


type Place = tuple[str, str]
"""Platform and server."""


class Use(NamedTuple):
    """A command that was used somewhere, and what became of it: see ``COMMAND_EXECUTED``."""

    community: str
    entity: str
    command: str
    status: str


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

    ``said`` is by place, then by community; ``uses`` counts each command. ``since`` is when the first event was
    received (seconds since 1970): a live crowd gathers for two seconds at most.
    """

    def __init__(self, ctx: object = None) -> None:
        self.since = 0.0
        self.said: dict[Place, dict[str, Said]] = {}
        self.uses: Counter[Use] = Counter()
        self.others = Events()
        self._speakers = 0

    def extend(self, events: Sequence[Event], /) -> None:
        """See :class:`Gathered`."""
        platform = server = ""
        here: dict[str, Said] = {}
        if events and not self.since:
            self.since = events[0].received_at
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
                self._used(event, said)
                continue
            channel, channels = event.channel, said.channels
            channels[channel] = channels.get(channel, 0) + 1
            if user_id in lines:
                lines[user_id] += 1
            else:
                lines[user_id] = 1
                said.names[user_id] = Names(event.user_login, event.user_name)
                self._speakers += 1

    def _used(self, event: Event, said: Said) -> None:
        """Count a command; one that failed is a use, but nothing that its user did."""
        data = event.data
        status = str(data.get("status", ANSWERED))
        use = Use(event.community, event.entity, str(data.get("command", "")), status)
        self._speakers += use not in self.uses
        self.uses[use] += 1
        if status != FAILED:
            self._speakers += event.user_id not in said.commands
            said.commands[event.user_id] += 1

    def communities(self) -> Iterable[str]:
        """See :class:`Gathered`."""
        for here in self.said.values():
            for community, said in here.items():
                yield from repeat(community, len(said.lines) + len(said.commands))
        yield from (use.community for use in self.uses)
        yield from self.others.communities()

    def without(self, communities: Set[str]) -> Self:
        """See :class:`Gathered`."""
        rest = type(self)()
        for place, here in self.said.items():
            rest.said[place] = {name: said for name, said in here.items() if name not in communities}
            rest._speakers += sum(len(said.lines) + len(said.commands) for said in rest.said[place].values())
        rest.since = self.since
        rest.uses.update({use: times for use, times in self.uses.items() if use.community not in communities})
        rest._speakers += len(rest.uses)
        rest.others = self.others.without(communities)
        return rest

    def __len__(self) -> int:
        return self._speakers + len(self.others)
