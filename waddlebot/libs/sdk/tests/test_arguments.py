"""Typed arguments of commands."""

import re
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk.arguments import (
    Login,
    Rest,
    Seconds,
    UsageError,
    arguments_of,
    parse,
    parse_duration,
)
from waddlebot.libs.sdk.fields import Field

_AT_ONCE = Seconds(0.0)


async def add(ctx: Any, name: str, count: int = 1, text: Rest | None = None) -> None: ...
async def so(ctx: Any, streamer: Login, wait: Seconds = _AT_ONCE) -> None: ...
async def play(
    ctx: Any,
    side: Annotated[str, Field("Which.", choices=("heads", "tails"))],
    how: Literal["fast", "slow"] = "fast",
    stake: Annotated[float, Field("How much.", at_least=10, at_most=100)] = 10.0,
    sure: bool = False,
) -> None: ...
async def say(ctx: Any, text: Annotated[Rest, Field("What.", length_max=10)]) -> None: ...


def values(handler: Any, raw: str) -> list[Any]:
    return parse(arguments_of(handler), raw, "usage")


@pytest.mark.parametrize(
    ("handler", "raw", "found"),
    [
        (add, "x", ["x", 1, None]),
        (add, "  x   5  all the   rest ", ["x", 5, "all the   rest"]),
        (add, '"two words" 2', ["two words", 2, None]),
        (add, r'"say \"hi\"" 2', ['say "hi"', 2, None]),
        (add, '"" 2', ["", 2, None]),
        (add, '"open 2', ['"open', 2, None]),
        (so, "@Ann", ["ann", 0.0]),
        (so, "ANN 1h30m", ["ann", 5_400.0]),
        (play, "heads", ["heads", "fast", 10.0, False]),
        (play, "tails slow 99.5 true", ["tails", "slow", 99.5, True]),
        (say, "ten chars!", ["ten chars!"]),
    ],
)
def test_what_is_understood(handler: Any, raw: str, found: list[Any]) -> None:
    assert values(handler, raw) == found


@pytest.mark.parametrize(
    ("handler", "raw", "words"),
    [
        (add, "", "Usage: usage"),
        (add, "x one", "count takes a whole number"),
        (so, "", "Usage"),
        (so, "@", "Usage"),
        (so, "ann soon", "wait is a time such as 90, 5m or 1h30m"),
        (so, "ann 5m extra", "Usage"),
        (play, "edge", "side is one of heads, tails"),
        (play, "heads quick", "how takes fast or slow"),
        (play, "heads fast 9", "stake is at least 10"),
        (play, "heads fast 101", "stake is at most 100"),
        (play, "heads fast nan", "stake takes a number"),
        (play, "heads fast 50 perhaps", "sure takes true or false"),
        (say, "", "Usage"),
        (say, "eleven chars", "at most 10 characters"),
    ],
)
def test_what_is_refused_says_why(handler: Any, raw: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        values(handler, raw)


@given(st.text())
def test_any_text_is_parsed_or_refused(raw: str) -> None:
    for handler in (add, so, play, say):
        try:
            found = values(handler, raw)
        except UsageError:
            continue
        assert len(found) == len(arguments_of(handler))


@given(st.lists(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1), min_size=1, max_size=5))
def test_quoted_words_come_back_as_they_are(words: list[str]) -> None:
    async def handler(ctx: Any, a: str, b: str = "", c: str = "", d: str = "", e: str = "") -> None: ...

    quoted = ['"' + word.replace("\\", r"\\").replace('"', r"\"") + '"' for word in words]
    assert values(handler, " ".join(quoted))[: len(words)] == words


@given(st.integers(0, 4), st.integers(0, 6), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_durations_add_up(w: int, d: int, h: int, m: int, s: int) -> None:
    assert parse_duration(f"{w}w{d}d{h}h{m}m{s}s") == (((w * 7 + d) * 24 + h) * 60 + m) * 60 + s


@pytest.mark.parametrize("word", ["", "m", "5x", "-5", "1.5h", "5m5m", "9" * 31, "999999999h", "٣m"])
def test_what_is_no_duration(word: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(word)}$"):
        parse_duration(word)


def test_usage_shows_each_argument() -> None:
    shown = [argument.usage for handler in (add, so, play) for argument in arguments_of(handler)]
    assert shown == [
        "<name>", "[count]", "[text…]", "<streamer>", "[wait]", "heads|tails", "[fast|slow]", "[stake]", "[sure]",
    ]  # fmt: skip


def test_declarations_that_cannot_be_parsed_are_refused() -> None:
    async def untyped(ctx: Any, name) -> None: ...  # type: ignore[no-untyped-def]  # it is what is refused
    async def greedy(ctx: Any, text: Rest, more: str) -> None: ...

    with pytest.raises(TypeError, match="name has no type"):
        arguments_of(untyped)
    with pytest.raises(TypeError, match="nothing can follow"):
        arguments_of(greedy)
