"""What a template's author is told."""

from dataclasses import dataclass
from enum import StrEnum


class TemplateError(ValueError):
    """A text that cannot be a template at all; the only error that `compile_template` raises.

    Attributes:
        position: Where in the text, counted in characters from 0.
        advice: What to do about it.
    """

    def __init__(self, position: int, advice: str) -> None:
        super().__init__(f"At character {position + 1}: {advice}")
        self.position = position
        self.advice = advice


class ProblemKind(StrEnum):
    """Why a part of a template deserves a look. All but `RAW` and `VALUE` leave that part as literal text."""

    UNKNOWN = "unknown"
    UNCLOSED = "unclosed"
    UNAVAILABLE = "unavailable"
    MISSING = "missing"
    VALUE = "value"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a template, shown when it is saved or imported.

    Attributes:
        position: Where in the text, counted in characters from 0.
        kind: What sort of finding.
        name: The variable as written.
        advice: What it means and what to do.
        nearest: The known name that looks most like it; empty if none does.
    """

    position: int
    kind: ProblemKind
    name: str
    advice: str
    nearest: str = ""
