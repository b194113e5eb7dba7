"""IRC networks: any number of them, each a connection that looks after itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
from waddlebot.libs.irc.speaking import Speaker, Utterance
from waddlebot.libs.irc.url import parse_irc_urls
from waddlebot.libs.sdk import Event, Field, FieldError, Module, Role, RouteContext, ServiceContext
from waddlebot.libs.templates.safety import USUAL_PREFIXES, safe_reply
from waddlebot.trigger.poller.irc.irc import Translator


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
        self.speaker = Speaker(ctx.log)
        self.clients: dict[str, IrcClient] = {}
        self.entities: list[str] = []
        for one in settings:
            self._add(one, ctx)

    def _add(self, settings: IrcSettings, ctx: Ctx) -> None:
        def put(messages: list[IrcMessage]) -> None:
            self.connections.put(translator.events(messages, ctx.now()))

        guard = partial(safe_reply, prefixes=USUAL_PREFIXES)
        client = IrcClient(settings, put, StateLog(ctx.log), guard=guard)
        translator = Translator(settings.label, f"{module.name}/{settings.label}", client.fold, client.status)
        self.clients[settings.label] = client
        self.connections.add(client)
        self.entities += [translator.entity(channel.name) for channel in settings.channels]


@module.starts
@asynccontextmanager
async def start(ctx: Ctx) -> AsyncIterator[Networks]:
    """The connections; they end after the last reply has left."""
    networks = Networks(parse_irc_urls(ctx.config.urls), ctx)
    yield networks
    await networks.connections.close()


@module.runs
async def read(ctx: Ctx) -> None:
    """Bring the configured channels into ``home``, connect, and announce what is said."""
    networks = ctx.state(Networks)
    await ctx.adopt(networks.entities, HOME)
    await networks.connections.run(ctx.announce)


@module.answers(IrcConnections.say)
async def say(ctx: Ctx, request: SayRequest) -> Said:
    """Say lines."""
    networks = ctx.state(Networks)
    # Only where we read, by the one name of each channel: not to a nick, a service or another spelling of a room.
    refusals = await networks.speaker.say(
        {
            line.id: (
                networks.clients[line.server],
                Utterance(line.nick or line.channel, line.text, bool(line.nick), line.may_command),
            )
            for line in request.lines
            if f"irc:{line.server}:{line.channel}" in networks.entities
        }
    )
    return answered(request, refusals)


@module.answers(IrcConnections.status)
async def status(ctx: Ctx, request: StatusRequest) -> Status:
    """How the connections are doing."""
    return _status(ctx.state(Networks))


@module.route("GET", "/status", role=Role.ADMIN)
async def show_status(ctx: RouteContext[None, None]) -> Status:
    """How the connections are doing: phase, channels, and what is wrong, in words."""
    return _status(ctx.state(Networks))


def _status(networks: Networks) -> Status:
    return Status(
        tuple(
            msgspec.convert(client.state, Connection, from_attributes=True) for client in networks.clients.values()
        )
    )
