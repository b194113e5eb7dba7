"""One rule's pattern as an RE2 expression, or the reason why it cannot be one."""

import re
from typing import Literal

import re2

type Kind = Literal["exact", "contains", "word", "regex", "*"]

PATTERN_LENGTH_MAX = 500
_PROGRAM_BYTES_MAX = 1 << 20

# RE2 says "error parsing" and no more to Python; these are what people bring from other engines.
_FOREIGN = (
    (re.compile(r"\(\?<?[=!]"), "looking ahead or behind, (?=…) (?!…) (?<=…) (?<!…)"),
    (re.compile(r"\\[1-9]|\(\?P=|\\k[<{']"), "back references such as \\1"),
    (re.compile(r"\(\?>|[*+?}]\+"), "possessive or atomic groups"),
    (re.compile(r"\(\?\(|\(\?R\)|\(\?&"), "conditions or recursion"),
)


class PatternError(ValueError):
    """A pattern that cannot be matched in linear time or not at all; the text says why and what to do."""


def check_pattern(kind: Kind, pattern: str, case_sensitive: bool = False) -> None:
    """Refuse what cannot be matched. Raises :class:`PatternError` with the reason."""
    if kind == "*":
        return
    if not pattern:
        raise PatternError("The pattern is empty. To match every line, use the kind *.")
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise PatternError(f"The pattern has {len(pattern)} characters; at most {PATTERN_LENGTH_MAX} are taken.")
    try:
        pattern.encode()
    except UnicodeEncodeError:
        raise PatternError("The pattern has half a character; type it anew.") from None
    if kind != "regex":
        return
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PROGRAM_BYTES_MAX
    try:
        re2.compile(f"(?s{'' if case_sensitive else 'i'})(?:{pattern})", options)
    except re2.error as error:
        raise PatternError(_reason(pattern, error)) from None


def _reason(pattern: str, error: Exception) -> str:
    for sign, words in _FOREIGN:
        if sign.search(pattern):
            return f"The pattern uses {words}: these can take for ever, so they are not taken. Write it without."
    detail = str(error).removeprefix("b'").removesuffix("'")
    return f"The pattern is no regular expression that RE2 takes: {detail}."
