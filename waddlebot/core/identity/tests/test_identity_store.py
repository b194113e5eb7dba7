"""Accounts in the database, on both engines."""

from collections.abc import AsyncIterator
from importlib.resources import files

import pytest

from waddlebot.core.identity.module import module
from waddlebot.core.identity.store import IdentityStore
from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.dal import Batch, Community, Scope, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk import Event, writes
from waddlebot.libs.testing.stores import opened_dal


class LinkingStore(IdentityStore):
    """The store and a way to link, which the module does not offer yet."""

    @writes
    def link(self, account: str, person: str) -> None:
        self.db.upsert_many("link", [{"account": account, "person": person}], set=("person",))


OWNER = Owner(module.name, LinkingStore, files(module.package) / "migrations")
HOME = Batch(frozenset({"home"}))
ANYWHERE = System("a test")


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, OWNER) as opened:
        yield opened


def bind(dal: AsyncDAL, scope: Scope = HOME) -> LinkingStore:
    store = dal.bind(OWNER.name, scope)
    assert isinstance(store, LinkingStore)
    return store


def seen(
    user_id: str, login: str, at: float, platform: str = "twitch", server: str = "", community: str = "home"
) -> Event:
    name = login.title()
    return Event(
        1, "id", "chat.message", platform, server, "room", user_id, login, name, (), "", at, at, community
    )


async def test_the_tables_are_as_declared(dal: AsyncDAL) -> None:
    assert differences(dal.url, dal.owners) == []


async def test_accounts_are_found_by_any_spelling_of_their_login(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "Ann", 1), seen("1", "Ann", 1, "irc"), seen("2", "bob", 1)])
    assert await bind(dal, ANYWHERE).by_login("twitch", ("ANN", "nobody", "bob")) == [
        Account("twitch:1", "ann", "Ann", "twitch:1"),
        Account("twitch:2", "bob", "Bob", "twitch:2"),
    ]


async def test_a_login_is_whose_it_was_last(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "ann", 1), seen("2", "bob", 1)])
    await bind(dal).saw([seen("1", "anna", 2)])
    await bind(dal).saw([seen("2", "ann", 3)])
    assert [a.account for a in await bind(dal, ANYWHERE).by_login("twitch", ("ann", "anna", "bob"))] == [
        "twitch:2",
        "twitch:1",
    ]


async def test_of_two_accounts_with_one_login_each_community_finds_the_one_it_has_seen(dal: AsyncDAL) -> None:
    both = Batch(frozenset({"home", "away"}))
    await bind(dal, both).saw([seen("1", "ann", 1), seen("2", "ann", 2, community="away")])
    find = {name: bind(dal, Community(name)).by_login for name in ("home", "away", "elsewhere")}
    assert [a.account for a in await find["home"]("twitch", ("ann",))] == ["twitch:1"]
    assert [a.account for a in await find["away"]("twitch", ("ann",))] == ["twitch:2"]
    assert [a.account for a in await find["elsewhere"]("twitch", ("ann",))] == ["twitch:2"], "the last to have it"
    assert [a.account for a in await bind(dal, ANYWHERE).by_login("twitch", ("ann",))] == ["twitch:2"]
    await bind(dal, both).saw([seen("2", "ann", 3)])
    assert [a.account for a in await find["home"]("twitch", ("ann",))] == ["twitch:2"], "both were seen there now"
    await bind(dal, both).saw([seen("1", "ann", 4, community="away"), seen("2", "annie", 5)])
    assert [a.account for a in await find["away"]("twitch", ("ann", "annie"))] == ["twitch:1", "twitch:2"]


async def test_a_linked_account_has_the_person_it_was_linked_to(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "ann", 1), seen("1", "ann", 1, "irc"), seen("2", "bob", 1)])
    assert await bind(dal, ANYWHERE).links(()) == {}
    await bind(dal).link("irc:1", "twitch:1")
    assert await bind(dal, ANYWHERE).links(()) == {"irc:1": "twitch:1"}
    assert await bind(dal, ANYWHERE).links(("twitch:1", "irc:1", "irc:9")) == {"irc:1": "twitch:1"}
    await bind(dal).saw([seen("1", "ann", 2, "irc")])
    assert await bind(dal, ANYWHERE).by_login("irc", ("ann",)) == [Account("irc:1", "ann", "Ann", "twitch:1")]


async def test_one_nick_is_somebody_else_on_each_network(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("libera/ann", "ann", 1, "irc", "libera"), seen("oftc/ann", "ann", 2, "irc", "oftc")])
    find = bind(dal, ANYWHERE).by_login
    assert [a.account for a in await find("irc", ("ann",), "libera")] == ["irc:libera/ann"]
    assert [a.account for a in await find("irc", ("ann",), "oftc")] == ["irc:oftc/ann"]
    assert await find("irc", ("ann",), "elsewhere") == []
    assert [a.account for a in await find("irc", ("ann",))] == ["irc:oftc/ann"]


async def test_an_account_is_known_on_every_server_it_was_seen_on(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "ann", n, "discord", guild) for n, guild in enumerate(("a", "b"))])
    for guild in ("a", "b", ""):
        assert [x.account for x in await bind(dal, ANYWHERE).by_login("discord", ("ann",), guild)] == ["discord:1"]
