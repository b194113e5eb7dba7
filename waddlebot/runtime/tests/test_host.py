"""Whole hosts: what they refuse to start with, what they lend, and what they leave behind."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import pytest

from waddlebot.libs.dal import DalError, Unavailable
from waddlebot.libs.dal.errors import SchemaError
from waddlebot.libs.sdk import (
    COMMAND_EXECUTED,
    Context,
    Contribution,
    Event,
    Field,
    Module,
    Reply,
    Send,
    Sent,
    ServiceContext,
)
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.web.server import AddressError
from waddlebot.runtime import environment
from waddlebot.runtime.host import Host, StartError, delivery_of


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    url: Annotated[str, Field("Where it is.")] = ""
    times: Annotated[int, Field("How often.", at_least=1)] = 1


def host_of(environ: Mapping[str, str], *names: str, manifests: Mapping[str, Module] | None = None) -> Host:
    return Host(environment.load(environ), environ, names, manifests)


def sample(**more: Any) -> Module:
    return Module("waddlebot.action.interactive.sample.module", "A sample.", http_port=1, grpc_port=1, **more)


def test_an_unknown_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"no module core\.nothing\. There are: .*core\.community"):
        host_of(environ_of(tmp_path), "core.nothing")


def test_every_wrong_variable_is_named(tmp_path: Path) -> None:
    module = sample(config=Config)
    with pytest.raises(StartError, match="INTERACTIVE_SAMPLE_TIMES is at least 1"):
        host_of(environ_of(tmp_path, INTERACTIVE_SAMPLE_TIMES="0"), manifests={module.name: module})


def test_a_host_among_others_that_nobody_could_ask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="GRPC_PORT is 0, but with REDIS_URL"):
        host_of({**environ_of(tmp_path), "REDIS_URL": "redis://localhost", "GRPC_PORT": "0"})


def test_an_unknown_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="known are postgres, postgresql, sqlite"):
        host_of(environ_of(tmp_path, "mysql://db/x"))


async def test_a_port_that_is_taken_disturbs_nobody(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot:
        second = host_of(environ_of(tmp_path / "second", HTTP_PORT=str(bot.host.web_config.port)))
        with pytest.raises(AddressError, match="set HTTP_PORT to a free one"):
            await second.start()
        assert not (tmp_path / "second").exists()
        assert (await bot.host.web.health.ready()).status == "ready"


async def test_a_server_whose_schema_is_behind_is_refused(tmp_path: Path, postgresql_url: str) -> None:
    host = host_of(environ_of(tmp_path, postgresql_url))
    with pytest.raises(SchemaError):
        await host.start()
    assert not host.supervisor._tasks


async def test_a_start_that_fails_half_way_leaves_nothing_running(tmp_path: Path) -> None:
    ended: list[str] = []
    module = sample()

    @module.starts
    @asynccontextmanager
    async def state(ctx: ServiceContext[Any, Any]) -> AsyncIterator[None]:
        try:
            yield
        finally:
            ended.append("sample")

    broken = Module("waddlebot.action.interactive.zbroken.module", "Broken.", http_port=1, grpc_port=1)

    @broken.starts
    @asynccontextmanager
    async def refuse(ctx: ServiceContext[Any, Any]) -> AsyncIterator[None]:
        raise ZeroDivisionError
        yield

    manifests = {**discover(), module.name: module, broken.name: broken}
    host = host_of(environ_of(tmp_path), manifests=manifests)
    with pytest.raises(ZeroDivisionError):
        await host.start()
    assert ended == ["sample"]
    with pytest.raises(DalError):
        await host.dal.ping()


async def test_some_modules_are_a_host_too(tmp_path: Path) -> None:
    environ = environ_of(tmp_path)
    host = host_of(environ, "core.community", "core.identity")
    await host.start()
    try:
        assert list(host.directory) == ["core.community", "core.identity"]
        readiness = await host.web.health.ready()
        assert (readiness.status, set(readiness.checks)) == ("ready", {"database", "events", "tasks"})
    finally:
        await host.stop()


@pytest.mark.parametrize(("others", "wanted"), [((), False), (("core.reputation",), True)])
async def test_a_host_alone_knows_whether_its_modules_want_an_event(
    tmp_path: Path, others: tuple[str, ...], wanted: bool
) -> None:
    host = host_of(environ_of(tmp_path), "processing.router", *others)
    await host.start()
    try:
        assert host.runners["processing.router"].services.ports().wanted(COMMAND_EXECUTED) is wanted
    finally:
        await host.stop()


class Lively:
    """A module with all there is: state, runner, job, observer, command, and the way out."""

    def __init__(self) -> None:
        self.pushed: list[Send] = []
        self.jobs: list[float] = []
        self.ran = asyncio.Event()
        self.module = sample(config=Config, delivers="sample", enabled=lambda config: bool(config.url))
        self.module.starts(asynccontextmanager(self.state))
        self.module.runs(self.run)
        self.module.job(every_s=0.001)(self.work)
        self.module.observe("*")(self.observe)
        self.module.pushes(self.push)
        self.module.command("where")(self.where)

    async def state(self, ctx: ServiceContext[Any, Any]) -> AsyncIterator[list[str]]:
        yield []

    async def run(self, ctx: ServiceContext[Any, Any]) -> None:
        await ctx.adopt(["sample:net:#a"])
        self.ran.set()
        await asyncio.Event().wait()

    async def work(self, ctx: ServiceContext[Any, Any]) -> None:
        self.jobs.append(ctx.now())

    async def observe(self, ctx: ServiceContext[Any, Any], events: list[Event]) -> None:
        ctx.state(list).extend(event.text for event in events)

    async def push(self, ctx: ServiceContext[Any, Any], sends: list[Send]) -> list[Sent]:
        self.pushed.extend(sends)
        return [Sent(send.id, "sent") for send in sends]

    async def where(self, ctx: Context[Any, Any]) -> Reply:
        """Say where it is."""
        return Reply(ctx.config.url)


async def test_a_module_lives_in_a_host(tmp_path: Path) -> None:
    lively = Lively()
    module, pushed, jobs, ran = lively.module, lively.pushed, lively.jobs, lively.ran
    environ = environ_of(tmp_path, INTERACTIVE_SAMPLE_URL="here")
    host = host_of(environ, manifests={**discover(), module.name: module})
    await host.start()
    try:
        await ran.wait()
        await until(lambda: len(jobs) > 2)
        services = host.runners[module.name].services
        assert services.entities["sample:net:#a"] == "home"
        async with joined(HostBot(host, []), "home") as chat:
            chat.say("!where")
            await chat.hears("here")
            lines = [{"id": "p1", "kind": "chat.message", "platform": "sample", "server": "net", "channel": "#a"}]
            await chat.post([{**lines[0], "user_id": "u", "text": "!where"}])
        await until(lambda: pushed)
        assert (pushed[0].reply.text, pushed[0].entity) == ("here", "sample:net:#a")
        assert "!where" in services.state()
        await services.send([Send("s9", "home", "sample", "net", "#a", Reply("by itself"))])
        await until(lambda: len(pushed) == 2)
    finally:
        await host.stop()


async def test_a_module_that_cannot_say_what_it_contributes_silences_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = sample()

    @module.contributes
    async def contribute(ctx: ServiceContext[Any, Any], communities: Sequence[str]) -> dict[str, Contribution]:
        raise ZeroDivisionError

    host = host_of(environ_of(tmp_path), manifests={**discover(), module.name: module})
    await host.start()
    try:
        async with joined(HostBot(host, []), "home") as chat:
            chat.say("!help")
            await chat.hears("Say !help <command> about one of: …")
    finally:
        await host.stop()
    assert "interactive.sample contributes nothing to home" in caplog.text


async def test_a_module_that_is_not_configured_does_not_run(tmp_path: Path) -> None:
    module = sample(config=Config, enabled=lambda config: bool(config.url))

    @module.runs
    async def run(ctx: ServiceContext[Any, Any]) -> None:
        raise AssertionError

    host = host_of(environ_of(tmp_path), manifests={**discover(), module.name: module})
    await host.start()
    try:
        assert module.name not in host.supervisor._tasks
    finally:
        await host.stop()


async def test_readiness_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hosted(environ_of(tmp_path)) as bot:
        host = bot.host

        async def away() -> None:
            raise Unavailable("The database is gone.")

        monkeypatch.setattr("waddlebot.libs.web.health.REMEMBERED_S", -1)
        monkeypatch.setitem(host.supervisor._failed, "poller.irc", ("ConnectionError: gone", float("inf")))
        found = await host.web.health.ready()
        assert found.status == "degraded", "commands are answered, so no balancer may take it away"
        assert "poller.irc" in found.checks["tasks"].detail
        monkeypatch.setattr(host.dal, "ping", away)
        monkeypatch.setattr(host.outbox, "room", lambda community: False)
        found = await host.web.health.ready()
        assert found.status == "not ready"
        assert "The database is gone. Events are refused" in found.checks["database"].detail
        assert "busy" in found.checks["events"].detail


async def test_stopping_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    environ = environ_of(tmp_path)
    async with hosted(environ) as bot, joined(bot, "c") as chat:
        lines = [
            {"id": f"e{n}", "kind": "chat.message", "platform": "test", "server": "s", "channel": "c"}
            | {"user_id": f"u{n}", "text": "!help"}
            for n in range(100)
        ]
        await chat.post(lines, wait_s=0)
    host = host_of(environ)
    await host.dal.open()
    try:
        rows = await delivery_of(host.dal).open_batches()
        assert rows == []
    finally:
        await host.dal.close()


async def test_a_host_that_stops_says_so_before_it_stops_to_answer(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path, HTTP_LEAVE_S="2")) as bot, joined(bot, "c") as chat:
        async with aiohttp.ClientSession() as session:

            async def says(path: str) -> int:
                async with session.get(f"{bot.url}/health/{path}") as answer:
                    return answer.status

            assert await says("ready") == 200
            stopping = asyncio.create_task(bot.host.stop())
            await until(lambda: _is(says("ready"), 503))
            assert await says("live") == 200
            chat.say("!help")
            await chat.hears("…")
            assert not stopping.done()
        await stopping


async def _is[T](found: Awaitable[T], expected: T) -> bool:
    return await found == expected


async def test_announcements_of_unknown_entities_are_counted(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot:
        services = bot.host.runners["core.community"].services
        await services.announce([Event(1, "e", "k", "p", "s", "c", "u", "u", "u", (), "", 0.0, 0.0)])
        assert bot.host.shared.dropped == {"unknown entity": 1}
