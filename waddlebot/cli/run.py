"""``waddlebot run``: the bot itself."""

from typing import Annotated

import typer


def run(
    modules: Annotated[
        list[str] | None, typer.Argument(help="Run only these, such as core.community; without: all.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="Run all but this one; may be repeated.")
    ] = None,
) -> None:
    """Start the bot and run until Ctrl+C or SIGTERM.

    It needs no configuration: the database, the keys and the logs go to the data folder (WADDLEBOT_DATA_DIR), the
    chat window is at the address of its last line. Environment variables connect it to platforms: `waddlebot
    modules --env` lists them.

    The first signal ends it in order: doors first, then what was accepted is processed, then what was answered is
    sent. The second ends it at once; accepted events are then processed at the next start.

    \b
    Examples:
      waddlebot run
      TWITCH_CHANNELS=yourname waddlebot run
      HTTP_PORT=8000 waddlebot run processing.router
      HTTP_PORT=8060 waddlebot run --without processing.router
      HTTP_PORT=9000 DATABASE_URL=postgresql://bot:secret@db/waddlebot waddlebot run
    """
    from waddlebot.cli.serving import serve

    serve(modules or (), without or ())
