"""Replicas that share the channels of a network: the program itself, on a real database and a real IRC server."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from waddlebot.libs.sdk import Role
from waddlebot.libs.testing import irc_servers
from waddlebot.libs.testing.bots import ProcessBot, environ_of, logged
from waddlebot.libs.testing.irc_servers import IrcServer
from waddlebot.libs.testing.irc_user import IrcUser, irc_user
from waddlebot.libs.testing.leases import LEASES, leases_of
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.libs.testing.waiting import until

irc_certificates, new_ngircd = irc_servers.irc_certificates, irc_servers.new_ngircd

CHANNELS = [f"#room{number}" for number in range(1_000)]
NICKS = ("waddle", "waddle_")
TAKEN_OVER_S = 15.0


@contextlib.asynccontextmanager
async def replicas(url: str, server: IrcServer, folder: Path) -> AsyncIterator[list[ProcessBot]]:
    """Two processes that read the same channels, one after the other so that their nicks are known."""
    channels = quote(",".join(CHANNELS), safe=",")
    urls = server.url(channels, "waddle", "name=net&rate=200")
    bots = [
        ProcessBot(environ_of(folder / str(n), url, IRC_URLS=urls), "poller.irc", "core.community") for n in (1, 2)
    ]
    await bots[0].upgrade()
    try:
        for number, bot in enumerate(bots):
            await bot.start()
            await logged(bot, f"channels as {NICKS[number]}$", 30)
        yield bots
    finally:
        for bot in bots:
            await bot.end()


class Onlooker:
    """Somebody on the network who looks who is in which channel."""

    def __init__(self, user: IrcUser) -> None:
        self._user = user

    async def rooms(self) -> dict[str, set[str]]:
        """The channels of each of the bot's nicks (RFC 2812 3.6.2, 319)."""
        found: dict[str, set[str]] = {}
        for nick in NICKS:
            self._user.lines.clear()
            self._user.send(f"WHOIS {nick}")
            await self._user.until(lambda line, nick=nick: f" 318 {self._user.nick} {nick} " in line)  # type: ignore[misc]  # a default is how a lambda keeps a loop's value
            channels = (line.partition(f" 319 {self._user.nick} {nick} :")[2] for line in self._user.lines)
            found[nick] = {name.lstrip("@+") for names in channels for name in names.split()}
        return found

    async def are_shared(self) -> bool:
        """Whether each channel has one of the two, and each of them half of the channels."""
        one, two = (await self.rooms()).values()
        return len(one) == len(two) == len(CHANNELS) // 2 and not one & two

    async def are_all_in(self, nick: str) -> bool:
        """Whether this one is in all channels."""
        return len((await self.rooms())[nick]) == len(CHANNELS)


@contextlib.asynccontextmanager
async def onlooking(server: IrcServer) -> AsyncIterator[Onlooker]:
    async with irc_user(server.port, "onlooker") as user:
        yield Onlooker(user)


async def holders(url: str) -> dict[str, int]:
    """How many channels each living host holds."""
    async with opened_dal(url, LEASES) as dal:
        news = await leases_of(dal)().news(-1)
    names = {host.id: host.name for host in news.hosts}
    held = [names[lease.holder] for lease in news.leases if lease.holder in names and lease.kind == "poller.irc"]
    return {name: held.count(name) for name in names.values()}


async def dropped(bot: ProcessBot) -> object:
    """How many lines a replica left out because another one reads their channel."""
    key = await bot.key("test", Role.ADMIN)
    url = f"{bot.url}/api/v1/poller.irc/status"
    async with aiohttp.ClientSession() as session, session.get(url, headers={"X-API-Key": key}) as answer:
        return (await answer.json())["dropped"]


@pytest.mark.timeout(240)
async def test_two_replicas_share_a_thousand_channels_and_lose_none(
    postgresql_url: str, new_ngircd: Callable[..., IrcServer], tmp_path: Path
) -> None:
    server = new_ngircd()
    async with replicas(postgresql_url, server, tmp_path) as (one, two), onlooking(server) as onlooker:
        await until(onlooker.are_shared, 60)

        two_s = asyncio.get_running_loop().time()
        await two.kill()

        async def all_claimed() -> bool:
            return sorted((await holders(postgresql_url)).values()) == [len(CHANNELS)]

        await until(all_claimed, 30)
        assert asyncio.get_running_loop().time() - two_s < TAKEN_OVER_S
        await until(lambda: onlooker.are_all_in("waddle"), 30)

        await two.start()
        await until(onlooker.are_shared, 60)

        # One freezes: it stays in its channels, and others take them. When it wakes it leaves what it lost.
        one._running.send_signal(signal.SIGSTOP)
        await until(lambda: onlooker.are_all_in("waddle_"), 60)
        both = (await onlooker.rooms())["waddle"]
        assert len(both) == len(CHANNELS) // 2
        async with irc_user(server.port, "ann", sorted(both)[0]) as ann:
            ann.say(sorted(both)[0], "hello")
            one._running.send_signal(signal.SIGCONT)
            await until(onlooker.are_shared, 60)
        assert "lost what it held" in one.log()
        assert await dropped(one) == 1, "the line that waited for it while it slept"


async def test_a_stop_hands_the_channels_over(
    postgresql_url: str, new_ngircd: Callable[..., IrcServer], tmp_path: Path
) -> None:
    server = new_ngircd()
    async with replicas(postgresql_url, server, tmp_path) as (one, two), onlooking(server) as onlooker:
        await until(onlooker.are_shared, 60)
        await one.stop()
        await until(lambda: onlooker.are_all_in("waddle_"), 10)
        assert two.log().count("Traceback") == 0
