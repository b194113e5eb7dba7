"""Generated sets of string rules: 40 % contains, 30 % word, 20 % exact, 10 % regex, as moderators mix them.

The patterns look like spam (a common word beside an invented one), so that a matcher has to look twice at ordinary
chat, yet no ordinary text of the corpus matches. To see that a matcher works, plant `Rule.example`s in the corpus.
"""

import random
from collections.abc import Callable
from typing import Literal, NamedTuple

from benchmarks import vocabulary

type Kind = Literal["contains", "word", "exact", "regex"]

TENTHS: dict[Kind, int] = {"contains": 4, "word": 3, "exact": 2, "regex": 1}


class Rule(NamedTuple):
    """A pattern, how it is meant, and a whole text that it catches."""

    kind: Kind
    pattern: str
    example: str


def rule_set(count: int, seed: int = 1) -> list[Rule]:
    """Return `count` different rules of all kinds, mixed; `seed` tells one community's set from another's."""
    rng = random.Random(seed)
    makers: dict[Kind, Callable[[str, str], tuple[str, str]]] = {
        "contains": lambda common, rare: (f"{common} {rare}", f"so {common} {rare}s now"),
        "word": lambda common, rare: (rare, f"{common}, {rare}!"),
        "exact": lambda common, rare: (f"{common} {rare} {common}", f"{common} {rare} {common}"),
        "regex": lambda common, rare: (rf"\b{common}\W+(?:free )?{rare}\d{{1,4}}", f"{common} - free {rare}42"),
    }
    kinds = [kind for kind, tenths in TENTHS.items() for _ in range(tenths)]
    rules = []
    for number, rare in enumerate(vocabulary.invented(rng, count, 5)):
        kind = kinds[number % len(kinds)]
        rules.append(Rule(kind, *makers[kind](rng.choice(vocabulary.COMMON), rare)))
    rng.shuffle(rules)
    return rules


def own_sets(communities: int = 1_000, count: int = 20) -> list[list[Rule]]:
    """Return a set of `count` rules for each community, no two sets alike."""
    return [rule_set(count, seed=1_000 + number) for number in range(communities)]
