"""Plug-ins of the whole test run: each module named here publishes fixtures."""

import os

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

pytest_plugins = [
    "waddlebot.libs.testing.databases",
    "waddlebot.libs.testing.pgbouncer",
    "waddlebot.libs.testing.redis_servers",
    "waddlebot.libs.testing.topologies",
]


_TOGETHER = "tests/conversations"
"""What one worker runs, so that each of the topologies is started once."""


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # the library publishes no types
    """The tests of a file share what they set up, so one worker runs them."""

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER if nodeid.startswith(f"{_TOGETHER}/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How tests are spread over workers."""
    return _ByFile(config, log)


def pytest_configure() -> None:
    """No test asserts milliseconds, so no example has a deadline: machines are busy."""
    # Else its threads meddle in each process that is forked to run a server as another user.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    settings.register_profile("waddlebot", deadline=None)
    settings.load_profile("waddlebot")
