"""kill -9 of one of two processes that read IRC, while people speak there and events are posted."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

from drills.cluster import CORE, LEDGER, MOODY, ClusterWorld, cluster_world, flowing
from drills.kill9_cluster import TAKE_OVER_S_MAX, answered, closed
from drills.world import BooksError
from waddlebot.libs.testing.clusters import ROUTER, Grouping
from waddlebot.libs.testing.irc_servers import IrcServer, ngircd_running
from waddlebot.libs.testing.irc_user import IrcUser, irc_user
from waddlebot.libs.testing.waiting import until

_POLLER = "poller.irc"
_TWO_POLLERS: Grouping = [(ROUTER,), (_POLLER,), (_POLLER,), (LEDGER, MOODY), (*CORE, "pushing.irc")]
_CHANNELS = tuple(f"#room{number}" for number in range(4))
_SPEAK_EVERY_S = 2.0  # an account may use sixty commands a minute
_AGAIN_S = 1.0
_LIFE_S = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class IrcWorld(ClusterWorld):
    """A bot whose two pollers share the channels of a network."""

    irc: IrcServer


@contextlib.contextmanager
def irc_world(folder: Path, database_url: str) -> Iterator[IrcWorld]:
    """The bot, not started yet, and the network."""
    with ngircd_running(folder) as irc:
        urls = irc.url(",".join(name.replace("#", "%23") for name in _CHANNELS), "waddle", "name=net&rate=100")
        with cluster_world(_TWO_POLLERS, folder, database_url, IRC_URLS=urls) as world:
            shared: dict[str, Any] = {field.name: getattr(world, field.name) for field in fields(world)}
            yield IrcWorld(**shared, irc=irc)


class _Crowd:
    """Somebody in each channel who says commands, and what is answered there."""

    def __init__(self, users: dict[str, IrcUser]) -> None:
        self._users = users
        self._numbers = itertools.count()
        self.said: list[str] = []

    def say(self, channel: str) -> str:
        """Say a new command; the word that answers it."""
        word = f"word{next(self._numbers)}"
        self._users[channel].say(channel, f"!echo {word}")
        self.said.append(word)
        return word

    async def speak(self) -> None:
        """Speak in all channels, for ever."""
        while True:
            for channel in _CHANNELS:
                self.say(channel)
            await asyncio.sleep(_SPEAK_EVERY_S)

    @property
    def heard(self) -> Counter[str]:
        """How often each word was answered."""
        lines = (line for user in self._users.values() for line in user.lines if " PRIVMSG #" in line)
        return Counter(line.partition(" :")[2] for line in lines)

    async def is_answered(self) -> None:
        """Wait until somebody reads every channel: lines until then are nobody's. Raises TimeoutError."""

        async def one(channel: str) -> None:
            words: list[str] = []

            def is_heard() -> bool:
                heard = self.heard
                return any(heard[word] for word in words)

            async with asyncio.timeout(TAKE_OVER_S_MAX):
                while True:
                    words.append(self.say(channel))
                    with contextlib.suppress(TimeoutError):
                        await until(is_heard, _AGAIN_S)
                        return

        await asyncio.gather(*(one(channel) for channel in _CHANNELS))


@contextlib.asynccontextmanager
async def _crowd(irc: IrcServer) -> AsyncIterator[_Crowd]:
    async with contextlib.AsyncExitStack() as users:
        here = {
            name: await users.enter_async_context(irc_user(irc.port, f"ann{number}", name))
            for number, name in enumerate(_CHANNELS)
        }
        yield _Crowd(here)


async def kill_receiver(world: IrcWorld, random: Random, rounds: int) -> dict[str, int]:
    """Kill one of two: either it starts again at once, or the other one reads its channels first."""
    pollers = [host for host in world.cluster.hosts if _POLLER in host.modules]
    async with flowing(world, random) as traffic, _crowd(world.irc) as crowd:
        await crowd.is_answered()
        speaking = asyncio.create_task(crowd.speak())
        for number in range(rounds):
            victim = random.choice(pollers)
            await asyncio.sleep(random.uniform(*_LIFE_S))
            await victim.kill()
            if number % 2:
                await crowd.is_answered()
            await victim.start()
            await crowd.is_answered()
            await answered(traffic, f"after-{number}")
        speaking.cancel()
        heard, said = crowd.heard, crowd.said
    counted = await closed(world, traffic)
    twice = [word for word in said if heard[word] > 1]
    doubled = [id_ for id_, n in world.counts("booking", MOODY).items() if n > 1]
    if twice or doubled:
        raise BooksError(f"answered twice: {twice}; booked twice: {doubled}")
    return {**counted, "lines_said": len(said), "lines_answered": sum(heard[word] for word in said)}
