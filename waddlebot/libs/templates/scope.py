"""What one rendering knows: who, where, when, with which words."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from waddlebot.libs.templates.ports import Ports


class Random(Protocol):
    """The part of `random.Random` that templates use. The host seeds it per delivery."""

    def random(self) -> float:
        """A number from 0 to below 1."""

    def randint(self, a: int, b: int) -> int:
        """A whole number from a to b, both included."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in chat.

    Attributes:
        name: Display name.
        login: The platform's login name, in lower case.
        id: The platform's id.
        ranks: Ranks in the community (`owner`, `moderator`, …).
    """

    name: str
    login: str = ""
    id: str = ""
    ranks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """The channel that a command was said in.

    Attributes:
        login: The platform's login name of the channel.
        name: Display name.
        id: The community's entity id.
        provider: The platform, such as `twitch`.
        provider_id: The platform's id of the channel.
        alias: The name in the address of the community's public page.
    """

    login: str
    name: str = ""
    id: str = ""
    provider: str = ""
    provider_id: str = ""
    alias: str = ""


NOBODY = Person("")
NOWHERE = Place("")
NO_PORTS = Ports()


def _now() -> datetime:
    return datetime.now(UTC)


# Not frozen: a frozen dataclass takes five times as long to make, and one is made per command.
@dataclass(slots=True, kw_only=True)
class Scope:
    """All a rendering may look at.

    Attributes:
        user: Who said the command; `NOBODY` for timers.
        args: The words after the command.
        text: Everything after the command, as typed.
        place: Where it was said.
        command: The command as typed, with its prefix.
        message_id: The platform's id of the message.
        emotes: Words of `args` that are emotes.
        values: Further names of the caller, shadowing the catalogue's in the native dialect.
        ports: The services.
        random: Source of chance.
        now: The present, with a zone.
        tell_identity: Whether requests carry who asked and where, in Nightbot's headers.
        response_url: Sent along with them if not empty.
    """

    user: Person = NOBODY
    args: Sequence[str] = ()
    text: str = ""
    place: Place = NOWHERE
    command: str = ""
    message_id: str = ""
    emotes: frozenset[str] = frozenset()
    values: Mapping[str, object] = field(default_factory=dict)
    ports: Ports = NO_PORTS
    random: Random = field(default_factory=random.Random)
    now: datetime = field(default_factory=_now)
    tell_identity: bool = False
    response_url: str = ""
