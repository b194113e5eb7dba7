"""What every peer's script shares: its options, its texts, the clock, and the proof that each handler ran."""

import argparse
import gc
import importlib.metadata
import json
import time
from collections import Counter
from collections.abc import Iterator

from benchmarks import corpus, machine

PREFIX = "!"


class Drive:
    """One run of one peer: a script registers `names`, and gives every text of `texts()` to its dispatcher."""

    def __init__(self, package: str) -> None:
        """Read the command line, and keep the process on one core."""
        parser = argparse.ArgumentParser(description=f"Measure the command dispatch of {package}.")
        parser.add_argument("--commands", type=int, default=30, help="commands to register")
        parser.add_argument("--seconds", type=float, default=2.0, help="how long to push messages")
        parser.add_argument("--threads", action="store_true", help="let errbot's thread pool run the handlers")
        options = parser.parse_args()
        machine.pin()
        self.package = package
        self.names = corpus.command_names(options.commands)
        self.seconds: float = options.seconds
        self.threads: bool = options.threads
        self._pushed: Counter[str] = Counter()
        self._handled: list[str] = []  # lists, because += from several threads loses counts
        self._replies: list[str] = []
        self._started = 0.0

    def handle(self, name: str) -> str:
        """Do what every handler does: count the call, and make a reply."""
        self._handled.append(name)
        return f"{name} done"

    def sink(self, reply: str) -> None:
        """Take a reply in place of the network."""
        self._replies.append(reply)

    def texts(self) -> Iterator[str]:
        """Yield command lines until the time is over; the clock starts with the first."""
        lines = corpus.Corpus(lines=20_000, prefix=PREFIX, command_names=self.names, command_share=1.0)
        said = [(message.text, message.command) for message in lines]
        gc.collect()
        self._started = time.perf_counter()
        deadline = self._started + self.seconds
        while True:
            for text, name in said:
                if time.perf_counter() >= deadline:
                    return
                self._pushed[name] += 1
                yield text

    def report(self) -> None:
        """Print the figures as JSON, when all handlers are done. Raises `RuntimeError` if one did not run."""
        elapsed_s = time.perf_counter() - self._started
        checked = len(self._handled)
        if not checked or Counter(self._handled) != self._pushed or len(self._replies) != checked:
            pushed, replies = self._pushed.total(), len(self._replies)
            raise RuntimeError(f"{self.package}: {pushed} commands pushed, {checked} handled, {replies} replies")
        result = {
            "peer": self.package,
            "version": importlib.metadata.version(self.package),
            "commands": len(self.names),
            "per_s": checked / elapsed_s,
            "checked": checked,
        }
        print(json.dumps(result))
