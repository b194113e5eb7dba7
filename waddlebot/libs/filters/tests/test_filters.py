"""Filters, one by one and all at once."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waddlebot.libs.filters import Filters
from waddlebot.libs.filters.content import Content, emote_count, emotes_of, spoken
from waddlebot.libs.filters.folding import ASCII_DROP, ASCII_FOLD, Fold
from waddlebot.libs.filters.habits import Habits, Limits
from waddlebot.libs.filters.links import find_link, hosts_in
from waddlebot.libs.filters.phrases import Blocklist
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event, Filter, Phrase
from waddlebot.libs.sdk.view import FilterKind

NOW = 1_750_000_000.0
PHRASES = ("badword", "free coins", "hate*bird", "плохо", "坏话", "ass", "hello", "re*", "naïve")
ALL = (
    Filter("blocklist", phrases=tuple(Phrase(text) for text in PHRASES)), Filter("links", allowed=("good.com",)),
    Filter("zalgo", limit=3), Filter("caps", limit=6, share=60), Filter("symbols", limit=6, share=50),
    Filter("emotes", limit=3), Filter("characters", limit=5), Filter("words", limit=3, share=40),
    Filter("length", limit=60),
)  # fmt: skip


def line(text: str, user: str = "1", at: float = NOW, **fields: Any) -> Event:
    whole: dict[str, Any] = {
        "version": EVENT_VERSION, "id": f"{user}-{at}", "kind": CHAT_MESSAGE, "platform": "twitch", "server": "",
        "channel": "#c", "user_id": user, "user_login": user, "user_name": user, "roles": (), "text": text,
        "occurred_at": at, "received_at": at, "community": "home",
    }  # fmt: skip
    return Event(**(whole | fields))


def kinds(filters: Filters, *events: Event) -> list[FilterKind]:
    """What was found in the last of some lines."""
    found = [filters.check(event) for event in events][-1]
    return [one.filter.kind for one in found]


def closely(filters: Sequence[Filter], event: Event) -> list[FilterKind]:
    """Every filter's close look at the line, without the quick one: the slow and obvious way."""
    blocklist = Blocklist(filters[0].phrases, Fold())
    content = Content(blocklist)
    every = list(range(len(blocklist.gates)))
    return [one.kind for one in filters if content.look(one, event, every) is not None]


WORDS = st.sampled_from(
    (
        "badword", "b4dw0rd", "B A D W O R D", "bad", "word", "free", "coins", "hatebird", "hate",
        "bird", "плохо", "坏话", "as", "s", "hellooo", "he", "llo", "re", "example.com", "good.com",
        "evil", "dot", "com", ".", "(dot)", "。", "http://x.y", "SHOUT", "!!!", "?!", "😂", "❤️",
        "👨‍👩‍👧", "1️⃣", "🇩🇪", "é̸̢̛", "z̷̸̶", "aaaaa", "哈哈哈哈哈", "\u200b", "\u202e", "drowdab",
        "ｂａｄ", "Kappa", "и", "discord", "gg/abc", "t.me/x", "...", "1.5", "naïve", "a.b", "\t",
    )
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=14).map(" ".join),
    st.lists(WORDS, max_size=10).map("".join),
)
NATIVES = st.sampled_from(("", "a=b;emotes=;id=1", "emotes=25:0-4", "x=1;emotes=25:0-4,6-9/1:11-12;id=1"))


@settings(max_examples=1_500, deadline=None)
@given(TEXTS, NATIVES)
def test_the_quick_look_finds_what_the_close_one_does(text: str, native: str) -> None:
    event = line(text, native=native)
    assert kinds(Filters(ALL), event) == closely(ALL, event)


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_folds_alike_in_both_ways(text: str) -> None:
    fold = Fold()
    assert text.encode().translate(ASCII_FOLD, ASCII_DROP).decode() == fold.fold(text) == fold.traced(text)[0]


@settings(max_examples=500, deadline=None)
@given(st.text())
def test_folding_is_the_same_traced_or_not(text: str) -> None:
    fold = Fold()
    folded, origin = fold.traced(text)
    assert folded == fold.fold(text)
    assert len(origin) == len(folded)
    assert origin == sorted(origin)
    folded.encode()


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("badword", "a badword done", True),
        ("badword", "badwords", False),
        ("badword", "badwordd done", True),
        ("badword", "badword2", True),
        ("badword", "bad wordsmith", False),
        ("badword", "bad word", True),
        ("badword", "baadwoooord!", True),
        ("badword", "bаdwоrd", True),
        ("hello", "helo", False),
        ("ass", "as shown here", False),
        ("ass", "a s s", True),
        ("ass", "@$$", True),
        ("ass", "class", False),
        ("free coins", "FREE   c0ins", True),
        ("free coins", "freecoins", True),
        ("free coins", "carefree coins", False),
        ("hate*bird", "hateful_bird hatelovelybird", True),
        ("hate*", "hateful", True),
        ("hate*", "whatever", False),
        ("*bird", "jailbird", True),
        ("*bird", "birdie", False),
        ("坏话", "他说坏话了", True),
        ("плохо", "ПЛОХО!", True),
        ("плохо", "плохой", False),
        ("naïve", "naive", True),
        ("badword", "\u202edrowdab", True),
    ],
)
def test_phrases(phrase: str, text: str, found: bool) -> None:
    filters = Filters([Filter("blocklist", phrases=(Phrase("other"), Phrase(phrase)))])
    assert kinds(filters, line(text)) == ["blocklist"] * found


