"""Presence: sees that the process at an address has ended, where waiting for its silence would take seconds.

When a process ends, its machine closes its connections and refuses new ones to its address. Nothing else looks
like that: who is frozen, overloaded, or behind a cable that was cut leaves connections open or unanswered.
"""

import asyncio
import contextlib
import socket

import grpc
import grpc.aio

_PAUSE_S = 0.2
"""Between two tries to connect."""
_CONNECT_S = 3.0
_REFUSED_MIN = 2
"""Refusals in a row, of who was connected before, that prove the end of a process."""
_READY = grpc.ChannelConnectivity.READY


async def until_ended(channel: grpc.aio.Channel, address: str) -> None:
    """Return once the process that listened at HOST:PORT has ended. Closes the channel to it, which is its own.

    Only who was connected is judged: who has just arrived may not have opened yet.
    """
    try:
        while True:
            while (state := channel.get_state(try_to_connect=True)) is not _READY:
                await channel.wait_for_state_change(state)
            await channel.wait_for_state_change(_READY)
            if await _ended(channel, address):
                return
    finally:
        await channel.close()


async def _ended(channel: grpc.aio.Channel, address: str) -> bool:
    """Whether nobody listens there any more; or False once it is connected again.

    A process that is ending closes one thing after the other, so it may take a connection last of all.
    """
    refused = 0
    while channel.get_state(try_to_connect=True) is not _READY:
        refused = refused + 1 if await _refuses(address) else 0
        if refused == _REFUSED_MIN:
            return True
        await asyncio.sleep(_PAUSE_S)
    return False


async def _refuses(address: str) -> bool:
    """Whether that is the answer. None is none: whatever is between us may be broken."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            await _knock(address)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


async def _knock(address: str) -> None:
    """Connect to HOST:PORT and leave. Raises ConnectionRefusedError where all that HOST stands for refuse."""
    name, _, port = address.rpartition(":")
    found = await asyncio.get_running_loop().getaddrinfo(name.strip("[]"), int(port), type=socket.SOCK_STREAM)
    for *_, place in found:
        with contextlib.suppress(ConnectionRefusedError):
            _, writer = await asyncio.open_connection(*place[:2])
            writer.close()
            return
    raise ConnectionRefusedError(f"{address} refuses")
