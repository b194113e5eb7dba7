"""Waiting for what has no event of its own."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

TIMEOUT_S = 20.0
_POLL_S = 0.01


async def until(holds: Callable[[], object | Awaitable[object]], timeout_s: float = TIMEOUT_S) -> None:
    """Return as soon as ``holds()``, awaited where it can be, is true. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = holds()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(_POLL_S)
