"""Typed arguments of commands."""

import inspect
import re
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
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


def typed(hint: Any, default: Any = inspect.Parameter.empty) -> Any:
    """A handler with one argument of this type."""

    async def handler(ctx: Any, it: Any) -> None: ...

    handler.__annotations__["it"] = hint
    handler.__defaults__ = None if default is inspect.Parameter.empty else (default,)
    return handler


type Switch = Literal["on", "off"]


@pytest.mark.parametrize(
    ("hint", "raw", "found"),
    [
        (Annotated[int, Field("", at_least=1)] | None, "", None),
        (Annotated[int, Field("", at_least=1)] | None, "2", 2),
        (Switch, "on", "on"),
        (Literal[1, 2], "2", 2),
        (Annotated[Seconds, Field("", at_most=60)], "1m", 60.0),
        (Annotated[Login, Field("", length_max=3)], "@ANN", "ann"),
        (Rest, '  "quotes" stay  ', '"quotes" stay'),
        (str, r'"a\\b\c"', "a\\bc"),
        (str, '"\u3000"', "\u3000"),
        (str, "\u3000x\u2003", "x"),
    ],
)
def test_types_of_every_shape(hint: Any, raw: str, found: Any) -> None:
    assert values(typed(hint), raw) == [found]


@pytest.mark.parametrize(
    ("hint", "raw", "words"),
    [
        (Annotated[int, Field("", at_least=1)] | None, "0", "it is at least 1, not 0. Usage: usage"),
        (Annotated[Seconds, Field("", at_most=60)], "2m", "it is at most 60, not 120.0. Usage: usage"),
        (Annotated[Login, Field("", length_max=3)], "anna", "it has at most 3 characters, not 4. Usage: usage"),
        (Switch, "up", "it takes on or off, not 'up'. Usage: usage"),
        (int, "9" * 40, "it is too large a number. Usage: usage"),
        (int, "one two", "it takes a whole number, not 'one'. Usage: usage"),
        (str, '"a"b', "Usage: usage"),
        (Rest, "   ", "Usage: usage"),
    ],
)
def test_refusals_say_what_fits_and_how_it_is_used(hint: Any, raw: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        values(typed(hint), raw)
    assert refused.value.text == words


HINTS: list[Any] = [
    str, int, float, bool, Login, Rest, Seconds, Switch, Literal["a", "b"], Literal[1, 2], str | None, int | None,
    Rest | None, Annotated[int, Field("", at_least=-5, at_most=5)], Annotated[Rest, Field("", length_max=5)],
    Annotated[Seconds, Field("", at_most=60)] | None, Annotated[str, Field("", choices=("a", "b"))],
]  # fmt: skip
LINES = st.text(st.characters() | st.sampled_from('"\\ @19ahms.-e\t\n')) | st.from_regex(r"-?[0-9]{1,400}")


@given(st.sampled_from(HINTS), LINES)
@example(int, "1" * 400)
@example(int, "1e400")
@example(float, "1e400")
@example(bool, "\x00")
@example(Seconds, "9" * 30 + "w")
def test_whatever_is_typed_only_a_usage_error_comes_of_it(hint: Any, raw: str) -> None:
    arguments = arguments_of(typed(hint))
    try:
        found = parse(arguments, raw, "usage")
    except UsageError as refused:
        shown = refused
    else:
        assert len(found) == 1
        return
    assert shown.text.endswith("Usage: usage")


@given(st.text(st.characters() | st.sampled_from("0123456789wdhms"), max_size=40))
def test_any_word_is_a_duration_or_a_value_error(word: str) -> None:
    try:
        seconds = parse_duration(word)
    except ValueError:
        return
    assert 0 <= seconds <= 10 * 365 * 86_400


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("90", 90), ("0", 0), ("5M", 300), ("1h30m", 5_400), ("2d", 172_800), ("1w", 604_800), ("1h30", 3_630)],
)
def test_durations_as_people_write_them(word: str, seconds: float) -> None:
    assert parse_duration(word) == seconds


def test_ten_years_are_the_longest_duration() -> None:
    assert parse_duration("3650d") == 315_360_000
    with pytest.raises(ValueError, match="3650d1s"):
        parse_duration("3650d1s")


@pytest.mark.parametrize(
    ("hint", "default", "usage"),
    [
        (Literal[1, 2], inspect.Parameter.empty, "1|2"),
        (Switch | None, inspect.Parameter.empty, "[on|off]"),
        (Annotated[str, Field("", choices=("a", "b"))], "a", "[a|b]"),
        (Annotated[int, Field("", at_least=1)] | None, None, "[it]"),
        (Annotated[Rest, Field("The text.")], inspect.Parameter.empty, "<it…>"),
    ],
)
def test_usage_of_every_shape(hint: Any, default: Any, usage: str) -> None:
    assert arguments_of(typed(hint, default))[0].usage == usage


def test_a_name_of_two_words_is_shown_as_two() -> None:
    async def handler(ctx: Any, user_name: Login) -> None: ...

    assert arguments_of(handler)[0].usage == "<user name>"


def test_arguments_that_no_line_can_fill_are_refused() -> None:
    async def keyword(ctx: Any, *, count: int) -> None: ...
    async def several(ctx: Any, *words: str) -> None: ...
    async def named(ctx: Any, **words: str) -> None: ...
    async def late(ctx: Any, count: int | None, name: str) -> None: ...

    for handler in (keyword, several, named):
        with pytest.raises(TypeError, match=r"cannot be passed by position"):
            arguments_of(handler)
    with pytest.raises(TypeError, match="name is required, so it cannot follow the optional count"):
        arguments_of(late)
