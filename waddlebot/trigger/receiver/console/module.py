"""The console: a chat window at ``/`` of the web server, and the terminal's door to the same channel.

It behaves like a platform, so that a newcomer sees the bot answer before connecting anything. Whoever sits at the
machine, or has the token that the host prints at start, is the user ``console:console``, who owns the community
``home``; for trying things they may also speak as others, who are plain viewers.
"""

import dataclasses
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Annotated

import msgspec

from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.contracts.console import (
    ENTITY,
    OWNER_ID,
    PLATFORM,
    SECRET_PURPOSE,
    Console,
    Shown,
    ShowRequest,
)
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    EVENT_VERSION,
    Event,
    Field,
    Module,
    Role,
    RouteContext,
    ServiceContext,
)
from waddlebot.libs.web import HttpError, Page, Stream, Template
from waddlebot.libs.web.errors import too_many
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.trigger.receiver.console.access import Access
from waddlebot.trigger.receiver.console.hub import Full, Hub, Line

TEXT_MAX = 5_000
NAME_MAX = 25
LINES_MAX, LINES_WINDOW_S = 20, 10.0
"""Lines that one speaker may say in so many seconds."""

_GUEST = re.compile(rf"[\w-]{{1,{NAME_MAX}}}")
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_CONTROLS = re.compile("[\x00-\x1f\x7f\u2028\u2029]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """What an operator can set for the console."""

    token_only: Annotated[
        bool,
        Field(
            "true: the window asks for its token on this machine, too. Set it where a proxy on this machine "
            "passes requests on, for they all seem to come from here.",
            env="CONSOLE_TOKEN_ONLY",
        ),
    ] = False


type Ctx = RouteContext[None, None]

module = Module(
    __name__,
    "Chat with the bot in the browser and in the terminal, before anything is connected.",
    http_port=8020,
    grpc_port=50920,
    config=Config,
    always_on=True,  # it is how the owner switches everything else on again
)


class Say(msgspec.Struct):
    """A line. ``name`` is whom to speak as, the owner where it is empty. A repeated ``id`` is said once."""

    text: str
    name: str = ""
    id: str = ""


class Said(msgspec.Struct):
    """The id of the event that the line became; empty where there was nothing to say."""

    event_id: str


class Login(msgspec.Struct):
    """The token that the host printed."""

    token: str


class Speaker(msgspec.Struct, frozen=True):
    """Who speaks: the user's id on this platform and the name shown."""

    user_id: str
    name: str

    @property
    def account(self) -> str:
        """``console:USER_ID``."""
        return f"{PLATFORM}:{self.user_id}"

    @property
    def is_owner(self) -> bool:
        """Whether it is the owner of ``home``."""
        return self.user_id == OWNER_ID


OWNER = Speaker(OWNER_ID, OWNER_ID)


class State:
    """The window and who may use it."""

    def __init__(self, secret: bytes, config: Config) -> None:
        self.hub = Hub()
        self.access = Access(secret, config.token_only)
        self.lines = SlidingWindow(LINES_MAX, LINES_WINDOW_S)
        folder = files(__package__) / "static"
        self.window = Template(folder, "window")
        self.login = Template(folder, "login")


@module.starts
@asynccontextmanager
async def start(ctx: ServiceContext[None, None]) -> AsyncIterator[State]:
    """The window, empty."""
    yield State(ctx.services.secret(SECRET_PURPOSE), ctx.config)


@module.runs
async def adopt(ctx: ServiceContext[None, None]) -> None:
    """Bring the console's channel into ``home``, once."""
    await ctx.adopt([ENTITY], HOME)


@module.answers(Console.show)
async def show(ctx: ServiceContext[None, None], request: ShowRequest) -> Shown:
    """Show lines of the bot."""
    hub = ctx.state(State).hub
    for line in request.lines:
        hub.add(
            f"bot {line.id}",
            Line(
                "bot", ctx.now(), "WaddleBot", line.text,
                private=line.private, to=line.to, to_name=line.to_name, action=line.action,
            ),
        )  # fmt: skip
    return Shown(tuple(line.id for line in request.lines))


@module.route("GET", "/", role=None, page=True)
async def window(ctx: Ctx) -> Page:
    """The chat window, or the question for the token."""
    state = ctx.state(State)
    token = ctx.query.get("token")
    if token is not None:
        state.access.check_token(token, ctx.peer)
        cookie = ("Set-Cookie", state.access.cookie(ctx.headers))
        # Not a redirect: a SameSite=Strict cookie would not be sent along one that another site's link began.
        return Page(
            '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>WaddleBot</title>'
            '<a href="/">Go on to the chat window</a>',
            headers=(cookie,),
        )
    session = state.access.session(ctx.peer, ctx.headers)
    if session is None:
        return state.login.render(status=401)
    return state.window.render(csrf=state.access.csrf(session), owner=OWNER.name, text_max=str(TEXT_MAX))


@module.route("POST", "/console/login", role=None, page=True)
async def login(ctx: Ctx, body: Login) -> Page:
    """Let a browser in that has the token."""
    access = ctx.state(State).access
    access.check_token(body.token.strip(), ctx.peer)
    return Page("{}", content_type="application/json", headers=(("Set-Cookie", access.cookie(ctx.headers)),))


@module.route("POST", "/console/say", role=None, page=True)
async def say_in_window(ctx: Ctx, body: Say) -> Said:
    """Say a line from the page."""
    access = ctx.state(State).access
    access.check_csrf(_session(ctx), ctx.headers.get("x-csrf-token", ""))
    return await _say(ctx, _speaker(body.name), body)


@module.route("GET", "/console/stream", role=None, page=True)
async def stream_to_window(ctx: Ctx) -> Stream:
    """The lines, for the page."""
    _session(ctx)
    return _stream(ctx, OWNER)


@module.route("POST", "/say", role=None, entity_keys=True)
async def say(ctx: Ctx, body: Say) -> Said:
    """Say a line in the console's channel.

    With the console's token as bearer token, or an admin key of the community, you speak as the owner, or as the
    viewer you name. A user key speaks as a viewer of the key's name.
    """
    speaker = _api_speaker(ctx)
    return await _say(ctx, _speaker(body.name) if speaker.is_owner else speaker, body)


@module.route("GET", "/stream", role=None, entity_keys=True)
async def stream(ctx: Ctx) -> Stream:
    """Follow the console's channel: the last 100 lines, then each as it comes.

    Every event's data is one line as JSON: kind (chat or bot), at, name, text, speaker, owner, private, to,
    to_name, action. Send the header Last-Event-ID, or ?after=ID, to go on from there. An event named "reset" says
    that what you have is of an earlier life of the host. A user key sees no private lines but its own.
    """
    return _stream(ctx, _api_speaker(ctx))


def _session(ctx: Ctx) -> str:
    session = ctx.state(State).access.session(ctx.peer, ctx.headers)
    if session is None:
        raise HttpError(401, "no_session", "Open the link that the bot printed when it started.")
    return session


def _api_speaker(ctx: Ctx) -> Speaker:
    """Who a request without the page may speak as. A key must be one of the console's community or channel."""
    if ctx.role is None:
        scheme, _, token = ctx.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HttpError(401, "no_key", "Send an API key as X-API-Key, or the console's token as bearer token.")
        ctx.state(State).access.check_token(token.strip(), ctx.peer)
        return OWNER
    if ctx.role not in (Role.USER, Role.ADMIN):
        raise HttpError(403, "wrong_role", f"The console takes keys with the role user or admin, not {ctx.role}.")
    home = ctx.entities.get(ENTITY, HOME)
    if ctx.community != home or ctx.entity not in ("", ENTITY):
        raise HttpError(403, "foreign_key", f"The console is in the community {home}, where this key may nothing.")
    if ctx.role is Role.ADMIN:
        return OWNER
    # Not the key's bare name, which may be that of a person, whom others would then mean without knowing.
    name = ("key-" + re.sub(r"[^\w-]+", "-", ctx.key_name))[:NAME_MAX]
    return Speaker(f"key:{ctx.key_name}", name)


def _speaker(name: str) -> Speaker:
    name = name.strip().removeprefix("@")
    if name.casefold() in ("", OWNER_ID):
        return OWNER
    if not _GUEST.fullmatch(name):
        raise HttpError(
            400, "bad_name", f"A name has at most {NAME_MAX} characters: letters, digits, hyphen and underscore."
        )
    return Speaker(f"guest:{name.casefold()}", name)


async def _say(ctx: Ctx, speaker: Speaker, body: Say) -> Said:
    if len(body.text) > TEXT_MAX:
        raise HttpError(400, "too_long", f"A line has at most {TEXT_MAX:,} characters, not {len(body.text):,}.")
    text = _CONTROLS.sub(" ", body.text).strip()
    if not text:
        return Said("")
    if body.id and not _ID.fullmatch(body.id):
        raise HttpError(400, "bad_id", "An id has 8 to 64 letters, digits and hyphens.")
    state = ctx.state(State)
    key = _event_id(speaker, body.id or secrets.token_hex(16))
    if state.hub.knows(key):
        return Said(key)
    wait_s = state.lines.take(speaker.account)
    if wait_s:
        raise too_many(wait_s, "Too many lines. Wait a moment.")
    if ENTITY not in ctx.entities:
        await ctx.adopt([ENTITY], HOME)
    now = ctx.now()
    state.hub.add(key, Line("chat", now, speaker.name, text, speaker.account, speaker.is_owner))
    await ctx.announce([_event(key, speaker, text, now)])
    return Said(key)


def _event_id(speaker: Speaker, said: str) -> str:
    """The id of a speaker's line: of nobody else's, and fit for URLs, whatever the speaker is called."""
    return f"console-{hashlib.blake2b(f'{speaker.user_id} {said}'.encode(), digest_size=16).hexdigest()}"


def _event(key: str, speaker: Speaker, text: str, now: float) -> Event:
    platform, server, channel = ENTITY.split(":")
    return Event(
        EVENT_VERSION, key, CHAT_MESSAGE, platform, server, channel, speaker.user_id,
        speaker.name.casefold(), speaker.name, (), text, now, now, source=module.name,
    )  # fmt: skip


def _stream(ctx: Ctx, speaker: Speaker) -> Stream:
    def sees(line: Line) -> bool:
        return speaker.is_owner or not line.private or line.to == speaker.account

    after = ctx.headers.get("last-event-id") or ctx.query.get("after", "")
    try:
        return Stream(ctx.state(State).hub.listen(after, sees))
    except Full:
        raise HttpError(503, "full", "Too many windows are open. Close one.", {"Retry-After": "5"}) from None
