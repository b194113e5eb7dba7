"""Who may say that an owner speaks: receivers of ours anywhere, keys where no receiver reads (decision 7)."""

import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from waddlebot.core.community.store import CommunityStore
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event, Role
from waddlebot.libs.testing.bots import HostBot, environ_of, hosted
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.testing.web import JsonClient
from waddlebot.processing.router.desk import Desk

READ = "irc:net:#read"
"""A channel that a receiver of ours reads."""
_numbers = itertools.count()


class Lab:
    """A community whose owner is ``irc:ann`` and ``test:ann``; a receiver of ours reads one channel on IRC."""

    def __init__(self, bot: HostBot, client: JsonClient) -> None:
        self.bot = bot
        self.client = client
        self._keys: dict[str, str] = {}

    @property
    def desk(self) -> Desk:
        desk = self.bot.host.runners["processing.router"].services.state()
        assert isinstance(desk, Desk)
        return desk

    @property
    def store(self) -> CommunityStore:
        store = self.bot.host.dal.bind("core.community", Community("lab"), actor="a test")
        assert isinstance(store, CommunityStore)
        return store

    async def post(self, entity: str, text: str, *, bound_to: str = "", **more: Any) -> dict[str, Any]:
        """What becomes of ``ann``'s line, as a key says it: one of the community, or ``bound_to`` an entity."""
        if bound_to not in self._keys:
            community = "" if bound_to else "lab"
            self._keys[bound_to] = await self.bot.key(
                f"k{next(_numbers)}", Role.TRIGGER, community=community, entity=bound_to
            )
        platform, server, channel = entity.split(":", 2)
        event = {
            "id": f"e{next(_numbers)}", "kind": "chat.message", "platform": platform, "server": server,
            "channel": channel, "user_id": "ann", "text": text, **more,
        }  # fmt: skip
        url = "/api/v1/processing.router/events?wait=10"
        status, body, _ = await self.client.ask("POST", url, key=self._keys[bound_to], json=event)
        assert status == 200, body
        result: dict[str, Any] = body["results"][0]
        return result

    async def hears(self, *args: Any, **more: Any) -> str:
        """The first reply."""
        result = await self.post(*args, **more)
        return str(result["replies"][0]["text"])

    async def received(self, entity: str, text: str) -> str:
        """What became of ``ann``'s line, as our receiver brings it."""
        platform, server, channel = entity.split(":", 2)
        id_, now = f"r{next(_numbers)}", time.time()
        event = Event(
            EVENT_VERSION, id_, CHAT_MESSAGE, platform, server, channel, "ann", "ann", "Ann", (), text, now, now,
            source="poller.irc",
        )  # fmt: skip
        await self.bot.host.shared.announce([event])
        await until(lambda: self.desk.router.traces.find(id_) is not None)
        trace = self.desk.router.traces.find(id_)
        assert trace is not None
        return f"{trace.status} {trace.reason}".strip()


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with hosted(environ_of(tmp_path)) as bot, aiohttp.ClientSession() as session:
        lab = Lab(bot, JsonClient(session, bot.url))
        await bot.host.shared.adopt([READ], "lab")
        for account in ("irc:ann", "test:ann"):
            await lab.store.give_rank(account, "owner")
        yield lab


@pytest.mark.parametrize("entity", [READ, "irc:net:#new", "irc:other:#new"])
async def test_a_key_makes_nobody_more_than_a_moderator_where_a_receiver_reads(lab: Lab, entity: str) -> None:
    assert await lab.hears(entity, "!rank show") == "ann is: moderator, vip, subscriber, regular, viewer."
    result = await lab.post(entity, "!module off reputation")
    assert (result["status"], result["reason"]) == (
        "refused",
        "only for admin and above, which a key can say of nobody here",
    )
    assert await lab.received(READ, "!module off reputation") == "answered"


async def test_a_key_of_the_community_speaks_for_owners_where_no_receiver_reads(lab: Lab) -> None:
    assert (await lab.hears("test:net:#a", "!rank show")).startswith("ann is: owner")
    assert (await lab.hears("test:net:#a", "!module off reputation")).startswith("core.reputation is off now.")


async def test_a_key_of_one_channel_speaks_for_no_owner(lab: Lab) -> None:
    await lab.post("test:net:#a", "hello")
    said = await lab.hears("test:net:#a", "!rank show", bound_to="test:net:#a")
    assert said == "ann is: moderator, vip, subscriber, regular, viewer."
    result = await lab.post("test:net:#a", "!module off reputation", bound_to="test:net:#a", roles=["owner"])
    assert (result["status"], "a key can say of nobody" in result["reason"]) == ("refused", True)


async def test_a_receiver_that_comes_later_takes_a_platform_over(lab: Lab) -> None:
    assert (await lab.hears("test:net:#a", "!rank show")).startswith("ann is: owner")
    await lab.bot.host.shared.adopt(["test:net:#a"], "home")
    assert lab.bot.host.shared.configuration.entities["test:net:#a"] == "lab", "it stays where it is"
    assert (await lab.hears("test:net:#b", "!rank show")).startswith("ann is: moderator")
    changes = await lab.bot.host.dal.list_changes("lab")
    assert sum(change.resource == "entity" for change in changes) == 4
    await lab.bot.host.shared.adopt(["test:net:#a", READ], "home")
    assert await lab.bot.host.dal.list_changes("lab") == changes, "nothing is noted twice"


async def test_a_rule_does_not_spare_who_a_key_calls_an_owner(lab: Lab) -> None:
    rule = {"name": "calm", "pattern": "spam", "value": "Calm!", "exempt": "admin"}
    key = await lab.bot.key("rules", Role.ADMIN, community="lab")
    status, _, _ = await lab.client.ask("PUT", "/api/v1/processing.router/rules", key=key, json=rule)
    assert status == 200
    assert await lab.hears(READ, "spam") == "Calm!"
    assert (await lab.post("test:net:#a", "spam"))["replies"] == []


async def test_nobody_gives_up_ranks_in_anothers_name(lab: Lab) -> None:
    await lab.store.give_rank("irc:eve", "owner")
    assert (
        await lab.hears(READ, "!community leave")
        == "Type it yourself, in a channel where the bot knows your ranks."
    )
    assert (await lab.store.member("irc:ann")).ranks == ("owner",)
    assert await lab.received(READ, "!community leave") == "answered"
    assert (await lab.store.member("irc:ann")).ranks == ()
