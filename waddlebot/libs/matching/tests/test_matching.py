import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.matching import Kind, Matcher, Matchers, PatternError, check_pattern


def hits(kind: Kind, pattern: str, text: str, case_sensitive: bool = False) -> bool:
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
        ("word", "hi", "hi_hi hi", False, True),
        ("contains", "straße", "HAUPTSTRASSE", False, True),
        ("exact", "straße", "STRASSE", False, True),
        ("regex", r"https?://\S+", "see HTTP://x.y", False, True),
        ("regex", r"^\d+$", "12a", False, False),
        ("*", "", "anything", False, True),
        ("contains", "a", "", False, False),
    ],
)
def test_kinds(kind: Kind, pattern: str, text: str, case_sensitive: bool, found: bool) -> None:
    assert hits(kind, pattern, text, case_sensitive) is found


def test_order_and_every_line() -> None:
    matcher = Matcher([("contains", "b", False), ("*", "", False), ("contains", "a", False)])
    assert list(matcher.match("ab")) == [0, 1, 2]
    assert list(matcher.match("zz")) == [1]


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"(a)\1", r"(?<!x)y", "(", "a{2000}", "[z-a]", "\ud800"])
def test_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(PatternError, match="pattern"):
        check_pattern("regex", pattern)


@pytest.mark.parametrize(("kind", "pattern"), [("contains", "bad"), ("word", "bad"), ("regex", "bad.?")])
def test_half_a_character_in_a_text_hides_nothing(kind: Kind, pattern: str) -> None:
    matcher = Matcher([(kind, pattern, False)])
    assert list(matcher.match("bad \ud83d")) == [0]
    assert list(matcher.match("good \ud83d")) == []


def test_a_deadly_pattern_is_harmless() -> None:
    matcher = Matcher([("regex", "(a+)+$", False)])
    assert list(matcher.match("a" * 4_000 + "b")) == []


def test_few_and_many_literals_agree() -> None:
    rules: list[tuple[Kind, str, bool]] = [
        ("word" if n % 3 else "contains", f"ab{n}", n % 2 == 0) for n in range(60)
    ]
    many, few = Matcher(rules), [Matcher(rules[n : n + 20]) for n in (0, 20, 40)]
    for text in ("AB7 ab8", "xab9x", "ab59", "Ab30 ab3", ""):
        assert list(many.match(text)) == [n + 20 * part for part, m in enumerate(few) for n in m.match(text)]


def test_expressions_too_big_for_one_set_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.libs.matching.sets._SET_BYTES_MAX", 16 << 20)
    rules: list[tuple[Kind, str, bool]] = [("regex", rf"x{n}\pL{{20}}\pN{{20}}", False) for n in range(20)]
    assert list(Matcher(rules).match("x19" + "a" * 20 + "1" * 20)) == [19]


def test_ten_thousand_patterns_find_each() -> None:
    patterns: list[tuple[Kind, str, bool]] = [("contains", f"needle{n}x", False) for n in range(10_000)]
    matcher = Matcher(patterns)
    for n in range(0, 10_000, 997):
        assert list(matcher.match(f"hay needle{n}x hay")) == [n]


def test_equal_sets_are_shared_and_old_ones_dropped() -> None:
    matchers = Matchers(patterns_max=2)
    first = matchers.get([("contains", "a", False)])
    assert matchers.get([("contains", "a", False)]) is first
    matchers.get([("contains", "b", False)])
    matchers.get([("contains", "c", False)])
    assert len(matchers) == 2
    assert matchers.get([("contains", "a", False)]) is not first


@given(st.text(min_size=1, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_contains_agrees_with_python(needle: str, before: str, after: str) -> None:
    text = before + needle + after
    assert list(Matcher([("contains", needle, True)]).match(text)) == [0]


@given(st.text(max_size=60), st.text(max_size=60))
def test_checking_never_raises_anything_else(pattern: str, text: str) -> None:
    try:
        check_pattern("regex", pattern)
    except PatternError:
        return
    Matcher([("regex", pattern, False)]).match(text)
