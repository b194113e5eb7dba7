"""The text that every match of an expression must hold, so that the expression is only tried where it occurs."""

LENGTH_MIN = 3
"""Shorter ones occur in most lines and would spare nothing."""

_UNCLEAR = frozenset("pPxQ01234567")
"""Escapes with more to come (`\\pN`, `\\x41`, `\\Q…\\E`): rare, so their expressions are simply always tried."""


def required_text(pattern: str) -> str:
    """The longest run of ASCII letters, digits and spaces that any match of an RE2 pattern must hold, lowered.

    Empty where there is none, where it is too short, or where it is not plain to see: a pattern is read only as
    far as https://github.com/google/re2/wiki/Syntax leaves no doubt, and what may be missing counts for nothing.
    """
    runs, run, at = [], "", 0
    while at < len(pattern):
        char = pattern[at]
        if char == "|" or (char == "\\" and pattern[at + 1 : at + 2] in _UNCLEAR):
            return ""
        if char.isascii() and (char.isalnum() or char == " "):
            run, at = run + char, at + 1
            continue
        if char in "*?{":
            run = run[:-1]
        runs.append(run)
        run, at = "", _behind(pattern, at)
        if at < 0:
            return ""
    longest = max((*runs, run), key=len)
    return longest.lower() if len(longest) >= LENGTH_MIN else ""


def _behind(pattern: str, at: int) -> int:
    """The place behind the escape, class, group or repetition that begins there; -1 where its end is not found."""
    match pattern[at]:
        case "\\":
            return at + 2
        case "{":
            return pattern.find("}", at) + 1 or -1
        case "[":
            return _behind_class(pattern, at)
        case "(":
            return _behind_group(pattern, at)
        case _:
            return at + 1


def _behind_class(pattern: str, at: int) -> int:
    at += 2 if pattern.startswith("[^", at) else 1
    at += pattern.startswith("]", at)  # there it stands for itself
    while at < len(pattern):
        if pattern[at] == "]":
            return at + 1
        if pattern.startswith("[:", at):
            at = pattern.find(":]", at) + 2
            if at < 2:
                return -1
        else:
            at += 2 if pattern[at] == "\\" else 1
    return -1


def _behind_group(pattern: str, at: int) -> int:
    at += 1
    while 0 <= at < len(pattern):
        if pattern[at] == ")":
            return at + 1
        if pattern.startswith("\\Q", at):
            return -1
        at = _behind(pattern, at)
    return -1
