"""Text to tree: finds where variables begin and end, in one pass, without knowing any name.

Every dialect is brackets with text between them, nested at will: `{…}` (ours), `$(…)` (Nightbot),
`$(…)` or `${…}` (StreamElements). A bracket of the enclosing kind inside a variable counts, so JavaScript in
`$(eval …)` stays whole; one inside a quoted argument does not, so `$(random.pick ':)' ':(')` works. If reading
quotes leaves a variable open (an apostrophe is not always a quote), the text is read again without them.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from waddlebot.libs.templates.errors import TemplateError

TEXT_MAX = 10_000
"""Longest template in characters. (Nightbot allows 400 to 500, but code in `$(eval …)` of imports is longer.)"""

NESTING_MAX = 16
"""Deepest nesting of variables."""

VARIABLES_MAX = 100
"""Most variables in a template."""


class Dialect(StrEnum):
    """The language that a template is written in."""

    NATIVE = "native"
    NIGHTBOT = "nightbot"
    STREAMELEMENTS = "streamelements"


_OPENERS: dict[Dialect, tuple[str, ...]] = {
    Dialect.NATIVE: ("{",),
    Dialect.NIGHTBOT: ("$(",),
    Dialect.STREAMELEMENTS: ("$(", "${"),
}
_CLOSERS = {"(": ")", "{": "}"}
_MARKS = {
    dialect: re.compile("|".join([*map(re.escape, openers), r"[(){}'\"`]"]))
    for dialect, openers in _OPENERS.items()
}

type Piece = str | RawCall


@dataclass(frozen=True, slots=True)
class RawCall:
    """A variable as written: `body` is what stands between `opener` and the closing bracket at `end - 1`."""

    position: int
    end: int
    opener: str
    body: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed text, and the positions of variables that are opened and never closed."""

    pieces: tuple[Piece, ...]
    unclosed: tuple[int, ...]


@dataclass(slots=True)
class _Frame:
    position: int
    opener: str
    text_start: int
    is_code: bool = False
    pieces: list[Piece] = field(default_factory=list)
    brackets: int = 0
    quote: str = ""


def parse(text: str, dialect: Dialect) -> Tree:
    """Parse a text. Any text is accepted within the limits; time is linear in its length.

    Raises:
        TemplateError: The text is longer, or nested deeper, or has more variables than allowed.
    """
    if len(text) > TEXT_MAX:
        raise TemplateError(TEXT_MAX, f"The text is too long: at most {TEXT_MAX:,} characters.")
    if not any(opener in text for opener in _OPENERS[dialect]):
        return Tree((text,) if text else (), ())
    tree = _Scanner(text, dialect, quotes=True).scan()
    return _Scanner(text, dialect, quotes=False).scan() if tree.unclosed else tree


class _Scanner:
    """One pass over a text with a stack of the variables that are open."""

    def __init__(self, text: str, dialect: Dialect, *, quotes: bool) -> None:
        self._text = text
        self._dialect = dialect
        self._quotes = quotes
        self._calls = 0
        self._quote_last = {quote: text.rfind(quote) for quote in "'\"`"}
        self._stack = [_Frame(0, "", 0)]

    def scan(self) -> Tree:
        for match in _MARKS[self._dialect].finditer(self._text):
            mark, at = match.group(), match.start()
            frame = self._stack[-1]
            if mark in _OPENERS[self._dialect]:
                self._open(mark, at)
            elif len(self._stack) == 1:
                continue
            elif mark in "'\"`":
                self._quote(frame, mark, at)
            elif frame.quote:
                continue
            elif mark == frame.opener[-1]:
                frame.brackets += 1
            elif mark == _CLOSERS[frame.opener[-1]]:
                if frame.brackets:
                    frame.brackets -= 1
                else:
                    self._close(at)
        return self._finish()

    def _open(self, opener: str, at: int) -> None:
        self._calls += 1
        if len(self._stack) > NESTING_MAX:
            raise TemplateError(at, f"Variables are nested too deeply: at most {NESTING_MAX} levels.")
        if self._calls > VARIABLES_MAX:
            raise TemplateError(at, f"There are too many variables: at most {VARIABLES_MAX}.")
        start = at + len(opener)
        self._add_text(self._stack[-1], at)
        is_code = self._text[start : start + 5].lower().startswith("eval") and self._dialect is Dialect.NIGHTBOT
        self._stack.append(_Frame(at, opener, start, is_code))

    def _quote(self, frame: _Frame, quote: str, at: int) -> None:
        if frame.quote:
            if frame.quote == quote and not (frame.is_code and self._is_escaped(at)):
                frame.quote = ""
            return
        # In prose a quote opens only before a word, and only if it can close again.
        opens = frame.is_code or (quote != "`" and (self._text[at - 1].isspace() or self._text[at - 1] == "|"))
        if self._quotes and opens and self._quote_last[quote] > at:
            frame.quote = quote

    def _is_escaped(self, at: int) -> bool:
        before = self._text[max(0, at - 16) : at]
        return (len(before) - len(before.rstrip("\\"))) % 2 == 1

    def _close(self, at: int) -> None:
        frame = self._stack.pop()
        self._add_text(frame, at)
        parent = self._stack[-1]
        parent.pieces.append(RawCall(frame.position, at + 1, frame.opener, tuple(frame.pieces)))
        parent.text_start = at + 1

    def _add_text(self, frame: _Frame, end: int) -> None:
        if end > frame.text_start:
            frame.pieces.append(self._text[frame.text_start : end])

    def _finish(self) -> Tree:
        """Open variables become the text they are written with; closed ones inside them stay variables."""
        pieces: list[Piece] = []
        for frame in self._stack:
            pieces.append(frame.opener)
            pieces.extend(frame.pieces)
        innermost = self._stack[-1]
        pieces.append(self._text[innermost.text_start :])
        return Tree(tuple(_merge(pieces)), tuple(frame.position for frame in self._stack[1:]))


def _merge(pieces: list[Piece]) -> list[Piece]:
    """Join neighbouring texts and drop empty ones."""
    merged: list[Piece] = []
    texts: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        if text := "".join(texts):
            merged.append(text)
        texts.clear()
        merged.append(piece)
    if text := "".join(texts):
        merged.append(text)
    return merged


def split_words(pieces: tuple[Piece, ...]) -> list[tuple[Piece, ...]]:
    """Split the text after a variable's name into words at spaces, as written: a value is never split.

    A word in quotes may hold spaces, and loses the quotes.
    """
    words: list[tuple[Piece, ...]] = []
    word: list[Piece] = []
    quote = ""
    in_word = False
    for piece in pieces:
        if not isinstance(piece, str):
            word.append(piece)
            in_word = True
            continue
        for char in piece:
            if quote and char == quote:
                quote = ""
            elif not quote and char.isspace():
                if in_word:
                    words.append(tuple(_merge(word)))
                word, in_word = [], False
            elif not in_word and char in "'\"":
                quote, in_word = char, True
            else:
                word.append(char)
                in_word = True
    if in_word:
        words.append(tuple(_merge(word)))
    return words


def strip(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The pieces without white space at either end."""
    parts = list(pieces)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(part for part in parts if part)
