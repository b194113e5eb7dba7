"""One file for each door.

A target has `check(data)`, which lets the door have the bytes and raises where a property does not hold; `DOOR`,
the modules whose lines count as covered; `SIZE_MAX`, the longest input in bytes; `SEEDS`, inputs to begin with;
and `WORDS`, which the fuzzer puts into inputs.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol, cast


class Target(Protocol):
    """What each module of this package is."""

    DOOR: Sequence[str]
    SIZE_MAX: int
    SEEDS: Sequence[bytes]
    WORDS: Sequence[str]

    def check(self, data: bytes) -> None:
        """Let the door have the bytes. Raises where a property does not hold."""


def close(target: Target) -> None:
    """Give back what a target holds, where it holds something: then it has a function `close`."""
    getattr(target, "close", lambda: None)()


def names() -> list[str]:
    """All targets."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Target:
    """A target by its name."""
    return cast("Target", importlib.import_module(f"{__name__}.{name}"))
