"""A running bot answers an admin's key over HTTP, and nobody else's."""

from pathlib import Path

import aiohttp

from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.talk import WITHIN_S, joined
from waddlebot.libs.testing.web import JsonClient

URL = "/api/v1/core.analytics"


async def test_an_admin_gets_json_and_files_of_their_community(tmp_path: Path) -> None:
    async with hosted(environ_of(tmp_path)) as bot, joined(bot) as chat, aiohttp.ClientSession() as session:
        chat.say("hello everybody", as_="bob")
        chat.say("!analytics", as_="mod", roles=("moderator",))
        await chat.hears("Today: 2 people, …", within_s=WITHIN_S)
        client = JsonClient(session, bot.url)
        key = await bot.key("admin", Role.ADMIN, community=chat.community)
        status, activity, _ = await client.ask("GET", f"{URL}/activity?bucket=week", key=key)
        assert (status, activity["rows"][-1]["people"]) == (200, 2)
        status, text, headers = await client.ask("GET", f"{URL}/export/commands.csv", key=key)
        assert (status, headers["Content-Disposition"]) == (200, 'attachment; filename="commands.csv"')
        assert text.startswith('"start","command","uses","answered","refused","failed"\r\n')
        assert '"analytics"' in text
        for path in ("commands", "cohorts?bucket=month", "funnel", "health"):
            assert (await client.ask("GET", f"{URL}/{path}", key=key))[0] == 200, path
        status, refusal, _ = await client.ask("GET", f"{URL}/activity?from=2026", key=key)
        assert (status, refusal["error"]) == (400, "bad_range")
        reader = await bot.key("reader", Role.USER, community=chat.community)
        assert (await client.ask("GET", f"{URL}/activity", key=reader))[0] == 403
        assert (await client.ask("GET", f"{URL}/activity"))[0] == 401
        other = await bot.key("other", Role.ADMIN, community="elsewhere")
        status, activity, _ = await client.ask("GET", f"{URL}/activity", key=other)
        assert (status, sum(row["lines"] for row in activity["rows"])) == (200, 0)
