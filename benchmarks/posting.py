"""Posts batches of events to a bot, in a process (and, where there is one, on a core) of its own.

Nothing of the bot is imported: it speaks HTTP/1.1 over plain sockets, with requests made beforehand.
"""

import argparse
import asyncio
import json
import time

from benchmarks import corpus, machine

PATH = "/api/v1/processing.router/events"


def requests(port: int, key: str, lines: int, batch: int) -> list[bytes]:
    """All requests, whole."""
    messages = list(corpus.Corpus(lines=lines, channels=100))
    return [request(port, key, messages[start : start + batch]) for start in range(0, lines, batch)]


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
        status, body = await ask(reader, writer, waiting.pop())
        if status != 200:
            raise RuntimeError(f"{status}: {body[:500]!r}")
    writer.close()


async def main() -> None:
    """Post everything; print how long it took, as JSON."""
    parser = argparse.ArgumentParser(description="Post batches of events.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    machine.pin(0)
    waiting = requests(options.port, options.key, options.lines, options.batch)
    began_s = time.perf_counter()
    await asyncio.gather(*(post(options.port, waiting) for _ in range(options.connections)))
    print(json.dumps({"seconds": time.perf_counter() - began_s}))


if __name__ == "__main__":
    asyncio.run(main())
