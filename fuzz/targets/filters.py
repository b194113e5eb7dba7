"""Chat filters: lines that chatters write, phrases that moderators block."""

from functools import cache

from waddlebot.libs.filters import Filters
from waddlebot.libs.filters.content import Content, spoken
from waddlebot.libs.filters.folding import Fold
from waddlebot.libs.filters.phrases import Blocklist
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event, Filter, Phrase

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.filters.engine", "waddlebot.libs.filters.content", "waddlebot.libs.filters.links",
    "waddlebot.libs.filters.phrases", "waddlebot.libs.filters.folding",
)  # fmt: skip
SIZE_MAX = 800
TEXT_MAX = 5_000
SEEDS = (
    b"\0\0badword\0a b\xd0\xb0dw0rd here", b"\1\0hate*bird\0hateful_b1rd", b"\0\0x\0see example.com",
    b"\0\0x\0evil (dot) com", b"\0\0as\0a s s", b"\0\0x\0HELLO!!! \xf0\x9f\x98\x82\xf0\x9f\x98\x82",
    b"\0\0badword\0\xe2\x80\xaedrowdab", b"\0\0x\0spam spam spam spam spam", b"\0\0x\0aaaaaaaaaa",
    b"\1\0\xd0\xbf\xd0\xbb\xd0\xbe\0\xd0\x9f\xd0\x9b\xd0\x9e", b"\0\0x\0z\xcc\xb8\xcc\xa2\xcc\x9b\xcc\x97a",
)  # fmt: skip
WORDS = (
    "http://", "https://a@b.c/", "www.", ".com", " dot com", "(.)", "xn--", "discord.gg/", "10.0.0.1/x", "\u200b",
    "\u202e", "\u0336", "\u0301\u0302\u0303", "ｂ", "𝐛", "ⓑ", "🅱", "🇧", "1️⃣", "👨‍👩‍👧", "。", "．", "ß", "İ",
    "@", "$", "!", "*", "\t",
)  # fmt: skip

_OTHERS = (
    Filter("links", allowed=("example.org",)), Filter("zalgo", limit=3), Filter("caps", limit=6, share=60),
    Filter("symbols", limit=6, share=50), Filter("emotes", limit=3), Filter("characters", limit=5),
    Filter("words", limit=3, share=40), Filter("length", limit=60),
)  # fmt: skip


@cache
def _fold() -> Fold:
    return Fold()


def check(data: bytes) -> None:
    """The quick look finds what the close one does; folding is the same by any way."""
    given = Input(data)
    flags = given.byte()
    phrase, text = Input(data[2:]).texts(2)
    text = given.long(text, TEXT_MAX)
    emotes = "25:0-4,6-8/1:10-99999" if flags & 2 else ""
    event = Event(
        EVENT_VERSION, "e", CHAT_MESSAGE, "p", "s", "c", "u", "u", "u", (), text, 0.0, 0.0, "home", "",
        f"emotes={emotes};x" if emotes else "",
    )  # fmt: skip
    blocked = Filter("blocklist", phrases=(Phrase(phrase, "contains" if flags & 1 else "word"),))
    filters = (blocked, *_OTHERS)
    found = [one.filter.kind for one in Filters(filters, fold=_fold()).check(event)]
    blocklist = Blocklist(blocked.phrases, _fold())
    content, every = Content(blocklist), list(range(len(blocklist.gates)))
    meant = [one.kind for one in filters if content.look(one, event, every) is not None]
    assert found == meant, (phrase, text)
    folded, origin = _fold().traced(text)
    assert folded == _fold().fold(text)
    assert len(origin) == len(folded)
    assert len(spoken(text, emotes)) == len(text)
