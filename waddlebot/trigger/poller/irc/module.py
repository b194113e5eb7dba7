"""IRC networks: any number of them, each a connection that looks after itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import msgspec

from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.contracts.irc import (
    Connection,
    IrcConnections,
    Said,
    SayRequest,
    Status,
    StatusRequest,
    answered,
)
from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.connections import Connections, StateLog
from waddlebot.libs.irc.errors import UrlError
from waddlebot.libs.irc.message import IrcMessage
from waddlebot.libs.irc.settings import IrcSettings
from waddlebot.libs.irc.sharing import SharedChannels
from waddlebot.libs.irc.speaking import Speaker, Utterance
from waddlebot.libs.irc.url import parse_irc_urls
from waddlebot.libs.sdk import Event, Field, FieldError, Module, Role, RouteContext, ServiceContext
from waddlebot.libs.templates.safety import USUAL_PREFIXES, safe_reply
from waddlebot.trigger.poller.irc.irc import PLATFORM, Translator

JOINS_PER_S = 5.0
"""Channels that a server lets in at the usual rate, many in a line: about what flood control makes of it."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator sets."""

    urls: Annotated[
        str,
        Field(
            "IRC networks, one URL each, separated by spaces: ircs://nick:password@host:6697/%23channel,%23other. "
            "irc:// is without TLS; a password logs in by SASL PLAIN, with ?sasl=off it is the server's; "
            "further options: sasl=external, cert, key, ca, account, name, username, realname, insecure=1, rate.",
            env="IRC_URLS",
            secret=True,
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be read, at start and by name."""
        try:
            parse_irc_urls(self.urls)
        except UrlError as error:
            raise FieldError(str(error)) from None


type Ctx = ServiceContext[None, None]

module = Module(
    __name__,
    "Read IRC networks, and speak there.",
    http_port=8019,
    grpc_port=50919,
    config=Config,
    enabled=lambda config: bool(config and config.urls.strip()),
)


class Networks:
    """All networks: a connection each, by the name that entities carry."""

    def __init__(self, settings: tuple[IrcSettings, ...], ctx: Ctx) -> None:
        self.connections: Connections[Event] = Connections()
        self.channels = SharedChannels(ctx.services.claims)
        self.speaker = Speaker(ctx.log)
        self.clients: dict[str, IrcClient] = {}
        self.moves_per_s = min((JOINS_PER_S * one.rate for one in settings), default=JOINS_PER_S)
        for one in settings:
            self._add(one, ctx)

    def _add(self, settings: IrcSettings, ctx: Ctx) -> None:
        def put(messages: list[IrcMessage]) -> None:
            self.connections.put(self.channels.admitted(translator.events(messages, ctx.now())))

        guard = partial(safe_reply, prefixes=USUAL_PREFIXES)
        client = IrcClient(replace(settings, channels=()), put, StateLog(ctx.log), guard=guard)
        translator = Translator(settings.label, f"{module.name}/{settings.label}", client.fold, client.status)
        self.clients[settings.label] = client
        self.connections.add(client)
        for channel in settings.channels:
            self.channels.add(translator.entity(channel.name), client, channel)


@module.starts
@asynccontextmanager
async def start(ctx: Ctx) -> AsyncIterator[Networks]:
    """The connections; they end after the last reply has left."""
    networks = Networks(parse_irc_urls(ctx.config.urls), ctx)
    yield networks
    await networks.connections.close()


@module.runs
async def read(ctx: Ctx) -> None:
    """Bring the configured channels into ``home``, connect, and announce what is said in those held here."""
    networks = ctx.state(Networks)
    wanted = networks.channels.wanted
    await ctx.adopt(list(wanted), HOME)
    ctx.services.claims.want(wanted, moves_per_s=networks.moves_per_s)
    await networks.connections.run(ctx.announce, networks.channels.follow())


@module.answers(IrcConnections.say)
async def say(ctx: Ctx, request: SayRequest) -> Said:
    """Say lines in the channels held here."""
    networks = ctx.state(Networks)
    # Only where we read, by the one name of each channel: not to a nick, a service or another spelling of a room.
    names = {line.id: f"{PLATFORM}:{line.server}:{line.channel}" for line in request.lines}
    refusals = await networks.speaker.say(
        {
            line.id: (
                networks.clients[line.server],
                Utterance(line.nick or line.channel, line.text, bool(line.nick), line.may_command),
            )
            for line in request.lines
            if networks.channels.holds(names[line.id])
        }
    )
    return answered(request, refusals, networks.channels.elsewhere(names))


@module.answers(IrcConnections.status)
async def status(ctx: Ctx, request: StatusRequest) -> Status:
    """How the connections are doing."""
    return _status(ctx)


@module.route("GET", "/status", role=Role.ADMIN)
async def show_status(ctx: RouteContext[None, None]) -> Status:
    """How the connections are doing: phase, channels, and what is wrong, in words."""
    return _status(ctx)


def _status(ctx: Ctx) -> Status:
    networks = ctx.state(Networks)
    found = (msgspec.convert(c.state, Connection, from_attributes=True) for c in networks.clients.values())
    return Status(tuple(found), tuple(networks.channels.unread), networks.channels.dropped)
