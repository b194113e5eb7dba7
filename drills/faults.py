"""The families of what fails beside the bot's own processes."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from drills.faults_clock import clock_off
from drills.faults_disk import disk_of_data_full, disk_of_logs_full
from drills.faults_postgresql import (
    disk_of_postgresql_full,
    primary_hangs,
    primary_restarted,
    replica_lags,
    replica_stopped,
)
from drills.faults_redis import redis_failed_over, redis_flushed, redis_restarted
from drills.faulty import FaultyWorld, embedded, faults, served

type Place = Callable[[Path, str], AbstractContextManager[FaultyWorld]]


@dataclass(frozen=True, slots=True)
class FaultFamily:
    """What a family of faults does in each round, and where. ``round_s`` is what one may take."""

    drill: Callable[[FaultyWorld, Random, int], Awaitable[dict[str, int]]]
    world: Place = served
    round_s: float = 60.0


FAULTS: Mapping[str, FaultFamily] = {
    "postgresql-restart": FaultFamily(faults(primary_restarted)),
    "postgresql-hang": FaultFamily(faults(primary_hangs)),
    "replica-stop": FaultFamily(faults(replica_stopped)),
    "replica-lag": FaultFamily(faults(replica_lags)),
    "redis-restart": FaultFamily(faults(redis_restarted)),
    "redis-flush": FaultFamily(faults(redis_flushed)),
    "redis-failover": FaultFamily(faults(redis_failed_over)),
    "clock-skew": FaultFamily(faults(clock_off)),
    "disk-full-logs": FaultFamily(faults(disk_of_logs_full)),
    "disk-full-data": FaultFamily(faults(disk_of_data_full), embedded),
    "disk-full-postgresql": FaultFamily(faults(disk_of_postgresql_full)),
}

SERVED = (
    primary_restarted, primary_hangs, replica_stopped, replica_lags, redis_restarted, redis_flushed,
    redis_failed_over, clock_off, disk_of_logs_full, disk_of_postgresql_full,
)  # fmt: skip
"""All faults of a bot of several processes, for a drill that has them one after the other."""
