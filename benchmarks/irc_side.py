"""The other side of an IRC connection: a server of one channel that chats at half of what the bot can read.

It runs in a process (and, where there is one, on a core) of its own. The bot's speed is found first: how long it
takes until a command behind a heap of lines is answered. Then commands are asked one by one amid the chat,
and each reply is timed from socket to socket.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Iterator

from benchmarks import corpus, machine

HOST = "127.0.0.1"
CHANNEL = "#channel0"
HEAP_LINES = 60_000
TICK_S = 0.005
PAUSE_S = 0.01
USERS = 200
"""Who ask in turns, so that none exceeds the commands that an account has in a minute."""


class Side:
    """The server's end of the bot's connection."""

    def __init__(self) -> None:
        self.joined = asyncio.Event()
        self._replies: asyncio.Queue[float] = asyncio.Queue()
        self._writer: asyncio.StreamWriter
        self._users = itertools.cycle(range(USERS))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Register the bot, let it join, and note when it says something."""
        self._writer = writer
        nick = "bench"
        while raw := await reader.readline():
            word, _, rest = raw.decode().rstrip("\r\n").partition(" ")
            match word:
                case "CAP" if rest.startswith("LS"):
                    self.send(f":server CAP {nick} LS :")
                case "NICK":
                    nick = rest
                case "USER":
                    self.send(f":server 001 {nick} :Welcome", f":server 376 {nick} :End")
                case "JOIN":
                    self.send(f":{nick}!b@h JOIN {rest}", f":server 366 {nick} {rest} :End")
                    self.joined.set()
                case "PING":
                    self.send(f":server PONG server {rest}")
                case "PRIVMSG":
                    self._replies.put_nowait(time.perf_counter())

    def send(self, *lines: str) -> None:
        """Send lines."""
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def chat(self, raw: bytes) -> None:
        """Send lines that are made already; waits while the bot does not read."""
        self._writer.write(raw)
        await self._writer.drain()

    async def answer_s(self) -> float:
        """Ask a command; return the seconds until its reply."""
        user = next(self._users)
        began_s = time.perf_counter()
        self.send(f":user{user}!u@h PRIVMSG {CHANNEL} :!command0")
        return await self._replies.get() - began_s

    async def until_answered(self) -> None:
        """Ask until there is an answer: a bot that has just come may not be ready yet."""
        while True:
            try:
                await asyncio.wait_for(self.answer_s(), 1.0)
            except TimeoutError:
                continue
            return


async def chatter(side: Side, lines: Iterator[bytes], lines_per_s: float) -> None:
    """Chat at a rate, in ticks of five milliseconds, without end."""
    began_s, sent = time.perf_counter(), 0
    while True:
        due = int((time.perf_counter() - began_s) * lines_per_s) - sent
        await side.chat(b"".join(itertools.islice(lines, due)))
        sent += due
        await asyncio.sleep(TICK_S)


async def measure(side: Side, probes: int) -> dict[str, float | int]:
    """Find the bot's speed, then time so many replies at half of it."""
    await side.joined.wait()
    lines = [message.raw for message in corpus.Corpus(lines=HEAP_LINES, channels=1, dialect="irc")]
    await side.until_answered()
    began_s = time.perf_counter()
    await side.chat(b"".join(lines))
    await side.answer_s()
    most_per_s = HEAP_LINES / (time.perf_counter() - began_s)
    chatting = asyncio.create_task(chatter(side, itertools.cycle(lines), most_per_s / 2))
    await asyncio.sleep(0.5)
    taken_s = []
    for _ in range(probes):
        taken_s.append(await side.answer_s())
        await asyncio.sleep(PAUSE_S)
    chatting.cancel()
    percentiles = statistics.quantiles(taken_s, n=100)
    return {
        "reply_p50_ms": percentiles[49] * 1_000,
        "reply_p99_ms": percentiles[98] * 1_000,
        "reply_load_lines": round(most_per_s / 2),
        "replies_checked": len(taken_s),
    }


async def main() -> None:
    """Serve one bot, measure, print JSON."""
    parser = argparse.ArgumentParser(description="Chat with a bot over IRC and time its replies.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--probes", type=int, default=500)
    options = parser.parse_args()
    machine.pin(0)
    side = Side()
    # Never closed in order: that would wait for the bot, which waits for this process to end.
    server = await asyncio.start_server(side.serve, HOST, options.port)
    print(json.dumps(await measure(side, options.probes)), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
