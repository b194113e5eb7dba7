"""Talking tests: what somebody says in a channel, and what is heard there.

    chat.say("!so @x", as_="mod", roles=("moderator",))
    await chat.hears("Go and follow x! …")

``…`` stands for any text. Lines go through the REST door one after the other, as a platform's would.
"""

import asyncio
import contextlib
import itertools
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import Bot, logged

WITHIN_S = 2.0
"""A change of configuration is in force within a second; twice that, for a busy machine."""
_AGAIN_S = 0.1
_WAIT_S = 15
_numbers = itertools.count(1)


class Said(msgspec.Struct):
    """One reply that was heard."""

    action: str
    text: str
    private: bool = False
    data: dict[str, Any] = {}


class Outcome(msgspec.Struct):
    """What became of a line: ``answered``, ``ignored``, ``refused`` or ``failed``, and the replies."""

    event_id: str
    status: str
    replies: list[Said]
    reason: str


class _Outcomes(msgspec.Struct):
    results: list[Outcome]


class Chat:
    """One channel of one community, and what has been heard there but not asked for."""

    def __init__(self, session: aiohttp.ClientSession, bot: Bot, key: str, community: str, channel: str) -> None:
        self.bot = bot
        self.community = community
        self.channel = channel
        self.key = key
        self.unheard: deque[str] = deque()
        self._session = session
        self._last: dict[str, Any] = {}
        self._saying: asyncio.Task[Outcome] | None = None

    def say(
        self,
        text: str,
        as_: str = "ann",
        roles: tuple[str, ...] = (),
        *,
        kind: str = "chat.message",
        **fields: Any,
    ) -> asyncio.Task[Outcome]:
        """Somebody says a line, after all that was said before. Await it for what became of it."""
        line = {
            "id": f"{self.channel}-{next(_numbers)}", "kind": kind, "platform": "test", "server": "net",
            "channel": self.channel, "user_id": as_, "user_login": as_, "user_name": as_, "roles": roles,
            "text": text, **fields,
        }  # fmt: skip
        self._last = line
        self._saying = asyncio.create_task(self._say(self._saying, line))
        return self._saying

    async def hears(self, text: str, *, within_s: float = 0.0) -> str:
        """The next reply that nobody has heard; it must read like ``text``.

        With ``within_s`` the last line is said again until the reply is right: for changes that take a moment.
        """
        until = time.monotonic() + within_s
        while (heard := await self._next()) is None or not _reads_like(heard, text):
            if time.monotonic() >= until:
                raise AssertionError(f"heard {heard!r}, not {text!r}")
            await self._again()
        return heard

    async def hears_nothing(self, *, within_s: float = 0.0) -> None:
        """No reply is left; with ``within_s`` the last line is said again until it gets none."""
        until = time.monotonic() + within_s
        while (heard := await self._next()) is not None:
            if time.monotonic() >= until:
                raise AssertionError(f"heard {heard!r}")
            await self._again()

    async def own(self, as_: str) -> None:
        """Somebody becomes an owner of the community, by the code on the operator's console."""
        self.say("!claim", as_=as_)
        await self.hears("There is a code for you…")
        asked = rf"{re.escape(as_)} .*{re.escape(self.community)}\b.*minutes: ([A-Z0-9]{{6}})"
        found = await logged(self.bot, asked)
        self.say(f"!claim {found[1]}", as_=as_)
        await self.hears(f"{as_} owns {self.community} now.")
        self.say("!rank show", as_=as_)
        await self.hears(f"{as_} is: owner…", within_s=WITHIN_S)

    async def post(self, lines: list[dict[str, Any]], *, wait_s: int = _WAIT_S) -> list[Outcome]:
        """Post events as they are, at most 100. Raises AssertionError where the door refuses them."""
        url = f"{self.bot.url}/api/v1/processing.router/events?wait={wait_s}"
        async with self._session.post(url, json=lines, headers={"X-API-Key": self.key}) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise AssertionError(f"{answer.status}: {body.decode()}")
        return msgspec.json.decode(body, type=_Outcomes).results

    async def _say(self, before: asyncio.Task[Outcome] | None, line: dict[str, Any]) -> Outcome:
        if before is not None:
            await asyncio.wait([before])
        [outcome] = await self.post([line])
        self.unheard.extend(reply.text for reply in outcome.replies)
        return outcome

    async def _next(self) -> str | None:
        if self._saying is not None:
            await self._saying
        return self.unheard.popleft() if self.unheard else None

    async def _again(self) -> None:
        self.unheard.clear()
        await asyncio.sleep(_AGAIN_S)
        self._last["id"] += "+"
        self._saying = asyncio.create_task(self._say(None, self._last))


@contextlib.asynccontextmanager
async def joined(bot: Bot, community: str = "") -> AsyncIterator[Chat]:
    """A channel of its own, in a community of its own unless one is named; nothing may be left unheard."""
    number = next(_numbers)
    community = community or f"community-{number}"
    key = await bot.key(f"chat-{number}", Role.TRIGGER, community=community)
    async with aiohttp.ClientSession() as session:
        chat = Chat(session, bot, key, community, f"#room-{number}")
        yield chat
        await chat.hears_nothing()


def _reads_like(heard: str, text: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in text.split("…"))
    return re.fullmatch(pattern, heard, re.DOTALL) is not None
