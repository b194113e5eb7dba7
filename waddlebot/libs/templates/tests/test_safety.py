"""What must not leave, and what must leave unharmed."""

import string
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from waddlebot.libs.templates import safe_reply
from waddlebot.libs.templates.safety import MARK

PREFIXES = frozenset({"!", "#"})

ORDINARY = [
    "Hello!",
    "... well",
    "...well",
    "-5 °C outside",
    ":) hi",
    ":D",
    "<3 you",
    ">w<",
    "\\o/ yes",
    ";P",
    "=D",
    "$5 for you",
    "+1",
    ".5 is half",
    "*hugs you*",
    "~yay~",
    "<Ann> hello",
    "**bold** claim",
    "?",
    "!",
    "!!!",
    "??? what",
    "~100 people",
    "@Ann hello",
    "@Ann, @Bob: 3 points",
    "/me waves",
    "/me",
    "/announce Raid!",
    "/announceblue Raid!",
    "https://example.com",
    "(no. 5)",
    '"quoted"',
    "👨‍👩‍👧 family",
    "می‌خواهم",
    "¡Hola!",
    "- a list",
    "> a quote",
    "100%",
    "",
]

COMMANDS = [
    "!so ann",
    "!8ball",
    "! so ann",
    "#weather",
    "# weather",
    "/ban ann",
    "/w ann hi",
    ".timeout ann",
    ".w ann",
    ".me hi",
    "?help",
    "$buy",
    "%roll",
    "&play",
    "+rep",
    "-play",
    "~ping",
    ";skip",
    ",help",
    "<ping",
    ">run",
    "=calc",
    "^top",
    "*play",
    "\\help",
    "|x1",
    "!!so",
    "??rank",
    ">>help",
    "//shrug",
    "！so ann",
    "﹗so ann",
    "／ban ann",
    "．timeout ann",
    "＃weather",
    "＼help",
    "@Ann !so bob",
    "@Ann, !so bob",
    "@Ann: @Bob, /ban cat",
    "/me !so ann",
    "/ME  !so ann",
    "/announce /ban ann",
    "/me @Ann !so",
    "/announcered x",
    "/mention x",
    "/meh",
    "!\u200bso",
    "!\u0301so",
    "!" + "\u200b" * 200 + "so",
    "/\ufe7cah",  # in NFKC form there is a space behind the slash
    "´!so",
    "@Ann´!so",
    "@Ann \u3164！" + "\u2060" * 90 + "so",
]

HIDERS = [
    "",
    " ",
    "\t",
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u3164",
    "\u2800",
    "\u034f",
    "\ufe0f",
    "\u202e",
    "\x00",
    "\r\n",
    "\U000e0021",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_reply(text, PREFIXES) == text


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("hider", HIDERS)
def test_commands_get_a_mark_where_they_begin(text: str, hider: str) -> None:
    safe = safe_reply(hider + text, PREFIXES)
    before, mark, after = safe.partition(MARK)
    assert mark, safe
    assert before.lower().strip().split(" ")[0].rstrip(",:") in {"", "/me", "/announce", "@ann"}
    assert after
    assert safe_reply(safe, PREFIXES) == safe


def test_prefixes_of_the_community_count() -> None:
    prefixes = frozenset({"w!", "¿", "Hey "})
    assert safe_reply("W!so", prefixes) == "» W!so"
    assert safe_reply("w\u200b!so", prefixes) == "» w\u200b!so"
    assert safe_reply("¿que", prefixes) == "» ¿que"
    assert safe_reply("hey ann", prefixes) == "» hey ann"
    assert safe_reply("what", prefixes) == "what"


def test_lines_and_controls_go() -> None:
    assert safe_reply("a\r\nPRIVMSG #x :!so\x00\u202eb\u2066c", PREFIXES) == "a PRIVMSG #x :!sobc"
    assert safe_reply("a\ud800b", PREFIXES) == "ab"


def test_marked_replies_may_command() -> None:
    assert safe_reply("!so ann", PREFIXES, may_command=True) == "!so ann"
    assert safe_reply(" /ban ann\n/ban bob", PREFIXES, may_command=True) == "/ban ann /ban bob"


@given(st.text(max_size=60))
def test_any_text_becomes_one_clean_line(text: str) -> None:
    safe = safe_reply(text, PREFIXES)
    assert not any(unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"} for char in safe)
    assert safe_reply(safe, PREFIXES) == safe
    assert len(safe) <= len(text) + len(MARK)


@given(st.text(alphabet=string.ascii_letters, min_size=2, max_size=10), st.sampled_from("!#/."))
def test_any_word_after_a_prefix_is_marked(word: str, prefix: str) -> None:
    assume(f"{prefix}{word}".lower() not in {"/me", "/announce"})
    assert safe_reply(prefix + word, PREFIXES).startswith(MARK)
