"""Plug-ins of the whole test run: each module named here publishes fixtures."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = [
    "waddlebot.libs.testing.databases",
    "waddlebot.libs.testing.pgbouncer",
    "waddlebot.libs.testing.redis_servers",
    "waddlebot.libs.testing.topologies",
]


_TOGETHER = Path("tests/conversations")
"""What is run by one worker, so that each of the topologies is started once."""
_APART = Path("tests/drills/test_drills.py")
"""What has servers of its own for each test, so that any worker may run any of them."""


def pytest_collection_modifyitems(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Else the tests of one file share what they set up, so one worker runs them (xdist's ``--dist loadgroup``)."""
    for item in items:
        path = item.path.relative_to(config.rootpath)
        group = item.nodeid if path == _APART else str(_TOGETHER if path.is_relative_to(_TOGETHER) else path)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_configure() -> None:
    """No test asserts milliseconds, so no example has a deadline: machines are busy."""
    settings.register_profile("waddlebot", deadline=None)
    settings.load_profile("waddlebot")
