"""A real host for a case: all modules, embedded defaults, a data folder of its own that is gone afterwards."""

import asyncio
import socket
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.corpus import Message
from benchmarks.rules import Rule
from benchmarks.sample.pusher.module import Pushed, pusher
from waddlebot.libs.dal import Community
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event, Module
from waddlebot.libs.sdk.discovery import discover
from waddlebot.processing.router.desk import Desk
from waddlebot.processing.router.store import StringRule
from waddlebot.runtime import memory
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import Host
from waddlebot.runtime.installation import opened

type Prepare = Callable[[AsyncDAL], Awaitable[None]]

PLATFORM = "twitch"
COUNTING = "sample.pusher"
SERVER = ""
CHUNK_EVENTS = 150
"""Lines in 64 KB, which is what one read of a busy socket brings."""
_USERS = 1_000
WAIT_S_MAX = 60.0
REPLIES_WAITING_MAX = 2_000
_CALLS_WAITING_MAX = 1_000


@asynccontextmanager
async def running(
    *modules: Module, prepare: Prepare | None = None, only: Sequence[str] = (), **environ: str
) -> AsyncIterator[Host]:
    """A started host of all modules and these; replies to Twitch are counted in place of being sent.

    `prepare` configures its communities before, by the stores that the hub and chat use. `only` names modules of
    the product to run in place of all, as `waddlebot run MODULE…` does.
    """
    with tempfile.TemporaryDirectory(prefix="waddlebot-bench-") as folder:
        variables = {"WADDLEBOT_DATA_DIR": folder, "HTTP_PORT": str(free_port()), **environ}
        if prepare is not None:
            async with opened(load(variables)) as installation:
                await prepare(installation.dal)
        manifests = manifests_of(*modules)
        names = [*only, *(module.name for module in modules), COUNTING] if only else []
        host = Host(load(variables), variables, names, manifests)
        await host.start()
        try:
            yield host
        finally:
            await host.stop()


def manifests_of(*modules: Module) -> dict[str, Module]:
    """All modules and these, with one that counts replies in place of the one that sends them."""
    found = {name: module for name, module in discover().items() if module.delivers != PLATFORM}
    return found | {module.name: module for module in (*modules, pusher(PLATFORM))}


