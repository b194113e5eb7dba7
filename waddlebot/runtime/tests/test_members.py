"""Which hosts are gone, asked of two coordinators on one database."""

from dataclasses import replace

from waddlebot.libs.testing.leases import coordinating
from waddlebot.runtime.coordination import Timing
from waddlebot.runtime.members import Members

STALE = Timing(poll_s=3_600.0)
"""It never looks of itself."""


async def test_a_host_that_is_new_is_not_taken_for_a_dead_one(database_url: str) -> None:
    async with coordinating(database_url, "one", timing=STALE) as one:
        members = Members(one)
        assert await members.gone([one.host]) == []
        async with coordinating(database_url, "two") as two:
            assert two.host not in one.hosts(), "it has arrived since the last look"
            assert await members.gone([one.host, two.host, "host-dead"]) == ["host-dead"]
        assert await members.gone([two.host]) == [], "it has left since the last look: the next one finds that"
        await one.look()
        assert await members.gone([two.host]) == [two.host]


async def test_who_may_be_taken_for_dead_itself_calls_nobody_gone(database_url: str) -> None:
    async with coordinating(database_url, "one", timing=replace(STALE, sure_s=-1.0)) as one:
        assert not one.is_sure
        assert await Members(one).gone(["host-dead"]) == []
