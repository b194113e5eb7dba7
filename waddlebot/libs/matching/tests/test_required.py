import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.matching import Matcher
from waddlebot.libs.matching.required import required_text

PIECES = (
    "free", "Nitro", " ", "a", "K", "s", "\\b", "\\W+", "\\d{1,4}", ".", "[a-z]", "[]x]", "[^]|]", "[[:alpha:]|]",
    "\\.", "(free|gift)", "(?:nitro )?", "(?i)", "(a(b)c)", "x*", "xy?", "ab+", "w{2}", "w{,2}", "|", "^", "$",
    "\\x41", "\\pL", "\\Qa|b\\E", "(\\Q)\\E)", "\\(", "é",
)  # fmt: skip
WORDS = (
    "free", "nitro", "NITRO", "gift", " ", "a", "b", "K", "ſ", "x", "ww", "w{,2}", ".", "A", "|", "(", ")", "É",
    "7",
)  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\bfree\W+(?:new )?Nitro\d{1,4}", "nitro"),
        ("free nitro", "free nitro"),
        ("colou?r", "colo"),
        ("hello+", "hello"),
        ("hell[o0]w", "hell"),
        ("(?:discord|steam)gift", "gift"),
        ("free|nitro", ""),
        ("fr.e", ""),
        ("(unclosed", ""),
        ("[unclosed", ""),
        ("[[:alpha:", ""),
        ("x{unclosed", ""),
        (r"\Qfree|nitro\E", ""),
        (r"(\Q)\E)nitro", ""),
    ],
)
def test_what_any_match_must_hold(pattern: str, text: str) -> None:
    assert required_text(pattern) == text


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.lists(st.sampled_from(WORDS), max_size=12), st.booleans())
def test_no_match_is_missed(pieces: list[str], words: list[str], case_sensitive: bool) -> None:
    pattern, text = "".join(pieces), "".join(words)
    options = re2.Options()
    options.log_errors = False
    try:
        expected = re2.compile(f"(?s{'' if case_sensitive else 'i'})(?:{pattern})", options).search(text)
    except re2.error:
        return
    assert bool(Matcher([("regex", pattern, case_sensitive)]).match(text)) == (expected is not None)