def test_phrases_anywhere_and_phrases_of_nothing() -> None:
    anywhere = Filters([Filter("blocklist", phrases=(Phrase("bird", "contains"), Phrase("..."), Phrase("*")))])
    assert kinds(anywhere, line("jailbirds")) == ["blocklist"]
    assert kinds(anywhere, line("...")) == []
    assert kinds(anywhere, line("bir done")) == []


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("see https://Example.com/x", "example.com"),
        ("example.com", "example.com"),
        ("www.foo.so", "www.foo.so"),
        ("t.me/someone", "t.me"),
        ("hxxp://evil.example", "evil.example"),
        ("https://good.com@evil.com/", "evil.com"),
        ("evil (dot) com", "evil.com"),
        ("evil dot com", "evil.com"),
        ("evil[.]ru", "evil.ru"),
        ("evil . com", "evil.com"),
        ("ｅｖｉｌ．ｃｏｍ", "evil.com"),
        ("ev\u200bil.\u200bcom", "evil.com"),
        ("пример.рф", "пример.рф"),
        ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("例え。jp", "例え.jp"),
        ("discord . gg / abc", "discord.gg"),
        ("http://127.0.0.1/x", "127.0.0.1"),
        ("10.0.0.1:80/x", "10.0.0.1"),
        ("good.com", None),
        ("sub.good.com/path", None),
        ("notgood.com", "notgood.com"),
        ("hello.how are you", None),
        ("main.py and README.md", None),
        ("that's it.So what", None),
        ("e.g. 3.5 or v2.0.1...", None),
        ("the dot com bubble", None),
        ("mail me@example.com", None),
        ("http://localhost/", None),
    ],
)
def test_links(text: str, host: str | None) -> None:
    assert find_link(text, ("good.com",)) == host
    assert kinds(Filters([Filter("links", allowed=("good.com",))]), line(text)) == ["links"] * (host is not None)


def test_hosts_are_found_in_linear_time() -> None:
    began = time.process_time()
    for text in (
        "a" * 5_000,
        "a." * 2_500,
        "a-" * 2_500,
        "a (" * 1_600,
        ". " * 2_500,
        "discord " * 600,
        " " * 5_000,
    ):
        list(hosts_in(text + "."))
        list(hosts_in("é" + text))
    assert time.process_time() - began < 2.0


def test_permits_labels_and_channels() -> None:
    links = Filter("links", permits={"twitch:1": NOW + 60}, exempt_labels=("friend",), entities=("twitch::#c",))
    filters = Filters([links], {"twitch:2": ("friend", "other"), "twitch:3": ("other",)})
    assert kinds(filters, line("example.com", "1", NOW + 59)) == []
    assert kinds(filters, line("example.com", "1", NOW + 60)) == ["links"]
    assert kinds(filters, line("example.com", "2")) == []
    assert kinds(filters, line("example.com", "3")) == ["links"]
    assert kinds(filters, line("example.com", "3", channel="#other")) == []


@pytest.mark.parametrize(
    ("kind", "text", "native", "found"),
    [
        ("caps", "SHOUTING", "", True),
        ("caps", "SHOUTing and much more of it", "", False),
        ("caps", "ПРИВЕТ", "", True),
        ("caps", "TWITCHY hi", "emotes=1:0-6", False),
        ("symbols", "?!?!?!", "", True),
        ("symbols", "────────", "", True),
        ("symbols", "a, b, c, d, e, f, g", "", False),
        ("symbols", "💕💕💕💕💕💕💕", "", False),
        ("emotes", "Kappa Kappa", "x=1;emotes=25:0-4,6-10", False),
        ("emotes", "Kappa Kappa 😂", "x=1;emotes=25:0-4,6-10", True),
        ("emotes", "1️⃣🇩🇪👨‍👩‍👧", "", True),
        ("characters", "sooooo", "", True),
        ("characters", "so o o o o o", "", False),
        ("characters", "哈哈哈哈哈", "", True),
        ("words", "spam Spam SPAM", "", True),
        ("words", "a b a c d a e f g h", "", False),
        ("length", "x y " * 16, "", True),
        ("length", "x y " * 15, "", False),
        ("zalgo", "z̸̢̛̗̈a", "", True),
        ("zalgo", "Tiếng Việt phức tạp", "", False),
        ("zalgo", "e\u0302\u0301" * 9, "", False),
    ],
)
def test_what_is_too_much_in_a_line(kind: FilterKind, text: str, native: str, found: bool) -> None:
    given = [one for one in ALL if one.kind == kind]
    assert kinds(Filters(given), line(text, native=native)) == [kind] * found


