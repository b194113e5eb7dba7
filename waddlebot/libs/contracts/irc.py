"""What the owners of IRC connections promise: to say lines on them, and to tell how they are doing."""

from collections.abc import Mapping, Sequence

import msgspec

from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.ports import CallError, Send, Sent


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


def answered(request: SayRequest, refusals: Mapping[str, str]) -> Said:
    """An outcome for each line, by the refusals of those whose channel is known; the others are refused."""

    def refusal(line: Line) -> str:
        place = f"{line.channel} on {line.server}" if line.server else line.channel
        return refusals.get(line.id, f"{place} is no channel of this bot")

    return Said(tuple(Outcome(line.id, refusal(line)) for line in request.lines))


async def push(
    connections: IrcConnections | TwitchChat,
    sends: Sequence[Send],
    entities: Mapping[str, str],
    *,
    platform: str,
    to_one: bool,
) -> list[Sent]:
    """Say replies in order, each in a channel of the community it comes from, by ``entities``.

    A private reply goes to whoever is answered where the platform can tell something ``to_one`` user alone, and is
    refused elsewhere. Of an order that chat cannot do, such as a timeout, its words are said. ``platform`` is
    its name in reasons.
    """

    def refusal(send: Send) -> str:
        if entities.get(send.entity) != send.community:
            return f"{send.channel} is no channel of {send.community}"
        if send.reply.private and not to_one:
            return f"{platform} cannot tell it to one user alone"
        has_words = send.reply.action == "chat" or (send.reply.action == "general" and bool(send.reply.text))
        return "" if has_words else f"{platform} cannot show {send.reply.action}"

    refusals = {send.id: refusal(send) for send in sends}
    lines = tuple(_line(send) for send in sends if not refusals[send.id])
    try:
        said = await connections.say(SayRequest(lines)) if lines else Said(())
    except CallError as error:
        refusals = {key: why or str(error) for key, why in refusals.items()}
    else:
        refusals |= {outcome.id: outcome.refusal for outcome in said.outcomes}
    return [Sent(send.id, "refused" if refusals[send.id] else "sent", refusals[send.id]) for send in sends]


def _line(send: Send) -> Line:
    nick = send.user_name if send.reply.private else ""
    return Line(send.id, send.server, send.channel, send.reply.text, nick, send.reply.may_command)
