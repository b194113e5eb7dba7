"""Bringing the schema up to date before a host starts, where its profile says so."""

import logging
import time
from pathlib import Path

from waddlebot.libs.dal.admin import sqlite_path
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.backup import backup
from waddlebot.libs.dal.migrations import status, upgrade
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.profiles import Profile

_BACKUPS_KEPT = 5


def prepare(environment: Environment, dal: AsyncDAL, profile: Profile) -> None:
    """Back up and upgrade a database that the profile lets hosts upgrade; others are only checked at opening."""
    if not profile.upgrade_first:
        return
    environment.data.mkdir(parents=True, exist_ok=True)
    behind = [found for found in status(environment.database, dal.owners) if found.version < found.known]
    if not behind:
        return
    log = logging.getLogger("runtime.upgrade")
    path = sqlite_path(environment.database)
    if path is not None and path.exists():
        kept = environment.data / "backups"
        kept.mkdir(exist_ok=True)
        before = kept / f"before-upgrade-{time.strftime('%Y%m%d-%H%M%S')}.waddlebot"
        backup(environment.database, dal.owners, before)
        _prune(kept)
        log.info("the database was backed up to %s", before)
    for applied in upgrade(environment.database, dal.owners):
        log.debug("applied %s", applied)


def _prune(folder: Path) -> None:
    for old in sorted(folder.glob("before-upgrade-*"))[:-_BACKUPS_KEPT]:
        old.unlink()
