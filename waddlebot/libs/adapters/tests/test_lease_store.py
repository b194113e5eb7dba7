"""Hosts and leases as rows, on both engines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from waddlebot.libs.adapters.lease_store import HostRow, LeaseStore, Want
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.backup import backup, restore
from waddlebot.libs.testing.databases import admin_url
from waddlebot.libs.testing.leases import LEASES, leases_of
from waddlebot.libs.testing.stores import opened_dal

type OpenStore = Callable[[], LeaseStore]


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, LEASES) as dal:
        yield dal


@pytest.fixture
def leases(dal: AsyncDAL) -> OpenStore:
    return leases_of(dal)


async def fences(leases: OpenStore, holder: str) -> dict[str, int]:
    return {lease.name: lease.fence for lease in (await leases().news(-1)).leases if lease.holder == holder}


async def test_a_name_is_taken_only_from_the_dead(leases: OpenStore) -> None:
    await leases().arrive(HostRow("host-a", "a"), 10.0, False)
    await leases().arrive(HostRow("host-b", "b"), 10.0, False)
    await leases().trade("host-a", (), {"k": ["one", "two", "it's"]})
    await leases().trade("host-b", (), {"k": ["two", "three"]})
    assert await fences(leases, "host-a") == {"one": 1, "two": 1, "it's": 1}
    assert await fences(leases, "host-b") == {"three": 1}
    await leases().trade("host-a", ["two", "three"], {})
    await leases().trade("host-b", (), {"k": ["one", "two"]})
    assert await fences(leases, "host-b") == {"two": 2, "three": 1}, "only its own can be given up"
    await leases().beat("host-a", -1.0)
    assert (await leases().news(-1)).lapsed == 1
    await leases().trade("host-b", (), {"k": ["one"]})
    assert await fences(leases, "host-a") == {"one": 1, "it's": 1}, "it may yet say that it lives"
    assert await leases().bury() == ["host-a"]
    await leases().trade("host-a", (), {"k": ["four"]})
    assert "four" not in await fences(leases, "host-a"), "the dead take nothing"
    await leases().trade("host-b", (), {"k": ["one"]})
    assert await fences(leases, "host-b") == {"one": 2, "two": 2, "three": 1}


async def test_a_host_that_says_it_lives_in_time_is_not_buried(leases: OpenStore) -> None:
    await leases().arrive(HostRow("host-a", "a"), -1.0, False)
    assert await leases().beat("host-a", 10.0)
    assert await leases().bury() == []
    assert await leases().beat("host-a", -1.0)
    buried, lives = await asyncio.gather(leases().bury(), leases().beat("host-a", 10.0))
    assert bool(buried) != lives, "one of both came too late"


async def test_news_tells_what_changed_and_nothing_twice(leases: OpenStore) -> None:
    await leases().arrive(HostRow("host-a", "a", "g:1", "h:2", ("m.one", "m.two"), "1.0"), 10.0, False)
    await leases().want(Want("host-a", "k", {"one": 3}, 5))
    await leases().trade("host-a", (), {"k": ["one", "two"]})
    news = await leases().news(0)
    ((host,), (want,)) = news.hosts, news.wants
    assert (host.id, host.grpc, host.http, host.modules, host.version) == (
        "host-a", "g:1", "h:2", ("m.one", "m.two"), "1.0",
    )  # fmt: skip
    assert want == Want("host-a", "k", {"one": 3}, 5)
    nothing = await leases().news(news.number)
    assert (nothing.hosts, nothing.wants, nothing.leases) == ((), (), ())
    await leases().trade("host-a", ["two"], {})
    later = await leases().news(news.number)
    assert [(lease.name, lease.holder) for lease in later.leases] == [("two", "")]
    await leases().leave("host-a")
    gone = await leases().news(later.number)
    assert gone.hosts == ()
    assert [(lease.name, lease.holder) for lease in gone.leases] == [("one", "")]


async def test_claims_of_many_hosts_at_once_give_each_name_one_holder(leases: OpenStore) -> None:
    names = [f"name-{number}" for number in range(200)]
    hosts = [f"host-{number}" for number in range(6)]
    for host in hosts:
        await leases().arrive(HostRow(host, host), 10.0, False)
    await asyncio.gather(
        *(leases().trade(host, (), {"k": names[n * 7 :] + names[: n * 7]}) for n, host in enumerate(hosts))
    )
    found = (await leases().news(-1)).leases
    assert sorted(lease.name for lease in found) == sorted(names)
    assert {lease.fence for lease in found} == {1}
    assert len({lease.holder for lease in found}) == 1


async def test_a_restored_backup_knows_no_host_and_higher_fences(
    dal: AsyncDAL, leases: OpenStore, database_url: str, tmp_path: Path
) -> None:
    await leases().arrive(HostRow("host-a", "a"), 10.0, False)
    await leases().want(Want("host-a", "k", {"one": 1}, None))
    await leases().trade("host-a", (), {"k": ["one"]})
    file = tmp_path / "backup"
    await asyncio.to_thread(backup, admin_url(database_url), dal.owners, file)
    await leases().trade("host-a", ["one"], {})
    await leases().trade("host-a", (), {"k": ["one"]})
    assert await fences(leases, "host-a") == {"one": 2}
    await asyncio.to_thread(restore, admin_url(database_url), dal.owners, file, replace=True)
    news = await leases().news(-1)
    assert (news.hosts, news.wants) == ((), ())
    (lease,) = news.leases
    assert lease.holder == ""
    assert lease.fence > 2
