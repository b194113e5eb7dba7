"""Communities in the database, on both engines."""

from collections.abc import AsyncIterator
from importlib.resources import files

import pytest

from waddlebot.core.community.module import module
from waddlebot.core.community.store import (
    CLAIM_TRIES,
    CLAIM_VALID_S,
    CommandOverride,
    CommunityStore,
    Entity,
    Member,
    Setting,
    Switch,
)
from waddlebot.libs.contracts import console
from waddlebot.libs.contracts.community import GLOBAL, HOME
from waddlebot.libs.dal import Batch, Community, Conflict, EffectKey, Scope, System
from waddlebot.libs.dal.admin import admin
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.migrations import upgrade
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.testing.databases import admin_url
from waddlebot.libs.testing.stores import opened_dal

OWNER = Owner(module.name, CommunityStore, files(module.package) / "migrations")
EVERYWHERE = System("a test")


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, OWNER) as opened:
        yield opened


def bind(dal: AsyncDAL, scope: Scope | None = None, key: str = "", actor: str = "irc:ann") -> CommunityStore:
    effect = EffectKey(key, OWNER.name) if key else None
    store = dal.bind(OWNER.name, scope or Community(HOME), actor=actor, effect=effect)
    assert isinstance(store, CommunityStore)
    return store


async def undo_last(dal: AsyncDAL, community: str = HOME) -> None:
    (change, *_) = await dal.list_changes(community)
    await dal.undo(community, change.version, actor="operator")


async def test_the_tables_are_as_declared(dal: AsyncDAL) -> None:
    assert differences(dal.url, dal.owners) == []


async def test_entities_of_before_are_told_apart_by_their_platform(database_url: str) -> None:
    url = admin_url(database_url)
    upgrade(url, [OWNER], up_to={OWNER.name: 1})
    with admin(url) as old, old.transaction(exclusive=True):
        for entity in ("irc:net:#a", "twitch::ann", "console:local:main", "ircx:net:#a", "matrix:net:#a"):
            statement = "insert into {entity} (community, entity) values (:community, :entity)"
            old.execute(OWNER, statement, {"community": "old", "entity": entity})
    async with opened_dal(database_url, OWNER) as dal:
        entities = (await bind(dal, Community("old")).summary())[0]
    assert {e.entity for e in entities if e.brought_by} == {"ircx:net:#a", "matrix:net:#a"}


async def test_home_and_the_global_community_exist_from_the_start(dal: AsyncDAL) -> None:
    records = await bind(dal, EVERYWHERE).records()
    assert set(records) == {HOME, GLOBAL}
    assert records[HOME].members == [Member(f"{console.PLATFORM}:{console.OWNER_ID}", ("owner",))]


async def test_everything_of_a_community_is_read_at_once(dal: AsyncDAL) -> None:
    away = bind(dal, Community("away"))
    await away.adopt(("irc:net:#a", "irc:net:#b"), 1.0)
    await away.give_rank("irc:ann", "vip")
    await away.set_setting("core.reputation", "chat", 0.5)
    await away.switch("core.reputation", False)
    await away.override("so", {"cooldown_s": 9.0, "least": 64})
    for scope in (EVERYWHERE, Batch(frozenset({"away", "nowhere"}))):
        found = (await bind(dal, scope).records())["away"]
        assert found.entities == [Entity("irc:net:#a"), Entity("irc:net:#b")]
        assert found.members == [Member("irc:ann", ("vip",))]
        assert found.settings == [Setting("core.reputation", "chat", 0.5)]
        assert found.switches == [Switch("core.reputation", False)]
        assert found.overrides == [CommandOverride("so", cooldown_s=9.0, least=64)]
    assert HOME not in await bind(dal, Batch(frozenset({"away"}))).records()


async def test_an_entity_belongs_to_one_community(dal: AsyncDAL) -> None:
    await bind(dal).adopt(("irc:net:#a",), 1.0)
    await bind(dal).adopt(("irc:net:#a",), 2.0)
    with pytest.raises(Conflict):
        await bind(dal, Community("away")).adopt(("irc:net:#b", "irc:net:#a"), 3.0)
    owners = await bind(dal, EVERYWHERE).owners_of(("irc:net:#a", "irc:net:#b"))
    assert owners == {"irc:net:#a": HOME}, "all of an adoption or nothing"


async def test_a_dissolved_community_comes_back_by_undo(dal: AsyncDAL) -> None:
    await bind(dal).adopt(("irc:net:#a", "irc:net:#b"), 1.0)
    assert await bind(dal).dissolve() == 2
    assert await bind(dal, EVERYWHERE).owners_of(("irc:net:#a",)) == {}
    (dissolved, _) = await dal.change_sets(HOME)
    assert await dal.undo(HOME, dissolved.number, actor="operator")
    entities, _ = await bind(dal).summary()
    assert entities == [Entity("irc:net:#a"), Entity("irc:net:#b")]


