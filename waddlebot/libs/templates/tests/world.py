"""A small community for templates to ask: real code behind every port, kept in dictionaries."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from waddlebot.libs.templates.ports import ChannelFacts, Fetched, Ports, ServiceError, Standing
from waddlebot.libs.templates.scope import Person, Place, Scope

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)


class World:
    """Holds what the ports change, and what they were asked."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.pages: dict[str, Fetched] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.programs: list[tuple[str, int]] = []
        self.done: list[str] = []


class Counters:
    def __init__(self, world: World) -> None:
        self.counts = world.counts

    async def get(self, name: str) -> int:
        return self.counts.get(name, 0)

    async def add(self, name: str, by: int) -> int:
        return await self.set(name, await self.get(name) + by)

    async def set(self, name: str, value: int) -> int:
        self.counts[name] = value
        return value


class Web:
    def __init__(self, world: World) -> None:
        self.world = world

    async def get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        self.world.asked.append((url, headers))
        if url not in self.world.pages:
            raise ServiceError("Error Connecting To Remote Server")
        return self.world.pages[url]


class Channels:
    facts: Mapping[str, ChannelFacts] = {
        "night": ChannelFacts(
            "night",
            "Night",
            "https://twitch.tv/night",
            live=True,
            title="Any% tonight",
            game="Celeste",
            tags=("English", "Speedrun"),
            created_at=datetime(2011, 1, 2, 3, 4, 5, tzinfo=UTC),
            started_at=datetime(2026, 3, 14, 11, 5, 36, tzinfo=UTC),
            viewers=64,
            followers=14359,
            subscribers=500,
            subscriber_points=1250,
            resolution="720p",
            fps=60,
        ),
        "away": ChannelFacts("away", "Away", live=False, game="Chess", followers=3),
    }

    async def channel(self, name: str) -> ChannelFacts | None:
        return self.facts.get(name)


class Crowd:
    async def names(self) -> Sequence[str]:
        return ("Ann", "Bob", "Cat")


class Emotes:
    async def names(self, provider: str) -> Sequence[str]:
        return ("Kappa", "PogChamp") if provider in {"", "twitch"} else (f"{provider}Duck",)


class Bank:
    async def standing(self, login: str) -> Standing | None:
        if login == "bob":
            return Standing(
                points=1200, points_rank=3, time_online_s=7_260, last_seen=datetime(2026, 3, 13, tzinfo=UTC)
            )
        return None

    async def currency(self) -> str:
        return "fish"


class Quotes:
    quotes = ("First!", "Second.")

    async def quote(self, key: str, pick: float) -> str:
        return self.quotes[int(key) - 1] if key else self.quotes[int(pick * len(self.quotes))]


class Stage:
    def __init__(self, world: World) -> None:
        self.world = world

    async def set_title(self, text: str) -> str:
        self.world.done.append(f"title {text}")
        return "Title set."

    async def set_game(self, text: str) -> str:
        self.world.done.append(f"game {text}")
        return "Game set."


class Recorder:
    """Takes programs down instead of running them; `test_javascript.py` runs them."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def run(self, source: str, seed: int) -> str:
        self.world.programs.append((source, seed))
        return source


class Oracle:
    async def answer(self, prompt: str) -> str:
        return f"It is {prompt}."


def ports(world: World) -> Ports:
    """All services."""
    return Ports(
        ai=Oracle(),
        actions=Stage(world),
        channel=Channels(),
        chatters=Crowd(),
        counters=Counters(world),
        emotes=Emotes(),
        fetch=Web(world),
        javascript=Recorder(world),
        loyalty=Bank(),
        quotes=Quotes(),
    )


def scope(text: str = "", *, world: World | None = None, seed: int = 1, **more: object) -> Scope:
    """Bob says `!test` with this text in Night's channel."""
    made = Scope(
        user=Person("Bob", "bob", "42", frozenset({"subscriber"})),
        args=text.split(),
        text=text,
        place=Place("night", "Night", "twitch:1:night", "twitch", "11785491", "nightly"),
        command="!test",
        message_id="m-1",
        emotes=frozenset({"Kappa"}),
        random=random.Random(seed),
        now=NOW,
        ports=ports(world or World()),
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made
