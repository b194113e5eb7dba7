"""What a custom command may ask the world for."""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from waddlebot.action.interactive.alias.store import AliasStore
from waddlebot.libs.sdk import Context
from waddlebot.libs.templates import ServiceError
from waddlebot.libs.templates.ports import ChannelFacts, Fetched

if TYPE_CHECKING:
    from waddlebot.libs.fetch import Fetcher

_PREFIX = re.compile(r"^[^\w]+(?=\w)")


def counter_of(name: str) -> str:
    """The counter that a name means: a command's with or without prefix, in any case."""
    return _PREFIX.sub("", name.strip().lower())[:100]


class Counters:
    """The community's counters; each change happens once, however often the delivery is run."""

    def __init__(self, ctx: Context[Any, AliasStore], own: str, typed: str) -> None:
        self._ctx = ctx
        self._own = own
        self._typed = typed

    def _name(self, name: str) -> str:
        # Without a name the catalogue hands over the command as typed, which may be an alias.
        return counter_of(self._own if name == self._typed else name)

    async def get(self, name: str) -> int:
        """The value; 0 for one that nobody counted."""
        return await self._ctx.store.count(self._name(name))

    async def add(self, name: str, by: int) -> int:
        """Add and give the new value."""
        return _known(await self._ctx.store.add_count(self._name(name), by))

    async def set(self, name: str, value: int) -> int:
        """Set and give the value."""
        return _known(await self._ctx.store.set_count(self._name(name), value))


def _known(value: int | None) -> int:
    if value is None:
        raise ServiceError("there are too many counters")
    return value


class Channels:
    """Facts about channels. IRC and the console tell nothing but names: all else reads ``unknown``."""

    async def channel(self, name: str) -> ChannelFacts | None:
        """What is known of a channel."""
        return ChannelFacts(name.lstrip("#"))


class Web:
    """Texts at addresses that people typed, by ``libs.fetch``."""

    def __init__(self, fetcher: "Fetcher | None" = None) -> None:
        self._fetcher = fetcher

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fetcher is not None:
            await self._fetcher.__aexit__(kind, error, trace)

    async def get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """GET. Raises ``ServiceError`` that says why there is no answer."""
        from waddlebot.libs.fetch import Fetcher, FetchError  # noqa: PLC0415  slow to import, seldom asked

        if self._fetcher is None:
            self._fetcher = await Fetcher().__aenter__()
        try:
            found = await self._fetcher.text(url, headers=headers)
        except FetchError as error:
            raise ServiceError(str(error)) from None
        return Fetched(found.status, found.text)