def test_emotes_of_raw_tags() -> None:
    assert emotes_of("@badges=;emotes=25:0-4/1:6-7;id=1") == "25:0-4/1:6-7"
    assert emotes_of("x-emotes=1:0-4;emotes=") == ""
    assert emote_count("25:0-4,6-8/1:10-11") == 3
    assert spoken("Kappa is KAPPA", "25:0-4,9-99999,x") == "\0\0\0\0\0 is KAPPA"
    assert spoken("Kappa is KAPPA", "25:0-4,9-13") == "\0\0\0\0\0 is \0\0\0\0\0"


RATE = Filter("rate", limit=3, window_s=10)
SAME = Filter("duplicates", limit=3, window_s=300, least=4)
CROWD = Filter("crowd", limit=3, window_s=60, least=10)


def test_too_many_lines_in_a_window() -> None:
    filters = Filters([RATE])
    assert [kinds(filters, line(f"x{n}", at=NOW + n)) for n in range(4)] == [[], [], [], ["rate"]]
    assert kinds(filters, line("y", at=NOW + 10.5)) == ["rate"], "those of the last ten seconds alone"
    assert kinds(filters, line("y", at=NOW + 30)) == []
    assert kinds(filters, line("y", "2", at=NOW + 3)) == []
    event = line("z", at=NOW + 31)
    assert {len(filters.check(event)) for _ in range(9)} == {0}, "asked again it is the same line"


def test_the_same_line_again() -> None:
    filters = Filters([SAME])
    texts = ["buy this", "BUY, THIS.", "something", "b u y this"]
    assert [kinds(filters, line(t, at=NOW + n)) for n, t in enumerate(texts)] == [[], [], [], ["duplicates"]]
    assert [kinds(filters, line("gg", at=NOW + n)) for n in range(20, 24)] == [[]] * 4, "too short to mind"
    others = [kinds(filters, line(f"line {n} of many", at=NOW + n)) for n in range(30, 40)]
    assert others == [[]] * 10
    assert kinds(filters, line("buy this", at=NOW + 41)) == [], "not among the last ten lines"
    assert kinds(filters, line("buy this", at=NOW + 42)) == []
    assert kinds(filters, line("buy this", at=NOW + 900)) == [], "too long ago"


def test_one_event_that_comes_twice_is_one_line() -> None:
    filters = Filters([SAME])
    assert [kinds(filters, line("hello all", id="same")) for _ in range(4)] == [[]] * 4


def test_commands_are_no_duplicates() -> None:
    filters = Filters([SAME, CROWD])
    events = [line("!enter the raffle", str(n % 2), NOW + n) for n in range(8)]
    assert [filters.check(event, is_command=True) for event in events] == [()] * 8


def test_the_same_line_by_many() -> None:
    filters = Filters([CROWD])
    said = [kinds(filters, line("follow this account", str(n), NOW + n)) for n in (1, 1, 2, 3, 4)]
    assert said == [[], [], [], ["crowd"], ["crowd"]]
    late = [kinds(filters, line("and another one", str(n), NOW + 50 * n)) for n in range(5)]
    assert late == [[]] * 5
    assert [kinds(filters, line("lol", str(n))) for n in range(5)] == [[]] * 5


def test_what_is_remembered_follows_a_change_and_stays_small() -> None:
    before = Filters([RATE, SAME, CROWD])
    for n in range(3):
        before.check(line(f"line {n} of chat", at=NOW + n))
    after = Filters([RATE, SAME])
    after.follow(before)
    assert kinds(after, line("one more", at=NOW + 3)) == ["rate"]
    habits = Habits()
    habits.limit(Limits(RATE, SAME, CROWD))
    for n in range(20_000):
        habits.take(("p", str(n)), NOW + n, n, 20, str(n))
        assert len(habits) < 2_500, "nothing older than twice the longest window"


def test_the_gravest_comes_first_and_halves_of_characters_harm_nothing() -> None:
    filters = Filters([*ALL, RATE])
    found = kinds(filters, line("BADWORD!!!!!! example.com"))
    assert found == ["blocklist", "links", "characters"]
    assert kinds(filters, line("badword \ud800", "2")) == ["blocklist"]
    assert kinds(filters, line("é" * 1_500, "3")) == ["characters", "length"]
    assert kinds(filters, line("", "4")) == []
    long = line("é " * 600 + "😂" * 3, "5", native="emotes=25:0-0")
    assert kinds(Filters([one for one in ALL if one.kind == "emotes"]), long) == ["emotes"]
