"""Plug-ins of the whole test run: each module named here publishes fixtures."""

pytest_plugins = [
    "waddlebot.libs.testing.databases",
    "waddlebot.libs.testing.pgbouncer",
    "waddlebot.libs.testing.redis_servers",
    "waddlebot.libs.testing.topologies",
]
