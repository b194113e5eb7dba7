"""``waddlebot config``: a community's configuration as a document; plans, applying them, and going back."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waddlebot.cli.failures import Failure

if TYPE_CHECKING:
    from waddlebot.core.community.store import CommunityStore
    from waddlebot.libs.dal import Wanted
    from waddlebot.runtime.installation import Installation

_SHORT = 60

Document = Annotated[Path, typer.Argument(help="The document, as `export` writes it; - reads standard input.")]
Into = Annotated[str, typer.Option("--community", help="The community that it is for.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]

type Try = Callable[["CommunityStore", int, bool], Any]
"""Does something on the store at a configuration version, or rehearses it."""


def export(community: Annotated[str, typer.Option(help="The community to write down.")] = "home") -> None:
    """Write a community's configuration to standard output, as YAML that people can read, keep and edit.

    It holds all that was set up in the community: commands, aliases, rules, timers, filters, labels, ranks,
    roles, settings. It holds no secret, and nothing that happened, such as scores, links between accounts or
    channels.

    \b
    Examples:
      waddlebot config export > home.yaml
      waddlebot config export --community lab
    """
    from waddlebot.cli import work
    from waddlebot.core.community.document import written

    async def task(installation: "Installation") -> str:
        given = await _store(installation, community, "").configuration()
        return written(community, given, installation.manifests)

    sys.stdout.write(work.on_installation(task))


def plan(file: Document, community: Into = "home") -> None:
    """Say what applying a document would change, and change nothing.

    A section of a module says all that is to be set there: what it leaves out is removed. A module without a
    section stays as it is. Exits with 1 where there is something to change.

    \b
    Examples:
      waddlebot config plan home.yaml
      waddlebot config plan home.yaml --community lab
    """
    if _do(community, _brought(_text(file)), f"configuration of {file.name}", ask=None):
        raise typer.Exit(1)


def apply(file: Document, community: Into = "home", yes: Yes = False) -> None:
    """Make a community as a document says: all of it or nothing, as one change that can be undone.

    Shows what it would change and asks first. It is refused where the community was changed meanwhile.

    \b
    Examples:
      waddlebot config apply home.yaml
      waddlebot config apply home.yaml --community lab --yes
    """
    if str(file) == "-" and not yes:
        raise Failure("With the document on standard input nothing can be asked: add --yes.")
    _do(community, _brought(_text(file)), f"configuration of {file.name}", ask=not yes)


def rollback(
    number: Annotated[
        int, typer.Argument(help="The last change that is to hold; 0 for the very beginning.", min=0)
    ],
    community: Into = "home",
    yes: Yes = False,
) -> None:
    """Make a community's configuration as it was right after a change: all of it or nothing, as one change.

    `waddlebot config history` lists the numbers. What happened since, such as scores and links, stays.

    \b
    Examples:
      waddlebot config rollback 17
      waddlebot config rollback 17 --community lab --yes
    """

    async def back(store: "CommunityStore", at: int, rehearse: bool) -> int:
        return await store.roll_back(number, at=at, rehearse=rehearse)

    _do(community, lambda installation: back, f"back to change {number}", ask=not yes)


def history(
    community: Annotated[str, typer.Option(help="The community.")] = "home",
    most: Annotated[int, typer.Option(help="List at most this many.", min=1, max=10_000)] = 30,
) -> None:
    """List what was changed, newest first; the same as `waddlebot undo --list`.

    \b
    Examples:
      waddlebot config history --community lab
    """
    from waddlebot.cli.undo import undo

    undo(None, community, True, most, False)


def _brought(text: str) -> "Callable[[Installation], Try]":
    """What brings a document in."""

    def of(installation: "Installation") -> Try:
        from waddlebot.core.community.document import read, wanted

        document = read(text, installation.manifests)

        async def bring(store: "CommunityStore", at: int, rehearse: bool) -> int:
            given = await store.configuration()
            found: Sequence[Wanted] = wanted(document, given, installation.manifests)
            return await store.bring_in(found, at=at, rehearse=rehearse)

        return bring

    return of


def _do(community: str, make: "Callable[[Installation], Try]", reason: str, *, ask: bool | None) -> bool:
    """Show what would change, ask, and do it; whether there is something. With ``ask`` None only show."""
    from waddlebot.cli import work
    from waddlebot.libs.dal import Conflict, Refused, Rehearsed
    from waddlebot.libs.sdk import Refusal

    async def task(installation: "Installation") -> bool:
        store = _store(installation, community, reason)
        try:
            act = make(installation)
            at = (await store.configuration()).version
            try:
                await act(store, at, True)
            except Rehearsed as rehearsed:
                changes = rehearsed.changes
            _print(changes, community)
            if not changes or ask is None:
                return bool(changes)
            if ask and not typer.confirm(f"Make these {len(changes)} changes in {community}?"):
                raise Failure("Nothing was changed.")
            number = await act(store, at, False)
        except (Conflict, Refused, Refusal) as error:
            raise Failure(f"Nothing was changed: {error}") from None
        work.note("config", community, change=str(number), what=reason)
        typer.echo(f"Done by change {number}. Take it back: waddlebot undo {number} --community {community}")
        return True

    return work.on_installation(task)


def _store(installation: "Installation", community: str, reason: str) -> "CommunityStore":
    from waddlebot.cli import work
    from waddlebot.core.community.module import module
    from waddlebot.core.community.store import CommunityStore
    from waddlebot.libs.dal import Community

    store = installation.dal.bind(module.name, Community(community), actor=work.ACTOR, reason=reason)
    assert isinstance(store, CommunityStore)  # noqa: S101  for the type checker: the module declares it
    return store


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}") from None


def _print(changes: Sequence[tuple[str, str, tuple[Any, ...], Any, Any]], community: str) -> None:
    from waddlebot.cli import screen

    if not changes:
        screen.notes().print(f"{community} is so already: nothing is to be changed.")
        return
    lines = []
    for module, resource, key, before, after in changes:
        sign = "+" if before is None else "-" if after is None else "~"
        lines.append(f"{sign} {module} {resource} {' '.join(map(str, key))}")
        for name in type(before if after is None else after).__match_args__:
            old, new = (getattr(record, name, None) for record in (before, after))
            if before is not None and after is not None and old != new:
                lines.append(f"    {name}: {_short(old)} → {_short(new)}")
    screen.out().print(screen.visible("\n".join(lines)), markup=False)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