def run[T](work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` in the kind of loop in which `waddlebot run` runs."""
    if sys.platform == "win32":
        return asyncio.run(work())
    import uvloop

    return uvloop.run(work())


def free_port() -> int:
    """Return a port that nobody listens on, below those that the system gives to clients."""
    for port in range(18_100, 32_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("every port from 18,100 to 32,000 is taken")


async def found(dal: AsyncDAL, communities: Mapping[str, Sequence[str]]) -> None:
    """Found communities, and bring channels into them."""
    now = time.time()
    for community, channels in communities.items():
        await store_of(dal, "core.community", community).adopt(tuple(entity(channel) for channel in channels), now)


def store_of(dal: AsyncDAL, module: str, community: str) -> Any:
    """A module's store, for one piece of work by the operator."""
    return dal.bind(module, Community(community), actor="operator")


def entity(channel: str) -> str:
    """The entity of a channel of the corpus."""
    return f"{PLATFORM}:{SERVER}:{channel}"


def desk_of(host: Host) -> Desk:
    """The host's router and what belongs to it."""
    desk: Desk = host.runners["processing.router"].services.state()
    return desk


def pushed_of(host: Host) -> Pushed:
    """What reached the counting pusher."""
    pushed: Pushed = host.runners[COUNTING].services.state()
    return pushed


async def announce(host: Host, messages: Sequence[Message]) -> None:
    """Announce messages as a receiver does, a chunk at a time, as fast as they are answered and replies leave.

    In each channel its 1,000 users take turns: Zipf's most eager one would exceed the 60 commands a minute, and
    the 20 that may wait for one person.
    """
    lanes = desk_of(host).router.lanes
    communities = host.shared.configuration.entities
    turns: Counter[str] = Counter()
    for start in range(0, len(messages), CHUNK_EVENTS):
        events, now = [], time.time()
        for message in messages[start : start + CHUNK_EVENTS]:
            channel = message.channel
            turns[channel] += 1
            user = f"{channel}_{turns[channel] % _USERS}"
            events.append(
                Event(
                    EVENT_VERSION, message.id, CHAT_MESSAGE, PLATFORM, SERVER, channel, user, user, user, (),
                    message.text, now, now, communities[entity(channel)], "bench",
                )
            )  # fmt: skip
        await host.shared.announce(events)
        await asyncio.sleep(0)
        while host.outbox.size > REPLIES_WAITING_MAX or lanes.under_way > _CALLS_WAITING_MAX:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.001)


async def until(met: Callable[[], bool], what: str) -> None:
    """Wait until it is so. Raises `RuntimeError`, which says what was waited for, after two minutes."""
    give_up_s = time.monotonic() + WAIT_S_MAX
    while not met():
        if time.monotonic() > give_up_s:
            raise RuntimeError(f"after {WAIT_S_MAX:.0f} s still waiting until {what}")
        await asyncio.sleep(0.002)


def expect(name: str, found: object, expected: object) -> None:
    """Raise `RuntimeError` unless both are equal: a figure without its proof counts for nothing."""
    if found != expected:
        raise RuntimeError(f"{name}: {found!r}, not {expected!r}")


class Clock:
    """Wall and processor time since it was made; the collector is set as `waddlebot run` sets it at this point."""

    def __init__(self) -> None:
        memory.settle()
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self) -> tuple[float, float]:
        """Return the seconds that passed, and the share of them that this process worked."""
        wall_s = time.perf_counter() - self._wall
        return wall_s, (time.process_time() - self._cpu) / wall_s


def folder_of(host: Host) -> Path:
    """The host's data folder."""
    return host.environment.data


def first_events(host: Host) -> list[Event]:
    """An event for each community that makes a router compile its view, as its first line would."""
    now = time.time()
    channels = {
        community: place.split(":", 2)[2] for place, community in host.shared.configuration.entities.items()
    }
    return [
        Event(
            EVENT_VERSION, f"first-{community}", "channel.online", PLATFORM, SERVER, channel, "", "", "", (),
            "", now, now, community, "bench",
        )
        for community, channel in channels.items()
    ]  # fmt: skip


async def compile_views(host: Host) -> None:
    """Let the router compile the view of every community, as their first lines would."""
    views, first = desk_of(host).router.views, first_events(host)
    await host.shared.announce(first)
    await until(lambda: {event.community for event in first} <= views.keys(), "every view is compiled")


async def written(host: Host, lines: int, accounts: int = 0) -> None:
    """Have observers write what they gathered, until so many lines and accounts are in the database."""
    for observing in host.observing:
        observing.hasten()
    # Asking the database counts all rows: it would take from what is measured.
    await until(lambda: all(observing.idle for observing in host.observing), "the observers have written")
    await until(
        lambda: (
            scalar(host, "select coalesce(sum(activity), 0) from core_reputation__score") >= lines
            and scalar(host, "select count(*) from core_identity__account") >= accounts
        ),
        f"{lines} lines and {accounts} accounts are in the database",
    )


def scalar(host: Host, query: str) -> Any:
    """One value of the host's SQLite file, read by nothing of the host's own."""
    connection = sqlite3.connect(f"file:{folder_of(host) / 'waddlebot.db'}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


async def save_rules(dal: AsyncDAL, community: str, rules: Iterable[Rule]) -> None:
    """Save string rules, which reply where they match, by the store that chat and the hub use."""
    for number, rule in enumerate(rules):
        saved = StringRule(f"rule{number}", rule.pattern, rule.kind, "reply", "matched")
        await store_of(dal, "processing.router", community).save(saved)
