"""``waddlebot backup`` and ``restore``: everything in the database, in one file."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waddlebot.cli.failures import Failure

if TYPE_CHECKING:
    from waddlebot.libs.dal.asyncdal import AsyncDAL
    from waddlebot.runtime.environment import Environment

_SUFFIX = ".waddlebot"


def backup(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; without it a dated file in the backups folder.")
    ] = None,
) -> None:
    """Write the whole database to one file, while the bot runs.

    The file fits both engines: a backup of SQLite can be restored into PostgreSQL, and back. The secret that seals
    stored tokens is not in it, so that the file alone opens nothing: keep secret.key of the data folder too.

    \b
    Examples:
      waddlebot backup
      waddlebot backup /mnt/nas/waddlebot-friday.waddlebot
    """
    from waddlebot.cli import screen
    from waddlebot.libs.dal.backup import backup as write
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.runtime.environment import load
    from waddlebot.runtime.host import database

    environment = load()
    target = (file or _dated(environment, "backup")).absolute()
    if target.exists():
        raise Failure(f"{target} exists already: name another file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = write(environment.database, database(environment, discover()).owners, target)
    screen.notes().print(
        f"{rows:,} rows, {target.stat().st_size:,} bytes. Keep {environment.data / 'secret.key'} too, elsewhere.",
        markup=False,
    )
    typer.echo(target)


def restore(
    file: Annotated[Path, typer.Argument(help="What `waddlebot backup` wrote.", exists=True, dir_okay=False)],
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is in the database; it is backed up first.")
    ] = False,
) -> None:
    """Read a backup into the database, all or nothing. Stop the bot before.

    The whole file is checked before anything is touched. Replies that were waiting to be sent when the backup was
    made are set aside (waddlebot dlq list): they may have been sent since.

    \b
    Examples:
      waddlebot restore backup-20260131-180000.waddlebot
      DATABASE_URL=postgresql://… waddlebot restore from-the-laptop.waddlebot
    """
    from waddlebot.cli import bot, screen, work
    from waddlebot.libs.dal import Conflict
    from waddlebot.libs.dal.backup import restore as read
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.runtime.environment import load
    from waddlebot.runtime.host import database
    from waddlebot.runtime.upgrade import admin_url, bring_up

    environment = load()
    if bot.runs(environment):
        raise Failure("The bot runs: stop it first, so that it does not work on while its database changes.")
    dal = database(environment, discover())
    with work.audited(environment):
        if force:
            _keep(environment, dal)
        environment.data.mkdir(parents=True, exist_ok=True)
        try:
            rows = read(admin_url(environment), dal.owners, file, replace=force)
        except Conflict as error:
            raise Failure(f"{error}. With --force they are backed up, then replaced.") from None
        bring_up(environment, dal)  # what the restore has made is granted to the hosts' account
        work.note("restore", "", file=str(file))
    screen.out().print(f"{rows:,} rows were restored from {file}.", markup=False)


def _keep(environment: "Environment", dal: "AsyncDAL") -> None:
    """Back up what a restore is about to replace, if there is anything."""
    from waddlebot.cli import screen
    from waddlebot.libs.dal.backup import backup as write
    from waddlebot.libs.dal.migrations import status

    if not any(found.version for found in status(environment.database, dal.owners)):
        return
    target = _dated(environment, "before-restore")
    target.parent.mkdir(parents=True, exist_ok=True)
    write(environment.database, dal.owners, target)
    screen.notes().print(f"What is replaced was backed up to {target}.", markup=False)


def _dated(environment: "Environment", what: str) -> Path:
    return environment.backups / f"{what}-{time.strftime('%Y%m%d-%H%M%S')}{_SUFFIX}"
