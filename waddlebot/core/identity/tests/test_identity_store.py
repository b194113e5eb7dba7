"""Accounts in the database, on both engines."""

from collections.abc import AsyncIterator
from importlib.resources import files

import pytest

from waddlebot.core.identity.module import module
from waddlebot.core.identity.people import ACCOUNTS_MAX
from waddlebot.core.identity.seen import News
from waddlebot.core.identity.store import IdentityStore, Verified
from waddlebot.libs.contracts.community import GLOBAL
from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.dal import Batch, Community, Scope, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.testing.stores import opened_dal

OWNER = Owner(module.name, IdentityStore, files(module.package) / "migrations")
HOME = Batch(frozenset({"home"}))
EVERYBODY = Community(GLOBAL)
ANYWHERE = System("a test")


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, OWNER) as opened:
        yield opened


def bind(dal: AsyncDAL, scope: Scope = HOME) -> IdentityStore:
    store = dal.bind(OWNER.name, scope)
    assert isinstance(store, IdentityStore)
    return store


def seen(user_id: str, login: str, platform: str = "twitch", server: str = "") -> News:
    return platform, server, user_id, login, login.title()


async def find(dal: AsyncDAL, platform: str, *logins: str, server: str = "") -> list[list[str]]:
    found = await bind(dal, ANYWHERE).by_login(platform, logins, server)
    return [[account.account for account in accounts] for accounts in found]


async def test_the_tables_are_as_declared(dal: AsyncDAL) -> None:
    assert differences(dal.url, dal.owners) == []


async def test_accounts_are_found_by_any_spelling_of_their_login(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "Ann"), seen("1", "Ann", "irc"), seen("2", "bob")], 1.0)
    assert await bind(dal, ANYWHERE).by_login("twitch", ("ANN", "nobody", "bob")) == [
        [Account("twitch:1", "ann", "Ann", "twitch:1")],
        [],
        [Account("twitch:2", "bob", "Bob", "twitch:2")],
    ]


async def test_a_login_is_whose_it_was_last_and_was_those_others(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "ann"), seen("2", "bob")], 1.0)
    await bind(dal).saw([seen("1", "anna")], 2.0)
    await bind(dal).saw([seen("2", "ann"), seen("3", "anna")], 3.0)
    assert await find(dal, "twitch", "ann", "anna", "bob") == [["twitch:2"], ["twitch:3", "twitch:1"], []]


async def link(dal: AsyncDAL, account: str, target: str) -> Verified:
    assert await bind(dal, EVERYBODY).ask(account, target, "name", f"{account} {target}", 1.0)
    return await bind(dal, EVERYBODY).verify(target, "Name", f"{account} {target}", 2.0, True)


async def test_a_linked_account_has_the_person_of_all_that_it_is_linked_with(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "ann"), seen("1", "ann", "irc"), seen("2", "bob")], 1.0)
    store = bind(dal, EVERYBODY)
    assert await store.groups() == {}
    assert await link(dal, "twitch:1", "irc:1") == Verified("twitch:1", linked=True)
    group = ("irc:1", "twitch:1")
    assert await store.groups() == dict.fromkeys(group, group)
    assert await store.groups_with(("twitch:1", "irc:9")) == {"twitch:1": group, "irc:9": ("irc:9",)}
    found = await bind(dal, ANYWHERE).by_login("twitch", ("ann",))
    assert found == [[Account("twitch:1", "ann", "Ann", "irc:1")]]
    assert [face.account for face in await store.faces_of(group)] == [*group]


async def test_bonds_close_no_ring_and_a_person_has_so_many_accounts(dal: AsyncDAL) -> None:
    for number in range(1, ACCOUNTS_MAX):
        assert (await link(dal, f"twitch:{number}", f"twitch:{number - 1}")).linked
    assert "linked already" in (await link(dal, "twitch:0", "twitch:3")).refusal
    assert "at most" in (await link(dal, "irc:1", "twitch:3")).refusal
    await bind(dal).saw([seen("10", "ten")], 1.0)
    parted = await bind(dal, EVERYBODY).part("twitch:0", "twitch", "ten")
    assert len(parted.side) == ACCOUNTS_MAX // 2
    assert (await link(dal, "irc:2", "twitch:3")).linked
    assert not (await bind(dal, EVERYBODY).part("twitch:0", "twitch", "ten")).side


async def test_a_link_is_a_change_that_can_be_taken_back(dal: AsyncDAL) -> None:
    await link(dal, "twitch:1", "irc:1")
    (change,) = await dal.list_changes(GLOBAL)
    assert (change.module, change.resource, change.before) == ("core.identity", "bond", None)
    await dal.undo(GLOBAL, change.version, actor="boss")
    assert await bind(dal, EVERYBODY).groups() == {}


async def test_a_bond_that_comes_back_closes_no_ring(dal: AsyncDAL) -> None:
    for one, other in (("twitch:1", "irc:1"), ("irc:1", "slack:1")):
        assert (await link(dal, one, other)).linked
    await bind(dal).saw([seen("1", "ann")], 1.0)
    await bind(dal, EVERYBODY).part("irc:1", "twitch", "ann")
    (removal, *_) = await dal.list_changes(GLOBAL)
    assert removal.after is None
    assert (await link(dal, "twitch:1", "slack:1")).linked
    before = await bind(dal, EVERYBODY).groups()
    for force in (False, True):
        with pytest.raises(Refusal, match="linked already"):
            await dal.undo(GLOBAL, removal.version, actor="boss", force=force)
    assert await bind(dal, EVERYBODY).groups() == before
    await bind(dal, EVERYBODY).part("slack:1", "twitch", "ann")
    await dal.undo(GLOBAL, removal.version, actor="boss")
    assert await bind(dal, EVERYBODY).groups() == before


async def test_a_bond_that_comes_back_makes_no_crowd_of_one_person(dal: AsyncDAL) -> None:
    await link(dal, "twitch:0", "irc:0")
    await bind(dal).saw([seen("0", "zero", "irc")], 1.0)
    await bind(dal, EVERYBODY).part("twitch:0")
    (removal, *_) = await dal.list_changes(GLOBAL)
    for number in range(1, ACCOUNTS_MAX):
        assert (await link(dal, f"twitch:{number}", f"twitch:{number - 1}")).linked
    with pytest.raises(Refusal, match="unlink one first"):
        await dal.undo(GLOBAL, removal.version, actor="boss")
    assert len(await bind(dal, EVERYBODY).groups()) == ACCOUNTS_MAX


async def test_one_nick_is_somebody_else_on_each_network(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("libera/ann", "ann", "irc", "libera")], 1.0)
    await bind(dal).saw([seen("oftc/ann", "ann", "irc", "oftc")], 2.0)
    assert await find(dal, "irc", "ann", server="libera") == [["irc:libera/ann"]]
    assert await find(dal, "irc", "ann", server="oftc") == [["irc:oftc/ann"]]
    assert await find(dal, "irc", "ann", server="elsewhere") == [[]]
    assert await find(dal, "irc", "ann") == [["irc:oftc/ann", "irc:libera/ann"]]


async def test_an_account_is_known_on_every_server_it_was_seen_on(dal: AsyncDAL) -> None:
    await bind(dal).saw([seen("1", "ann", "discord", guild) for guild in ("a", "b")], 1.0)
    for guild in ("a", "b"):
        assert await find(dal, "discord", "ann", server=guild) == [["discord:1"]]
    assert await find(dal, "discord", "ann") == [["discord:1", "discord:1"]]
    assert await bind(dal, ANYWHERE).seen(("discord:2", "discord:1")) == ("discord:1",)
