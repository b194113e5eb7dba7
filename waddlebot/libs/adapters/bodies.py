"""Bodies of HTTP answers."""

import aiohttp


async def read_whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer, or somewhat more than ``most`` bytes of it."""
    parts, size = [], 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            break
    return b"".join(parts)
