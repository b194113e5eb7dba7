"""Words and options of a command's text."""

import pytest

from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.options import Word, switch, value_of, word_at


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("", None),
        ("  \t ", None),
        ("  one two", Word("one", 5)),
        ('"one two" three', Word("one two", 9, quoted=True)),
        (r'"say \"x\\y\"" z', Word(r'say "x\y"', 14, quoted=True)),
        ('"one"two', Word('"one"two', 8)),
        ('"open', Word('"open', 5)),
        ("-cd=30 x", Word("-cd=30", 6, option="cd", value="30")),
        ("--Level vip", Word("--Level", 7, option="level")),
        ("-a==b", Word("-a==b", 5, option="a", value="=b")),
        ("-in= x", Word("-in=", 4, option="in", value="")),
        ('"-cd=30"', Word("-cd=30", 8, quoted=True)),
        ("-5", Word("-5", 2)),
        ("-wow-", Word("-wow-", 5)),
        ("-", Word("-", 1)),
    ],
)
def test_a_word_is_plain_quoted_or_looks_like_an_option(raw: str, word: Word | None) -> None:
    assert word_at(raw) == word


@pytest.mark.parametrize(
    ("raw", "wants", "value", "rest"),
    [
        ("-cd=30 x", "seconds", "30", " x"),
        ("-cd 30 x", "seconds", "30", " x"),
        ('-in "a b" x', "a place", "a b", " x"),
        ("-priority -5", "a number", "-5", ""),
        ("-enable x", "", "", " x"),
    ],
)
def test_an_options_value_is_joined_or_follows(raw: str, wants: str, value: str, rest: str) -> None:
    option = word_at(raw)
    assert option is not None
    found, end = value_of(option, raw, wants)
    assert (found, raw[end:]) == (value, rest)


def test_an_option_without_its_value_says_what_it_wants() -> None:
    option = word_at("-cd  ")
    assert option is not None
    with pytest.raises(Refusal, match="-cd needs a value: seconds"):
        value_of(option, "-cd  ", "seconds")


def test_a_switch_is_on_or_off() -> None:
    assert [switch(text) for text in ("on", "Yes", "off", "FALSE")] == [True, True, False, False]
    with pytest.raises(Refusal, match="on or off, not maybe"):
        switch("maybe")
