"""Posts batches of events to a bot, in a process (and, where there is one, on a core) of its own.

Nothing of the bot is imported: it speaks HTTP/1.1 over plain sockets, with requests made beforehand.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence

from benchmarks import corpus, machine

PATH = "/api/v1/processing.router/events"


CHANNELS = 100
BUSY_S = 0.05
"""How long who posts waits when the bot says that it has too much to do."""


def channels_of(keys: int) -> list[list[str]]:
    """The channels in which each of so many keys posts: a key is of one community."""
    return [corpus.channel_names(CHANNELS)[number::keys] for number in range(keys)]


def requests(port: int, keys: Sequence[str], lines: int, batch: int, seed: int) -> list[bytes]:
    """All requests, whole; those of several keys come by turns."""
    own = {
        channel: key for key, channels in zip(keys, channels_of(len(keys)), strict=True) for channel in channels
    }
    waiting: dict[str, list[corpus.Message]] = {key: [] for key in keys}
    made = []
    for message in corpus.Corpus(lines=lines, channels=CHANNELS, seed=seed):
        messages = waiting[own[message.channel]]
        messages.append(message)
        if len(messages) == batch:
            made.append(request(port, own[message.channel], messages))
            messages.clear()
    return made + [request(port, key, messages) for key, messages in waiting.items() if messages]


def request(port: int, key: str, messages: list[corpus.Message], query: str = "") -> bytes:
    """One request with these messages."""
    body = json.dumps(
        [
            {
                "id": m.id, "kind": "chat.message", "platform": "bench", "server": "", "channel": m.channel,
                "user_id": m.user_id, "user_login": m.login, "text": m.text,
            }
            for m in messages
        ],
        ensure_ascii=False,
    ).encode()  # fmt: skip
    head = (
        f"POST {PATH}{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """Send a request; return the status and the body of the answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.splitlines() if line.lower().startswith(b"content-length:")
    )
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


async def post(port: int, waiting: list[bytes]) -> None:
    """Post requests over one connection until none is left. Raises `RuntimeError` for one that is refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while waiting:
        request = waiting.pop()
        status, body = await ask(reader, writer, request)
        if status == 503:
            waiting.append(request)
            await asyncio.sleep(BUSY_S)
        elif status != 200:
            raise RuntimeError(f"{status}: {body[:500]!r}")
    writer.close()


async def main() -> None:
    """Post everything; print, as JSON, when that began (monotonic), how long it took, and its processor time."""
    parser = argparse.ArgumentParser(description="Post batches of events.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True, action="append", help="may be repeated")
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--core", type=int, help="which of the cores to run on; any where it is left out")
    options = parser.parse_args()
    if options.core is not None:
        machine.pin(options.core)
    waiting = requests(options.port, options.key, options.lines, options.batch, options.seed)
    began_s, cpu_s = time.monotonic(), time.process_time()
    await asyncio.gather(*(post(options.port, waiting) for _ in range(options.connections)))
    print(
        json.dumps(
            {"began_s": began_s, "seconds": time.monotonic() - began_s, "cpu_s": time.process_time() - cpu_s}
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
