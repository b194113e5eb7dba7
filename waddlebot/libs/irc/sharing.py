"""Channels that are shared with other replicas: each is in those that it holds, and in no others."""

from collections.abc import Mapping
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

    def holder(self, name: str) -> str:
        """The host that holds a name; empty when nobody does."""


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
    def wanted(self) -> dict[str, int]:
        """All names with their priorities: the earlier it was added, the higher."""
        return {name: len(self._places) - number for number, name in enumerate(self._places)}

    @property
    def unread(self) -> list[str]:
        """Names of ours that nobody holds."""
        return [name for name in self._places if not self._claims.holder(name)]

    def holds(self, name: str) -> bool:
        """Whether it is a channel of ours, and held here."""
        return name in self._places and name in self._claims.held

    def elsewhere(self, names: Mapping[str, str]) -> dict[str, str]:
        """Who holds channels of ours that are not held here: hosts by the keys of ``names``, empty for nobody."""
        return {key: self._claims.holder(name) for key, name in names.items() if self._is_elsewhere(name)}

    def _is_elsewhere(self, name: str) -> bool:
        return name in self._places and name not in self._claims.held

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
