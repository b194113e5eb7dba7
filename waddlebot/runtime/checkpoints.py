"""What owners of partitions have only in memory, left every second for whoever owns them next."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping

import msgspec

from waddlebot.libs.adapters.redis_checkpoints import RedisCheckpoints
from waddlebot.libs.sdk.ports import Keeper

EVERY_S = 1.0
_SETTLE_S = 3.0
"""Within what the coordinator grants for giving up."""
_LOOK_EVERY_S = 0.02


class Checkpointing:
    """Saves what keepers have of the partitions owned here, and restores what former owners saved.

    ``clock`` is one that all hosts agree on.
    """

    def __init__(
        self,
        checkpoints: RedisCheckpoints,
        owned: Callable[[], Mapping[int, int]],
        clock: Callable[[], float],
        log: logging.Logger,
    ) -> None:
        self._checkpoints = checkpoints
        self._owned = owned
        self._clock = clock
        self._log = log
        self._keeper: Keeper | None = None
        self._mine: Collection[int] = frozenset()

    def keep(self, keeper: Keeper) -> None:
        """``keeper`` has state by partition from now on."""
        self._keeper = keeper

    async def run(self) -> None:
        """Save what changed, every second; for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.save(self._mine)

    async def save(self, partitions: Collection[int]) -> None:
        """Save what changed of partitions since the last time."""
        if self._keeper is None or not partitions:
            return
        packed = self._keeper.changed(partitions)
        if packed and not await self._checkpoints.save(packed, self._clock()):
            self._keeper.unsaved(packed)

    async def settle(self, partitions: Collection[int]) -> None:
        """Wait, for some seconds, until nothing of partitions is under way: the next owner begins behind it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while self._keeper is not None and self._keeper.busy(partitions):  # noqa: ASYNC110  it ends in many places
                    await asyncio.sleep(_LOOK_EVERY_S)

    async def follow(self) -> None:
        """Have what former owners left of partitions that are owned since the last call."""
        owned = self._owned()
        gained = [partition for partition in owned if partition not in self._mine]
        if self._keeper is not None and gained:
            for partition, saved in (await self._checkpoints.load(gained)).items():
                age_s = max(0.0, self._clock() - saved.at)
                try:
                    self._keeper.restore(partition, saved.packed, age_s)
                except (msgspec.MsgspecError, ValueError) as error:
                    self._log.warning("the checkpoint of partition %d cannot be read: %s", partition, error)
        self._mine = frozenset(owned)

    async def close(self) -> None:
        """Disconnect."""
        await self._checkpoints.close()
