"""What a template may ask the world for. The module that renders templates brings the implementations.

A value that a platform does not tell is None; the words shown instead are ours (`values.py`). An
implementation may raise nothing but `ServiceError`, whose text is shown in place of the value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ServiceError(Exception):
    """A service could not answer; the text is shown in chat, so it is short and holds nothing private."""


class Service(StrEnum):
    """The services by the name that `Template.needs` uses."""

    AI = "ai"
    ACTIONS = "actions"
    CHANNEL = "channel"
    CHATTERS = "chatters"
    COUNTERS = "counters"
    EMOTES = "emotes"
    FETCH = "fetch"
    JAVASCRIPT = "javascript"
    LOYALTY = "loyalty"
    QUOTES = "quotes"


class Counters(Protocol):
    """Named whole numbers of the community; a missing one is 0. A command's own counter has its name."""

    async def get(self, name: str) -> int:
        """The value."""

    async def add(self, name: str, by: int) -> int:
        """Add, once per delivery, and give the new value."""

    async def set(self, name: str, value: int) -> int:
        """Set and give the value."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer of a custom API: its HTTP status and text."""

    status: int
    text: str


class Fetch(Protocol):
    """GET of a text from an address in a template; the implementation is safe against inner addresses."""

    async def get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """Ask.

        Raises:
            ServiceError: The address is refused, or does not answer in time.
        """


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What a platform tells about a channel; None where it does not. Times carry a zone."""

    name: str
    display_name: str = ""
    url: str = ""
    live: bool | None = None
    title: str | None = None
    game: str | None = None
    tags: Sequence[str] | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    viewers: int | None = None
    views: int | None = None
    followers: int | None = None
    subscribers: int | None = None
    subscriber_points: int | None = None
    resolution: str | None = None
    fps: int | None = None


class ChannelInfo(Protocol):
    """Facts about channels of the caller's platform."""

    async def channel(self, name: str) -> ChannelFacts | None:
        """The channel of that login, or None if there is none."""


class Actions(Protocol):
    """Changes that a template asks for; the implementation checks whether the caller may."""

    async def set_title(self, text: str) -> str:
        """Set the channel's title and give the words to show."""

    async def set_game(self, text: str) -> str:
        """Set the channel's category and give the words to show."""


class Chatters(Protocol):
    """Who is in chat."""

    async def names(self) -> Sequence[str]:
        """Display names of people seen in chat lately, in a stable order, without bots."""


class Emotes(Protocol):
    """The channel's emotes."""

    async def names(self, provider: str) -> Sequence[str]:
        """Names in a stable order; provider `twitch`, `7tv`, `bttv`, `ffz`, or empty for all."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What loyalty knows of a person. Seconds for times spent, ranks from 1."""

    points: int = 0
    points_rank: int | None = None
    points_alltime_rank: int | None = None
    time_online_s: int = 0
    time_online_rank: int | None = None
    time_offline_s: int = 0
    time_offline_rank: int | None = None
    last_seen: datetime | None = None
    last_active: datetime | None = None
    last_message: str | None = None


class Loyalty(Protocol):
    """Points and time spent."""

    async def standing(self, login: str) -> Standing | None:
        """The standing of the person of that login, or None if unknown."""

    async def currency(self) -> str:
        """What the community calls its points."""


class Quotes(Protocol):
    """The community's quotes."""

    async def quote(self, key: str, pick: float) -> str:
        """The quote of that number or text; with an empty key, the one at `pick` (0 ≤ pick < 1) of all."""


class Script(Protocol):
    """Runs JavaScript of a template."""

    async def run(self, source: str, seed: int) -> str:
        """The source's last value as text.

        Args:
            source: A program; its tokens are already inserted safely.
            seed: Seeds `Math.random`, so that a second run gives the same text.

        Raises:
            ServiceError: It failed or was stopped at a limit.
        """


class Ai(Protocol):
    """Answers a prompt."""

    async def answer(self, prompt: str) -> str:
        """A short answer."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The services that exist here; None for one that does not. Field names are those of `Service`."""

    ai: Ai | None = None
    actions: Actions | None = None
    channel: ChannelInfo | None = None
    chatters: Chatters | None = None
    counters: Counters | None = None
    emotes: Emotes | None = None
    fetch: Fetch | None = None
    javascript: Script | None = None
    loyalty: Loyalty | None = None
    quotes: Quotes | None = None

    @property
    def available(self) -> frozenset[str]:
        """The names of the services that exist, for `compile_template`."""
        return frozenset(service.value for service in Service if getattr(self, service.value) is not None)
