"""What hosts promise each other."""

import msgspec

from waddlebot.libs.sdk.contract import Contract


class TakeRequest(msgspec.Struct, frozen=True):
    """A batch for one group, as MessagePack of an ``EventBatch``, where the usual carrier is away."""

    group: str
    batch: bytes


class Taken(msgspec.Struct, frozen=True):
    """Whether the group is at home here and took the batch; of an inboxed one, that it is processed."""

    taken: bool


class HostBus(Contract):
    """The subscribers of a host."""

    async def take(self, request: TakeRequest) -> Taken:
        """Take a batch from another host."""
        raise NotImplementedError
