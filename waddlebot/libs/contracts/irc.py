"""What the owners of IRC connections promise: to say lines on them, and to tell how they are doing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from waddlebot.libs.sdk.context import ServiceContext
from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.ports import CallError, CallLost, Send, Sent

_UNREAD = (
    "no host reads {} at this moment: another one takes over what a dead one read within 15 s; "
    "if it stays so, /status of the module that reads the platform says why"
)


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
    """What became of a line: ``refusal`` is empty for one that was sent, or waits for the platform's rate.

    ``holder`` is the host that reads the channel by now, where that is another one than was asked.
    """

    id: str
    refusal: str = ""
    holder: str = ""


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
    """All connections of one replica, those that are not configured excepted.

    ``unread`` are channels that no replica reads. ``dropped`` counts lines that came from channels after another
    replica had taken them over.
    """

    connections: tuple[Connection, ...]
    unread: tuple[str, ...] = ()
    dropped: int = 0


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


def is_registered(account: str, nick: str = "") -> bool:
    """Whether services of an IRC network vouch for an account, by the name of that nick where one is given.

    All other platforms vouch for theirs. A nick without services is ``irc:SERVER/~NICK``: whoever takes it first
    has it; and who is logged in as somebody else may take it, too.
    """
    if not account.startswith("irc:"):
        return True
    return "/~" not in account and nick.lower() in ("", account.rpartition("/")[2].lower())


def answered(request: SayRequest, refusals: Mapping[str, str], holders: Mapping[str, str]) -> Said:
    """An outcome for each line, by the refusals of those whose channel is read here.

    ``holders`` are the hosts, or nobody, that hold the channels of this bot which are not; by the lines' ids, too.
    """

    def outcome(line: Line) -> Outcome:
        place = f"{line.channel} on {line.server}" if line.server else line.channel
        if line.id in refusals:
            return Outcome(line.id, refusals[line.id])
        if line.id in holders:
            return Outcome(line.id, f"the host that was asked does not read {place}", holders[line.id])
        return Outcome(line.id, f"{place} is no channel of this bot")

    return Said(tuple(outcome(line) for line in request.lines))


async def push(
    ctx: ServiceContext[Any, Any],
    contract: type[IrcConnections | TwitchChat],
    sends: Sequence[Send],
    *,
    platform: str,
    to_one: bool,
) -> list[Sent]:
    """Say replies in order, each in a channel of the community it comes from, by the host that reads the channel.

    A private reply goes to whoever is answered where the platform can tell something ``to_one`` user alone, and is
    refused elsewhere. Of an order that chat cannot do, such as a timeout, its words are said. ``platform`` is
    its name in reasons. What a host may have said that died meanwhile is ``unknown``.
    """

    def refusal(send: Send) -> str:
        if ctx.entities.get(send.entity) != send.community:
            return f"{send.channel} is no channel of {send.community}"
        if send.reply.private and not to_one:
            return f"{platform} cannot tell it to one user alone"
        has_words = send.reply.action == "chat" or (send.reply.action == "general" and bool(send.reply.text))
        return "" if has_words else f"{platform} cannot show {send.reply.action}"

    holder = ctx.services.claims.holder
    if any(ctx.entities.get(send.entity) != send.community or not holder(send.entity) for send in sends):
        await ctx.services.refresh()  # another host may have brought it in, or begun to read it, just now
    sent = {send.id: Sent(send.id, "refused", why) for send in sends if (why := refusal(send))}
    pushing = _Pushing(ctx, contract)
    await pushing.say({send.id: holder(send.entity) for send in sends if send.id not in sent}, sends)
    return [sent.get(send.id) or pushing.sent[send.id] for send in sends]


class _Pushing:
    """Asks the hosts that read channels to say something there."""

    def __init__(self, ctx: ServiceContext[Any, Any], contract: type[IrcConnections | TwitchChat]) -> None:
        self._ctx = ctx
        self._contract = contract
        self.sent: dict[str, Sent] = {}
        """What came of each reply, by its id."""

    async def say(self, holders: Mapping[str, str], sends: Sequence[Send], hops: int = 1) -> None:
        """Ask each host for its part, by the replies' ids, and the one that has a channel by now once more."""
        by_host: dict[str, list[Send]] = {}
        for send in sends:
            if send.id in holders:
                by_host.setdefault(holders[send.id], []).append(send)
        for send in by_host.pop("", ()):
            self.sent[send.id] = Sent(send.id, "refused", _UNREAD.format(send.channel))
        moved: dict[str, str] = {}
        for found in await asyncio.gather(*(self._ask(host, some) for host, some in by_host.items())):
            moved |= {id_: host for id_, host in found.items() if host != holders[id_]}
        if moved and hops:
            await self.say(moved, sends, hops - 1)

    async def _ask(self, host: str, sends: Sequence[Send]) -> dict[str, str]:
        """Have one host say something. Returns who else is to be asked, by the replies' ids."""
        try:
            said = await self._ctx.use(self._contract, at=host).say(SayRequest(tuple(map(_line, sends))))
        except CallLost as error:
            self.sent |= {send.id: Sent(send.id, "unknown", str(error)) for send in sends}
            return {}
        except CallError as error:
            self.sent |= {send.id: Sent(send.id, "refused", str(error)) for send in sends}
            return {}
        self.sent |= {o.id: Sent(o.id, "refused" if o.refusal else "sent", o.refusal) for o in said.outcomes}
        return {outcome.id: outcome.holder for outcome in said.outcomes if outcome.holder}


def _line(send: Send) -> Line:
    nick = send.user_name if send.reply.private else ""
    return Line(send.id, send.server, send.channel, send.reply.text, nick, send.reply.may_command)
