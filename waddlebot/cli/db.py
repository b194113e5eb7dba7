"""``waddlebot db``: the database's schema."""

from typing import Annotated

import typer

from waddlebot.cli.failures import WRONG


def upgrade(
    host_role: Annotated[
        str, typer.Option(help="PostgreSQL: the account of the hosts. Without: the one in DATABASE_URL.")
    ] = "",
) -> None:
    """Bring the schema to the version of this program.

    It is safe when called twice at once, and all or nothing. A database file is copied to the backups folder
    first; PostgreSQL is changed by the account of DATABASE_ADMIN_URL, which owns the tables, and the account of
    DATABASE_URL is granted what hosts need.
    """
    from waddlebot.cli import screen, work
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.runtime.environment import load
    from waddlebot.runtime.host import database
    from waddlebot.runtime.upgrade import bring_up

    environment = load()
    with work.audited(environment):
        applied = bring_up(environment, database(environment, discover()), host_role)
        for step in applied:
            work.note("db_upgrade", "", step=step)
    for step in applied:
        screen.out().print(f"applied {step}", markup=False)
    screen.out().print("The schema is up to date.")


def status() -> None:
    """Show each owner's schema version, and whether this program can serve it.

    The exit code is 1 when it cannot.
    """
    from waddlebot.cli import screen
    from waddlebot.libs.dal.migrations import status
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.runtime.environment import load
    from waddlebot.runtime.host import database

    environment = load()
    found = status(environment.database, database(environment, discover()).owners)
    table = screen.table("OWNER", "DATABASE", "PROGRAM", "STATE")
    for owner in found:
        table.add_row(owner.owner, str(owner.version), str(owner.known), owner.problem or "fine")
    screen.out().print(table)
    if any(owner.problem for owner in found):
        raise typer.Exit(WRONG)
