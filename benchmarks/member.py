"""One process of a bot that is several: `python -m benchmarks.member MODULE…` runs these and answers questions.

Its variables are the environment's, as with `waddlebot run`. On each line of its input stands a name of `Member`'s
methods, and on a line of its output the answer, as JSON; at the end of the input it stops in order.
"""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Mapping

import msgspec

from benchmarks import corpus, hosting
from benchmarks.sample.ledger.module import ledger
from waddlebot.libs.sdk import Module
from waddlebot.runtime import memory
from waddlebot.runtime.environment import load
from waddlebot.runtime.host import Host

COMMANDS = 30


def manifests() -> dict[str, Module]:
    """The modules of every host of the bot, wherever they run."""
    return hosting.manifests_of(ledger(corpus.command_names(COMMANDS)))


class Member:
    """What a member tells of itself; each method is a question."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def ready(self) -> bool:
        """Whether it is up."""
        return True

    def owned(self) -> int:
        """The partitions that it routes."""
        return len(self._host.coordinator.owned)

    def views(self) -> int:
        """The communities that its router has compiled."""
        return len(hosting.desk_of(self._host).router.views)

    def ends(self) -> Mapping[str, int]:
        """What became of the events that its router had."""
        return hosting.desk_of(self._host).router.traces.counts

    def answered(self) -> int:
        """Different replies that reached the pusher."""
        return len(hosting.pushed_of(self._host).ids)

    def texts(self) -> Mapping[str, int]:
        """Replies by their text, each as often as it came."""
        return hosting.pushed_of(self._host).texts

    def times(self) -> Mapping[str, float]:
        """When each reply came, by its id: seconds on this machine's monotonic clock."""
        return hosting.pushed_of(self._host).ids

    def clear(self) -> bool:
        """Forget the replies that came so far."""
        pushed = hosting.pushed_of(self._host)
        pushed.ids.clear()
        pushed.texts.clear()
        return True

    def hasten(self) -> bool:
        """Have observers write what they gathered; whether nothing waits."""
        for observing in self._host.observing:
            observing.hasten()
        return all(observing.idle for observing in self._host.observing)

    def settle(self) -> bool:
        """Set the collector as `waddlebot run` sets it when all is up."""
        gc.collect()
        memory.settle()
        return True


async def serve(names: list[str]) -> None:
    """Run modules and answer until nobody asks any more."""
    variables = dict(os.environ)
    host = Host(load(variables), variables, names, manifests())
    member, encode = Member(host), msgspec.json.Encoder().encode
    questions = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    await host.start()
    try:
        while question := (await questions.readline()).decode().strip():
            answer: Callable[[], object] = getattr(member, question)
            sys.stdout.buffer.write(encode(answer()) + b"\n")
            sys.stdout.buffer.flush()
    finally:
        await host.stop()


def main() -> None:
    """Read the names of the modules, and run them."""
    parser = argparse.ArgumentParser(description="Run some modules of a bot, and tell about them.")
    parser.add_argument("modules", nargs="+")
    hosting.run(lambda: serve(parser.parse_args().modules))


if __name__ == "__main__":
    main()
