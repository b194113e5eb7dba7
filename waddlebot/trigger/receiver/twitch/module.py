"""Twitch chat. Reading needs no credentials at all; with a bot's login and token it answers, too."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import msgspec

from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.contracts.irc import (
    Connection,
    Said,
    SayRequest,
    Status,
    StatusRequest,
    TwitchChat,
    answered,
)
from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.connections import Connections, StateLog
from waddlebot.libs.irc.errors import UrlError
from waddlebot.libs.irc.message import IrcMessage, find_tag
from waddlebot.libs.irc.settings import IrcSettings
from waddlebot.libs.irc.sharing import SharedChannels
from waddlebot.libs.irc.speaking import Speaker, Utterance
from waddlebot.libs.irc.twitch import (
    JOINS_PER_S,
    ROOMS_MAX,
    TWITCH_IRC_URL,
    TWITCH_TIMING,
    TwitchPolicy,
    twitch_settings,
)
from waddlebot.libs.sdk import Event, Field, FieldError, Module, Role, RouteContext, ServiceContext
from waddlebot.libs.templates.safety import USUAL_PREFIXES, safe_reply
from waddlebot.trigger.receiver.twitch.twitch import chat_line, entity, events

REFUSAL = "msg_"
"""How the `msg-id` of a NOTICE begins by which Twitch says that it did not show what we said."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator sets."""

    channels: Annotated[
        str,
        Field(
            "Twitch channels to read, by login, separated by commas, the most important first: a user may be in "
            "100, and without a login each replica is a user of its own.",
            env="TWITCH_CHANNELS",
        ),
    ] = ""
    bot_login: Annotated[
        str, Field("The bot's login on Twitch; without it chat is read anonymously.", env="TWITCH_BOT_LOGIN")
    ] = ""
    bot_token: Annotated[
        str,
        Field(
            "A user token of the bot's account with the scopes chat:read and chat:edit.",
            env="TWITCH_BOT_TOKEN",
            secret=True,
        ),
    ] = ""
    irc_url: Annotated[str, Field("Twitch's chat server.", env="TWITCH_IRC_URL")] = TWITCH_IRC_URL

    def __post_init__(self) -> None:
        """Refuse what cannot be used, at start and by name."""
        try:
            settings_of(self)
        except UrlError as error:
            raise FieldError(str(error)) from None


def settings_of(config: Config) -> IrcSettings:
    """The connection that a Config asks for. Raises UrlError that names the variable."""
    return twitch_settings(config.channels.split(","), config.bot_login, config.bot_token, config.irc_url)


type Ctx = ServiceContext[None, None]

module = Module(
    __name__,
    "Read Twitch chat, and speak there.",
    http_port=8010,
    grpc_port=50910,
    config=Config,
    enabled=lambda config: bool(config and config.channels.strip(" ,")),
)


class Chat:
    """The connection to Twitch chat."""

    def __init__(self, settings: IrcSettings, ctx: Ctx) -> None:
        self.connections: Connections[Event] = Connections()
        self.claims = ctx.services.claims
        self.channels = SharedChannels(self.claims)
        self.speaker = Speaker(ctx.log)
        self._ctx = ctx
        self._refusal = ""
        self._policy = TwitchPolicy()
        self._is_one_user = bool(settings.password)
        self.client: IrcClient[re.Match[str]] = IrcClient(
            replace(settings, channels=()),
            self._receive,
            StateLog(ctx.log),
            guard=partial(safe_reply, prefixes=USUAL_PREFIXES),
            policy=self._policy,
            timing=TWITCH_TIMING,
            chat=chat_line(settings.nick),
        )
        self.connections.add(self.client)
        for channel in settings.channels:
            self.channels.add(entity(channel.name), self.client, channel)

    def want(self) -> None:
        """Share the channels: those of one user with those who act as it, and else as many as a user may be in."""
        wanted = self.channels.wanted
        replicas = 1
        if self._is_one_user:
            wanted = dict(list(wanted.items())[:ROOMS_MAX])
            replicas = self.claims.replicas
        self.claims.want(wanted, most=ROOMS_MAX, moves_per_s=JOINS_PER_S / replicas)

    async def follow(self) -> None:
        """Be in the channels held here, and use no more of the user's limits than a part of them."""
        while True:
            if self._is_one_user:
                self._policy.share(self.claims.replicas, asyncio.get_running_loop().time())
            self.want()
            self.channels.settle()
            await self.claims.changed()

    def _receive(self, received: list[IrcMessage | re.Match[str]]) -> None:
        found = events(received, self._ctx.now(), module.name, self._ctx.entities)
        self.connections.put(self.channels.admitted(found))
        for one in received:
            if isinstance(one, IrcMessage) and one.command == "NOTICE":
                self._notice(one)

    def _notice(self, message: IrcMessage) -> None:
        """Log that something was not shown, but not the same over and over."""
        words = f"{message.target}: {message.text}"
        if find_tag(message.tags, "msg-id").startswith(REFUSAL) and words != self._refusal:
            self._refusal = words
            self._ctx.log.warning("Twitch did not show a reply in %s", words)


@module.starts
@asynccontextmanager
async def start(ctx: Ctx) -> AsyncIterator[Chat]:
    """The connection; it ends after the last reply has left."""
    chat = Chat(settings_of(ctx.config), ctx)
    yield chat
    await chat.connections.close()


@module.runs
async def read(ctx: Ctx) -> None:
    """Bring the configured channels into ``home``, connect, and announce what is said in those held here."""
    chat = ctx.state(Chat)
    await ctx.adopt(list(chat.channels.wanted), HOME)
    await chat.connections.run(ctx.announce, chat.follow())


@module.answers(TwitchChat.say)
async def say(ctx: Ctx, request: SayRequest) -> Said:
    """Say lines in the channels held here."""
    chat = ctx.state(Chat)
    names = {line.id: entity(line.channel) for line in request.lines}
    refusals = await chat.speaker.say(
        {
            line.id: (chat.client, Utterance("#" + line.channel, line.text, may_command=line.may_command))
            for line in request.lines
            if chat.channels.holds(names[line.id])
        }
    )
    return answered(request, refusals, chat.channels.elsewhere(names))


@module.answers(TwitchChat.status)
async def status(ctx: Ctx, request: StatusRequest) -> Status:
    """How the connection is doing."""
    return _status(ctx)


@module.route("GET", "/status", role=Role.ADMIN)
async def show_status(ctx: RouteContext[None, None]) -> Status:
    """How the connection is doing: phase, channels, and what is wrong, in words."""
    return _status(ctx)


def _status(ctx: Ctx) -> Status:
    chat = ctx.state(Chat)
    found = msgspec.convert(chat.client.state, Connection, from_attributes=True)
    return Status((found,), tuple(chat.channels.unread), chat.channels.dropped)
