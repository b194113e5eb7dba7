"""What leaves for chat: no reply may act as a command of ours or of another bot."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, partial

from waddlebot.libs.irc.text import sanitise, split_text
from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import Contribution
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.templates.safety import MARK, safe_reply
from waddlebot.processing.router.view import Catalogue, View, build

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.templates.safety", "waddlebot.libs.irc.text",
)  # fmt: skip
SIZE_MAX = 400
TEXT_MAX = 5_000
SEEDS = (
    b"\x00\x00\x00!so ann", b"\x00\x00\x00@Ann, !so bob", b"\x00\x00\x00\xef\xbc\x81help",
    b"\x00\x00\x00\xe2\x80\x8b!help", b"\x01\x00\x00hello\r\n/ban ann", b"\x00\x00\x00/me !help",
    b"\x02\x07\x00word !help word", b"\x00\x00\x00*hugs* .timeout ann", b"\x01\x00\x00bot, help",
    b"\x00\x00\x00\xe3\x85\xa4!help", b"\x00\x00\x00@a @b @c @d @e @f !so x", b"\x00\x00\x00# topic",
    b"\x00\x00\x00\xc2\xad\xf3\xa0\x80\x80!help", b"\x00\x00\x00a\xcc\x81!help",
    b"\x02\x07\x00!aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b"\x00\x00\x00\x01ACTION x\x01",
    b"\x00\x00\x00\xe2\x80\xaepleh!",
)  # fmt: skip
WORDS = (
    *"!/.#?$%&+-~;,<>=^*\\|_:@'\"`({[", "!!", "//", ">>", "??", "$$", "++", "--", "~~", "/me ", "/announce ",
    "@Ann ", "@Ann, ", "！", "．", "／", "＃", "？", "﹗", "︕", "⁉", "‼", "。", "\u200b", "\u200d", "\u2060",
    "\ufeff", "\u00ad", "\u034f", "\u3164", "\u2800", "\u180e", "\u202e", "\U000e0001", "\ufe0f", "\u0301",
    "\u00a0", "\u3000", "\u2028", "\r\n", "\0", "\x01", "\x03", "help", "so", "ban", "1", "bot, ", "§",
    "ⓗelp", "ｈｅｌｐ", "µ", "İ",
)  # fmt: skip

_PREFIXES = (("!", "#"), ("bot, ", "§"), ("?", "!!"), ("İ", "µ"), ("k", "#"))
_SIZES = (20, 60, 400)
_ALLOWED = re.compile(r"/(?:me|announce(?:blue|green|orange|purple)?)(?:\s+|$)", re.IGNORECASE)

# How other bots know a command: a usual sign before a name. Numbers are called by `!` and `/` alone, and a sign
# that closes again is emphasis.
_CALL = re.compile(
    r"[!/][^\W_] | (?:!!|//)(?:\d|[^\W_]{2}) | \.[^\W\d_]"
    r"| (?:[#?$%&+^=;,>\\|-]|>>|\?\?|\$\$|--|\+\+)[^\W\d_][^\W_]"
    r"| \*[^\W\d_][^\W_][^*]*$ | ~~?[^\W\d_][^\W_][^~]*$ | <[^\W\d_][^\W_][^>]*$",
    re.VERBOSE,
)
_MENTIONS = re.compile(r"^(?:@[^\s,:;@]{1,25}(?:[,:;]\s*|\s+)){1,3}")
_COLOURS = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|[\x00-\x1f\x7f]")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def _seen(text: str) -> str:
    """The text without what nobody sees."""
    hidden = {"Cf", "Mn", "Me"}
    return "".join(char for char in text if char not in _UNSEEN and unicodedata.category(char) not in hidden)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


# What bots do to a line before they look for a command: any of these, one after the other.
_CLEANINGS: tuple[Callable[[str], str], ...] = (
    lambda text: _COLOURS.sub("", text), _seen, _normal, _seen, str.strip, lambda text: _MENTIONS.sub("", text),
    str.strip,
)  # fmt: skip


@cache
def _view(prefixes: tuple[str, str]) -> View:
    given = Contribution(prefix=prefixes[0], community_prefix=prefixes[1])
    return build("home", 1, Catalogue(discover()), {"core.community": given}, Matchers())


def check(data: bytes) -> None:
    """However a bot cleans what it reads, it finds no command in any message that a reply becomes."""
    given = Input(data)
    prefixes = given.choice(_PREFIXES)
    text = given.long(Input(data[3:]).texts(1)[0], TEXT_MAX)
    size_max, in_bytes = given.choice(_SIZES), len(data) % 2 > 0
    view, safe = _view(prefixes), partial(safe_reply, prefixes=frozenset(prefixes))
    reply = safe(text)
    assert safe(reply) == reply, "what is safe is changed again"
    _check_message(reply, view)
    parts = split_text(sanitise(reply), size_max, parts_max=5, in_bytes=in_bytes, guard=safe)
    assert len(parts) <= 5
    assert all(parts), parts
    for part in parts:
        _check_message(part, view)
        assert len(part.encode() if in_bytes else part) <= size_max, part
        # A cluster of signs that nobody sees may fit nowhere beside it.
        assert part.strip() != MARK.strip() or not text.isascii(), parts
    assert _letters(text).startswith(_letters("".join(parts))), parts


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum())


def _check_message(message: str, view: View) -> None:
    assert not _FORBIDDEN.search(message), message
    allowed = _ALLOWED.match(message)
    for read in _readings(message[allowed.end() :] if allowed else message):
        # Unicode calls a filler a letter, but no command has one in its name.
        assert _CALL.match(read) is None or _UNSEEN & set(read[:4]), (message, read)
        assert view.find(read) is None, (message, read)


def _readings(message: str) -> set[str]:
    found = {message}
    for cleaning in _CLEANINGS:
        found |= {cleaning(text) for text in found}
    return found
