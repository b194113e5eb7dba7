"""Text on its way to and from a chat line: cleaned, measured, split."""

import re
from collections.abc import Callable

from rich.cells import split_graphemes

type Guard = Callable[[str], str]
"""Makes a text unable to act as a command, of the platform or of another bot."""

_CTCP = "\x01"
_ELLIPSIS = "…"

# U+0085, U+2028 and U+2029 end no IRC line, but programs that split lines carelessly take them for an end.
_UNSENDABLE = str.maketrans(dict.fromkeys("\r\n\v\f\x85\u2028\u2029", " ") | {"\0": "", _CTCP: ""})

# https://modern.ircdocs.horse/formatting: colour with its digits, hex colour, and the one-character toggles.
_FORMATTING = re.compile(
    r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9A-Fa-f]{6})?|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)


def sanitise(text: str) -> str:
    """Make text safe inside one line: line ends become spaces; NUL, CTCP marks and lone surrogates go."""
    if not text.isprintable():
        text = text.replace("\r\n", "\n").translate(_UNSENDABLE).encode("utf-8", "replace").decode()
    return text.strip(" ")


def strip_formatting(text: str) -> str:
    """Text without mIRC colours and styles, so that a coloured command is still that command."""
    return text if text.isprintable() else _FORMATTING.sub("", text)


def parse_ctcp(text: str) -> tuple[str, str] | None:
    """Verb and argument of a CTCP message (https://modern.ircdocs.horse/ctcp), or None for plain text."""
    if not text.startswith(_CTCP):
        return None
    verb, _, argument = text[1:].removesuffix(_CTCP).partition(" ")
    return verb.upper(), argument


def build_ctcp(verb: str, argument: str = "") -> str:
    """A CTCP message; the argument is cleaned as `sanitise` does."""
    argument = sanitise(argument)
    return f"{_CTCP}{verb} {argument}{_CTCP}" if argument else f"{_CTCP}{verb}{_CTCP}"


def split_text(
    text: str, size_max: int, *, parts_max: int, in_bytes: bool, guard: Guard, may_command: bool = False
) -> list[str]:
    """Cut clean text into at most `parts_max` parts of at most `size_max` UTF-8 bytes (or characters).

    Cuts fall between words; inside a word only if it does not fit alone, and then between grapheme clusters.
    What does not fit into the last part is left out, and the part ends with an ellipsis. Each part is given
    to `guard`, since any part may begin like a command; `may_command` spares the first. What `guard` returned it
    must leave as it is.
    """
    parts: list[str] = []
    rest = text
    while rest and len(parts) < parts_max:
        ending = _ELLIPSIS if len(parts) == parts_max - 1 else ""
        part, tail = _cut(rest, size_max, in_bytes, ending)
        # Only now: what is harmless as a whole may not be so when it is cut. And again, for where something was
        # taken out, there is room for more.
        while not (may_command and not parts) and (guarded := guard(part)) != part:
            whole = guarded.removesuffix(ending) if tail else guarded
            part, tail = _cut(whole + tail, size_max, in_bytes, ending)
        if part:
            parts.append(part)
        rest = tail.lstrip(" ")
    return parts


def _cut(text: str, size_max: int, in_bytes: bool, ending: str) -> tuple[str, str]:
    """The part at the start of a text, with an ending unless it is all, and what is left."""
    cut = _fitting(text, size_max, in_bytes)
    if cut == len(text):
        return text, ""
    cut = _boundary(text, _fitting(text, size_max - _size(ending, in_bytes), in_bytes))
    return text[:cut].rstrip(" ") + ending, text[cut:]


def _size(text: str, in_bytes: bool) -> int:
    return len(text.encode()) if in_bytes else len(text)


def _fitting(text: str, size_max: int, in_bytes: bool) -> int:
    """How many characters from the start fit; at least one, or nothing would ever be sent."""
    if not in_bytes:
        return max(1, min(size_max, len(text)))
    # A character cut in half is dropped by "ignore".
    return max(1, len(text[:size_max].encode()[:size_max].decode("utf-8", "ignore")))


def _boundary(text: str, cut: int) -> int:
    """The best place to cut at or before `cut`: after a word, else between two grapheme clusters."""
    # Not after a single character: that is a guard's mark, and what follows would be marked again, and again.
    space = text.rfind(" ", 2, cut + 1)
    if space > 0:
        return space
    # A cluster can only reach a little past the cut; one without any end (Zalgo) is cut between characters.
    spans, _ = split_graphemes(text[: cut + 64])
    ends = [end for _, end, _ in spans if end <= cut]
    return ends[-1] if ends else cut
