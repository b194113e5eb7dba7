"""``waddlebot new``: a module to build on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Kind = Literal["interactive", "security", "core", "processing", "admin", "receiver", "poller", "cron", "pushing"]


def module(
    kind: Annotated[Kind, typer.Argument(help="What it does.")],
    name: Annotated[str, typer.Argument(help="Its name, or VENDOR.NAME for a package of your own.")],
    path: Annotated[
        Path | None, typer.Option(help="Where to: the checkout, or the folder of your own package.")
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="With a table, a query and a migration (kinds that answer commands).")
    ] = False,
) -> None:
    """Write a module that runs and passes all checks, to be changed into yours.

    A plain NAME becomes a folder of a source checkout. VENDOR.NAME becomes a package of your own, which is
    installed beside the bot and found by its entry point.

    \b
    Examples:
      waddlebot new module interactive greeting --store
      waddlebot new module poller feed --path ~/src/waddlebot
      waddlebot new module interactive acme.greeting --path ~/src/acme-greeting
    """
    from waddlebot.cli import screen
    from waddlebot.cli.scaffolding import scaffold

    for written in scaffold(kind, name, path, with_store=store):
        screen.out().print(f"wrote {written}", markup=False)
    screen.out().print(f"Start in module.py. `waddlebot modules` shows {name} at once.", markup=False)
