"""What the owners of IRC connections promise: to say lines on them, and to tell how they are doing."""

import msgspec

from waddlebot.libs.sdk.contract import Contract


class Line(msgspec.Struct, frozen=True):
    """A text for a channel, or with `nick` for one user alone. ``id`` is that of the reply."""

    id: str
    server: str
    channel: str
    text: str
    nick: str = ""
    may_command: bool = False


class SayRequest(msgspec.Struct, frozen=True):
    """Lines in the order in which they are to be said, at most 1,000."""

    lines: tuple[Line, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What became of a line: ``refusal`` is empty for one that was sent, or waits for the platform's rate."""

    id: str
    refusal: str = ""


class Said(msgspec.Struct, frozen=True):
    """One outcome for each line."""

    outcomes: tuple[Outcome, ...]


class Connection(msgspec.Struct, frozen=True):
    """How a connection is doing. ``phase`` is connecting, registered, waiting or stopped; ``error`` is in words.

    ``failures`` says by channel why the bot is not in it. ``retry_in_s`` is the pause before the next try.
    """

    server: str
    phase: str
    nick: str
    wanted: int
    joined: int
    ready: bool
    error: str = ""
    failures: dict[str, str] = {}
    retry_in_s: float = 0.0


class StatusRequest(msgspec.Struct, frozen=True):
    """Asks about all connections."""


class Status(msgspec.Struct, frozen=True):
    """All connections, those that are not configured excepted."""

    connections: tuple[Connection, ...]


class IrcConnections(Contract):
    """The connections to IRC networks."""

    async def say(self, request: SayRequest) -> Said:
        """Say lines."""
        raise NotImplementedError

    async def status(self, request: StatusRequest) -> Status:
        """How the connections are doing."""
        raise NotImplementedError


class TwitchChat(Contract):
    """The connection to Twitch chat. Nothing can be said to one user alone."""

    async def say(self, request: SayRequest) -> Said:
        """Say lines."""
        raise NotImplementedError

    async def status(self, request: StatusRequest) -> Status:
        """How the connection is doing."""
        raise NotImplementedError
