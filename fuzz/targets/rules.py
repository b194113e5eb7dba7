"""String rules: patterns that moderators write, on lines that chatters write."""

import re2
from waddlebot.libs.matching import Kind, Matcher, Matchers, PatternError, check_pattern

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.matching.pattern", "waddlebot.libs.matching.matcher",
)  # fmt: skip
SIZE_MAX = 1_200
TEXT_MAX = 5_000
SEEDS = (
    b"\0\0\0bad word\0This is a BAD WORD here", b"\1\0\0spam\0spam spams spam", b"\2\1\1hello\0hello",
    b"\3\0\7(a+)+$\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", b"\3\0\7(?i)https?://\\S+\0see http://x.example now",
    b"\3\1\6(x{100}){9}\0x", b"\3\0\7(.*)(.*)(.*)(.*)[^a]b\0aaaaaaa",
    b"\3\0\3\\pL+\\d{2,5}(?:a|b|c)*?\0\xc3\xa412", b"\3\0\0(?=x)\0x", b"\4\0\0\0anything",
    b"\1\0\7\xc4\xb0\0i\xcc\x87", b"\2\0\0Stra\xc3\x9fe\0STRASSE",
)  # fmt: skip
WORDS = (
    "(", ")", "(?:", "(?i)", "(?s)", "(?P<n>", "[", "]", "[^", "[[:alpha:]]", "\\pL", "\\b", "\\d", "\\S+",
    "{1,1000}", "{1000}", "*", "+", "?", "*?", "|", "^", "$", ".", "\\x{10ffff}", "\\Q", "\\E", "\\C", "ß", "İ",
    "ı", "ſ", "K", "\u0345",
)  # fmt: skip

_KINDS: tuple[Kind, ...] = ("contains", "word", "exact", "regex", "*")
_OTHERS: tuple[tuple[Kind, str, bool], ...] = (
    ("contains", "free followers", False), ("regex", r"\bbuy\W+now\d{1,4}", False), ("word", "Ann", True),
)  # fmt: skip


def check(data: bytes) -> None:
    """A pattern is refused with a reason or matched as its kind says, in time that grows with the line alone."""
    given = Input(data)
    kind: Kind = given.choice(_KINDS)
    sensitive = bool(given.byte() & 1)
    pattern, text = Input(data[3:]).texts(2)
    text = given.long(text, TEXT_MAX)
    try:
        check_pattern(kind, pattern, sensitive)
    except PatternError as error:
        assert str(error).endswith("."), error
        return
    rule = (kind, pattern, sensitive)
    alone = list(Matcher([rule]).match(text)) == [0]
    assert alone == _meant(kind, pattern, sensitive, text), rule
    together = Matchers().get([*_OTHERS, rule])
    found = list(together.match(text))
    assert found == sorted(set(found)), found
    assert (3 in found) == alone, rule
    assert [position for position in found if position < 3] == list(Matcher(_OTHERS).match(text))


def _meant(kind: Kind, pattern: str, sensitive: bool, text: str) -> bool:
    """What the kind says, without the matcher's means."""
    if kind == "regex":
        options = re2.Options()
        options.case_sensitive = sensitive
        options.dot_nl = True
        options.log_errors = False
        return re2.search(f"(?:{pattern})", text, options) is not None
    if not sensitive:
        pattern, text = pattern.casefold(), text.casefold()
    match kind:
        case "*":
            return True
        case "exact":
            return pattern == text
        case "contains":
            return pattern in text
        case _:
            starts = [at for at in range(len(text)) if text.startswith(pattern, at)]
            return any(not _wordy(text[:at][-1:]) and not _wordy(text[at + len(pattern) :][:1]) for at in starts)


def _wordy(character: str) -> bool:
    return character.isalnum() or character == "_"
