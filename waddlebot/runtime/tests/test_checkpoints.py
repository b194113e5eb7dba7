"""When a partition may go to its next owner."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import cast

from waddlebot.libs.adapters.redis_checkpoints import RedisCheckpoints
from waddlebot.runtime.checkpoints import Checkpointing


class Working:
    """A keeper with something under way in one partition."""

    def __init__(self) -> None:
        self.at_work = {7}

    def changed(self, partitions: Collection[int]) -> Mapping[int, bytes]:
        return {}

    def busy(self, partitions: Collection[int]) -> bool:
        return not self.at_work.isdisjoint(partitions)

    def unsaved(self, partitions: Collection[int]) -> None:
        raise AssertionError("nothing was saved")

    def restore(self, partition: int, packed: bytes, age_s: float) -> None:
        raise AssertionError("nothing was saved")


async def test_what_is_under_way_ends_before_a_partition_is_given_up() -> None:
    nowhere = cast("RedisCheckpoints", None)
    checkpoints = Checkpointing(nowhere, dict, lambda: 0.0, logging.getLogger("test.checkpoints"))
    await checkpoints.settle({7})
    keeper = Working()
    checkpoints.keep(keeper)
    await checkpoints.settle({8})
    settling = asyncio.create_task(checkpoints.settle({7, 8}))
    done, _ = await asyncio.wait([settling], timeout=0.1)
    assert not done
    keeper.at_work.clear()
    await settling
