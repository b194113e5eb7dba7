"""Text: clean, split, and never a command by accident."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import split_graphemes

from waddlebot.libs.irc.message import build_line, parse_line, split_lines
from waddlebot.libs.irc.text import (
    build_ctcp,
    parse_ctcp,
    sanitise,
    split_text,
    strip_formatting,
)

MARK = "» "


def mark(text: str) -> str:
    return MARK + text if text.lstrip()[:1] in ("/", ".", "!") else text


chat = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300) | st.text(
    "ab /.!é👍🏽👨‍👩‍👧 ", max_size=300
)


@given(st.text(max_size=200))
def test_any_text_becomes_one_line_and_no_ctcp(text: str) -> None:
    clean = sanitise(text)
    (line,) = split_lines(build_line("PRIVMSG", "#c", clean).encode() + b"\r\n")
    message = parse_line(line)
    assert message.params == ("#c", clean)
    assert parse_ctcp(clean) is None
    assert len(clean.splitlines()) <= 1 or set("\x1c\x1d\x1e") & set(clean)  # those are IRC's text styles
    clean.encode()


def test_line_ends_become_spaces() -> None:
    assert sanitise("a\r\nb\nc\rd\u2028e\x85f\0g\x01h") == "a b c d e fgh"


@given(chat, st.integers(20, 120), st.integers(1, 6), st.booleans())
def test_parts_fit_and_say_what_the_text_says(text: str, size_max: int, parts_max: int, in_bytes: bool) -> None:
    text = sanitise(text)
    parts = split_text(text, size_max, parts_max=parts_max, in_bytes=in_bytes, guard=mark)
    assert len(parts) <= parts_max
    assert all((len(part.encode()) if in_bytes else len(part)) <= size_max for part in parts)
    assert not any(part.lstrip()[:1] in ("/", ".", "!") for part in parts)
    said = "".join(parts).replace("»", "").replace(" ", "")
    whole = text.replace("»", "").replace(" ", "")
    assert said == whole or (parts[-1].endswith("…") and whole.startswith(said[:-1]))


@given(st.text("👍🏽👨‍👩‍👧é🇩🇪ab", min_size=1, max_size=200))
def test_a_grapheme_is_never_cut(text: str) -> None:
    parts = split_text(text, 60, parts_max=100, in_bytes=True, guard=str)
    assert "".join(parts) == text
    whole_ends = {end for _, end, _ in split_graphemes(text)[0]}
    at = 0
    for part in parts:
        at += len(part)
        assert at in whole_ends


def test_words_are_kept_whole() -> None:
    assert split_text("one two three", 8, parts_max=3, in_bytes=True, guard=str) == ["one two", "three"]
    assert split_text("one two three four", 9, parts_max=2, in_bytes=True, guard=str) == ["one two", "three…"]
    assert split_text("x" * 20, 8, parts_max=3, in_bytes=True, guard=str) == ["x" * 8, "x" * 8, "x" * 4]
    assert split_text("", 8, parts_max=3, in_bytes=True, guard=str) == []


def test_a_mark_does_not_stand_alone_before_a_word_that_fits_nowhere() -> None:
    def marked(text: str) -> str:
        return f"» {text}" if text[:1] == "!" else text

    parts = split_text("!" + "x" * 20, 10, parts_max=5, in_bytes=False, guard=marked)
    assert parts == ["» !xxxxxxx", "xxxxxxxxxx", "xxx"]


def test_what_is_no_command_as_a_whole_is_none_when_it_is_cut() -> None:
    def marked(text: str) -> str:
        return f"» {text}" if text[:1] == "*" and "*" not in text[1:] else text

    parts = split_text("*play that song* again", 12, parts_max=5, in_bytes=False, guard=marked)
    assert parts == ["» *play that", "song* again"]


def test_what_a_guard_takes_out_makes_room_for_no_command() -> None:
    def cleaned(text: str) -> str:
        text = text.lstrip("_")
        return f"» {text}" if text[:1] == "!" else text

    assert split_text("word ______!so ann", 6, parts_max=5, in_bytes=False, guard=cleaned) == [
        "word",
        "» !so",
        "ann",
    ]
    assert split_text("word ____", 5, parts_max=5, in_bytes=False, guard=cleaned) == ["word"]


def test_a_word_of_combining_marks_without_end_is_cut_all_the_same() -> None:
    zalgo = "a" + "\u0301" * 1000
    parts = split_text(zalgo, 100, parts_max=3, in_bytes=True, guard=str)
    assert len(parts) == 3
    assert all(len(part.encode()) <= 100 for part in parts)
    assert unicodedata.normalize("NFC", parts[0])[0] == "á"


def test_every_part_is_neutralised_and_only_the_first_may_be_spared() -> None:
    assert split_text("aaaaaa /ban b", 9, parts_max=3, in_bytes=True, guard=mark) == ["aaaaaa", MARK + "/ban b"]
    assert split_text("/me aaaa /ban b", 12, parts_max=3, in_bytes=True, guard=mark, may_command=True) == [
        "/me aaaa",
        MARK + "/ban b",
    ]


def test_formatting_is_stripped() -> None:
    assert strip_formatting("\x0304,01\x02!he\x0flp\x03 5\x04ff0000x\x1d") == "!help 5x"
    assert strip_formatting("plain") == "plain"


def test_ctcp_is_read_and_built() -> None:
    assert parse_ctcp("\x01ACTION waves\x01") == ("ACTION", "waves")
    assert parse_ctcp("\x01version\x01") == ("VERSION", "")
    assert parse_ctcp("\x01") == ("", "")
    assert parse_ctcp("hello") is None
    assert build_ctcp("ACTION", "a\r\nb\x01") == "\x01ACTION a b\x01"
    assert build_ctcp("VERSION") == "\x01VERSION\x01"
