"""Labels in the database, on both engines."""

from collections.abc import AsyncIterator
from importlib.resources import files

import pytest

from waddlebot.core.labels.module import module
from waddlebot.core.labels.store import Given, LabelStore, RoleLabel
from waddlebot.libs.contracts.labels import CHANGES_MAX, LIMITS, LabelChange, Labelled, LabelsSet
from waddlebot.libs.dal import Batch, Community, Edit, EffectKey, Scope, System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.testing.stores import opened_dal

OWNER = Owner(module.name, LabelStore, files(module.package) / "migrations")
PLACES = ("community:home", "module:core.labels")


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, OWNER) as opened:
        yield opened


def bind(dal: AsyncDAL, scope: Scope | str = "home", key: str = "") -> LabelStore:
    where = Community(scope) if isinstance(scope, str) else scope
    store = dal.bind(OWNER.name, where, actor="irc:mod", effect=EffectKey(key, OWNER.name) if key else None)
    assert isinstance(store, LabelStore)
    return store


async def change(
    dal: AsyncDAL, *changes: LabelChange, people: dict[str, tuple[str, ...]] | None = None, scope: str = "home"
) -> LabelsSet:
    return await bind(dal, scope).change(changes, people or {}, PLACES)


def on(account: str, *labels: str) -> list[LabelChange]:
    return [LabelChange("user", account, label, name=account.partition(":")[2]) for label in labels]


async def labels(dal: AsyncDAL, *accounts: str) -> list[tuple[str, ...]]:
    found = await bind(dal).labels("user", accounts)
    return [found[account].labels if account in found else () for account in accounts]


async def test_the_tables_are_as_declared(dal: AsyncDAL) -> None:
    assert differences(dal.url, dal.owners) == []


async def test_labels_are_put_on_and_taken_off_and_twice_changes_nothing(dal: AsyncDAL) -> None:
    assert await change(dal, *on("irc:ann", "vip", "artist")) == LabelsSet(2)
    assert await change(dal, *on("irc:ann", "vip", "artist")) == LabelsSet(0)
    found = await bind(dal).labels("user", ("irc:ann", "irc:bob"))
    assert found == {"irc:ann": Labelled("user", "irc:ann", ("artist", "vip"), "ann")}
    gone = LabelChange("user", "irc:ann", "vip", remove=True)
    assert [await change(dal, gone), await change(dal, gone)] == [LabelsSet(1), LabelsSet(0)]
    assert await labels(dal, "irc:ann") == [("artist",)]


@pytest.mark.parametrize("kind", sorted(LIMITS))
async def test_each_kind_has_its_limit(dal: AsyncDAL, kind: str) -> None:
    thing = {"community": "home", "module": "core.labels", "user": "irc:ann", "group": "all"}.get(kind, "x 7")
    if kind == "group":
        await bind(dal).gather("all", ("irc:net:#room",))
    full = [LabelChange(kind, thing, f"label-{n}") for n in range(LIMITS[kind] + 1)]
    done = await change(dal, *full)
    assert (done.changed, [error.row for error in done.errors]) == (0, [LIMITS[kind]])
    assert await change(dal, *full[:-1]) == LabelsSet(LIMITS[kind])
    swap = LabelChange(kind, thing, "label-0", remove=True)
    assert await change(dal, swap, full[-1]) == LabelsSet(2)
    assert (await change(dal, full[0])).errors


async def test_a_thousand_changes_are_made_at_once_or_not_at_all(dal: AsyncDAL) -> None:
    many = [LabelChange("user", f"irc:u{n}", "raider") for n in range(CHANGES_MAX)]
    wrong = [*many[:-2], LabelChange("user", "nobody", "raider"), LabelChange("item", "1", "Not A Label")]
    done = await change(dal, *wrong)
    assert (done.changed, [error.row for error in done.errors]) == (0, [CHANGES_MAX - 2, CHANGES_MAX - 1])
    assert "no account" in done.errors[0].error
    assert "no label" in done.errors[1].error
    assert await bind(dal).counted("") == []
    assert await change(dal, *many) == LabelsSet(CHANGES_MAX)
    assert await change(dal, *many) == LabelsSet(0)
    assert await bind(dal).counted("user") == [("raider", CHANGES_MAX)]


async def test_a_repeated_delivery_tells_the_first_result(dal: AsyncDAL) -> None:
    changes = tuple(on("irc:ann", "vip"))
    told = [await bind(dal, key="call-1").change(changes, {}, PLACES) for _ in range(2)]
    assert told == [LabelsSet(1), LabelsSet(1)]


async def test_a_person_has_five_by_all_accounts_and_loses_one_on_all(dal: AsyncDAL) -> None:
    both = ("irc:ann", "twitch:1")
    people: dict[str, tuple[str, ...]] = dict.fromkeys(both, both)
    await change(dal, *on("irc:ann", "a", "b", "c"), *on("twitch:1", "c", "d"), people=people)
    assert (await change(dal, *on("twitch:1", "e", "f"), people=people)).errors[0].row == 1
    assert await change(dal, *on("irc:ann", "d"), people=people) == LabelsSet(1), "the person has it already"
    assert await change(dal, LabelChange("user", "twitch:1", "c", remove=True), people=people) == LabelsSet(2)
    assert await labels(dal, *both) == [("a", "b", "d"), ("d",)]


