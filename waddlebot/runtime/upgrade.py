"""Bringing the schema up to date before a host starts, where its profile says so."""

import logging
import time

from waddlebot.libs.dal.admin import sqlite_path, user_of
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.backup import snapshot
from waddlebot.libs.dal.errors import SchemaError
from waddlebot.libs.dal.migrations import status, upgrade
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.profiles import Profile

_COPIES_KEPT = 5


def prepare(environment: Environment, dal: AsyncDAL, profile: Profile) -> None:
    """Copy and upgrade a database that the profile lets hosts upgrade; others are only checked at opening."""
    if profile.upgrade_first:
        bring_up(environment, dal)


def bring_up(environment: Environment, dal: AsyncDAL, host_role: str = "") -> list[str]:
    """Upgrade the schema, after a copy where the database is our own file; returns what was applied.

    On PostgreSQL it works as the account of ``DATABASE_ADMIN_URL``, and ``host_role``, by default the account of
    ``DATABASE_URL``, is granted what hosts need. Raises ``SchemaError``, ``Busy``, ``Unavailable``.
    """
    url = admin_url(environment)
    path = sqlite_path(url)
    if path is not None:
        if all(found.version >= found.known for found in status(url, dal.owners)):
            return []
        if path.exists():
            _keep(environment, url)
    applied = upgrade(url, dal.owners, host_role=host_role or user_of(environment.database))
    for step in applied:
        logging.getLogger("runtime.upgrade").debug("applied %s", step)
    return applied


def admin_url(environment: Environment) -> str:
    """The URL by which the schema is changed: the file itself, or ``DATABASE_ADMIN_URL``.

    Raises ``SchemaError`` where that is not set: what hosts' own account makes it would own, and an owner can
    switch row-level security off.
    """
    if sqlite_path(environment.database) is not None:
        return environment.database
    if not environment.database_admin_url:
        raise SchemaError(
            "DATABASE_ADMIN_URL is not set: it is the URL of the same database for the account that owns the "
            "tables, which must be another one than the hosts' in DATABASE_URL"
        )
    return environment.database_admin_url


def _keep(environment: Environment, url: str) -> None:
    """Copy a database that is about to be changed: as it is, since only its own program can back it up by rows."""
    folder = environment.backups
    folder.mkdir(parents=True, exist_ok=True)
    before = folder / f"before-upgrade-{time.strftime('%Y%m%d-%H%M%S')}.db"
    snapshot(url, before)
    for old in sorted(folder.glob("before-upgrade-*"))[:-_COPIES_KEPT]:
        old.unlink()
    logging.getLogger("runtime.upgrade").info("the database was copied to %s", before)
