"""A host without others: events stay in the process, and nobody is asked elsewhere."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waddlebot.libs.adapters.memory_bus import MemoryBus, WireCheckedBus
from waddlebot.libs.sdk.ports import Endpoint, Keeper
from waddlebot.libs.web.doors import ASGI

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host


class MemoryCarriage:
    """The bus within one process. Its ``audience``, the modules that may get an event, are those that run."""

    tell = None

    def __init__(self, host: "Host") -> None:
        self._host = host
        self.audience = tuple(host.modules.values())
        self.bus = {0: MemoryBus, 1: WireCheckedBus}[host.environment.wire_check]()

    async def start(self) -> None:
        """Take up what was left for modules that did not run before."""
        await self._host.delivery().unpark()

    def keep(self, keeper: Keeper) -> None:
        """Nobody comes after this host while its state is worth anything."""

    async def run(self) -> None:
        """There is nothing to follow."""
        await asyncio.Event().wait()

    def retire(self) -> None:
        """Nobody else is waited for."""

    async def quiesce(self) -> None:
        """What was announced has been taken."""

    async def stop(self) -> None:
        """There is nothing to leave."""


class NoLinks:
    """No other hosts."""

    def __init__(self, host: "Host") -> None:
        """Nothing of the host is needed."""

    async def start(self) -> None:
        """There is nobody to know."""

    async def open(self) -> None:
        """There is nothing to open."""

    async def stop(self) -> None:
        """There is nothing to close."""

    def doors(self) -> Mapping[str, ASGI]:
        """Nobody asks from outside."""
        return {}

    def at(self, host: str, module: str) -> Endpoint | None:
        """There is no other host."""
        return None