async def test_ranks_are_given_and_taken_and_undone(dal: AsyncDAL) -> None:
    assert await bind(dal).give_rank("irc:bob", "vip")
    assert await bind(dal).give_rank("irc:bob", "admin")
    assert not await bind(dal).give_rank("irc:bob", "vip")
    assert (await bind(dal).member("irc:bob")).ranks == ("admin", "vip")
    assert await bind(dal).take_rank("irc:bob", "admin")
    assert not await bind(dal).take_rank("irc:bob", "admin")
    await undo_last(dal)
    assert (await bind(dal).member("irc:bob")).ranks == ("admin", "vip")
    assert await bind(dal).give_up_ranks("irc:bob") == ("admin", "vip")
    assert (await bind(dal).member("irc:bob")).ranks == ()
    assert [change.actor for change in await dal.list_changes(HOME)][-1] == "irc:ann"


async def test_the_last_owner_stays(dal: AsyncDAL) -> None:
    assert not await bind(dal).take_rank("console:console", "owner")
    assert await bind(dal).give_up_ranks("console:console") == ()
    await bind(dal).give_rank("irc:bob", "owner")
    assert await bind(dal).take_rank("console:console", "owner")
    assert not await bind(dal).take_rank("irc:bob", "owner")


async def test_the_right_code_makes_an_owner_once(dal: AsyncDAL) -> None:
    assert await bind(dal).open_claim("irc:ann", "digest", 0.0)
    assert await bind(dal).claim("irc:bob", "digest", 1.0) == 0, "a code is for who asked"
    assert await bind(dal).claim("irc:ann", "digest", 1.0) == -1
    assert (await bind(dal).member("irc:ann")).ranks == ("owner",)
    assert await bind(dal).claim("irc:ann", "digest", 2.0) == 0, "a code is good once"


async def test_a_code_takes_five_tries_and_then_ten_minutes(dal: AsyncDAL) -> None:
    await bind(dal).open_claim("irc:ann", "digest", 0.0)
    left = [await bind(dal).claim("irc:ann", "wrong", 1.0) for _ in range(CLAIM_TRIES)]
    assert left == [4, 3, 2, 1, 0]
    assert await bind(dal).claim("irc:ann", "digest", 2.0) == 0, "the right one comes too late"
    assert not await bind(dal).open_claim("irc:ann", "another", CLAIM_VALID_S - 1)
    assert await bind(dal).open_claim("irc:ann", "another", CLAIM_VALID_S)
    assert await bind(dal).claim("irc:ann", "another", 2 * CLAIM_VALID_S) == 0, "too old"
    assert (await bind(dal).member("irc:ann")).ranks == ()


async def test_a_wrong_code_typed_once_costs_one_try(dal: AsyncDAL) -> None:
    await bind(dal).open_claim("irc:ann", "digest", 0.0)
    assert [await bind(dal, key="delivery").claim("irc:ann", "wrong", 1.0) for _ in range(3)] == [4, 4, 4]


async def test_settings_switches_and_overrides_are_undone(dal: AsyncDAL) -> None:
    await bind(dal).set_setting("core.reputation", "chat", 0.5)
    await bind(dal).set_setting("core.reputation", "chat", 0.7)
    await undo_last(dal)
    assert await bind(dal).settings("core.reputation") == {"chat": 0.5}
    assert await bind(dal).reset_setting("core.reputation", "chat")
    assert not await bind(dal).reset_setting("core.reputation", "chat")

    assert not await bind(dal).switch("core.reputation", True), "it is on by itself"
    assert await bind(dal).switch("core.reputation", False)
    assert await bind(dal).switched_off() == ["core.reputation"]
    await undo_last(dal)
    assert await bind(dal).switched_off() == []

    await bind(dal).override("so", {"enabled": False})
    await bind(dal).override("so", {"cooldown_s": 5.0})
    assert await bind(dal).overrides() == [CommandOverride("so", enabled=False, cooldown_s=5.0)]
    await bind(dal).override("so", {"enabled": None, "cooldown_s": None})
    assert await bind(dal).overrides() == []
    await undo_last(dal)
    assert await bind(dal).overrides() == [CommandOverride("so", enabled=False, cooldown_s=5.0)]


@pytest.mark.parametrize("value", [True, 3, 0.25, "text", ["a", "b"], None])
async def test_a_setting_holds_any_plain_value(dal: AsyncDAL, value: object) -> None:
    await bind(dal).set_setting("a.b", "c", value)
    assert await bind(dal).settings("a.b") == {"c": value}
