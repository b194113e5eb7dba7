"""Every contract method and every route of a running bot, asked by one community for what is another's.

Two bots differ in one thing: beside the second one's community there is another, with a row in every table. What
our community is answered must be the same, and the other's rows stay as they are. A new method or route is covered
at birth.
"""

import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.isolation.test_stores import OURS, OWNERS, THEIRS, fill, theirs
from tests.isolation.values import made_up, text
from waddlebot.libs.sdk import CallError, CallScope, Module, Role, Route
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.stores import migrated

FOR_ALL = {
    ("CommunityService", "configurations"): "a host compiles the configuration of every community",
    ("CommunityService", "adopt"): "a channel belongs to one community of all there are: the second is refused it",
    ("Reputation", "standings"): "the overall score counts what somebody did anywhere",
}
"""Contract methods that do not answer for one community alone, and why."""


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What modules do by themselves, for all communities, is not asked for by any."""
    for module in discover().values():
        monkeypatch.setattr(module, "jobs", [])


@contextlib.asynccontextmanager
async def two(folder: Path) -> AsyncIterator[tuple[HostBot, HostBot, str]]:
    """A bot alone, one beside another community, and the database of that."""
    async with contextlib.AsyncExitStack() as stack:
        bots = []
        for name, communities in (("alone", (OURS,)), ("beside", (OURS, THEIRS))):
            url = f"sqlite:///{folder / f'{name}.db'}"
            migrated(url, OWNERS)
            for community in communities:
                fill(url, community, {OURS: "green", THEIRS: "red"}[community])
            bots.append(await stack.enter_async_context(hosted(environ_of(folder / name, url))))
        yield bots[0], bots[1], url


async def test_no_contract_tells_or_changes_what_is_another_communitys(tmp_path: Path) -> None:
    asked, found = 0, []
    async with two(tmp_path) as (alone, beside, url):
        before = theirs(url)
        for name, runner in alone.host.runners.items():
            for (contract, method), (declared, _) in runner.module.promises.items():
                if (contract, method) in FOR_ALL:
                    continue
                for word in ("red", "green"):
                    request = _request(declared.request, word)
                    said = [await _answer(bot, name, contract, method, request) for bot in (alone, beside)]
                    asked += 1
                    if said[0] != said[1]:
                        found.append(f"{contract}.{method} tells {said[1]}, alone {said[0]}")
        assert asked > 20
        assert theirs(url) == before
    assert not found


def _request(shape: Any, word: str) -> Any:
    request = made_up(shape, "request", word)
    if "community" in getattr(request, "__struct_fields__", ()):
        request = msgspec.structs.replace(request, community={"red": THEIRS, "green": OURS}[word])
    return request


async def _answer(bot: HostBot, module: str, contract: str, method: str, request: Any) -> str:
    endpoint = bot.host.directory[module]
    scope = CallScope(OURS, "irc:red-account", f"{contract}.{method}")
    try:
        return _steady(repr(await endpoint.call(contract, method, request, scope)))
    except CallError as error:
        return f"{type(error).__name__}: {error}"


def _steady(answer: str) -> str:
    """Without what differs from one bot to the next by itself: times, numbers, random words."""
    return re.sub(r"[\w+/=-]{20,}|[0-9a-f]{8,}|[0-9]+(\.[0-9]+)?", "#", answer)


async def test_no_route_tells_or_changes_what_is_another_communitys(tmp_path: Path) -> None:
    asked, found = 0, []
    async with two(tmp_path) as (alone, beside, url), aiohttp.ClientSession() as session:
        keys = {bot: await bot.key("ours", Role.ADMIN, community=OURS) for bot in (alone, beside)}
        before = theirs(url)
        for name, runner in alone.host.runners.items():
            for route, word in itertools.product(runner.module.routes, ("red", "green")):
                said = [await _asked(session, bot, keys[bot], runner.module, route, word) for bot in keys]
                asked += 1
                if said[0] != said[1]:
                    found.append(f"{route.method} {name}{route.path} tells {said[1]}, alone {said[0]}")
                if said[1][0] >= 500:
                    found.append(f"{route.method} {name}{route.path} fails: {said[1]}")
        assert asked > 20
        assert theirs(url) == before
    assert not found


async def _asked(
    session: aiohttp.ClientSession, bot: HostBot, key: str, module: Module, route: Route, word: str
) -> tuple[int, str]:
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: text(part[1], word).replace("#", "%23"), route.path)
    url = f"{bot.url}{path}" if route.page else f"{bot.url}/api/v1/{module.name}{path}"
    more: dict[str, Any] = {}
    if route.body is not None:
        more = {"json": msgspec.to_builtins(made_up(route.body, "body", word))}
    community = {"red": THEIRS, "green": OURS}[word]
    async with session.request(
        route.method,
        url,
        params={"community": community},
        headers={"X-API-Key": key},
        allow_redirects=False,
        **more,
    ) as answer:
        endless = answer.content_type == "text/event-stream"
        return answer.status, "" if endless else _steady(await answer.text())


@pytest.mark.parametrize("contract", FOR_ALL)
def test_what_answers_for_all_is_there(contract: tuple[str, str]) -> None:
    assert any(contract in module.promises for module in discover().values())
