"""Bringing the schema up to date: a copy first where the file is ours, nothing by itself on a server."""

from pathlib import Path

import pytest

from waddlebot.libs.dal.migrations import status
from waddlebot.libs.dal.migrations import upgrade as migrate
from waddlebot.libs.testing.bots import environ_of
from waddlebot.runtime import environment, upgrade
from waddlebot.runtime.host import Host
from waddlebot.runtime.profiles import profile_of


def host_of(tmp_path: Path, database_url: str = "") -> Host:
    environ = environ_of(tmp_path, database_url)
    return Host(environment.load(environ), environ)


def prepare(host: Host) -> None:
    upgrade.prepare(host.environment, host.dal, profile_of(host.environment.database))


def is_up_to_date(host: Host) -> bool:
    return all(found.version == found.known for found in status(host.environment.database, host.dal.owners))


def test_an_embedded_database_is_made_and_left_alone_when_it_is_new(tmp_path: Path) -> None:
    host = host_of(tmp_path)
    prepare(host)
    assert is_up_to_date(host)
    assert not host.environment.backups.exists()
    assert upgrade.bring_up(host.environment, host.dal) == []


def test_an_older_database_is_copied_before_it_is_changed_and_few_copies_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = host_of(tmp_path)
    some = [owner for owner in host.dal.owners if owner.name in ("system", "delivery")]
    migrate(host.environment.database, some)
    copies = host.environment.backups
    copies.mkdir(parents=True)
    for n in range(8):
        (copies / f"before-upgrade-2000010{n}-000000.db").touch()
    assert upgrade.bring_up(host.environment, host.dal)
    assert is_up_to_date(host)
    kept = sorted(copies.iterdir())
    assert len(kept) == 5
    assert kept[-1].stat().st_size > 0
    assert not kept[-1].name.startswith("before-upgrade-2000")


def test_a_server_is_upgraded_by_its_operator_alone(tmp_path: Path, postgresql_url: str) -> None:
    host = host_of(tmp_path, postgresql_url)
    prepare(host)
    assert not is_up_to_date(host)
    assert upgrade.bring_up(host.environment, host.dal)
    assert is_up_to_date(host)
