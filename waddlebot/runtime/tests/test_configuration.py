"""What a host knows of communities: never older than a poll, never newer than what it was read with."""

import asyncio
import dataclasses
import logging
from typing import Annotated, Any

import pytest

from waddlebot.libs.contracts.community import (
    CommunityService,
    Configuration,
    Configurations,
    ConfigurationsRequest,
)
from waddlebot.libs.dal import Unavailable
from waddlebot.libs.sdk import CallError, Contribution, Field, Module
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime import configuration as module
from waddlebot.runtime.configuration import ConfigurationCache


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    greeting: str = "hello"
    raiders_min: Annotated[int, Field("", at_least=1)] = 5


SAMPLE = Module("waddlebot.core.sample.module", "x", http_port=1, grpc_port=1, settings=Settings)


class Database:
    """The clock of changes and the records, as a primary would tell."""

    def __init__(self) -> None:
        self.clock = 0
        self.versions: dict[str, tuple[int, int]] = {}
        self.records: dict[str, Configuration] = {}
        self.error: Exception | None = None
        self.settle: Any = None

    def when_configured(self, configured: Any) -> None:
        self.settle = configured

    def write(self, community: str, *entities: str, **contribution: Any) -> None:
        self.clock += 1
        version = self.versions.get(community, (0, 0))[0] + 1
        self.versions[community] = (version, self.clock)
        self.records[community] = Configuration(community, 0, entities, Contribution(**contribution))

    async def config_changes(self, since: int) -> tuple[int, dict[str, int]]:
        if isinstance(self.error, Unavailable):
            raise self.error
        return self.clock, {c: version for c, (version, seq) in self.versions.items() if seq > since}

    async def ask(self, contract: str, method: str, request: ConfigurationsRequest, answer: Any) -> Configurations:
        if self.error is not None:
            raise self.error
        names = request.communities or tuple(self.records)
        return Configurations(tuple(self.records[name] for name in names if name in self.records))


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def cache(database: Database) -> ConfigurationCache:
    service = CommunityService(database.ask)
    return ConfigurationCache(database, {SAMPLE.name: SAMPLE}, service, logging.getLogger("test.configuration"))


async def test_everything_is_read_at_start(cache: ConfigurationCache, database: Database) -> None:
    database.write("home", "irc:net:#a", disabled=("core.sample",))
    database.write("other", "irc:net:#b")
    await cache.load()
    assert cache.entities == {"irc:net:#a": "home", "irc:net:#b": "other"}
    assert (cache.enabled("core.sample", "home"), cache.enabled("core.sample", "other")) == (False, True)
    assert cache.enabled("core.unheard-of", "home")
    assert (cache.get("home") or pytest.fail("unknown")).version == 1
    assert cache.get("nowhere") is None


async def test_a_start_that_knows_nobody_learns_at_the_next_poll(
    cache: ConfigurationCache, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.write("home", "irc:net:#a")
    database.error = CallError("no host runs a module that promises CommunityService")
    caplog.set_level("INFO")
    await cache.load()
    assert "no community is known yet" in caplog.text
    database.error = None
    await cache.poll()
    assert cache.entities == {"irc:net:#a": "home"}


async def test_a_change_is_told_and_entities_move(cache: ConfigurationCache, database: Database) -> None:
    database.write("home", "irc:net:#a", "irc:net:#b")
    await cache.load()
    told: list[tuple[str, ...]] = []
    cache.watch(lambda communities: told.append(tuple(communities)))
    await cache.poll()
    assert told == []
    database.write("other", "irc:net:#b")
    database.write("home", "irc:net:#a")
    await cache.poll()
    assert set(told[0]) == {"home", "other"}
    assert cache.entities == {"irc:net:#a": "home", "irc:net:#b": "other"}
    assert (cache.get("home") or pytest.fail("unknown")).version == 2


async def test_settings_follow_and_bad_values_fall_back_one_by_one(
    cache: ConfigurationCache, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.write("home", settings={"core.sample": {"greeting": "hi", "raiders_min": 0, "gone": 1}})
    await cache.load()
    assert cache.settings("core.sample", "home") == Settings(greeting="hi")
    assert cache.settings("core.sample", "home") is cache.settings("core.sample", "home")
    assert "The default holds" in caplog.text
    assert cache.settings("core.sample", "nowhere") == Settings()
    assert cache.settings("core.unheard-of", "home") is None
    database.write("home", settings={"core.sample": {"greeting": "hey"}})
    await cache.poll()
    assert cache.settings("core.sample", "home") == Settings(greeting="hey")


async def test_who_changes_something_sees_it_at_once(cache: ConfigurationCache, database: Database) -> None:
    await cache.load()
    spread = asyncio.get_running_loop().create_future()
    cache.watch(lambda communities: spread)
    database.write("home", "irc:net:#a")
    settling = asyncio.ensure_future(database.settle())
    await until(lambda: "irc:net:#a" in cache.entities)
    assert not settling.done()
    spread.set_result(None)
    await settling
    database.error = Unavailable("gone")
    await database.settle()  # the next poll does the rest


async def test_while_the_database_is_away_the_last_configuration_holds(
    cache: ConfigurationCache,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.001)
    database.write("home", "irc:net:#a")
    await cache.load()
    database.error = Unavailable("gone")
    polling = asyncio.create_task(cache.run())
    await until(lambda: "cannot be read" in caplog.text)
    await asyncio.sleep(0.01)
    assert caplog.text.count("cannot be read") == 1
    assert cache.entities == {"irc:net:#a": "home"}
    database.error = None
    database.write("home", "irc:net:#b")
    await until(lambda: "irc:net:#b" in cache.entities)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
