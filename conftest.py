"""Plug-ins of the whole test run: each module named here publishes fixtures."""

from hypothesis import settings

pytest_plugins = [
    "waddlebot.libs.testing.databases",
    "waddlebot.libs.testing.pgbouncer",
    "waddlebot.libs.testing.redis_servers",
    "waddlebot.libs.testing.topologies",
]


def pytest_configure() -> None:
    """No test asserts milliseconds, so no example has a deadline: machines are busy."""
    settings.register_profile("waddlebot", deadline=None)
    settings.load_profile("waddlebot")
