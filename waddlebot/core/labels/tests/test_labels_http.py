"""Labels over HTTP: a thousand at once, pages, and keys that may not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.web import JsonClient

URL = "/api/v1/core.labels"


class Desk:
    """A host, and who asks it with a key of a role."""

    def __init__(self, bot: HostBot, client: JsonClient) -> None:
        self.bot = bot
        self.client = client
        self._keys: dict[tuple[Role, str], str] = {}

    async def ask(
        self, method: str, path: str, json: Any = None, role: Role = Role.ADMIN, community: str = "home"
    ) -> tuple[int, Any]:
        if (role, community) not in self._keys:
            self._keys[role, community] = await self.bot.key(f"{role}-{community}", role, community=community)
        status, body, _ = await self.client.ask(method, URL + path, key=self._keys[role, community], json=json)
        return status, body


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        yield Desk(bot, JsonClient(session, bot.url))


def changes(count: int, label: str = "old") -> list[dict[str, Any]]:
    return [{"kind": "item", "thing": f"{n:04}", "label": label} for n in range(count)]


async def test_a_thousand_at_once_or_none(desk: Desk) -> None:
    fan = {"kind": "user", "thing": "twitch:7", "label": "Fan", "name": "Bob"}
    many = changes(999)
    _, body = await desk.ask("POST", "/changes", {"changes": [*many, fan | {"label": "no label"}]})
    assert (body["changed"], [error["row"] for error in body["errors"]]) == (0, [999])
    assert await desk.ask("GET", "/labels?label=old") == (200, {"items": [], "after": ""})
    for changed in (1_000, 0):
        assert await desk.ask("POST", "/changes", {"changes": [*many, fan]}) == (
            200,
            {"changed": changed, "errors": []},
        )
    assert await desk.ask("GET", "/labels/user/twitch:7") == (
        200,
        {"kind": "user", "thing": "twitch:7", "labels": ["fan"], "name": "Bob"},
    )
    status, body = await desk.ask("POST", "/changes", {"changes": changes(1_001)})
    assert (status, body["error"]) == (400, "too_many")


async def test_pages(desk: Desk) -> None:
    await desk.ask("POST", "/changes", {"changes": changes(250)})
    found: list[str] = []
    after = ""
    while True:
        status, body = await desk.ask("GET", f"/labels?label=old&kind=item&after={after}&most=100")
        assert status == 200
        found += [one["thing"] for one in body["items"]]
        after = body["after"]
        if not after:
            break
    assert found == [f"{n:04}" for n in range(250)]


@pytest.mark.parametrize(
    "path", ["/labels", "/labels?label=x&kind=weather", "/labels?label=x&most=0", "/labels?label=x&most=many",
             "/labels/weather/x"],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(desk: Desk, path: str) -> None:
    assert (await desk.ask("GET", path))[0] == 400


@pytest.mark.parametrize("role", [Role.TRIGGER, Role.ACTION, Role.CORE, Role.USER])
async def test_keys_of_other_roles_and_communities_get_nowhere(desk: Desk, role: Role) -> None:
    fan = {"changes": [{"kind": "user", "thing": "twitch:7", "label": "fan"}]}
    assert (await desk.ask("POST", "/changes", fan, role))[0] == 403
    assert (await desk.ask("GET", "/labels?label=fan", role=role))[0] == 403
    assert (await desk.ask("POST", "/changes", fan, community="away"))[0] == 200
    assert (await desk.ask("GET", "/labels?label=fan"))[1]["items"] == []