async def test_pages_follow_one_another(dal: AsyncDAL) -> None:
    await change(dal, *(LabelChange("user", f"irc:u{n}", "vip") for n in range(7)), *on("irc:u0", "artist"))
    await change(dal, LabelChange("item", "9", "vip"), LabelChange("event", "3", "vip"))
    found: list[tuple[str, str]] = []
    after = ("", "")
    while page := await bind(dal).having("vip", "", after, 2):
        assert len(page) <= 2
        found += [(one.kind, one.thing) for one in page]
        after = found[-1]
    assert found == [("event", "3"), ("item", "9"), *(("user", f"irc:u{n}") for n in range(7))]
    (first,) = await bind(dal).having("vip", "user", ("", ""), 1)
    assert first.labels == ("artist", "vip")
    assert await bind(dal, "away").having("vip", "", ("", ""), 10) == []


async def test_things_that_do_not_exist_get_no_labels(dal: AsyncDAL) -> None:
    for kind, thing in (("community", "away"), ("module", "core.nothing"), ("group", "all"), ("weather", "x")):
        (error,) = (await change(dal, LabelChange(kind, thing, "x"))).errors
        assert "There is no" in error.error
    assert (await change(dal, LabelChange("item", "a\nb", "x"))).errors


async def test_what_undo_brings_back_fits_the_limits(dal: AsyncDAL) -> None:
    await change(dal, *on("irc:ann", "a", "b", "c", "d", "e"))
    await change(dal, LabelChange("user", "irc:ann", "a", remove=True))
    (gone,) = [c for c in await dal.list_changes("home") if c.after is None]
    await change(dal, *on("irc:ann", "f"))
    with pytest.raises(Refusal, match="5 labels already"):
        await dal.undo("home", gone.version, actor="operator")
    await change(dal, LabelChange("user", "irc:ann", "f", remove=True))
    await dal.undo("home", gone.version, actor="operator")
    assert await labels(dal, "irc:ann") == [("a", "b", "c", "d", "e")]


async def test_nothing_that_makes_a_rank_comes_back_as_a_mapping(dal: AsyncDAL) -> None:
    mapping = RoleLabel("to", "discord", "Moderator", "friend")
    with pytest.raises(Refusal, match="no label gives a rank"):
        bind(dal).admit([Edit(None, mapping)])


async def test_groups_go_with_their_labels(dal: AsyncDAL) -> None:
    assert await bind(dal).gather("all", ("irc:net:#b",)) == ("irc:net:#b",)
    assert await bind(dal).gather("all", ("irc:net:#a",)) == ("irc:net:#a", "irc:net:#b")
    await change(dal, LabelChange("group", "all", "loud"))
    assert await bind(dal).scatter("all", ("irc:net:#b",)) == ("irc:net:#a",)
    assert await bind(dal).counted("group") == [("loud", 1)]
    assert await bind(dal).scatter("all", ()) == ()
    assert await bind(dal).scatter("all", ()) is None
    assert await bind(dal).counted("group") == []


async def test_routers_get_labels_by_account_and_by_role(dal: AsyncDAL) -> None:
    await change(dal, *on("irc:ann", "vip", "artist"), LabelChange("item", "9", "vip"))
    await change(dal, *on("irc:bob", "troll"), scope="away")
    for way in ("from", "to"):
        await bind(dal).map(RoleLabel(way, "twitch", "vip", "friend"))
    found = await bind(dal, Batch(frozenset({"home", "away", "empty"}))).contributed()
    assert found.keys() == {"home", "away"}
    assert (found["home"].accounts, found["home"].roles) == (
        {"irc:ann": ("artist", "vip")},
        {"twitch:vip": ("friend",)},
    )
    assert found["away"].accounts == {"irc:bob": ("troll",)}


async def test_what_is_held_on_somebody_is_told_and_forgotten(dal: AsyncDAL) -> None:
    await change(dal, *on("irc:ann", "vip"), *on("irc:bob", "vip"), LabelChange("item", "irc:ann", "vip"))
    await bind(dal).asked([Given("irc:ann", "net", "Friends", "vip")], [])
    everywhere = System("a test")
    held = await bind(dal, everywhere).held(("irc:ann", "irc:cara"))
    assert held == {
        "label": [{"community": "home", "account": "irc:ann", "label": "vip", "name": "ann"}],
        "given": [{"community": "home", "account": "irc:ann", "server": "net", "role": "Friends", "label": "vip"}],
    }
    assert await bind(dal, everywhere).forget(("irc:ann",)) == 2
    assert await bind(dal, everywhere).held(("irc:ann",)) == {"label": [], "given": []}
    assert await labels(dal, "irc:ann", "irc:bob") == [(), ("vip",)]
    assert (await bind(dal).labels("item", ("irc:ann",))).keys() == {"irc:ann"}
