import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.matching import Matcher, Matchers, PatternError, check_pattern


def hits(kind, pattern, text, case_sensitive=False):
    check_pattern(kind, pattern, case_sensitive)
    return list(Matcher([(kind, pattern, case_sensitive)]).match(text)) == [0]


@pytest.mark.parametrize(
    ("kind", "pattern", "text", "case_sensitive", "found"),
    [
        ("exact", "hello", "Hello", False, True),
        ("exact", "hello", "Hello", True, False),
        ("exact", "hello", "hello there", False, False),
        ("contains", "a.c", "xxa.cxx", False, True),
        ("contains", "a.c", "xxabcxx", False, False),
        ("contains", "ß", "STRASSE ß", False, True),
        ("word", "hi", "this", False, False),
        ("word", "hi", "oh, hi!", False, True),
        ("word", "été", "un été.", False, True),
        ("word", "ete", "été", False, False),
        ("word", "да", "когда", False, False),
        ("regex", r"https?://\S+", "see HTTP://x.y", False, True),
        ("regex", r"^\d+$", "12a", False, False),
        ("*", "", "anything", False, True),
        ("contains", "a", "", False, False),
    ],
)
def test_kinds(kind, pattern, text, case_sensitive, found):
    assert hits(kind, pattern, text, case_sensitive) is found


def test_order_and_every_line():
    matcher = Matcher([("contains", "b", False), ("*", "", False), ("contains", "a", False)])
    assert list(matcher.match("ab")) == [0, 1, 2]
    assert list(matcher.match("zz")) == [1]


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"(a)\1", r"(?<!x)y", "(", "a{2000}", "[z-a]", "\ud800"])
def test_refused_with_a_reason(pattern):
    with pytest.raises(PatternError, match="pattern"):
        check_pattern("regex", pattern)


def test_a_deadly_pattern_is_harmless():
    matcher = Matcher([("regex", "(a+)+$", False)])
    assert list(matcher.match("a" * 4_000 + "b")) == []


def test_ten_thousand_patterns_find_each():
    patterns = [("contains", f"needle{n}x", False) for n in range(10_000)]
    matcher = Matcher(patterns)
    for n in range(0, 10_000, 997):
        assert list(matcher.match(f"hay needle{n}x hay")) == [n]


def test_equal_sets_are_shared_and_old_ones_dropped():
    matchers = Matchers(patterns_max=2)
    first = matchers.get([("contains", "a", False)])
    assert matchers.get([("contains", "a", False)]) is first
    matchers.get([("contains", "b", False)])
    matchers.get([("contains", "c", False)])
    assert len(matchers) == 2
    assert matchers.get([("contains", "a", False)]) is not first


@given(st.text(min_size=1, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_contains_agrees_with_python(needle, before, after):
    text = before + needle + after
    assert list(Matcher([("contains", needle, True)]).match(text)) == [0]


@given(st.text(max_size=60), st.text(max_size=60))
def test_checking_never_raises_anything_else(pattern, text):
    try:
        check_pattern("regex", pattern)
    except PatternError:
        return
    Matcher([("regex", pattern, False)]).match(text)
