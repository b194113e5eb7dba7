"""What is too much in one line, looked at closely: only for lines that the quick look found worth it."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator

from waddlebot.libs.filters.folding import EMOJI, OVERRIDE, STACK_MARKS
from waddlebot.libs.filters.links import find_link
from waddlebot.libs.filters.phrases import Blocklist
from waddlebot.libs.sdk import Event, Filter

SYMBOLS = string.punctuation.encode()
"""The symbols of ASCII: categories P and S of Unicode."""
EMOTES = "emotes="
"""What the tag starts with."""


def emotes_of(native: str) -> str:
    """The value of Twitch's tag ``emotes`` among raw tags: ``25:0-4,12-16/1902:6-10``; empty without emotes.

    https://dev.twitch.tv/docs/chat/irc/#privmsg-tags
    """
    at = native.find(EMOTES)
    while at > 0 and native[at - 1] not in ";@":
        at = native.find(EMOTES, at + 1)
    if at < 0:
        return ""
    end = native.find(";", at)
    return native[at + len(EMOTES) : end if end >= 0 else len(native)].partition(" ")[0]


def emote_count(emotes: str) -> int:
    """How many emotes a value of the tag names."""
    return emotes.count(",") + emotes.count("/") + 1 if emotes else 0


def spoken(text: str, emotes: str) -> str:
    """A line with NUL in place of its emotes, whose names nobody chose to shout; spaces stay."""
    if not emotes:
        return text
    kept = list(text)
    for first, last in re.findall(r"(\d{1,4})-(\d{1,4})(?=[,/]|$)", emotes):
        for position in range(int(first), min(int(last) + 1, len(kept))):
            if kept[position] != " ":
                kept[position] = "\0"
    return "".join(kept)


class Content:
    """The filters of lines by themselves. Each look answers why it is too much, or ``None``."""

    def __init__(self, blocklist: Blocklist) -> None:
        self._blocklist = blocklist

    def look(self, given: Filter, event: Event, candidates: list[int]) -> str | None:
        """Why a line is too much for a filter; ``candidates`` are the phrases that may be in it."""
        text = event.text
        match given.kind:
            case "blocklist":
                return self._blocked(text, candidates)
            case "links":
                if given.permits.get(event.account, 0.0) > event.received_at:
                    return None
                host = find_link(text, given.allowed)
                return f"a link to {host}" if host else None
            case "length":
                return f"{len(text)} characters" if len(text) > given.limit else None
            case "zalgo":
                stacked = sum(len(marks) - 2 for marks in STACK_MARKS.findall(text))
                return f"{stacked} marks stacked on letters" if stacked >= given.limit else None
            case "emotes":
                emotes = emote_count(emotes_of(event.native)) + len(EMOJI.findall(text))
                return f"{emotes} emotes" if emotes >= given.limit else None
            case _:
                return _shouted(given, spoken(text, emotes_of(event.native)))

    def _blocked(self, text: str, candidates: list[int]) -> str | None:
        found = self._blocklist.find(text, candidates) if candidates else None
        if found is None and candidates and OVERRIDE in text:
            found = self._blocklist.find(text[::-1], candidates)
        return f"the phrase “{found.text}”" if found else None


def _shouted(given: Filter, text: str) -> str | None:
    if given.kind == "characters":
        longest = max(runs_of(text), default=0)
        return f"{longest} times the same character" if longest >= given.limit else None
    if given.kind == "words":
        words = [word for word in text.split(" ") if word.strip("\0")]
        times = max(Counter(word.casefold() for word in words).values(), default=0)
        enough = times >= given.limit and times * 100 >= given.share * len(words)
        return f"{times} times the same word" if enough else None
    kinds = [(character, unicodedata.category(character)) for character in text.replace("\0", "")]
    if given.kind == "caps":
        capitals = sum(kind == "Lu" for _, kind in kinds)
        letters = sum(kind[0] == "L" for _, kind in kinds)
        enough = capitals >= given.limit and capitals * 100 >= given.share * letters
        return f"{capitals} capitals" if enough else None
    symbols = sum(kind[0] in "PS" and not EMOJI.match(character) for character, kind in kinds)
    shown = sum(not character.isspace() for character, _ in kinds)
    enough = symbols >= given.limit and symbols * 100 >= given.share * shown
    return f"{symbols} symbols" if enough else None


def runs_of(text: str) -> Iterator[int]:
    """How often characters of a line stand in a row; spaces, marks and what nobody sees do not count."""
    for run in re.finditer(r"(\S)\1*", text):
        if unicodedata.category(run[1])[0] not in "MC":
            yield len(run[0])
