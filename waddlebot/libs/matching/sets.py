"""Many RE2 expressions as one automaton."""

from collections.abc import Callable, Sequence
from typing import Any

import re2

_SET_BYTES_MAX = 64 << 20  # the default 8 MB cannot hold 10,000 patterns


class ExpressionSet:
    """An RE2 Set and how many patterns it holds.

    Its inner ``Match`` takes the bytes as they are: the public one looks at the type of its argument and of
    its answer in Python, which takes a quarter of the time of a match.
    """

    __slots__ = ("Match", "size")

    def __init__(self, compiled: Any, size: int) -> None:
        self.Match: Callable[[bytes], Any] = compiled._set.Match
        self.size = size


def expression_sets(sources: Sequence[str]) -> list[ExpressionSet]:
    """The sources as few sets; one that is too big for its memory becomes two. Raises ``re2.error``."""
    if not sources:
        return []
    options = re2.Options()
    options.max_mem = _SET_BYTES_MAX
    options.log_errors = False
    compiled = re2.Set.SearchSet(options)
    for source in sources:
        compiled.Add(source)
    try:
        compiled.Compile()
    except re2.error:
        if len(sources) == 1:
            raise
        half = len(sources) // 2
        return expression_sets(sources[:half]) + expression_sets(sources[half:])
    return [ExpressionSet(compiled, len(sources))]
