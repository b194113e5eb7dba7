"""Checkpoints in a real server: kept, gone in time, and no trouble while it is away."""

import logging

import pytest
from redis import Redis

from waddlebot.libs.adapters import redis_checkpoints
from waddlebot.libs.adapters.redis_checkpoints import KEPT_S, RedisCheckpoints, Saved
from waddlebot.libs.testing.redis_servers import RedisServer

LOG = logging.getLogger("test.checkpoints")


async def test_what_was_saved_is_found_by_another(valkey_server: RedisServer) -> None:
    one, other = (RedisCheckpoints(valkey_server.url, LOG) for _ in range(2))
    assert await one.save({3: b"three", 63: b"last"}, 100.0)
    assert await one.save({3: b"three again"}, 101.0)
    assert await other.load([3, 4, 63]) == {3: Saved(101.0, b"three again"), 63: Saved(100.0, b"last")}
    with Redis(port=valkey_server.port) as client:
        lives_s = client.ttl("wb:{03}:checkpoint")
        assert isinstance(lives_s, int)
        assert KEPT_S - 60 < lives_s <= KEPT_S
        client.set("wb:{03}:checkpoint", b"\xff")
    assert await other.load([3]) == {}
    await one.close()
    await other.close()


async def test_in_a_cluster_too(redis_cluster: list[RedisServer]) -> None:
    nodes = ",".join(f"127.0.0.1:{server.port}" for server in redis_cluster)
    checkpoints = RedisCheckpoints(f"redis+cluster://{nodes}", LOG)
    states = {partition: b"%d" % partition for partition in range(64)}
    assert await checkpoints.save(states, 5.0)
    found = await checkpoints.load(range(64))
    assert {partition: saved.packed for partition, saved in found.items()} == states
    await checkpoints.close()


async def test_while_redis_is_away_nothing_is_kept_and_one_line_says_so(
    valkey_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = RedisCheckpoints(valkey_server.url, LOG)
    valkey_server.kill()
    assert not await checkpoints.save({1: b"x"}, 1.0)
    assert await checkpoints.load([1]) == {}
    assert caplog.text.count("begin anew") == 1
    valkey_server.start()
    assert await checkpoints.save({1: b"x"}, 2.0)
    assert await checkpoints.load([1]) == {1: Saved(2.0, b"x")}
    await checkpoints.close()


async def test_what_is_too_large_is_left_out(
    valkey_server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_checkpoints, "BYTES_MAX", 4)
    checkpoints = RedisCheckpoints(valkey_server.url, LOG)
    assert await checkpoints.save({1: b"12345", 2: b"1234"}, 1.0)
    assert set(await checkpoints.load([1, 2])) == {2}
    assert "too large" in caplog.text
    await checkpoints.close()
