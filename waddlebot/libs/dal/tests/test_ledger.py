"""What was changed at once is listed, taken back and brought back at once, over all owners, or not at all."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from waddlebot.libs.dal import Community, Conflict, Edit, EffectKey, Ledger, Refused, Rehearsed, Wanted
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.tests.sample import SAMPLE, Alias, Level, SampleStore
from waddlebot.libs.testing.stores import opened_dal

HI, BYE = Alias("hi", "!hello"), Alias("bye", "!off")


class OtherStore(SampleStore):
    """An owner that has something to say about what is put back."""

    def bring(self, before: Alias | None, after: Alias | None) -> Alias | None:
        if after is not None and after.level & ~self.ranks:
            raise Refused("that level is not yours to give")
        return after and replace(after, note=f"by {self.ranks}")

    def admit(self, edits: Sequence[Edit]) -> None:
        assert all(isinstance(record, Alias) for edit in edits for record in edit if record is not None)
        if len(self.list(Alias)) > 2:
            raise Refused("two are enough")


class BookStore(Ledger):
    from_primary = True


OTHER = Owner("interactive.other", OtherStore, Path(__file__).parent / "sample_migrations")
BOOK = Owner("core.book", BookStore)


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, SAMPLE, OTHER, BOOK) as dal:
        yield dal


def bind(dal: AsyncDAL, owner: Owner = SAMPLE, community: str = "home", actor: str = "irc:ann") -> SampleStore:
    store = dal.bind(owner.name, Community(community), actor=actor, reason="a test")
    assert isinstance(store, SampleStore)
    return store


def book(dal: AsyncDAL, community: str = "home", actor: str = "irc:mod", effect: str = "") -> BookStore:
    key = EffectKey(effect, "core.book.undo") if effect else None
    store = dal.bind(BOOK.name, Community(community), actor=actor, reason="a book", effect=key)
    assert isinstance(store, BookStore)
    return store


async def aliases(dal: AsyncDAL, owner: Owner = SAMPLE) -> list[Alias]:
    return await bind(dal, owner).aliases()


async def test_what_was_done_at_once_is_one_set(dal: AsyncDAL) -> None:
    await bind(dal).save(HI, BYE)
    await bind(dal, OTHER, actor="irc:bob").save(HI)
    other, first = await book(dal).change_sets(10)
    assert (first.number, first.actor, first.reason) == (1, "irc:ann", "a test")
    assert (first.undoes, first.undone) == (0, False)
    assert [change.key for change in first.changes] == ['["hi"]', '["bye"]']
    assert (other.number, [change.module for change in other.changes]) == (2, ["interactive.other"])
    assert await book(dal).change_sets(1) == [other]
    assert await book(dal).change_sets(10, other.number) == [first]
    assert await book(dal).change_sets(10, actor="irc:bob") == [other]
    assert await book(dal, "away").change_sets(10) == []
    assert await book(dal).change_set(3) is None
    assert await book(dal, "away").change_set(1) is None


async def test_a_set_is_taken_back_whole_and_brought_back_whole(dal: AsyncDAL) -> None:
    await bind(dal).save(HI, BYE)
    await bind(dal).save(replace(HI, target="!other"), replace(HI, target="!third"))
    assert await book(dal).undo(2) == 3
    assert await aliases(dal) == [BYE, HI]
    assert await book(dal).undo(3) == 4
    assert await aliases(dal) == [BYE, replace(HI, target="!third")]
    undo, changed = (await book(dal).change_sets(10))[1:3]
    assert (undo.undoes, undo.undone, changed.undone) == (2, True, False)


async def test_one_conflict_leaves_the_whole_set_as_it_is(dal: AsyncDAL) -> None:
    await bind(dal).save(HI, BYE)
    await bind(dal).save(replace(BYE, target="!later"))
    with pytest.raises(Conflict, match=r"aliases bye was changed again after change 1: undo 2 first"):
        await book(dal).undo(1)
    assert await aliases(dal) == [replace(BYE, target="!later"), HI]
    assert len(await book(dal).change_sets(10)) == 2
    assert await book(dal).undo(1, force=True) == 3
    assert await aliases(dal) == []
    with pytest.raises(Refused, match="no change 9 in home"):
        await book(dal).undo(9)


async def test_a_set_over_several_owners_is_one_transaction(dal: AsyncDAL) -> None:
    wanted = [
        Wanted(SAMPLE.name, "aliases", ("hi",), HI),
        Wanted(OTHER.name, "aliases", ("hi",), HI),
        Wanted(OTHER.name, "aliases", ("bye",), BYE),
    ]
    with pytest.raises(Rehearsed) as rehearsed:
        await book(dal).bring_in(wanted, at=0, ranks=7, rehearse=True)
    assert [change[:3] for change in rehearsed.value.changes] == [(w.module, w.resource, w.key) for w in wanted]
    assert await aliases(dal) == []
    assert await book(dal).bring_in(wanted, at=0, ranks=7) == 1
    assert await aliases(dal) == [HI]
    assert await aliases(dal, OTHER) == [replace(BYE, note="by 7"), replace(HI, note="by 7")]
    (done,) = await book(dal).change_sets(10)
    assert [change.module for change in done.changes] == [SAMPLE.name, OTHER.name, OTHER.name]
    assert (await dal.config_changes(0))[1] == {"home": 1}
    assert await book(dal).undo(1) == 2
    assert (await aliases(dal), await aliases(dal, OTHER)) == ([], [])


async def test_a_refusal_of_one_owner_leaves_the_others_as_they_were(dal: AsyncDAL) -> None:
    three = [Wanted(OTHER.name, "aliases", (name,), Alias(name, "!x")) for name in "abc"]
    with pytest.raises(Refused, match="two are enough"):
        await book(dal).bring_in([Wanted(SAMPLE.name, "aliases", ("hi",), HI), *three], at=0)
    level = Wanted(OTHER.name, "aliases", ("hi",), replace(HI, level=Level.MODERATOR))
    with pytest.raises(Refused, match="not yours"):
        await book(dal).bring_in([Wanted(SAMPLE.name, "aliases", ("hi",), HI), level], at=0, ranks=1)
    gone = Wanted("interactive.gone", "aliases", ("hi",), HI)
    with pytest.raises(Refused, match=r"interactive\.gone is not installed"):
        await book(dal).bring_in([Wanted(SAMPLE.name, "aliases", ("hi",), HI), gone], at=0)
    with pytest.raises(Refused, match="does not own"):
        await book(dal).bring_in([Wanted(SAMPLE.name, "points", ("hi",), HI)], at=0)
    assert await aliases(dal) == []
    assert await book(dal).change_sets(10) == []


async def test_undo_asks_the_owner_whether_records_may_come_back(dal: AsyncDAL) -> None:
    await bind(dal, OTHER).save(HI)
    await bind(dal, OTHER).drop("hi")
    await bind(dal, OTHER).save(Alias("a", "!a"), Alias("b", "!b"))
    for force in (False, True):
        with pytest.raises(Refused, match="two are enough"):
            await book(dal).undo(2, force=force)
    assert [one.name for one in await aliases(dal, OTHER)] == ["a", "b"]


async def test_what_was_decided_on_an_older_state_is_refused(dal: AsyncDAL) -> None:
    await bind(dal).save(BYE)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await book(dal).bring_in([Wanted(SAMPLE.name, "aliases", ("hi",), HI)], at=0)
    assert await book(dal).bring_in([Wanted(SAMPLE.name, "aliases", ("bye",), BYE)], at=1) == 0, "it is so already"
    assert await book(dal).bring_in([Wanted(SAMPLE.name, "aliases", ("bye",), None)], at=1) == 2
    assert await aliases(dal) == []


async def test_a_community_goes_back_to_how_it_was(dal: AsyncDAL) -> None:
    await bind(dal).save(HI, BYE)
    await bind(dal, OTHER).save(HI)
    await bind(dal).drop("hi")
    await bind(dal).save(replace(BYE, target="!a"))
    await bind(dal).save(replace(BYE, target="!b"))
    before = await book(dal).configuration()
    assert before.records[OTHER.name]["aliases"] == [HI]
    assert await book(dal).roll_back(1, at=5) == 6
    assert await aliases(dal) == [BYE, HI]
    assert await aliases(dal, OTHER) == []
    assert await book(dal).undo(6) == 7
    assert (await book(dal).configuration()).records == before.records
    assert await book(dal).roll_back(7, at=7) == 0
    for number in (-1, 8):
        with pytest.raises(Refused, match=f"no change {number}"):
            await book(dal).roll_back(number, at=7)


async def test_the_last_set_of_somebody_is_found_past_what_they_took_back(dal: AsyncDAL) -> None:
    for name in ("a", "b"):
        await bind(dal, actor="irc:mod").save(Alias(name, "!x"))
    await bind(dal).save(HI)

    async def last(undo: bool) -> int:
        found = await book(dal).last_set("irc:mod", undo=undo)
        return found.number if found else 0

    assert (await last(False), await last(True)) == (2, 0)
    await book(dal).undo(2)
    assert (await last(False), await last(True)) == (1, 4)
    await book(dal).undo(1)
    assert (await last(False), await last(True)) == (0, 5)
    await book(dal).undo(5)  # redo
    assert (await last(False), await last(True)) == (1, 4)
    await book(dal).undo(4)
    assert (await last(False), await last(True)) == (2, 0)
    assert [one.name for one in await aliases(dal)] == ["a", "b", "hi"]


async def test_an_undo_that_is_run_again_takes_nothing_more_back(dal: AsyncDAL) -> None:
    await bind(dal).save(HI)
    assert [await book(dal, effect="e1").undo(1) for _ in range(2)] == [2, 2]
    assert len(await book(dal).change_sets(10)) == 2
