"""Links in chat: with or without a scheme, of any script, and in the disguises that people use."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from waddlebot.libs.filters.domains import AMBIGUOUS, COMMON, TOP_LEVEL
from waddlebot.libs.filters.folding import DOTS

_DOTS = str.maketrans({"\u3002": ".", "\uff61": "."})
"""What IDNA takes for a dot (RFC 3490 §3.1) and NFKC does not."""
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e007f"
)
_COMMON = "|".join(sorted(COMMON))
_BEHIND = rf"(?:[^\W_]|\s?[)\]}}>]|\s(?:{_COMMON})\b)"
DOTTED = re.compile(rf"\.{_BEHIND}", re.IGNORECASE)
"""Without it an ASCII line holds no host that is written with a dot."""
DOTTED_ANY = re.compile(rf"[{DOTS}][{_HIDDEN}]*{_BEHIND}", re.IGNORECASE)
"""The same for any line."""
_INVISIBLE = re.compile(f"[{_HIDDEN}]")
_SCHEME = re.compile(r"\b(?:https?|hxxps?|ftp|wss?)\s?[:;]\s?//\s?(?:[^\s/@]*@)?([^\s/?#]+)", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w@.-])((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+)([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(:\d{1,5})?(?![\w-])(/\S)?",
    re.IGNORECASE,
)
_ADDRESS_DOTS = 3
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?/\S")
_NAME = r"(?<![\w-])([^\W_][\w-]{0,62})\s{0,9}"
_PARTED = re.compile(
    rf"{_NAME}(?:[(\[{{<]\s?\.\s?[)\]}}>]\s?([^\W\d_]{{2,24}})|(?<=\s)\.\s?({_COMMON}))\b", re.IGNORECASE
)
"""``example(.)com``, ``example . com``."""
_PARTS = re.compile(r"[(\[{<\s]\s?\.")
_DOT_WORDS = ("dot", "d0t", "punkt", "punto", "ponto", "точка")
_DOT = f"(?:{'|'.join(_DOT_WORDS)})"
_SPELLED = re.compile(
    rf"{_NAME}(?:[(\[{{<]\s?{_DOT}\s?[)\]}}>]\s?([^\W\d_]{{2,24}})|(?<=\s){_DOT}\s({_COMMON}))\b", re.IGNORECASE
)
"""``example (dot) com``, ``example dot com``."""
_INVITE = re.compile(r"\bdiscord\s*[.,]?\s*gg\s*/\s*(\w+)", re.IGNORECASE)
_NO_HOSTS = frozenset(
    ["the", "a", "an", "this", "that", "of", "and", "or", "polka", "any", "every", "old", "new", "first"]
)
"""Words that stand before "dot com" and are no name of a host."""


def plain_of(text: str) -> str:
    """A line as a browser would read its links: compatibility forms plain, invisible characters gone."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_DOTS))


def hosts_in(text: str) -> Iterator[str]:
    """The hosts that a line links to, lower case, a disguised one with its dot."""
    dotted = (DOTTED if text.isascii() else DOTTED_ANY).search(text) is not None
    text = plain_of(text)
    if dotted:
        yield from _written(text)
        for found in _PARTED.finditer(text) if _PARTS.search(text) else ():
            yield from _named(found)
    lowered = text.lower()
    if any(word in lowered for word in _DOT_WORDS):
        for found in _SPELLED.finditer(text):
            yield from _named(found)
    if "discord" in lowered and _INVITE.search(text):
        yield "discord.gg"


def _named(found: re.Match[str]) -> Iterator[str]:
    """The host of a match whose dot is not where it belongs."""
    end = (found[2] or found[3]).lower()
    if end in TOP_LEVEL and found[1].lower() not in _NO_HOSTS:
        yield f"{found[1].lower()}.{end}"


def _written(text: str) -> Iterator[str]:
    """Hosts that are written as they are."""
    slashes = text.replace("\\", "/")
    for found in _SCHEME.finditer(slashes) if "//" in slashes else ():
        host = found[1].rstrip(".,;:!?)").partition(":")[0].lower()
        if "." in host:
            yield host
    for found in _HOST.finditer(text):
        if _is_host(found):
            yield f"{found[1]}{found[2]}".lower()
    for found in _ADDRESS.finditer(text) if text.count(".") >= _ADDRESS_DOTS else ():
        yield found[0].partition("/")[0].partition(":")[0]


def find_link(text: str, allowed: Sequence[str]) -> str | None:
    """The first host that a line links to and that is not one of ``allowed``, or below one of them."""
    for host in hosts_in(text):
        if not any(host == domain or host.endswith(f".{domain}") for domain in allowed):
            return host
    return None


def _is_host(found: re.Match[str]) -> bool:
    """Whether what looks like a host is one, and not the end of a sentence or the name of a file."""
    names, end, port, path = found.groups()
    lowered = end.lower()
    if lowered not in TOP_LEVEL and not lowered.startswith("xn--"):
        return False
    if port or path or names.lower().startswith("www."):
        return True
    if end[0].isupper() and end[1:].islower():  # "…came.In the end", of words that domains end in, too
        return False
    return lowered not in AMBIGUOUS
