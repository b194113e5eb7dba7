"""``waddlebot mydata``: what the bot holds about a person, and having it deleted."""

from pathlib import Path
from typing import Annotated, Any

import typer

from waddlebot.cli.failures import UNUSABLE, Failure

Who = Annotated[str, typer.Argument(help="An account, as platform:id, or a user's e-mail address or id.")]
_PEOPLE = "/core.identity/people"


def export(
    who: Who,
    to: Annotated[
        Path | None, typer.Option("--to", help="A new file to write to, for your eyes alone. Without: print it.")
    ] = None,
) -> None:
    """Get all that the bot holds about a person, as JSON: all accounts that are linked, in all communities.

    The bot must be running, since every module is asked. Be sure that it goes to the person themselves.

    \b
    Examples:
      waddlebot mydata export twitch:1234 --to ann.json
      waddlebot mydata export ann@example.org
    """
    import os

    import msgspec

    from waddlebot.cli import screen

    found = _asked("data", who, "GET")
    text = msgspec.json.format(msgspec.json.encode(found)).decode()
    if to is None:
        typer.echo(text)
    else:
        try:
            with os.fdopen(
                os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text + "\n")
        except OSError as error:
            raise Failure(f"{to} cannot be written: {error.strerror}. Name a file that is not there.") from None
    for module, why in found["not_asked"].items():
        screen.notes().print(f"{module} could not be asked: {why}", markup=False)


def forget(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="You are sure; without it you are asked.")] = False,
) -> None:
    """Delete all that the bot holds about a person: all accounts that are linked, in all communities.

    It cannot be undone, but from a backup. Bans and warnings stay, and what else is said to stay.

    \b
    Examples:
      waddlebot mydata forget twitch:1234
      waddlebot mydata forget ann@example.org --yes
    """
    from waddlebot.cli import screen

    if not yes and not typer.confirm(f"Delete all that is held about {who}? It cannot be undone.", err=True):
        raise Failure("Nothing was deleted.")
    done = _asked("forget", who, "POST")
    out = screen.out()
    for module, rows in done["rows"].items():
        out.print(f"{module}: {rows} entries deleted", markup=False)
    for words in done["stays"]:
        out.print(f"stays: {words}", markup=False)
    for module in done["later"]:
        out.print(f"{module} is away: it will be done when that is back", markup=False)


def _asked(what: str, who: str, method: str) -> Any:
    from urllib.parse import quote

    from waddlebot.cli import bot
    from waddlebot.libs.sdk.rank import Role
    from waddlebot.runtime.environment import load

    try:
        path = f"{_PEOPLE}/{what}/{quote(who, safe='')}"
        found = bot.ask(load(), path, "", Role.ADMIN, method=method, timeout_s=bot.SLOW_S)
    except bot.NotRunning:
        raise Failure(
            "No bot runs here, and every module is to be asked: start it with waddlebot run.", UNUSABLE
        ) from None
    if found is None:
        raise Failure(
            f"There is no user {who}, or no core.identity here. An account is written platform:id, as twitch:1234."
        )
    return found
