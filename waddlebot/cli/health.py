"""``waddlebot health``: whether the bot on this machine is ready, for containers and service managers."""

from typing import Annotated

import typer


def health(
    live: Annotated[bool, typer.Option("--live", help="Ask only whether the process runs.")] = False,
) -> None:
    """Ask the running bot whether an event gets its answer.

    It asks at HTTP_HOST and HTTP_PORT, and is what a container's health check runs. The exit code is 1 when the
    bot is not ready or does not run; what is wrong stands behind each check.
    """
    from waddlebot.cli import bot, screen
    from waddlebot.cli.failures import WRONG, Failure

    try:
        ok, words = bot.health("live" if live else "ready")
    except bot.NotRunning:
        raise Failure(f"Nobody answers at {bot.url_of()}.", WRONG) from None
    for line in words:
        screen.out().print(line, markup=False)
    if not ok:
        raise typer.Exit(WRONG)
