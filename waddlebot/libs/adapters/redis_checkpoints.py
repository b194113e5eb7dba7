"""Checkpoints of partitions in Redis: a value for each, gone a day after it was last written.

Redis is not trusted to keep them: what is not there begins anew. While Redis is away nothing is saved or found.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping

import msgspec

from waddlebot.libs.adapters.redis_streams import BROKEN, FAILURES
from waddlebot.libs.adapters.redis_url import parse

KEPT_S = 86_400
"""No state worth keeping is older: sessions end after an hour, cooldowns of more than a day are rare."""
BYTES_MAX = 4 * 1024 * 1024
"""Of one partition's checkpoint; a larger one is not saved."""
PATIENCE_S = 1.0
"""How long a take-over waits for the checkpoints."""


class Saved(msgspec.Struct, array_like=True, frozen=True):
    """What a partition's owner packed, and when, in seconds since 1970 by the database's clock."""

    at: float
    packed: bytes


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Saved).decode


class RedisCheckpoints:
    """The checkpoints in the Redis of ``url``. Raises ``RedisUrlError`` for a URL that cannot be read."""

    def __init__(self, url: str, log: logging.Logger) -> None:
        self._url = parse(url)
        self._client = self._url.client()
        self._log = log
        self._away = False

    async def save(self, packed: Mapping[int, bytes], at: float) -> bool:
        """Keep partitions' states, packed at that time. False where Redis is away: then none may be kept."""
        small = {partition: state for partition, state in packed.items() if len(state) <= BYTES_MAX}
        if len(small) < len(packed):
            self._log.warning("%d checkpoints are too large to be kept", len(packed) - len(small))
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for partition, state in small.items():
                    pipe.set(self._key(partition), _ENCODE(Saved(at, state)), ex=KEPT_S)
                await pipe.execute()
        except (*FAILURES, *BROKEN) as error:
            self._complain(error)
            return False
        self._away = False
        return True

    async def load(self, partitions: Collection[int]) -> dict[int, Saved]:
        """What was saved of partitions, as far as Redis tells soon."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._client.pipeline(transaction=False) as pipe:
                for partition in partitions:
                    pipe.get(self._key(partition))
                found = zip(partitions, await pipe.execute(), strict=True)
            return {partition: _DECODE(raw) for partition, raw in found if raw is not None}
        except (*FAILURES, *BROKEN, TimeoutError, msgspec.DecodeError) as error:
            self._complain(error)
            return {}

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()

    def _key(self, partition: int) -> str:
        return f"{self._url.prefix}:{{{partition:02}}}:checkpoint"

    def _complain(self, error: BaseException) -> None:
        """Once for each time it is away."""
        if not self._away:
            self._away = True
            self._log.warning(
                "no checkpoint is saved or found in Redis (%s): after a take-over sessions, cooldowns and limits "
                "begin anew",
                error,
            )
