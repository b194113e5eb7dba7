"""The bus within one process: a list of subscribers."""

import asyncio

import msgspec

from waddlebot.libs.sdk.ports import EventBatch, Subscriber


class MemoryBus:
    """Hands each batch to every subscriber, in the order in which they subscribed. One process owns everything."""

    shares = True

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}

    def subscribe(self, name: str, subscriber: Subscriber, *, owned: bool = False) -> None:
        """``subscriber`` is told of every batch from now on; a name subscribes once."""
        if name in self._subscribers:
            raise ValueError(f"{name} has subscribed already")
        self._subscribers[name] = subscriber

    async def publish(self, batch: EventBatch) -> None:
        """Hand a batch over; waits for whoever asks for patience."""
        pending = [done for subscriber in self._subscribers.values() if (done := subscriber(batch)) is not None]
        if len(pending) == 1:
            await pending[0]
        elif pending:
            await asyncio.gather(*pending)


class WireCheckedBus(MemoryBus):
    """A bus whose every batch passes through the real codec (``WIRE_CHECK=1``)."""

    async def publish(self, batch: EventBatch) -> None:
        """As :meth:`MemoryBus.publish`. Raises ``TypeError`` for what could not travel."""
        await super().publish(msgspec.msgpack.decode(msgspec.msgpack.encode(batch), type=EventBatch))
