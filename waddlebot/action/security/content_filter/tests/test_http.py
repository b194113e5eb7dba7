"""The module's HTTP, through a whole bot."""

from pathlib import Path
from typing import Any

import aiohttp

from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.waiting import until

BASE = "/api/v1/security.content_filter"


async def test_filters_phrases_and_backtests_by_http(tmp_path: Path) -> None:
    async with (
        hosted(environ_of(tmp_path)) as bot,
        joined(bot) as chat,
        aiohttp.ClientSession(bot.url) as session,
    ):
        keys = {
            role: await bot.key(role.value, role, community=chat.community) for role in (Role.ADMIN, Role.USER)
        }

        async def asked(method: str, path: str, body: Any = None, role: Role = Role.ADMIN) -> tuple[int, Any]:
            headers = {"X-API-Key": keys[role]}
            async with session.request(method, BASE + path, json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        status, found = await asked("GET", "/filters", role=Role.USER)
        assert (status, len(found["filters"]), {one["mode"] for one in found["filters"]}) == (200, 12, {"off"})
        caps = next(one for one in found["filters"] if one["kind"] == "caps")
        assert (await asked("PUT", "/filters", caps | {"mode": "on"}, Role.USER))[0] == 403
        assert (await asked("PUT", "/filters", caps | {"mode": "on", "most": 5}))[0] == 200
        for wrong in ({"kind": "odd"}, {"mode": "maybe"}, {"most": 0}, {"entities": ["test:net:#elsewhere"]}):
            assert (await asked("PUT", "/filters", caps | wrong))[0] == 400, wrong
        assert (await asked("PUT", "/phrases", {"text": "free coins"}))[0] == 200
        assert (await asked("PUT", "/phrases", {"text": "..."}))[0] == 400
        assert (await asked("GET", "/phrases"))[1] == {"phrases": [{"text": "free coins", "kind": "word"}]}

        await chat.say("get fr33 c0ins", as_="bob")

        async def outcome(body: dict[str, Any]) -> Any:
            status, found = await asked("POST", "/backtests", body)
            assert status == 200, found
            return found

        async def is_kept() -> bool:
            return bool((await outcome({"kind": "blocklist"}))["hits"])

        await until(is_kept)
        found = await outcome({"kind": "blocklist", "hours": 1})
        assert (found["lines"], found["hits"], found["people"], found["whole"]) == (1, 1, ["bob"], True)
        assert found["examples"][0]["reason"] == "the phrase “free coins”"
        assert (await outcome({"kind": "blocklist", "phrases": [{"text": "other"}]}))["hits"] == 0
        assert (await outcome({"setting": caps | {"most": 1, "share": 0}}))["hits"] == 0
        assert (await outcome({"rule": "regex", "pattern": "c0+ins"}))["hits"] == 1
        for body in ({"kind": "odd"}, {"kind": "caps", "hours": 0}, {"rule": "regex", "pattern": "("}):
            assert (await asked("POST", "/backtests", body))[0] == 400, body
        assert (await asked("DELETE", "/phrases/free%20coins"))[0] == 200
        assert (await asked("DELETE", "/phrases/free%20coins"))[0] == 404
