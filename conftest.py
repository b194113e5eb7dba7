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
"""What one worker runs, so that each of the topologies is started once."""


def pytest_collection_modifyitems(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Any other file is a group of its own for ``--dist loadgroup``: its tests share what they set up."""
    for item in items:
        path = item.path.relative_to(config.rootpath)
        item.add_marker(pytest.mark.xdist_group(str(_TOGETHER if path.is_relative_to(_TOGETHER) else path)))


def pytest_configure() -> None:
    """No test asserts milliseconds, so no example has a deadline: machines are busy."""
    settings.register_profile("waddlebot", deadline=None)
    settings.load_profile("waddlebot")
