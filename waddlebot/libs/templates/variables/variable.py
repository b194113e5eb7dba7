"""What a variable is: one entry of the catalogue."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from waddlebot.libs.templates.ports import Service
from waddlebot.libs.templates.scope import Scope

VALUE_MAX = 5_000
"""Longest value of one variable in characters; the rest is cut."""

UNKNOWN = "unknown"
"""Shown for what a platform does not tell."""

NOT_LIVE = "not live"
"""Shown for what only a live stream has. (StreamElements' word for `$(channel.viewers)`.)"""

type Value = str | Mapping[str, str]
type Evaluate = Callable[[Scope, list[str]], str]
type Ask = Callable[[Scope, list[str]], Awaitable[Value]]


class Shape(Enum):
    """How the text after a variable's name is read."""

    NONE = auto()
    """There is none; what is there is ignored."""
    TEXT = auto()
    """As one text."""
    WORDS = auto()
    """As words; quotes keep spaces together."""
    FORMAT = auto()
    """As words, then a format with `{{field}}` in it."""
    CODE = auto()
    """As JavaScript."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. The documentation and the checks at saving time are made from these.

    Attributes:
        name: The canonical name.
        meaning: One sentence for the author of a template.
        evaluate: Gives the value at once; arguments arrive as text with all variables filled in.
        ask: Gives the value by asking services; a Mapping holds the fields of a format. One of both is set.
        native, nightbot, streamelements: Names accepted in each dialect, parted by spaces.
        shape: How its arguments are read.
        needs: The services it asks.
        dotted: Whether `name.arguments` means `name arguments`.
        fields: Fields that a format may name.
        format: The format used when none is given.
        check: Says what is wrong with arguments that hold no variables, or nothing; asked at saving time.
        value_max: Longest value in characters.
    """

    name: str
    meaning: str
    evaluate: Evaluate | None = None
    ask: Ask | None = None
    native: str = ""
    nightbot: str = ""
    streamelements: str = ""
    shape: Shape = Shape.NONE
    needs: frozenset[Service] = frozenset()
    dotted: bool = False
    fields: frozenset[str] = frozenset()
    format: str = ""
    check: Callable[[list[str]], str] | None = None
    value_max: int = VALUE_MAX


def absent(service: Service) -> RuntimeError:
    """The error of a host that renders a template without checking `Template.needs`."""
    return RuntimeError(f"The template needs the service {service.value!r}, which this scope does not have.")
