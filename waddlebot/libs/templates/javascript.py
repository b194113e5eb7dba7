"""Values into JavaScript: as data, wherever in the program they land.

Nightbot pastes values raw into `$(eval …)`, so a chatter can run code (its own documentation warns of it). Here a
value inside a string, template, regular expression or comment is escaped, and elsewhere becomes a string
literal or a number. Only `$(urlfetch json URL)` outside of strings is raw: people keep their programs at URLs,
on purpose.
"""

import re
from enum import Enum, auto

SOURCE_MAX = 131_072
"""Longest program in characters, values included."""

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_SPECIAL = re.compile(r"[^A-Za-z0-9 _]")

_LEXEME = re.compile(
    r"""(?P<comment>//|/\*) | (?P<quote>['"`]) | (?P<slash>/) | (?P<open>\{) | (?P<close>\})
    | (?P<word>[\w$]+) | (?P<space>\s+) | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
# After these words a slash begins a regular expression, not a division.
_BEFORE_REGEX = frozenset(
    ("return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "instanceof", "yield")
)


class Mode(Enum):
    """How a value is inserted."""

    QUOTED = auto()
    """Inside something quoted: every special character as an escape."""
    CODE = auto()
    """Among code: a number, or a string literal."""
    RAW = auto()
    """As it is."""


def insert(value: str, mode: Mode) -> str:
    """The text that stands for a value in a program."""
    if mode is Mode.RAW:
        return value
    if mode is Mode.QUOTED:
        return _SPECIAL.sub(_escape, value)
    if _NUMBER.fullmatch(value):
        return f"({value})" if value[0] == "-" else value
    return f'"{_SPECIAL.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    # The same escape works in strings of all three kinds, in regular expressions, and ends no comment.
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class Lexer:
    """Follows a program through its pieces and says whether the place reached is inside something quoted.

    A division is told from a regular expression by what stands before it, as is usual without a full parser.
    A wrong guess gives a program with an error, not one with a chatter's code in it: whatever the mode, letters,
    digits and spaces are all of a value that is not escaped.
    """

    def __init__(self) -> None:
        self._inside = ""  # ' " ` / // /* or nothing
        self._in_class = False
        self._templates: list[int] = []  # per `${`: braces open in it
        self._value_before = False

    @property
    def mode(self) -> Mode:
        """How a value inserted here is written."""
        return Mode.QUOTED if self._inside else Mode.CODE

    def value(self) -> None:
        """A value was inserted here."""
        self._value_before = True

    def feed(self, text: str) -> None:
        """Go on through a piece of program."""
        at = 0
        while at < len(text):
            at = self._quoted(text, at) if self._inside else self._code(text, at)

    def _quoted(self, text: str, at: int) -> int:
        """Skip to the end of what is quoted, or of the piece."""
        match self._inside:
            case "//":
                end = text.find("\n", at)
                return self._leave(len(text) if end < 0 else end + 1, ended=end >= 0)
            case "/*":
                end = text.find("*/", at)
                return self._leave(len(text) if end < 0 else end + 2, ended=end >= 0)
            case "/":
                return self._regex(text, at)
        while at < len(text):
            char = text[at]
            if char == "\\":
                at += 2
            elif char == self._inside or (char == "\n" and self._inside != "`"):
                self._value_before = True
                return self._leave(at + 1, ended=True)
            elif self._inside == "`" and text.startswith("${", at):
                self._templates.append(0)
                self._value_before = False
                return self._leave(at + 2, ended=True)
            else:
                at += 1
        return at

    def _regex(self, text: str, at: int) -> int:
        while at < len(text):
            char = text[at]
            if char == "\\":
                at += 2
                continue
            if char == "[":
                self._in_class = True
            elif char == "]":
                self._in_class = False
            elif char == "\n" or (char == "/" and not self._in_class):
                self._in_class = False
                self._value_before = True
                return self._leave(at + 1, ended=True)
            at += 1
        return at

    def _leave(self, at: int, *, ended: bool) -> int:
        if ended:
            self._inside = ""
        return at

    def _code(self, text: str, at: int) -> int:
        match = _LEXEME.match(text, at)
        assert match is not None  # noqa: S101 -- `.` matches whatever is left, and mypy cannot know it
        kind, lexeme = match.lastgroup, match.group()
        if kind in {"comment", "quote"}:
            self._inside = lexeme
        elif kind == "slash" and not self._value_before:
            self._inside = "/"
        elif kind == "open" and self._templates:
            self._templates[-1] += 1
        elif kind == "close" and self._templates:
            self._templates[-1] -= 1
            if self._templates[-1] < 0:
                self._templates.pop()
                self._inside = "`"
        if kind != "space":
            self._value_before = (kind == "word" and lexeme not in _BEFORE_REGEX) or lexeme in {")", "]"}
        return match.end()
