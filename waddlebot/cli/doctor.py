"""``waddlebot doctor``: what is wrong, and what to do."""

from typing import Annotated

import typer

from waddlebot.cli.failures import WRONG, redactor


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nothing outside this machine: the clock is not compared.")
    ] = False,
) -> None:
    """Look for what is wrong, and say what to do about it.

    Folders, disk, settings, secret, database, port, clock and platform credentials. A running bot is asked whether
    platforms accept its logins and let it into its channels; without one, what can be known is looked at. Nothing
    is changed. The exit code is 1 when something is wrong; being offline is not.
    """
    from waddlebot.cli import examination, screen

    signs = {"fine": "[green]✓[/]", "note": "[yellow]![/]", "wrong": "[red]✗[/]"}
    out, hide = screen.out(), redactor().hide
    wrong = 0
    for finding in examination.examine(offline=offline):
        wrong += finding.verdict == "wrong"
        words = screen.plain(hide(finding.words))
        out.print(f"{signs[finding.verdict]} [b]{finding.of}[/]: {words}", soft_wrap=True)
    out.print("Nothing is wrong." if not wrong else f"{wrong} of these need your attention.")
    if wrong:
        raise typer.Exit(WRONG)
