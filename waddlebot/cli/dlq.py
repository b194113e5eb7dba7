"""``waddlebot dlq``: events that could not be processed, and replies of which nobody knows whether they left."""

import secrets
from typing import Annotated

import typer

from waddlebot.cli.failures import UNUSABLE, Failure

_TEXT_MAX = 120
_EVERY = 1_000_000

Ids = Annotated[list[str] | None, typer.Argument(help="Ids as `waddlebot dlq list` shows them.")]
Every = Annotated[bool, typer.Option("--all", help="All of them.")]


def list_(
    most: Annotated[int, typer.Option(help="List at most this many of each kind.", min=1, max=_EVERY)] = 100,
) -> None:
    """List dead letters and doubtful replies.

    A dead letter is an event whose command failed five times or ended the process: read why, mend it, then
    replay it. A doubtful reply was on its way when the bot stopped. It may have been said, so it is never
    said again: drop it when you have seen it.
    """
    import asyncio

    from waddlebot.cli import screen, work

    dead, doubtful = work.on_installation(
        lambda found: asyncio.gather(found.delivery.dead(most), found.delivery.leaving("unknown", most))
    )
    if not dead and not doubtful:
        screen.notes().print("There are no dead letters and no doubtful replies.")
        return
    table = screen.table("ID", "KIND", "WHEN", "WHERE", "WHAT", "WHY")
    for letter in dead:
        event = letter.event
        table.add_row(
            str(letter.id), "dead letter", work.when(letter.at), screen.plain(event.entity),
            screen.plain(event.text[:_TEXT_MAX] or event.kind),
            screen.plain(f"{letter.reason} (tries: {letter.tries})"),
        )  # fmt: skip
    for row in doubtful:
        where = sorted({send.entity for send in row.sends})
        words = " / ".join(send.reply.text for send in row.sends)
        table.add_row(
            screen.plain(row.id), "doubtful reply", work.when(row.at), screen.plain(", ".join(where)),
            screen.plain(words[:_TEXT_MAX]), "it may have been sent",
        )  # fmt: skip
    screen.out().print(table)


def replay(ids: Ids = None, every: Every = False) -> None:
    """Process dead letters again. Effects that they had already are not repeated.

    A running bot takes them within a second or two, another one when it starts.

    \b
    Examples:
      waddlebot dlq replay 3 4
      waddlebot dlq replay --all
    """
    from waddlebot.cli import screen, work
    from waddlebot.runtime.installation import REPLAY, Installation

    named = _named(ids, every)

    async def put_back(installation: Installation) -> int:
        known = {str(letter.id) for letter in await installation.delivery.dead(_EVERY)}
        doubtful = {row.id for row in await installation.delivery.leaving("unknown", _EVERY)}
        if foreign := [id_ for id_ in named if id_ in doubtful]:
            raise Failure(f"{', '.join(foreign)}: a reply that may have been sent is not sent again.")
        _refuse_unknown(named, known)
        if not known:
            return 0
        count = await installation.delivery.replay([int(id_) for id_ in named], f"{REPLAY}-{secrets.token_hex(6)}")
        work.note("dlq_replay", "", letters=" ".join(named) or "all")
        return count

    count = work.on_installation(put_back)
    screen.out().print(f"{count} dead letters are in the inbox again.")


def drop(ids: Ids = None, every: Every = False) -> None:
    """Forget dead letters and doubtful replies, for ever.

    \b
    Examples:
      waddlebot dlq drop 3
      waddlebot dlq drop --all
    """
    from waddlebot.cli import screen, work
    from waddlebot.runtime.installation import Installation

    named = _named(ids, every)

    async def forget(installation: Installation) -> int:
        known = {str(letter.id) for letter in await installation.delivery.dead(_EVERY)}
        doubtful = {row.id for row in await installation.delivery.leaving("unknown", _EVERY)}
        _refuse_unknown(named, known | doubtful)
        replies = [id_ for id_ in (named or doubtful) if id_ in doubtful]
        letters = [int(id_) for id_ in (named or known) if id_ in known and id_ not in doubtful]
        await installation.delivery.forget_unknown(replies)
        if letters:
            await installation.delivery.drop(letters)
        work.note("dlq_drop", "", dropped=" ".join(named) or "all")
        return len(letters) + len(replies)

    screen.out().print(f"{work.on_installation(forget)} dropped.")


def _named(ids: list[str] | None, every: bool) -> list[str]:
    """The ids to work on; empty for all. Nothing happens to all of them by leaving something out."""
    if bool(ids) == every:
        raise Failure("Name ids, or say --all.", UNUSABLE)
    return ids or []


def _refuse_unknown(named: list[str], known: set[str]) -> None:
    if unknown := [id_ for id_ in named if id_ not in known]:
        raise Failure(f"There is no {', '.join(unknown)}. `waddlebot dlq list` shows what there is.")
