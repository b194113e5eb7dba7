"""Who takes what back in chat."""

from collections.abc import AsyncIterator

import pytest

from waddlebot.action.interactive.alias.module import module as alias
from waddlebot.core.community.module import module
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import count
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.sdk import Rank
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench

MOD, ADMIN, OWNER = Rank.MODERATOR, Rank.ADMIN, Rank.OWNER


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, module, identity, reputation, alias) as opened:
        lines = crowd([opened.event(login=name) for name in ("ann", "bob", "mod", "boss")])
        await see(opened.context(identity), lines)
        await count(opened.context(reputation), lines)
        yield opened


async def says(bench: Bench, line: str, who: str = "mod", ranks: int = MOD) -> str:
    outcome = await bench.run(line, login=who, rank=Rank(ranks))
    return outcome.replies[0].text if outcome.replies else outcome.reason


async def test_ones_own_last_change_is_taken_back_and_brought_back(bench: Bench) -> None:
    assert "nothing here that is not undone" in await says(bench, "undo")
    assert "You took nothing back" in await says(bench, "redo")
    await says(bench, "rank give bob regular")
    assert "made member irc:bob. !redo" in await says(bench, "undo")
    assert await says(bench, "rank show bob") == "Bob was given: no rank."
    assert "nothing here that is not undone" in await says(bench, "undo")
    assert "holds again" in await says(bench, "redo")
    assert await says(bench, "rank show bob") == "Bob was given: regular."
    assert "You took nothing back" in await says(bench, "redo")


async def test_what_one_command_changed_in_another_module_is_taken_back_whole(bench: Bench) -> None:
    await says(bench, "command add !hi Hello")
    await says(bench, "alias add a hi")
    await says(bench, "alias add b hi")
    before = await bench.dal.change_sets(HOME)
    assert await says(bench, "command rename !hi !hello") == "Command !hi is !hello now."
    (renamed, *_) = await bench.dal.change_sets(HOME)
    assert len(renamed.changes) == 4
    assert "undone: removed custom hi, made custom hello, changed alias a and 1 more" in await says(bench, "undo")
    (undo, _, *rest) = await bench.dal.change_sets(HOME)
    assert (undo.undoes, rest) == (renamed.number, before)
    assert await says(bench, "alias show a") == "Alias !a stands for !hi"


async def test_a_change_that_another_builds_on_waits_for_that(bench: Bench) -> None:
    await says(bench, "command add !hi Hello")
    first = (await bench.dal.change_sets(HOME))[0].number
    await says(bench, "command edit !hi Hi", who="bob")
    second = (await bench.dal.change_sets(HOME))[0].number
    assert await says(bench, f"undo {first}") == (
        f"custom hi was changed again after change {first}: undo {second} first."
    )
    assert "undone: changed custom hi" in await says(bench, f"undo {second}")
    assert "undone: made custom hi" in await says(bench, f"undo {first}")
    assert "no change 999" in await says(bench, "undo 999")


async def test_nobody_takes_back_what_stands_above_them(bench: Bench) -> None:
    await says(bench, "rank give boss admin", who="ann", ranks=OWNER)
    await says(bench, "command add !hi Hello", who="boss", ranks=ADMIN)
    number = (await bench.dal.change_sets(HOME))[0].number
    assert await says(bench, f"undo {number}") == (
        f"Who made change {number} stands above you: it is not yours to take back."
    )
    assert "undone" in await says(bench, f"undo {number}", who="bob", ranks=ADMIN)


@pytest.mark.parametrize(
    ("line", "ranks", "undoes", "says_"),
    [
        ("rank give bob vip", ADMIN, MOD, "Only admins and above can make or unmake a vip."),
        ("module off reputation", ADMIN, MOD, "Only admins and the owner change channels, settings and modules."),
        ("setting set reputation chat 0.5", ADMIN, MOD, "Only admins and the owner change channels"),
        ("renamecom rep karma", ADMIN, MOD, "Only admins and the owner rename commands."),
        ("access add rep allow @bob", OWNER, MOD, "Who made the rule reputation-bob stands above you."),
        ("access add * require score 1", ADMIN, MOD, "stands above you"),
        ("role add helper moderator", ADMIN, MOD, "Only admins and above can make or unmake a moderator."),
        ("command add -maycommand=on !hi /ban", ADMIN, MOD, ""),
        ("rank give bob admin", OWNER, ADMIN, "Only owners and above can make or unmake a admin."),
    ],
)
async def test_undo_gives_nobody_what_commands_do_not(
    bench: Bench, line: str, ranks: int, undoes: int, says_: str
) -> None:
    """Whoever did it was somebody then; now they have no rank of ours, so only what was done counts."""
    await bench.run(line, login="bob" if "bob" not in line else "ann", rank=Rank(ranks))
    (change, *_) = await bench.dal.change_sets(HOME)
    told = await says(bench, f"undo {change.number}", ranks=undoes)
    assert says_ in told if says_ else "undone" in told, told
    assert (await bench.dal.change_sets(HOME))[0].undone is False or not says_
    again = await says(bench, f"undo {change.number}", who="ann", ranks=OWNER | ADMIN | MOD)
    assert ("undone" in again) is bool(says_), again


async def test_changes_are_listed_with_who_made_them(bench: Bench) -> None:
    await says(bench, "command add !hi Hello")
    await says(bench, "command add !ho Hello", who="bob")
    await says(bench, "undo")
    told = await says(bench, "changes")
    assert "you took" in told
    assert "irc:bob made custom ho" in told
    assert "you made custom hi (undone)" in told
    assert "irc:bob" not in await says(bench, "changes mod")
    assert await says(bench, "changes ann") == "ann changed nothing here yet."
