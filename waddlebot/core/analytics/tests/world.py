"""A bench with analytics, and the steps that tests take on it."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from waddlebot.core.analytics.days import DAY_S
from waddlebot.core.analytics.module import count, module
from waddlebot.core.analytics.store import AnalyticsStore
from waddlebot.core.community.module import module as community
from waddlebot.core.identity.linking import EVERYBODY
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.identity.store import IdentityStore
from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.dal import Community, Scope, System
from waddlebot.libs.sdk import CallScope, Event, Role, RouteContext, reads
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench

EVERYWHERE = System("a test")
TABLES = ("activity", "hourly", "place", "command_use", "headcount", "member", "presence")


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Bench]:
    """Analytics on a database."""
    async with opened_bench(url, community, identity, module) as bench:
        yield bench


def store(bench: Bench, scope: Scope | None = None) -> AnalyticsStore:
    """The module's store, of ``home``."""
    found = bench.dal.bind(module.name, scope or Community(HOME))
    assert isinstance(found, AnalyticsStore)
    return found


async def happen(bench: Bench, events: Sequence[Event], key: str = "") -> None:
    """Let the observers see a batch, as the host does."""
    await see(bench.context(identity), crowd(events))
    await count(bench.context(module, key), crowd(events))


async def say(bench: Bench, day: int, lines: Mapping[str, int], **fields: Any) -> None:
    """So many lines of each login, at noon of a day."""
    bench.now = day * DAY_S + DAY_S / 2
    await happen(
        bench, [bench.event("hi", login=who, **fields) for who, times in lines.items() for _ in range(times)]
    )


def used(bench: Bench, command: str, login: str = "ann", status: str = "answered", **fields: Any) -> Event:
    """A command that somebody used."""
    data = {"command": command, "module": "a.module", "status": status}
    return bench.event(kind="command.executed", login=login, data=data, **fields)


async def link(bench: Bench, one: str, other: str) -> None:
    """Two accounts become one person, if they are not yet."""
    bonds = bench.dal.bind(identity.name, EVERYBODY)
    assert isinstance(bonds, IdentityStore)
    assert await bonds.ask(one, other, "x", f"{one} {other} {bench.now}", bench.now)
    await bonds.verify(other, "x", f"{one} {other} {bench.now}", bench.now, True)


async def part(bench: Bench, account: str) -> None:
    """An account stands alone again."""
    bonds = bench.dal.bind(identity.name, EVERYBODY)
    assert isinstance(bonds, IdentityStore)
    await bonds.part(account)


def request(bench: Bench, what: str = "", **query: str) -> RouteContext[None, AnalyticsStore]:
    """What a route gets; ``from_`` is ``from``."""
    services = bench.context(module).services
    given = {name.rstrip("_"): value for name, value in query.items()}
    return RouteContext(
        services, CallScope(HOME), role=Role.ADMIN, key_name="hub", path={"what": what}, query=given, headers={}
    )


class _Peek(AnalyticsStore):
    """Sees whole tables."""

    @reads
    def rows(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table, of all communities."""
        shape = next(one for one in AnalyticsStore.tables if one.name == table)
        names = ", ".join(column.name for column in shape.columns)
        found = self.db.execute(f"select {names} from {{{table}}} order by {', '.join(shape.key)}")
        return [dict(zip(names.split(", "), row, strict=True)) for row in found]


async def rows(bench: Bench, table: str) -> list[dict[str, Any]]:
    """Everything in a table, of all communities, in the order of its key."""
    return await _Peek(store(bench)._binding, EVERYWHERE).rows(table)
