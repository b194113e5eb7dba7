"""``waddlebot undo``: what was configured, by whom, and taking it back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from waddlebot.cli.failures import Failure

if TYPE_CHECKING:
    from waddlebot.libs.dal.changes import Change
    from waddlebot.libs.dal.ledger import ChangeSet
    from waddlebot.runtime.installation import Installation

_VALUE_MAX = 60


def undo(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="The numbers of the changes to take back.", show_default=False)
    ] = None,
    community: Annotated[str, typer.Option(help="The community they were made in.")] = "home",
    list_: Annotated[
        bool, typer.Option("--list", help="List the changes; so does leaving the numbers out.")
    ] = False,
    most: Annotated[int, typer.Option(help="List at most this many.", min=1, max=10_000)] = 30,
    force: Annotated[
        bool, typer.Option("--force", help="Also when a record was changed again since; that is lost.")
    ] = False,
) -> None:
    """List who configured what, or take changes back.

    Every command, alias, rule, timer, rank and setting counts, whether it was changed in chat, by the API or here.
    Undoing is a change itself, so it can be undone. A running bot follows within a second.

    What was done at once, such as all that a file brought in, is one change with one number in its community.
    Several changes are taken back newest first, each whole or not at all. One that cannot be is named with the
    reason, and the others are taken back all the same.

    \b
    Examples:
      waddlebot undo
      waddlebot undo 17
      waddlebot undo 17 18 21
      waddlebot undo 17 --community lab --force
    """
    from waddlebot.cli import work

    if list_ or not numbers:
        sets = work.on_installation(lambda installation: installation.dal.change_sets(community, most))
        _print(sets, community)
        return
    newest_first = sorted(set(numbers), reverse=True)
    refusals = work.on_installation(lambda installation: _undo_each(installation, community, newest_first, force))
    if refusals:
        raise Failure("\n".join(refusals))


async def _undo_each(installation: "Installation", community: str, numbers: list[int], force: bool) -> list[str]:
    """Take changes back one by one, telling each as it is done. Returns why the others were not."""
    from waddlebot.libs.dal import Conflict, DalError
    from waddlebot.libs.sdk import Refusal

    refusals = []
    for number in numbers:
        try:
            await _undo(installation, community, number, force)
        except Conflict as error:
            refusals.append(f"Change {number} is not undone: {error} (--force)")
        except (DalError, Refusal) as error:
            refusals.append(f"Change {number} is not undone: {error}")
    return refusals


async def _undo(installation: "Installation", community: str, number: int, force: bool) -> None:
    from waddlebot.cli import screen, work

    made = await installation.dal.undo(
        community, number, actor=work.ACTOR, reason=f"undo of change {number}", force=force
    )
    if made is None:
        screen.notes().print(f"Change {number} has no effect any more: nothing was to be undone.")
        return
    work.note("undo", community, change=str(number))
    lines = [f"Change {number} is undone by change {made.number}."]
    for change in made.changes:
        lines += [_what(change), *(f"  {line}" for line in _differences(change))]
    screen.out().print(screen.visible("\n  ".join(lines)), markup=False)


def _print(sets: "list[ChangeSet]", community: str) -> None:
    from waddlebot.cli import screen, work

    if not sets:
        screen.notes().print(f"Nothing was changed in {community} yet.")
        return
    table = screen.table("NUMBER", "WHEN", "BY", "WHAT", "DIFFERENCE")
    for found in sets:
        marks = [*([f"undoes {found.undoes}"] if found.undoes else []), *(["undone"] if found.undone else [])]
        for row, change in enumerate(found.changes):
            what = _what(change) + (f" ({', '.join(marks)})" if marks and not row else "")
            first = (str(found.number), work.when(found.at), screen.plain(found.actor or "the bot"))
            table.add_row(
                *(first if not row else ("", "", "")), screen.plain(what),
                screen.plain("\n".join(_differences(change))),
            )  # fmt: skip
    screen.out().print(table)


def _what(change: "Change") -> str:
    import msgspec

    verb = "made" if change.before is None else "removed" if change.after is None else "changed"
    key = " ".join(str(part) for part in msgspec.json.decode(change.key))
    return f"{verb} {change.module} {change.resource} {key}"


def _differences(change: "Change") -> list[str]:
    if change.before is None:
        return [f"{found.field}: {_short(found.after)}" for found in change.differences]
    if change.after is None:
        return [f"{found.field}: was {_short(found.before)}" for found in change.differences]
    return [f"{found.field}: {_short(found.before)} → {_short(found.after)}" for found in change.differences]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _VALUE_MAX else f"{text[:_VALUE_MAX]}…"
