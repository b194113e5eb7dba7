"""Channels that are shared with other replicas: each is in those that it holds, and in no others."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.settings import Channel


class Claims(Protocol):
    """Tells what is held, by name; see the SDK's port of this name."""

    @property
    def held(self) -> Mapping[str, int]:
        """What is held now. Another object after each change; empty while nobody can tell."""

    async def changed(self) -> None:
        """Return after it changed."""


class Placed(Protocol):
    """Something that happened in a channel."""

    @property
    def entity(self) -> str:
        """The channel's name among the claims."""


class SharedChannels:
    """Joins channels as they come to be held, and parts from those that are no longer."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._places: dict[str, tuple[IrcClient[Any], Channel]] = {}
        self._in: set[str] = set()
        self._lost: set[str] = set()
        self._settled: Mapping[str, int] | None = None
        self.dropped = 0
        """Events of channels that were not held any more when they came."""

    def add(self, name: str, client: IrcClient[Any], channel: Channel) -> None:
        """A channel that a client is to be in whenever ``name`` is held."""
        self._places[name] = client, channel

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they were added."""
        return list(self._places)

    def place(self, name: str) -> tuple[IrcClient[Any], Channel] | None:
        """Where to speak; None unless the name is held."""
        return self._places.get(name) if name in self._claims.held else None

    def knows(self, name: str) -> bool:
        """Whether it is one of our channels, whoever holds it."""
        return name in self._places

    async def follow(self) -> None:
        """Settle whenever something changed, until cancelled."""
        while True:
            self.settle()
            await self._claims.changed()

    def settle(self) -> None:
        """Be where we are to be."""
        held = self._claims.held
        now = {name for name in self._places if name in held}
        gone: dict[IrcClient[Any], list[str]] = {}
        come: dict[IrcClient[Any], list[Channel]] = {}
        for name, (client, channel) in self._places.items():
            if name in self._in and name not in now:
                gone.setdefault(client, []).append(channel.name)
            elif name in now and name not in self._in:
                come.setdefault(client, []).append(channel)
        for client, names in gone.items():
            client.part(*names)
        for client, channels in come.items():
            client.join(*channels)
        self._lost = (self._lost | self._in) - now
        self._in = now
        # Lines of a lost channel may come until the server has seen us part, and after that do no harm.
        self._settled = None if self._lost else held

    def admitted[T: Placed](self, events: list[T]) -> list[T]:
        """Those of events whose channel is held: one look for all of them, unless a channel was lost."""
        held = self._claims.held
        if held is self._settled:
            return events
        kept = [event for event in events if event.entity in held]
        self.dropped += len(events) - len(kept)
        return kept


def priorities(names: Sequence[str]) -> dict[str, int]:
    """Priorities by order: the first is the highest."""
    return {name: len(names) - number for number, name in enumerate(names)}
