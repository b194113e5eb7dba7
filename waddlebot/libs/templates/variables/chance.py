"""Chance, numbers and repetition."""

import re
from collections.abc import Sequence

from waddlebot.libs.templates.arithmetic import ArithmeticProblem, calculate
from waddlebot.libs.templates.ports import Service
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.variables.variable import VALUE_MAX, Shape, Variable, absent

REPEAT_MAX = 50
"""Most repetitions of `$(repeat …)`."""

_RANGE = re.compile(r"(-?\d{1,15})\s*(?:-|\s|\.\.)\s*(-?\d{1,15})")


def pick(scope: Scope, items: Sequence[str]) -> str:
    """One of the items by the scope's chance, or nothing of nothing."""
    return items[int(scope.random.random() * len(items))] if items else ""


def _number(scope: Scope, args: list[str]) -> str:
    match = _RANGE.fullmatch(args[0].strip()) if args and args[0].strip() else None
    low, high = sorted((int(match[1]), int(match[2]))) if match else (1, 100)
    return str(scope.random.randint(low, high))


def _check_range(args: list[str]) -> str:
    if not args or not args[0].strip() or _RANGE.fullmatch(args[0].strip()):
        return ""
    return "This is not a range: write it like 1-100."


def _repeat(scope: Scope, args: list[str]) -> str:
    text = " ".join(args[1:])
    times = int(args[0]) if args and re.fullmatch(r"\d{1,6}", args[0]) else 0
    glue = "" if text.endswith(" ") else " "
    return glue.join([text] * min(times, REPEAT_MAX, VALUE_MAX // (len(text) + 1) + 1))[:VALUE_MAX]


def _math(scope: Scope, args: list[str]) -> str:
    try:
        return calculate(args[0])
    except ArithmeticProblem as problem:
        return str(problem)


def _check_math(args: list[str]) -> str:
    try:
        calculate(args[0])
    except ArithmeticProblem as problem:
        return str(problem)
    return ""


async def _chatter(scope: Scope, args: list[str]) -> str:
    if scope.ports.chatters is None:
        raise absent(Service.CHATTERS)
    return pick(scope, await scope.ports.chatters.names()) or scope.user.name


async def _emote(scope: Scope, args: list[str]) -> str:
    if scope.ports.emotes is None:
        raise absent(Service.EMOTES)
    return pick(scope, await scope.ports.emotes.names(""))


VARIABLES = (
    Variable(
        "random",
        "A whole number from a range such as 1-6, or from 1 to 100.",
        _number,
        native="random random.number",
        streamelements="random random.number",
        shape=Shape.TEXT,
        dotted=True,
        check=_check_range,
    ),
    Variable(
        "random.pick",
        "One of the given words; quotes keep words together.",
        pick,
        native="random.pick",
        streamelements="random.pick",
        shape=Shape.WORDS,
    ),
    Variable(
        "random.chatter",
        "Somebody who is in chat.",
        ask=_chatter,
        native="random.chatter",
        streamelements="random.chatter",
        needs=frozenset({Service.CHATTERS}),
    ),
    Variable(
        "random.emote",
        "One of the channel's emotes.",
        ask=_emote,
        native="random.emote",
        streamelements="random.emote",
        needs=frozenset({Service.EMOTES}),
    ),
    Variable(
        "repeat",
        f"A text several times (at most {REPEAT_MAX}): first how often, then the text.",
        _repeat,
        native="repeat",
        streamelements="repeat",
        shape=Shape.WORDS,
    ),
    Variable(
        "math",
        "The result of a calculation such as 2 * (3 + 4).",
        _math,
        native="math",
        streamelements="math",
        shape=Shape.TEXT,
        check=_check_math,
    ),
)
