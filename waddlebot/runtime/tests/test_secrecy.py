"""What a host's modules know and must not show: in traces, dead letters, readiness and the log."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Annotated, Any

import pytest

from waddlebot.libs import audit
from waddlebot.libs.sdk import Context, Field, Module, Reply, ServiceContext
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.bots import HostBot, environ_of
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime import environment
from waddlebot.runtime.host import Host, delivery_of
from waddlebot.runtime.secrecy import secrets_of

CANARY = "c4nary/+w&rd"


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    key: Annotated[str, Field("A key of somebody's API.", secret=True)] = ""
    url: Annotated[str, Field("Where it is.")] = ""


def indiscreet() -> Module:
    """A module whose every error tells its key."""
    module = Module(
        "waddlebot.action.interactive.indiscreet.module", "Tells all.", http_port=1, grpc_port=1, config=Config
    )

    @module.command("tell")
    async def tell(ctx: Context[Any, Any]) -> Reply:
        """Fail."""
        raise RuntimeError(f"GET https://api/?x={ctx.config.key} answered 500")

    @module.runs
    async def run(ctx: ServiceContext[Any, Any]) -> None:
        raise RuntimeError(f"{ctx.config.key} was refused")

    return module


@pytest.mark.parametrize(
    ("variables", "secrets"),
    [
        ({"INTERACTIVE_INDISCREET_KEY": f" {CANARY} "}, {CANARY}),
        ({"INTERACTIVE_INDISCREET_URL": "https://me:p%40ss@h/x https://h/y?a=b@c:d"}, {"p%40ss", "p@ss"}),
        (
            {"DATABASE_REPLICA_URLS": "postgres://u:one@h/a,postgres://u:t,wo@h/b"},
            {"one", "t,wo", "one@h/a,postgres://u:t,wo", "postgres://u:one@h/a,postgres://u:t,wo@h/b"},
        ),
        ({"REDIS_URL": "redis://:word@h"}, {"redis://:word@h", "word"}),
        ({"IRC_URLS": "ircs://n:a@b/c@h"}, {"ircs://n:a@b/c@h", "a", "a@b/c"}),
        ({"HTTP_HOST": "127.0.0.1", "INTERACTIVE_INDISCREET_URL": "https://me@h:80/"}, set()),
    ],
)
def test_secrets_are_whole_values_and_the_passwords_in_urls(variables: dict[str, str], secrets: set[str]) -> None:
    module = indiscreet()
    assert set(secrets_of({**discover(), module.name: module}, variables)) == secrets


async def test_no_error_of_a_module_tells_its_secret(tmp_path: Path) -> None:
    module = indiscreet()
    environ = environ_of(tmp_path / "data", INTERACTIVE_INDISCREET_KEY=CANARY)
    with audit.setup(tmp_path / "logs", "DEBUG") as log:
        host = Host(environment.load(environ), environ, (), {**discover(), module.name: module}, log.redactor)
        await host.start()
        try:
            bot = HostBot(host, [])
            async with joined(bot, "home") as chat:
                failed = await chat.say("!tell")
                assert (failed.status, "[redacted] answered 500" in failed.reason) == ("failed", True)
                await chat.hears("Something went wrong…")
                chat.say(f"!why {failed.event_id}", as_="mod", roles=("moderator",))
                assert CANARY not in await chat.hears("…failed…")
            await until(lambda: host.supervisor.errors)
            assert "indiscreet" in (await host.web.health.ready()).checks["tasks"].detail
            (letter,) = await delivery_of(host.dal).dead()
            assert "[redacted] answered 500" in letter.reason
        finally:
            await host.stop()
    lines = (tmp_path / "logs" / "waddlebot.log").read_text("utf-8")
    assert "[redacted] answered 500" in lines
    assert "[redacted] was refused" in lines
    files = await asyncio.to_thread(lambda: [file for file in tmp_path.rglob("*") if file.is_file()])
    assert [file for file in files if CANARY.encode() in file.read_bytes()] == []
